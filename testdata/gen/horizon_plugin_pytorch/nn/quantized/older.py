"""Functions as older plugins wrote them: operators with fewer arguments, or under other names (horizon.md, Appendix A)."""
from typing import List, Optional

import torch
from torch import Tensor

from . import functional


def older(fn):
    """The function under the path and name of today's."""
    fn.__module__ = functional.__name__
    fn.__qualname__ = fn.__name__
    return functional.scripted(fn)


@older
def quantize(input: Tensor, scale: Tensor, zero_point: Tensor, ch_axis: int, dtype: str, march: str) -> Tensor:
    low = -128 if dtype == "qint8" else -32768
    return torch.ops.horizon.bpu_scale_quantization(input, scale, zero_point, ch_axis, low, -low - 1, dtype, march)


@older
def segment_lut(
    input: Tensor, table: Tensor, scales: Tensor, beta: Tensor, left_shift: Tensor, right_shift: Tensor, max: Tensor,
    is_centrosymmetric: bool, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor,
    dtype: str, march: str,
) -> Tensor:
    return torch.ops.horizon.bpu_segment_lut(
        input.to(torch.int16), table, scales, beta, left_shift, right_shift, max, is_centrosymmetric, 8, dtype, march
    )


@older
def interpolate(
    input: Tensor, size: Optional[List[int]], scale_factor: Optional[List[float]], mode: str, align_corners: Optional[bool],
    recompute_scale_factor: Optional[bool], input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, march: str,
) -> Tensor:
    out, ratio = [-1, -1], [-1.0, -1.0]
    if size is not None:
        out = size
    if scale_factor is not None:
        ratio = scale_factor
    return torch.ops.horizon.quantized_resize(input, mode, False, out[0], out[1], ratio[0], ratio[1], march)


def install():
    """Lets the modules call these."""
    for fn in (quantize, segment_lut, interpolate):
        setattr(functional, fn.__name__, fn)
