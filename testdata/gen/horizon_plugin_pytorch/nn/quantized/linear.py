import torch
from torch import nn

from ...qtensor import QTensor
from . import functional as F


class Linear(nn.Module):
    activation = ""

    def __init__(self, linear, out_scale, dtype="qint8", march="bayes"):
        super().__init__()
        self.register_buffer("weight", linear.weight.detach())
        self.register_buffer("bias", linear.bias.detach())
        self.register_buffer("weight_scale", linear.weight.detach().abs().amax(dim=1) / 127.5)
        self.register_buffer("out_scale", torch.tensor([out_scale], dtype=torch.float32))
        self.dtype, self.march = dtype, march

    def forward(self, x):
        one = torch.ones_like(self.out_scale)
        data, scale = F.linear(
            x.data, self.weight, self.bias, None, self.activation, x.scale, x.zero_point, x.dtype, self.weight_scale,
            torch.zeros_like(self.weight_scale).to(torch.int64), "qint8", one, one.to(torch.int64), "qint32", None, None, None,
            self.out_scale, torch.zeros_like(self.out_scale).to(torch.int64), self.dtype, self.march,
        )
        return QTensor(data, scale, self.dtype)


class LinearReLU(Linear):
    activation = "relu"
