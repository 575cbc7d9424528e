import torch
from torch import nn

from ...qtensor import QTensor
from . import functional as F


class SegmentLUT(nn.Module):
    """int8 to int8 by one table; int16 input by a line, six tables of 64 entries and a line.

    Tables are made by traced operators from scales, on the CPU.
    """

    def __init__(self, function, scale, dtype="qint8", symmetric=False, bounds=None, march="bayes"):
        super().__init__()
        self.register_buffer("out_scale", torch.tensor([scale], dtype=torch.float32))
        self.register_buffer("out_zero_point", torch.zeros(1, dtype=torch.int64))
        self.function, self.dtype, self.symmetric, self.bounds, self.march = function, dtype, symmetric, bounds, march

    def quantised(self, y):
        return F.quantize_inline(y, self.out_scale, self.out_zero_point, -1, self.dtype, "half_to_even", self.march)

    def forward(self, x):
        args = (x.scale, x.zero_point, x.dtype)
        if x.dtype == "qint8" and self.dtype == "qint8":
            points = torch.arange(-128, 128, device=torch.device("cpu")) * x.scale
            table = self.quantised(self.function(points))
            data = F.lut(x.data, *args, table, self.out_scale, self.out_zero_point, self.dtype, self.march)
            return QTensor(data, self.out_scale, self.dtype)
        params = self.segments(x.scale)
        data = F.segment_lut(x.data, *params, self.symmetric, *args, self.out_scale, self.out_zero_point, self.dtype, self.march)
        return QTensor(data, self.out_scale, self.dtype)

    def line(self, x1, y1, x2, y2):
        k = (y1 - y2) / (x1 - x2)
        return k, y1 - x1 * k

    def segments(self, s_in):
        low, high = self.bounds
        step = (high - low) / 6
        points = torch.tensor([low + i * step for i in range(7)] + [high], dtype=torch.float32)
        maximum = torch.clamp(torch.round(points / s_in), -32768, 32767)
        maximum = torch.cat([maximum[:7], torch.full([1], 32767.0)])
        p = maximum * s_in
        xs = torch.stack([p[i] + torch.arange(64) * (p[i + 1] - p[i]) / 63 for i in range(6)])
        table = self.quantised(self.function(xs))
        ks, bs, outs = [], [], []
        f = lambda v: self.function(v.reshape(1)).reshape([])
        k, b = self.line(p[0], f(p[0]), p[0] + (p[1] - p[0]) / 63, f(p[0] + (p[1] - p[0]) / 63))
        ks.append(k), bs.append(b), outs.append(self.out_scale[0])
        for i in range(6):
            k = 63 / (p[i + 1] - p[i])
            ks.append(k), bs.append(-p[i] * k), outs.append(torch.tensor(1 / 256))
        k, b = self.line(p[6] - (p[6] - p[5]) / 63, f(p[6] - (p[6] - p[5]) / 63), p[6], f(p[6]))
        ks.append(k), bs.append(b), outs.append(self.out_scale[0])
        k, b, so = torch.stack(ks), torch.stack(bs), torch.stack(outs)
        alpha, right = torch.ops.horizon.toqint(k / so * s_in, 16, 16, False, True)
        r = -right
        most = torch.clamp(30 - torch.ceil(torch.log2(torch.abs(b / so) + 1)), 0).to(torch.int32)
        extra = torch.clamp(r - most, 0)
        alpha = (alpha.to(torch.int32) >> extra).to(torch.int16)
        r = torch.minimum(r, most)
        beta, left = torch.ops.horizon.toqint(b / so * torch.pow(2.0, r), 16, 31, True, False)
        return table, alpha, beta, left.to(torch.int8), r.to(torch.int8), maximum.to(torch.int16)
