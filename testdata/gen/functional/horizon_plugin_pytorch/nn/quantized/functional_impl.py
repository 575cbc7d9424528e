"""What the quantised functions compute: `horizon.md` 3 and 4. Scripted by torch, which prints the text ptool ships.

Scales are float32 with one element, or one per channel (axis 1 of activations). Zero points are 0 and only passed on.
Every march has its branch, because one stored text serves files of all marches. A choice that the specification
leaves open is named where it is made.
"""

import math
from typing import List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor


def quant_range(dtype: str) -> Tuple[int, int]:
    """Smallest and largest integer of a quantised type (`horizon.md` 1.1)."""
    limits = (-128, 127)
    if dtype == "qint16":
        limits = (-32768, 32767)
    elif dtype == "qint32":
        limits = (-2147483648, 2147483647)
    elif dtype == "qint64":
        limits = (-9223372036854775807, 9223372036854775806)
    elif dtype == "qint4":
        limits = (-8, 7)
    elif dtype == "quint4":
        limits = (0, 15)
    else:
        assert dtype == "qint8", "unsupported dtype: " + dtype
    return limits


def storage_dtype(dtype: str) -> torch.dtype:
    """The tensor type that stores a quantised type."""
    stored = torch.int8
    if dtype == "qint16":
        stored = torch.int16
    elif dtype == "qint32":
        stored = torch.int32
    elif dtype == "qint64":
        stored = torch.int64
    return stored


def is_bayes_family(march: str) -> bool:
    """Whether the march adds and shifts as bayes does."""
    return march != "bernoulli2" and march != "bernoulli"


def per_channel(value: Tensor, like: Tensor) -> Tensor:
    """A per-channel value in a shape that broadcasts along axis 1 of `like`."""
    shape: List[int] = []
    if value.numel() != 1:
        shape = [-1] + [1] * (like.dim() - 2)
    return value.reshape(shape)


def _quantize(
    input: Tensor, scale: Tensor, zero_point: Tensor, ch_axis: int, dtype: str, round_mode: str, march: str
) -> Tensor:
    quant_min, quant_max = quant_range(dtype)
    vector_dim = -1 if scale.numel() == 1 else ch_axis
    return torch.ops.horizon.bpu_scale_quantization(
        input, scale, zero_point, vector_dim, quant_min, quant_max, dtype, round_mode, march
    )


def _dequantize(input: Tensor, scale: Tensor, zero_point: Tensor, ch_axis: int, march: str) -> Tensor:
    return torch.ops.horizon.bpu_scale_dequantization(input, scale, -1 if scale.numel() == 1 else ch_axis)


def rescale(input: Tensor, input_scale: Tensor, input_dtype: str, scale: Tensor, dtype: str, march: str) -> Tensor:
    """From one scale to another without the shortcuts: floor before the product, rounding after it."""
    if march == "meta":
        return torch.ops.horizon.meta_requantization(input, input_scale, scale, input_dtype, dtype, march)
    return torch.ops.horizon.bpu_scale_requantization(input, input_scale, scale, input_dtype, dtype, False, march)


def _requantize(
    input: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    if bool(torch.all(torch.eq(scale, input_scale))):
        if input_dtype == dtype:
            return input
        input_min, input_max = quant_range(input_dtype)
        quant_min, quant_max = quant_range(dtype)
        clipped = torch.clamp(input, max(input_min, quant_min), min(input_max, quant_max))
        return clipped.to(storage_dtype(dtype))
    return rescale(input, input_scale, input_dtype, scale, dtype, march)


def _conv2d_convert_int_params(
    input_scale: Tensor,
    weight: Tensor,
    weight_scale: Tensor,
    weight_dtype: str,
    bias: Tensor,
    bias_scale: Tensor,
    bias_dtype: str,
    out_scale: Tensor,
    out_dtype: str,
    input2_scale: Optional[Tensor],
    is_conv_transpose2d: bool,
    groups: int,
    march: str,
) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    edata_scale = torch.zeros_like(out_scale) if input2_scale is None else input2_scale
    return torch.ops.horizon.convert_conv_params(
        input_scale,
        weight,
        weight_scale,
        weight_dtype,
        bias,
        bias_scale,
        bias_dtype,
        out_scale,
        out_dtype,
        edata_scale,
        is_conv_transpose2d,
        groups,
        march,
    )


def _conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    sumin: Optional[Tensor],
    stride: List[int],
    padding: List[int],
    dilation: List[int],
    groups: int,
    padding_mode: str,
    activation: str,
    input_scale: Tensor,
    input_dtype: str,
    weight_scale: Tensor,
    weight_dtype: str,
    bias_scale: Tensor,
    bias_dtype: str,
    sumin_scale: Optional[Tensor],
    scale: Tensor,
    dtype: str,
    march: str,
) -> Tuple[Tensor, Tensor]:
    assert padding_mode == "zeros", "a quantised convolution pads with zeros"
    p0, p1, p2, p3, p4, p5, p6, p7, p8 = _conv2d_convert_int_params(
        input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, scale, dtype, sumin_scale,
        False, 1, march,
    )
    has_sumin = sumin is not None
    added = torch.zeros([1], dtype=input.dtype, device=input.device) if sumin is None else sumin
    filters = weight.size(0)
    kernel = [weight.size(2), weight.size(3)]
    raw = dtype == "qint32"
    if march == "bernoulli":
        # weight, its shift, bias, its shift, input shift, output shift, shift of the added input, scale
        out = torch.ops.horizon.bpu_scale_quanti_convolution_with_shift(
            input, p0, p2, added, p4.item(), p5.item(), p3, p1, p6.item(), True, filters, kernel, stride, padding,
            dilation, activation, groups, has_sumin, raw, dtype, march,
        )
        return out, p7
    # weight, bias, its left shift, scale and left shift of the added input, output scale, accumulator shift, output shift, scale
    if march == "meta":
        out = torch.ops.horizon.meta_quant_convolution(
            input, p0, p1, added, p5, p6, p2, p7, p3, p4, True, filters, kernel, stride, padding, dilation,
            activation, groups, has_sumin, raw, dtype, march,
        )
    else:
        out = torch.ops.horizon.bpu_scale_quanti_convolution(
            input, p0, p1, added, p5, p6, p2, p7, p3, p4, True, filters, kernel, stride, padding, dilation,
            activation, groups, has_sumin, raw, dtype, march,
        )
    return out, p8


def _conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    sumin: Optional[Tensor],
    stride: List[int],
    padding: List[int],
    dilation: List[int],
    groups: int,
    padding_mode: str,
    activation: str,
    input_scale: Tensor,
    input_dtype: str,
    weight_scale: Tensor,
    weight_dtype: str,
    bias_scale: Tensor,
    bias_dtype: str,
    sumin_scale: Optional[Tensor],
    scale: Tensor,
    dtype: str,
    march: str,
) -> Tuple[Tensor, Tensor]:
    assert padding_mode == "zeros", "a quantised convolution pads with zeros"
    p0, p1, p2, p3, p4, p5, p6, p7, p8 = _conv2d_convert_int_params(
        input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, scale, dtype, sumin_scale,
        False, 1, march,
    )
    added = torch.zeros([1], dtype=input.dtype, device=input.device) if sumin is None else sumin
    out = torch.ops.horizon.bpu_scale_quanti_convolution3d(
        input, p0, p1, added, p5, p6, p2, p7, p3, p4, True, weight.size(0),
        [weight.size(2), weight.size(3), weight.size(4)], stride, padding, dilation, activation, groups,
        sumin is not None, dtype == "qint32", dtype, march,
    )
    return out, p8


def _conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    sumin: Optional[Tensor],
    stride: List[int],
    padding: List[int],
    output_padding: List[int],
    dilation: List[int],
    groups: int,
    padding_mode: str,
    activation: str,
    input_scale: Tensor,
    input_dtype: str,
    weight_scale: Tensor,
    weight_dtype: str,
    bias_scale: Tensor,
    bias_dtype: str,
    sumin_scale: Optional[Tensor],
    scale: Tensor,
    dtype: str,
    march: str,
) -> Tuple[Tensor, Tensor]:
    assert padding_mode == "zeros", "a quantised convolution pads with zeros"
    p0, p1, p2, p3, p4, p5, p6, p7, p8 = _conv2d_convert_int_params(
        input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, scale, dtype, sumin_scale,
        True, groups, march,
    )
    has_sumin = sumin is not None
    added = torch.zeros([1], dtype=input.dtype, device=input.device) if sumin is None else sumin
    filters = weight.size(1) * groups
    kernel = [weight.size(2), weight.size(3)]
    raw = dtype == "qint32"
    if march == "bernoulli":
        out = torch.ops.horizon.bpu_scale_quanti_deconvolution_with_shift(
            input, p0, p2, added, p4.item(), p5.item(), p3, p1, p6.item(), True, filters, kernel, stride, padding,
            output_padding, dilation, activation, groups, has_sumin, raw, dtype, march,
        )
        return out, p7
    out = torch.ops.horizon.bpu_scale_quanti_deconvolution(
        input, p0, p1, added, p5, p6, p2, p7, p3, p4, True, filters, kernel, stride, padding, output_padding,
        dilation, activation, groups, has_sumin, raw, dtype, march,
    )
    return out, p8


def _linear(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    sumin: Optional[Tensor],
    activation: str,
    input_scale: Tensor,
    input_dtype: str,
    weight_scale: Tensor,
    weight_dtype: str,
    bias_scale: Tensor,
    bias_dtype: str,
    sumin_scale: Optional[Tensor],
    scale: Tensor,
    dtype: str,
    march: str,
) -> Tuple[Tensor, Tensor]:
    filters, features = weight.size(0), weight.size(1)
    shape = input.size()[:-1] + [filters]
    added = sumin
    if sumin is not None:
        added = sumin.reshape([-1, filters, 1, 1])
    out, out_scale = _conv2d(
        input.reshape([-1, features, 1, 1]), weight.reshape([filters, features, 1, 1]), bias, added, [1, 1], [0, 0],
        [1, 1], 1, "zeros", activation, input_scale, input_dtype, weight_scale, weight_dtype, bias_scale, bias_dtype,
        sumin_scale, scale, dtype, march,
    )
    return out.reshape(shape), out_scale


def _max_pool2d(
    input: Tensor, kernel_size: List[int], stride: List[int], padding: List[int], dilation: List[int], ceil_mode: bool
) -> Tensor:
    pooled = torch.max_pool2d(input.to(torch.float32), kernel_size, stride, padding, dilation, ceil_mode)
    return pooled.to(input.dtype)


def _avg_pool2d(
    input: Tensor,
    kernel_size: List[int],
    stride: List[int],
    padding: List[int],
    ceil_mode: bool,
    input_scale: Tensor,
    scale: Tensor,
    dtype: str,
    march: str,
) -> Tuple[Tensor, Tensor]:
    # The result of a 3-D input has three axes again, as torch's has (open in the specification).
    batched = input.unsqueeze(0) if input.dim() == 3 else input
    if march == "bernoulli":
        out = torch.ops.horizon.bpu_scale_quanti_pooling(
            batched, "avg", kernel_size, padding, stride, ceil_mode, "qint8", march
        )
        out_scale = input_scale
    else:
        total = torch.ops.horizon.bpu_scale_quanti_pooling(
            batched, "sum", kernel_size, padding, stride, ceil_mode, "qint32", march
        )
        total_scale = input_scale / kernel_size[0] / kernel_size[1]
        if dtype == "qint32":
            out, out_scale = total, total_scale
        elif march == "meta":
            out = torch.ops.horizon.meta_requantization(total, total_scale, scale, "qint32", dtype, march)
            out_scale = scale
        else:
            out = torch.ops.horizon.bpu_scale_requantization(
                total, total_scale, scale, "qint32", dtype, march == "bayes" or march == "bayes-e", march
            )
            out_scale = scale
    if input.dim() == 3:
        out = out.squeeze(0)
    return out, out_scale


def _interpolate(
    input: Tensor,
    size: Optional[List[int]],
    scale_factor: Optional[List[float]],
    mode: str,
    align_corners: Optional[bool],
    march: str,
) -> Tensor:
    out_height, out_width = -1, -1
    ratio_height, ratio_width = -1.0, -1.0
    if size is not None:
        out_height, out_width = size[0], size[1]
    elif scale_factor is not None:
        ratio_height, ratio_width = scale_factor[0], scale_factor[1]
    corners = False if align_corners is None else align_corners
    return torch.ops.horizon.bpu_quanti_resize(
        input, mode, corners, out_height, out_width, ratio_height, ratio_width, march
    )


def quantized_fill(value: float, scale: Tensor, zero_point: Tensor, dtype: str, march: str) -> int:
    """A fill value at a scale; rounds half up whatever the global mode is."""
    filled = torch.full([1], value, dtype=torch.float32, device=scale.device)
    return int(_quantize(filled, scale, zero_point, -1, dtype, "bpu_round", march).item())


def _pad(
    input: Tensor, pad: List[int], mode: str, value: float, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    fill = value
    if mode == "constant":
        fill = float(quantized_fill(value, scale, zero_point, dtype, march))
    return torch._C._nn.pad(input.to(torch.float32), pad, mode, fill).to(input.dtype)


def _masked_fill(
    input: Tensor, mask: Tensor, value: float, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return torch.masked_fill(input, mask, quantized_fill(value, scale, zero_point, dtype, march))


def _cat(
    input_list: List[Tensor],
    dim: int,
    input_scale_list: List[Tensor],
    input_zero_point_list: List[Tensor],
    input_dtype_list: List[str],
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    rescaled: List[Tensor] = []
    for i in range(len(input_list)):
        rescaled.append(
            _requantize(
                input_list[i], input_scale_list[i], input_zero_point_list[i], input_dtype_list[i], scale, zero_point,
                dtype, march,
            )
        )
    return torch.cat(rescaled, dim)


def shifted_add(
    x: Tensor, y: Tensor, x_scale: Tensor, y_scale: Tensor, x_dtype: str, y_dtype: str, subtract: bool
) -> Tuple[Tensor, Tensor]:
    """bayes: the operand of larger scale is shifted left, the other multiplied; the 32-bit sum and its scale."""
    swap = float(torch.min(y_scale / x_scale)) > float(torch.min(x_scale / y_scale))
    if swap:
        first, second, first_scale, second_scale, first_dtype = y, x, y_scale, x_scale, y_dtype
    else:
        first, second, first_scale, second_scale, first_dtype = x, y, x_scale, y_scale, x_dtype
    # frexp's exponent less one is the exact floor of the binary logarithm
    exponent = torch.frexp(first_scale * 32767.0 / second_scale)[1]
    shift = min(23 if first_dtype == "qint8" else 15, int(torch.min(exponent).item()) - 1)
    step = math.pow(2.0, float(shift))
    signed = torch.neg(second_scale) if subtract else second_scale
    factor = torch.clamp(torch.floor(signed * step / first_scale + 0.5), -32767, 32767).to(torch.int32)
    if shift >= 0:
        large = first.to(torch.int32) * (1 << shift)
    else:
        large = torch.bitwise_right_shift(first.to(torch.int32), -shift)
    total_scale = first_scale / step
    if subtract and swap:
        total_scale = torch.neg(total_scale)
    return large + second.to(torch.int32) * per_channel(factor, second), total_scale


def scaled_add(x: Tensor, y: Tensor, x_scale: Tensor, y_scale: Tensor) -> Tuple[Tensor, Tensor]:
    """bernoulli2: the operand of smaller scale takes an 8-bit factor, the other a shift and a 15-bit factor."""
    if float(torch.max(x_scale)) <= float(torch.max(y_scale)):
        small, large, small_scale, large_scale = x, y, x_scale, y_scale
    else:
        small, large, small_scale, large_scale = y, x, y_scale, x_scale
    total_scale = torch.maximum(small_scale / 127.0, large_scale / 33554432.0)
    small_factor = torch.clamp(torch.ops.horizon.round(small_scale / total_scale), -128, 127).to(torch.int32)
    mantissa, exponent = torch.ops.horizon.frexp(torch.ops.horizon.round(large_scale / total_scale))
    kept = torch.clamp(exponent, max=15)
    large_factor = torch.clamp(mantissa * torch.pow(2.0, kept), max=32767.0).to(torch.int32)
    large_factor = large_factor * torch.pow(2, torch.clamp(exponent - 15, min=0)).to(torch.int32)
    total = small.to(torch.int32) * per_channel(small_factor, small)
    return total + large.to(torch.int32) * per_channel(large_factor, large), total_scale


def plain_add(x: Tensor, y: Tensor, x_scale: Tensor, y_scale: Tensor) -> Tuple[Tensor, Tensor]:
    """bernoulli: both operands on the larger scale divided by 2^14."""
    total_scale = torch.maximum(x_scale, y_scale) / 16384.0
    x_factor = torch.ops.horizon.round(x_scale / total_scale).to(torch.int32)
    y_factor = torch.ops.horizon.round(y_scale / total_scale).to(torch.int32)
    x_part = x.to(torch.int32) * per_channel(x_factor, x)
    return x_part + y.to(torch.int32) * per_channel(y_factor, y), total_scale


def _add(
    x: Tensor,
    y: Tensor,
    x_scale: Tensor,
    y_scale: Tensor,
    x_zero_point: Tensor,
    x_dtype: str,
    y_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    if is_bayes_family(march):
        total, total_scale = shifted_add(x, y, x_scale, y_scale, x_dtype, y_dtype, False)
    elif march == "bernoulli2":
        total, total_scale = scaled_add(x, y, x_scale, y_scale)
    else:
        total, total_scale = plain_add(x, y, x_scale, y_scale)
    return _requantize(total, total_scale, x_zero_point, "qint32", scale, zero_point, dtype, march)


def _sub(
    x: Tensor,
    y: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    x_dtype: str,
    y_scale: Tensor,
    y_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    if is_bayes_family(march):
        total, total_scale = shifted_add(x, y, x_scale, y_scale, x_dtype, y_dtype, True)
        return _requantize(total, total_scale, x_zero_point, "qint32", scale, zero_point, dtype, march)
    y_min, y_max = quant_range(y_dtype)
    negated = torch.clamp(torch.neg(y.to(torch.int32)), y_min, y_max).to(y.dtype)
    return _add(x, negated, x_scale, y_scale, x_zero_point, x_dtype, y_dtype, scale, zero_point, dtype, march)


def _mul(
    input: Tensor,
    other: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    other_scale: Tensor,
    other_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    if input_dtype == "qbool" or other_dtype == "qbool":
        return torch.mul(input, other)
    if march == "bernoulli":
        return torch.ops.horizon.bpu_quanti_mul(
            input, other, shift_of(input_scale), shift_of(other_scale), shift_of(scale), march
        )
    product = torch.mul(input.to(torch.int32), other.to(torch.int32))
    return _requantize(
        product, torch.mul(input_scale, other_scale), input_zero_point, "qint32", scale, zero_point, dtype, march
    )


def shift_of(scale: Tensor) -> Tensor:
    """The shift n of a scale 2^-n, as int8."""
    return torch.neg(torch.log2(scale)).to(torch.int8)


def _matmul(
    input: Tensor,
    other: Tensor,
    input_trans: bool,
    other_trans: bool,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    other_scale: Tensor,
    other_zero_point: Tensor,
    other_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    left = input.transpose(-1, -2) if input_trans else input
    right = other.transpose(-1, -2) if other_trans else other
    if march == "meta":
        # exact below 2^53
        wide = torch.matmul(left.to(torch.float64), right.to(torch.float64)).to(torch.int64)
        return torch.ops.horizon.meta_requantization(
            wide, torch.mul(input_scale, other_scale), scale, "qint64", dtype, march
        )
    product_scale = torch.mul(input_scale, other_scale)
    if input_dtype == "qint16" and other_dtype == "qint16":
        # Two 16-bit operands would overflow the accumulator: both give up as much as the reduced length asks for.
        k = max(32767.0 / 32639.0, math.sqrt(left.size(-1) / 2))
        left = _requantize(
            left, input_scale, input_zero_point, input_dtype, input_scale * k, input_zero_point, "qint16", march
        )
        right = _requantize(
            right, other_scale, other_zero_point, other_dtype, other_scale * k, other_zero_point, "qint16", march
        )
        product_scale = product_scale * (k * k)
    total = torch.matmul(left.to(torch.float64), right.to(torch.float64)).to(torch.int32)
    return _requantize(total, product_scale, input_zero_point, "qint32", scale, zero_point, dtype, march)


def _sum(
    x: Tensor,
    dim: int,
    keepdim: bool,
    x_scale: Tensor,
    x_zero_point: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    if march == "meta":
        total = torch.sum(x, [dim], keepdim, dtype=torch.int64)
        return _requantize(total, x_scale, x_zero_point, "qint64", scale, zero_point, dtype, march)
    total = torch.sum(x, [dim], keepdim, dtype=torch.int32)
    return _requantize(total, x_scale, x_zero_point, "qint32", scale, zero_point, dtype, march)


def shifted_mean(x: Tensor, dim: int, x_scale: Tensor, x_dtype: str, scale: Tensor, dtype: str, march: str) -> Tensor:
    """bernoulli: a 1x1 convolution whose weight is 1/C in 7 fraction bits (`horizon.md` 3.4)."""
    moved = x.transpose(dim, 1)
    channels = moved.size(1)
    mantissa, exponent = math.frexp(1.0 / channels)
    step = math.pow(2.0, exponent - 7)
    value = max(-128.0, min(127.0, math.floor(mantissa * 128.0 + 0.5))) * step
    weight = torch.full([1, channels, 1, 1], value, dtype=torch.float32, device=x.device)
    weight_scale = torch.full([1], step, dtype=torch.float32, device=x.device)
    bias = torch.zeros([1], dtype=torch.float32, device=x.device)
    out, _ = _conv2d(
        moved, weight, bias, None, [1, 1], [0, 0], [1, 1], 1, "zeros", "", x_scale, x_dtype, weight_scale, "qint8",
        weight_scale, "qint8", None, scale, dtype, march,
    )
    return out.transpose(dim, 1)


def _mean(
    x: Tensor,
    dim: int,
    x_scale: Tensor,
    x_zero_point: Tensor,
    x_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    if march == "bernoulli":
        return shifted_mean(x, dim, x_scale, x_dtype, scale, dtype, march)
    total = torch.sum(x, [dim], True, dtype=torch.int32)
    return _requantize(total, x_scale, x_zero_point, "qint32", scale * x.size(dim), zero_point, dtype, march)


def _max(input: Tensor, dim: int, keepdim: bool, group: int, march: str) -> Tuple[Tensor, Tensor]:
    if group == 1:
        value, index = torch.max(input, dim, keepdim)
    else:
        index, value = torch.ops.horizon.bpu_post_process_channel_argmax(input, group, march)
    return value, index


def _abs(input: Tensor, overflow_mode: str) -> Tensor:
    if overflow_mode == "saturate":
        largest = 127
        if input.dtype == torch.int16:
            largest = 32767
        elif input.dtype == torch.int32:
            largest = 2147483647
        return torch.abs(torch.clamp(input, min=-largest))
    assert overflow_mode == "trunc", "overflow_mode is saturate or trunc, not " + overflow_mode
    return torch.abs(input)


def _ceil(
    input: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    whole = torch.ops.horizon.bpu_ceil(input, input_scale, input_dtype, "qint32", march)
    return _requantize(
        whole, torch.ones_like(input_scale), input_zero_point, "qint32", scale, zero_point, dtype, march
    )


def _floor(
    input: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    one = torch.ones_like(input_scale)
    whole = torch.ops.horizon.bpu_scale_requantization(
        input, input_scale, one, input_dtype, "qint32", True, False, march
    )
    return _requantize(whole, one, input_zero_point, "qint32", scale, zero_point, dtype, march)


def _topk(input: Tensor, k: int, axis: int, largest: bool, sorted: bool) -> Tuple[Tensor, Tensor]:
    assert sorted, "a quantised topk is sorted"
    values, indices = torch.sort(input, stable=True, dim=axis, descending=largest)
    return values.narrow(axis, 0, k), indices.narrow(axis, 0, k)


def _lut(data: Tensor, table: Tensor) -> Tensor:
    index = data.to(torch.int32).reshape([-1]) + 128
    return torch.index_select(table.reshape([-1]), 0, index).reshape(data.size())


def _segment_lut(
    input: Tensor,
    table: Tensor,
    scales: Tensor,
    beta: Tensor,
    left_shift: Tensor,
    right_shift: Tensor,
    max: Tensor,
    is_centrosymmetric: bool,
    dtype: str,
    march: str,
) -> Tensor:
    return torch.ops.horizon.bpu_segment_lut(
        input.to(torch.int16), table, scales, beta, left_shift, right_shift, max, is_centrosymmetric, 8, dtype, 64,
        march,
    )


def _prelu(
    input: Tensor,
    weight: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    weight_scale: Tensor,
    weight_zero_point: Tensor,
    weight_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str,
) -> Tensor:
    factor = weight
    if weight.is_floating_point():
        factor = _quantize(weight, weight_scale, weight_zero_point, 0, weight_dtype, "bpu_round", march)
    positive = _requantize(
        torch.clamp(input, min=0), input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march
    )
    product = torch.clamp(input, max=0).to(torch.int32) * per_channel(factor.to(torch.int32), input)
    negative = _requantize(
        product, torch.mul(input_scale, weight_scale), input_zero_point, "qint32", scale, zero_point, dtype, march
    )
    return positive + negative


def _channel_shuffle(input: Tensor, groups: int) -> Tensor:
    shape = input.size()
    split = shape[:1] + [groups, shape[1] // groups] + shape[2:]
    return input.reshape(split).transpose(1, 2).reshape(shape)


def coordinate_shift(sizes: List[int]) -> int:
    """Fraction bits of coordinates up to the largest of these sizes (`horizon.md` 3.11)."""
    # frexp's exponent of L is the exact ceiling of log2(L + 1)
    return max(0, min(8, 15 - math.frexp(float(max(sizes)))[1]))


def base_grid(height: int, width: int, device: torch.device) -> Tensor:
    """(row, column) of every pixel, int16 [height, width, 2]."""
    rows = torch.arange(height, dtype=torch.int16, device=device).reshape([height, 1]).expand([height, width])
    columns = torch.arange(width, dtype=torch.int16, device=device).reshape([1, width]).expand([height, width])
    return torch.stack([rows, columns], -1)


def _grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    grid_scale: Tensor,
    grid_zero_point: Tensor,
    grid_dtype: str,
    march: str,
) -> Tensor:
    height, width = grid.size(1), grid.size(2)
    shift = coordinate_shift([input.size(2), input.size(3), height, width])
    coordinate_scale = torch.full([1], math.pow(2.0, -shift), dtype=torch.float32, device=grid.device)
    offset = _requantize(
        torch.flip(grid, [-1]), grid_scale, grid_zero_point, grid_dtype, coordinate_scale, grid_zero_point, "qint16",
        march,
    )
    absolute = offset + base_grid(height, width, grid.device) * (1 << shift)
    return torch.ops.horizon.bpu_quanti_grid_sample(
        input, absolute.permute([0, 3, 1, 2]).unsqueeze(1), mode, padding_mode, align_corners, shift, march
    )


def _softmax_bernoulli2(x: Tensor, table: Tensor, max_value_only: bool, dim: int) -> Tensor:
    distance = x.to(torch.int32) - torch.amax(x, [dim], True).to(torch.int32)
    index = distance.reshape([-1]) + 255
    powers = torch.index_select(table.reshape([-1]), 0, index).reshape(x.size()).to(torch.float32)
    share = powers / torch.sum(powers, [dim], True)
    if max_value_only:
        share = torch.amax(share, [dim], True)
    return share


def _correlation(
    data1: Tensor,
    data2: Tensor,
    kernel_size: int,
    max_displacement: int,
    stride1: int,
    stride2: int,
    pad_size: int,
    is_multiply: bool,
    scale1: Tensor,
    scale2: Tensor,
    inter_scale: Tensor,
    out_scale: Tensor,
    out_dtype: str,
    march: str,
) -> Tensor:
    return torch.ops.horizon.bpu_scale_quanti_correlation(
        data1, data2, scale1, scale2, inter_scale, out_scale, kernel_size, max_displacement, stride1, stride2,
        pad_size, is_multiply, out_dtype, march,
    )


def kernel_grid(
    sizes: List[int], out: List[int], kernel: List[int], stride: List[int], padding: List[int], dilation: List[int],
    device: torch.device,
) -> Tensor:
    """(y, x) that every kernel tap of every output reads, int16 [1, outH*kh, outW*kw, 2] (`horizon.md` 3.6)."""
    axes: List[Tensor] = []
    for i in range(2):
        first = torch.arange(out[i], dtype=torch.int16, device=device) * stride[i] - padding[i]
        taps = torch.arange(kernel[i], dtype=torch.int16, device=device) * dilation[i]
        axes.append((first.unsqueeze(1) + taps.unsqueeze(0)).reshape([-1]))
    height, width = axes[0].size(0), axes[1].size(0)
    rows = axes[0].reshape([height, 1]).expand([height, width])
    columns = axes[1].reshape([1, width]).expand([height, width])
    return torch.stack([rows, columns], 0)


def _deform_conv2d(
    input: Tensor,
    offset: Tensor,
    sumin: Optional[Tensor],
    weight: Tensor,
    bias: Tensor,
    stride: List[int],
    padding: List[int],
    dilation: List[int],
    activation: str,
    input_scale: Tensor,
    input_dtype: str,
    offset_scale: Tensor,
    offset_zero_point: Tensor,
    offset_dtype: str,
    sumin_scale: Optional[Tensor],
    weight_scale: Tensor,
    weight_dtype: str,
    scale: Tensor,
    dtype: str,
    march: str,
) -> Tuple[Tensor, Tensor]:
    kernel = [weight.size(2), weight.size(3)]
    n, channels, in_height, in_width = input.size()
    out_height, out_width = offset.size(2), offset.size(3)
    height, width = out_height * kernel[0], out_width * kernel[1]
    groups = offset.size(1) // (2 * kernel[0] * kernel[1])
    shift = coordinate_shift([in_height, in_width, height, width])
    coordinate_scale = torch.full([1], math.pow(2.0, -shift), dtype=torch.float32, device=input.device)
    # torchvision's order of offsets: group, tap, (y, x)
    moved = offset.reshape([n, groups, kernel[0], kernel[1], 2, out_height, out_width])
    moved = moved.permute([0, 1, 4, 5, 2, 6, 3]).reshape([n, groups, 2, height, width])
    base = kernel_grid([in_height, in_width], [out_height, out_width], kernel, stride, padding, dilation, input.device)
    one = torch.ones_like(coordinate_scale)
    grid = _add(
        base.reshape([1, 1, 2, height, width]), moved, one, offset_scale, offset_zero_point, "qint16", offset_dtype,
        coordinate_scale, offset_zero_point, "qint16", march,
    )
    per_group = channels // groups
    features = input.reshape([n * groups, per_group, in_height, in_width])
    sampled = torch.ops.horizon.bpu_quanti_grid_sample(
        features, grid.reshape([n * groups, 1, 2, height, width]), "bilinear", "zeros", True, shift, march
    )
    return _conv2d(
        sampled.reshape([n, channels, height, width]), weight, bias, sumin, kernel, [0, 0], [1, 1],
        channels // weight.size(1), "zeros", activation, input_scale, input_dtype, weight_scale, weight_dtype,
        torch.ones_like(weight_scale), "qint32", sumin_scale, scale, dtype, march,
    )


def filter(
    inputs: List[Tensor],
    scales: List[Tensor],
    zero_points: List[Tensor],
    dtypes: List[str],
    threshold: float,
    idx_range: Tuple[int, int],
    march: str,
) -> List[List[Tensor]]:
    working = threshold
    if dtypes[0] != "float32":
        step = float(scales[0].item())
        lowest, highest = quant_range(dtypes[0])
        limit = math.floor(threshold / step)
        if is_bayes_family(march):
            limit = math.ceil(threshold / step)
        working = float(max(lowest, min(highest, limit))) * step
    data: List[Tensor] = []
    for i in range(len(inputs)):
        if dtypes[i] == "float32":
            data.append(inputs[i])
        else:
            data.append(_dequantize(inputs[i], scales[i], zero_points[i], 1, march))
    first, last = idx_range
    score, index = torch.max(data[0][:, first:last], 1)
    index = index + first
    keep = score >= working if is_bayes_family(march) else score > working
    results: List[List[Tensor]] = []
    for b in range(score.size(0)):
        coordinates = torch.nonzero(keep[b])
        row, column = coordinates[:, 0], coordinates[:, 1]
        kept = [score[b][row, column], index[b][row, column].to(torch.int16), coordinates.to(torch.int16)]
        for i in range(len(data)):
            kept.append(data[i][b].permute([1, 2, 0])[row, column])
        results.append(kept)
    return results


def _rle(input: Tensor, dtype: torch.dtype) -> List[Tensor]:
    most = 255 if dtype == torch.int8 else 65535
    results: List[Tensor] = []
    for b in range(input.size(0)):
        flat = input[b].reshape([-1]).to(torch.int64)
        starts = torch.cat([torch.ones([1], dtype=torch.bool, device=input.device), flat[1:] != flat[:-1]])
        first = torch.nonzero(starts).reshape([-1])
        values = flat[first]
        counts = torch.cat([first[1:], torch.full_like(first[:1], flat.size(0))]) - first
        pieces = torch.div(counts + (most - 1), most, rounding_mode="floor")
        repeated = torch.repeat_interleave(values, pieces)
        ends = torch.cumsum(pieces, 0)
        lengths = torch.full_like(repeated, most)
        lengths.index_put_([ends - 1], counts - (pieces - 1) * most)
        pairs = torch.stack([repeated, lengths], 1).reshape([-1])
        results.append(torch.cat([torch.full([1], repeated.size(0), dtype=torch.int64, device=input.device), pairs]))
    return results


def point_pillars_scatter(voxel_features: Tensor, coords: Tensor, output_shape: List[int]) -> Tensor:
    batch, height, width = output_shape[0], output_shape[-2], output_shape[-1]
    present = coords[:, -1] >= 0
    features, kept = voxel_features[present], coords[present].to(torch.int64)
    index = kept[:, 0] * (height * width) + kept[:, -2] * width + kept[:, -1]
    canvas = torch.zeros(
        [batch * height * width, voxel_features.size(1)], dtype=voxel_features.dtype, device=voxel_features.device
    )
    canvas.index_put_([index], features)
    return canvas.reshape([batch, height, width, -1]).permute([0, 3, 1, 2]).contiguous()


def _rcnn_post_process(
    boxes: List[Tensor],
    scores: Tensor,
    deltas: Tensor,
    image_sizes: Optional[Tensor],
    fixed_image_h: int,
    fixed_image_w: int,
    nms_threshold: float,
    box_filter_threshold: float,
    num_classes: int,
    post_nms_top_k: int,
    delta_mean: List[float],
    delta_std: List[float],
    march: str,
) -> Tuple[Tensor, Tensor]:
    stacked = torch.stack(boxes)
    sizes = image_sizes
    if sizes is None:
        sizes = torch.zeros([stacked.size(0), 2], dtype=torch.int32, device=stacked.device)
    return torch.ops.horizon.rcnn_post_process(
        stacked, scores, deltas, sizes, fixed_image_h, fixed_image_w, nms_threshold, box_filter_threshold,
        num_classes, post_nms_top_k, delta_mean, delta_std, image_sizes is None, False, march,
    )


def corner_unit(boxes: List[Tensor]) -> float:
    """Pixels in one unit of a corner: integers are quarters."""
    return 1.0 if boxes[0].is_floating_point() else 0.25


def _bbox_clip(boxes: List[Tensor], clip_ratio: Tuple[float, float, float, float]) -> List[Tensor]:
    left, top, right, bottom = clip_ratio
    assert left + right < 1.0 and top + bottom < 1.0, "the clip ratios of one direction add up to 1 or more"
    clipped: List[Tensor] = []
    for box in boxes:
        exact = box.to(torch.float32)
        side = exact[:, 2:] - exact[:, :2]
        low = exact[:, :2] + side * torch.tensor([left, top], device=box.device)
        high = exact[:, 2:] - side * torch.tensor([right, bottom], device=box.device)
        inner = torch.cat([low, high], -1)
        if not box.is_floating_point():
            inner = torch.ops.horizon.round(inner)
        clipped.append(inner.to(box.dtype))
    return clipped


def outside_or_empty(box: Tensor, height: float, width: float, spatial_scale: float) -> Tensor:
    """Which boxes have no size or lie beside the map, whose size is in their own units."""
    beside = (box[:, 2] < 0) | (box[:, 3] < 0) | (box[:, 0] * spatial_scale > width)
    beside = beside | (box[:, 1] * spatial_scale > height)
    return beside | (box[:, 2] - box[:, 0] <= 0) | (box[:, 3] - box[:, 1] <= 0)


def _roi_align_list(
    input: Tensor,
    boxes: List[Tensor],
    output_size: List[int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    interpolate_mode: str,
    march: str,
) -> Tensor:
    assert len(boxes) == input.size(0), "roi align needs one list of boxes for each image"
    unit = corner_unit(boxes)
    height, width = input.size(2) / unit, input.size(3) / unit
    longest = 0
    for box in boxes:
        longest = max(longest, box.size(0))
    padded: List[Tensor] = []
    present: List[Tensor] = []
    empty: List[Tensor] = []
    for box in boxes:
        padded.append(torch.constant_pad_nd(box, [0, 0, 0, longest - box.size(0)], 0))
        present.append(torch.arange(longest, device=box.device) < box.size(0))
        empty.append(outside_or_empty(box, height, width, spatial_scale))
    regions = torch.ops.horizon.bpu_quanti_roi_resize(
        input, torch.stack(padded), spatial_scale, output_size[0] * sampling_ratio, output_size[1] * sampling_ratio,
        aligned, interpolate_mode, march,
    )
    found = regions[torch.cat(present)]
    return torch.masked_fill(found, torch.cat(empty).reshape([-1, 1, 1, 1]), 0)


def _roi_align_tensor(
    input: Tensor,
    boxes: Tensor,
    output_size: List[int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    interpolate_mode: str,
    march: str,
) -> Tensor:
    assert boxes.size(1) == 5, "boxes are [K, 5]: image, x1, y1, x2, y2"
    # the number of an image is in the units of corners too
    step = 1 if boxes.is_floating_point() else 4
    lists: List[Tensor] = []
    places: List[Tensor] = []
    for image in range(input.size(0)):
        at = torch.nonzero(boxes[:, 0] == image * step).reshape([-1])
        places.append(at)
        lists.append(boxes[at, 1:])
    found = _roi_align_list(
        input, lists, output_size, spatial_scale, sampling_ratio, aligned, interpolate_mode, march
    )
    return found[torch.argsort(torch.cat(places))]


def level_of(boxes: List[Tensor], spatial_scale: List[float], canonical_box_size: int, canonical_level: int) -> Tensor:
    """The map of the pyramid, from 0, that each box is taken from."""
    unit = corner_unit(boxes)
    sizes: List[Tensor] = []
    for box in boxes:
        pixels = box.to(torch.float32) * unit
        sizes.append((pixels[:, 2] - pixels[:, 0] + 1) * (pixels[:, 3] - pixels[:, 1] + 1))
    size = torch.sqrt(torch.cat(sizes))
    level = torch.floor(canonical_level + torch.log2(size / canonical_box_size) + 1e-8)
    first = round(-math.log(spatial_scale[0]) / math.log(2.0))
    last = round(-math.log(spatial_scale[-1]) / math.log(2.0))
    return (torch.clamp(level, first, last) - first).to(torch.int64)


def _multi_scale_roi_align(
    features: List[Tensor],
    boxes: List[Tensor],
    output_size: List[int],
    spatial_scale: List[float],
    sampling_ratio: int,
    aligned: bool,
    interpolate_mode: str,
    canonical_box_size: int,
    canonical_level: int,
    box_clip_ratio: Optional[Tuple[float, float, float, float]],
    march: str,
) -> Tensor:
    lists = boxes
    if len(boxes) == 1 and boxes[0].dim() == 3:
        # rcnn_post_process gives [N, K, 6]
        lists = list(torch.unbind(boxes[0][:, :, :4], 0))
    if box_clip_ratio is not None:
        lists = _bbox_clip(lists, box_clip_ratio)
    if len(features) == 1:
        return _roi_align_list(
            features[0], lists, output_size, spatial_scale[0], sampling_ratio, aligned, interpolate_mode, march
        )
    level = level_of(lists, spatial_scale, canonical_box_size, canonical_level)
    first = features[0]
    found = torch.zeros(
        [level.size(0), first.size(1), output_size[0], output_size[1]], dtype=first.dtype, device=first.device
    )
    for index in range(len(features)):
        taken: List[Tensor] = []
        start = 0
        for box in lists:
            taken.append(box[level[start : start + box.size(0)] == index])
            start += box.size(0)
        part = _roi_align_list(
            features[index], taken, output_size, spatial_scale[index], sampling_ratio, aligned, interpolate_mode, march
        )
        found.index_put_([torch.nonzero(level == index).reshape([-1])], part)
    return found
