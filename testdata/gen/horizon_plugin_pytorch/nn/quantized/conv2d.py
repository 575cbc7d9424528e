import torch
from torch import nn

from ...qtensor import QTensor
from . import functional as F


class Conv2d(nn.Module):
    """Weights are float; `convert_conv_params` makes them integers each time the function runs."""

    activation = ""

    def __init__(self, conv, out_scale, dtype="qint8", march="bayes", spread=True):
        super().__init__()
        weight = conv.weight.detach()
        self.transposed = isinstance(conv, nn.ConvTranspose2d)
        largest = weight.abs().amax(dim=[1, 2, 3]) if spread and not self.transposed else weight.abs().max().reshape(1)
        self.register_buffer("weight", weight)
        channels = conv.out_channels
        bias = conv.bias.detach() if conv.bias is not None else torch.zeros(channels)
        self.register_buffer("bias", bias)
        self.register_buffer("bias_scale", torch.ones(1))
        self.register_buffer("bias_zero_point", torch.zeros(1, dtype=torch.int64))
        self.register_buffer("weight_scale", largest / 127.5)
        self.register_buffer("out_scale", torch.tensor([out_scale], dtype=torch.float32))
        self.conv, self.dtype, self.march = (conv.stride, conv.padding, conv.dilation, conv.groups), dtype, march
        self.output_padding = getattr(conv, "output_padding", (0, 0))

    def forward(self, x, y=None):
        stride, padding, dilation, groups = self.conv
        zero = torch.zeros_like(self.weight_scale).to(torch.int64)
        extra = (None, None, None) if y is None else (y.scale, y.zero_point, y.dtype)
        tail = (
            groups, "zeros", self.activation, x.scale, x.zero_point, x.dtype, self.weight_scale, zero, "qint8", self.bias_scale,
            self.bias_zero_point, "qint32", *extra, self.out_scale, torch.zeros_like(self.out_scale).to(torch.int64), self.dtype, self.march,
        )
        head = (x.data, self.weight, self.bias, None if y is None else y.data, list(stride), list(padding))
        if self.transposed:
            data, scale = F.conv_transpose2d(*head, list(self.output_padding), list(dilation), *tail)
        else:
            data, scale = F.conv2d(*head, list(dilation), *tail)
        return QTensor(data, scale, self.dtype)


class ConvReLU2d(Conv2d):
    activation = "relu"


class ConvAdd2d(Conv2d):
    pass


class ConvAddReLU2d(Conv2d):
    activation = "relu"
