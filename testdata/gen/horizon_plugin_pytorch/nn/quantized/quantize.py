import torch
from torch import nn

from ...qtensor import QTensor
from . import functional as F


class Quantize(nn.Module):
    def __init__(self, scale, dtype="qint8", march="bayes", with_round_mode=True):
        super().__init__()
        self.register_buffer("scale", torch.tensor([scale], dtype=torch.float32))
        self.register_buffer("zero_point", torch.zeros(1, dtype=torch.int64))
        self.dtype, self.march, self.with_round_mode = dtype, march, with_round_mode

    def forward(self, x):
        if self.with_round_mode:
            data = F.quantize_inline(x, self.scale, self.zero_point, -1, self.dtype, "half_to_even", self.march)
        else:
            data = F.quantize(x, self.scale, self.zero_point, -1, self.dtype, self.march)
        return QTensor(data, self.scale, self.dtype)


class DeQuantize(nn.Module):
    def __init__(self, march="bayes"):
        super().__init__()
        self.march = march

    def forward(self, x):
        return F.dequantize(x.data, x.scale, x.zero_point, -1 if x.scale.numel() == 1 else 1, self.march)
