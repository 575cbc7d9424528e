"""Bodies: own text, the argument order and results of the plugin's functions."""
import math
from typing import List, Optional, Tuple

import torch
from torch import Tensor


def _quantize(input: Tensor, scale: Tensor, zero_point: Tensor, ch_axis: int, dtype: str, round_mode: str, march: str) -> Tensor:
    low = -128 if dtype == "qint8" else -32768
    return torch.ops.horizon.bpu_scale_quantization(input, scale, zero_point, ch_axis, low, -low - 1, dtype, round_mode, march)


def _requantize(
    input: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    if bool(torch.all(scale == input_scale)) and input_dtype == dtype:
        return input
    if march == "meta":
        return torch.ops.horizon.meta_requantization(input, input_scale, scale, input_dtype, dtype, march)
    return torch.ops.horizon.bpu_scale_requantization(input, input_scale, scale, input_dtype, dtype, False, march)


def _conv2d(
    input: Tensor, weight: Tensor, bias: Tensor, sumin: Optional[Tensor], stride: List[int], padding: List[int], dilation: List[int],
    groups: int, activation: str, input_scale: Tensor, weight_scale: Tensor, weight_dtype: str, bias_scale: Tensor, bias_dtype: str,
    sumin_scale: Optional[Tensor], scale: Tensor, dtype: str, march: str,
) -> Tuple[Tensor, Tensor]:
    extra_scale = torch.zeros_like(scale)
    if sumin_scale is not None:
        extra_scale = sumin_scale
    w, b, bl, e, el, o, pre, post, out_scale = torch.ops.horizon.convert_conv_params(
        input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, scale, dtype, extra_scale, False, 1, march
    )
    extra = torch.zeros(1, dtype=input.dtype)
    if sumin is not None:
        extra = sumin
    kernel = [weight.size(2), weight.size(3)]
    if march == "meta":
        y = torch.ops.horizon.meta_quant_convolution(
            input, w, b, extra, o, pre, bl, post, e, el, True, weight.size(0), kernel, stride, padding, dilation, activation, groups,
            sumin is not None, dtype == "qint32", dtype, march,
        )
    else:
        y = torch.ops.horizon.bpu_scale_quanti_convolution(
            input, w, b, extra, o, pre, bl, post, e, el, True, weight.size(0), kernel, stride, padding, dilation, activation, groups,
            sumin is not None, dtype == "qint32", dtype, march,
        )
    if dtype != "qint32":
        out_scale = scale
    return y, out_scale


def _add(x: Tensor, y: Tensor, x_scale: Tensor, y_scale: Tensor, x_dtype: str, y_dtype: str, scale: Tensor, dtype: str, march: str) -> Tensor:
    if march == "bernoulli2":
        if float(y_scale) < float(x_scale):
            x, y, x_scale, y_scale = y, x, y_scale, x_scale
        step = torch.maximum(x_scale / 127, y_scale / 33554432.0)
        first = torch.clamp(torch.ops.horizon.round(x_scale / step), -128, 127).to(torch.int64)
        m, e = torch.ops.horizon.frexp(torch.ops.horizon.round(y_scale / step))
        exponent = int(e)
        second = int(min(float(m) * (2.0 ** min(exponent, 15)), 32767.0))
        total = x.to(torch.int64) * first + (y.to(torch.int64) << max(exponent - 15, 0)) * second
        return torch.ops.horizon.bpu_scale_requantization(total.to(torch.int32), step, scale, "qint32", dtype, False, march)
    if float(y_scale) > float(x_scale):
        x, y, x_scale, y_scale, x_dtype = y, x, y_scale, x_scale, y_dtype
    cap = 23 if x_dtype == "qint8" else 15
    shift = min(cap, int(torch.floor(torch.log2((32767 * x_scale / y_scale).to(torch.float64)))))
    factor = torch.clamp(torch.floor(y_scale * (2.0**shift) / x_scale + 0.5), -32767, 32767).to(torch.int64)
    total = (x.to(torch.int64) << shift) + y.to(torch.int64) * factor
    return torch.ops.horizon.bpu_scale_requantization(total.to(torch.int32), x_scale / (2.0**shift), scale, "qint32", dtype, False, march)


def _sub(x: Tensor, y: Tensor, x_scale: Tensor, x_dtype: str, y_scale: Tensor, y_dtype: str, scale: Tensor, dtype: str, march: str) -> Tensor:
    negate = float(y_scale) > float(x_scale)
    if negate:
        x, y, x_scale, y_scale, x_dtype = y, x, y_scale, x_scale, y_dtype
    cap = 23 if x_dtype == "qint8" else 15
    shift = min(cap, int(torch.floor(torch.log2((32767 * x_scale / y_scale).to(torch.float64)))))
    factor = torch.clamp(torch.floor(-y_scale * (2.0**shift) / x_scale + 0.5), -32767, 32767).to(torch.int64)
    total = (x.to(torch.int64) << shift) + y.to(torch.int64) * factor
    step = x_scale / (2.0**shift)
    if negate:
        step = -step
    return torch.ops.horizon.bpu_scale_requantization(total.to(torch.int32), step, scale, "qint32", dtype, False, march)


def _avg_pool2d(
    input: Tensor, kernel: List[int], stride: List[int], padding: List[int], ceil_mode: bool, input_scale: Tensor, scale: Tensor, dtype: str,
    march: str,
) -> Tuple[Tensor, Tensor]:
    total = torch.ops.horizon.bpu_scale_quanti_pooling(input, "sum", kernel, padding, stride, ceil_mode, "qint32", march)
    step = input_scale / kernel[0] / kernel[1]
    if dtype == "qint32":
        return total, step
    if march == "meta":
        return torch.ops.horizon.meta_requantization(total, step, scale, "qint32", dtype, march), scale
    rounding = march == "bayes" or march == "bayes-e"
    return torch.ops.horizon.bpu_scale_requantization(total, step, scale, "qint32", dtype, rounding, march), scale


def point_pillars_scatter(voxel_features: Tensor, coords: Tensor, output_shape: List[int]) -> Tensor:
    batch, height, width = output_shape[0], output_shape[2], output_shape[3]
    keep = torch.nonzero(coords[:, -1] >= 0).reshape(-1)
    place = coords[keep].to(torch.int64)
    canvas = torch.zeros([batch, height, width, voxel_features.size(1)], dtype=voxel_features.dtype)
    canvas.index_put_([place[:, 0], place[:, -2], place[:, -1]], voxel_features[keep])
    return canvas.permute(0, 3, 1, 2).contiguous()


def filter(
    inputs: List[Tensor], scales: List[Tensor], zero_points: List[Tensor], dtypes: List[str], threshold: float, idx_range: Tuple[int, int],
    march: str,
) -> List[List[Tensor]]:
    low = -128.0 if dtypes[0] == "qint8" else -32768.0
    steps = threshold / float(scales[0])
    limit = float(math.floor(steps))
    if march != "bernoulli2":
        limit = float(math.ceil(steps))
    limit = min(max(limit, low), -low - 1)
    results: List[List[Tensor]] = []
    for n in range(inputs[0].size(0)):
        value, index = torch.max(inputs[0][n, idx_range[0] : idx_range[1]], 0)
        keep = value > limit
        if march != "bernoulli2":
            keep = value >= limit
        places = torch.nonzero(keep)
        rows = [value[keep] * scales[0], (index[keep] + idx_range[0]).to(torch.int16), places.to(torch.int16)]
        for i in range(len(inputs)):
            rows.append(inputs[i][n].permute(1, 2, 0)[keep] * scales[i])
        results.append(rows)
    return results
