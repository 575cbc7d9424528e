import torch
from torch import nn

from ...qtensor import QTensor
from . import functional as F


class MaxPool2d(nn.Module):
    def __init__(self, kernel, stride=None, padding=0, ceil_mode=False, march="bayes"):
        super().__init__()
        self.window, self.march = ([kernel] * 2, [stride or kernel] * 2, [padding] * 2, ceil_mode), march

    def forward(self, x):
        kernel, stride, padding, ceil_mode = self.window
        data = F.max_pool2d(x.data, kernel, stride, padding, [1, 1], False, ceil_mode, self.march)
        return QTensor(data, x.scale, x.dtype)


class AvgPool2d(nn.Module):
    def __init__(self, kernel, scale, dtype="qint8", stride=None, padding=0, march="bayes"):
        super().__init__()
        self.register_buffer("scale", torch.tensor([scale], dtype=torch.float32))
        self.window, self.dtype, self.march = ([kernel] * 2, [stride or kernel] * 2, [padding] * 2), dtype, march

    def forward(self, x):
        data, scale = F.avg_pool2d(
            x.data, *self.window, False, True, None, x.scale, x.zero_point, x.dtype, self.scale,
            torch.zeros_like(self.scale).to(torch.int64), self.dtype, self.march,
        )
        return QTensor(data, scale, self.dtype)


class Interpolate(nn.Module):
    def __init__(self, size=None, factor=None, mode="bilinear", march="bayes", align_corners=False):
        super().__init__()
        self.size, self.factor = size and list(size), factor and [float(factor)] * 2
        self.mode, self.march, self.align = mode, march, align_corners

    def forward(self, x):
        data = F.interpolate(x.data, self.size, self.factor, self.mode, self.align, True, x.scale, x.zero_point, x.dtype, self.march)
        return QTensor(data, x.scale, x.dtype)
