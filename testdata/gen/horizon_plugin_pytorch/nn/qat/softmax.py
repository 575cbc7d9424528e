import torch
from torch import nn

from ...qtensor import QTensor
from ..quantized.functional_modules import QFunctional
from ..quantized.segment_lut import SegmentLUT


class Reciprocal(nn.Module):
    def __init__(self, lut):
        super().__init__()
        self.reciprocal = lut

    def forward(self, x):
        return self.reciprocal(x)


class SegmentLUTSoftmax(nn.Module):
    """Along dimension 1; newer plugins nest `reciprocal` twice."""

    def __init__(self, nested, size):
        super().__init__()
        step = 1 / 32767
        self.sub = QFunctional(4 * step, "qint16")
        self.exp = SegmentLUT(torch.exp, step, "qint16", bounds=(-4.0, 0.0))
        self.sum = QFunctional(size * step, "qint16")
        lut = SegmentLUT(torch.reciprocal, step, "qint16", symmetric=True, bounds=(0.5, float(size)))
        self.reciprocal = Reciprocal(lut) if nested else lut
        self.mul = QFunctional(1 / 128, "qint8")

    def forward(self, x):
        value, _ = torch.max(x.data, 1, True)
        d = self.sub.sub(x, QTensor(value, x.scale, x.dtype))
        e = self.exp(d)
        return self.mul.mul(e, self.reciprocal(self.sum.sum(e, 1)))
