import torch
from torch import nn

from ...qtensor import QTensor
from . import functional as F


class QFunctional(nn.Module):
    """Its methods are plain Python: calls stand in the caller's scope."""

    def __init__(self, scale, dtype="qint8", march="bayes"):
        super().__init__()
        self.register_buffer("scale", torch.tensor([scale], dtype=torch.float32))
        self.dtype, self.march = dtype, march

    def out(self):
        return self.scale, torch.zeros_like(self.scale, dtype=torch.int64), self.dtype, self.march

    def made(self, data):
        return QTensor(data, self.scale, self.dtype)

    def add(self, x, y):
        return self.made(F.add(x.data, y.data, x.scale, y.scale, x.zero_point, y.zero_point, x.dtype, y.dtype, *self.out()))

    def sub(self, x, y):
        return self.made(F.sub(x.data, y.data, x.scale, x.zero_point, x.dtype, y.scale, y.zero_point, y.dtype, *self.out()))

    def mul(self, x, y):
        return self.made(F.mul(x.data, y.data, x.scale, x.zero_point, x.dtype, y.scale, y.zero_point, y.dtype, *self.out()))

    def matmul(self, x, y):
        args = (x.scale, x.zero_point, x.dtype, y.scale, y.zero_point, y.dtype)
        return self.made(F.matmul(x.data, y.data, False, False, *args, *self.out()))

    def cat(self, xs, dim):
        lists = [x.data for x in xs], dim, [x.scale for x in xs], [x.zero_point for x in xs], [x.dtype for x in xs]
        return self.made(F.cat(*lists, *self.out()))

    def sum(self, x, dim):
        return self.made(F.sum(x.data, dim, True, x.scale, x.zero_point, x.dtype, *self.out()))

    def mean(self, x, dim):
        return self.made(F.mean(x.data, dim, x.scale, x.zero_point, x.dtype, *self.out()))

    def requantize(self, x):
        return self.made(F.requantize(x.data, x.scale, x.zero_point, x.dtype, *self.out()))

    def floor(self, x):
        return self.made(F.floor(x.data, x.scale, x.zero_point, x.dtype, *self.out()))

    def ceil(self, x):
        return self.made(F.ceil(x.data, x.scale, x.zero_point, x.dtype, *self.out()))

    def prelu(self, x, weight, weight_scale, weight_dtype):
        args = weight, x.scale, x.zero_point, x.dtype, weight_scale, torch.zeros_like(weight_scale).to(torch.int64), weight_dtype
        return self.made(F.prelu(x.data, *args, *self.out()))

    def correlation(self, x, y, window, inter_scale):
        args = x.scale, x.zero_point, x.dtype, y.scale, y.zero_point, y.dtype, inter_scale
        return self.made(F.correlation(x.data, y.data, *window, True, *args, *self.out()))
