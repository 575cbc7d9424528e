"""The functions that a front end knows by name; scripted when they are first called while tracing."""
import functools
from typing import List, Optional, Tuple

import torch
from torch import Tensor

from .functional_impl import _add, _avg_pool2d, _conv2d, _quantize, _requantize, _sub, filter, point_pillars_scatter

# Results of calls outside of a trace, in order: (name, results).
CALLS: List = []
COMPILED = {}


def scripted(fn):
    """A function that a trace sees as one call, and that notes its results when nothing is traced."""
    name = fn.__name__

    @functools.wraps(fn)
    def call(*args):
        if torch._C._is_tracing():
            if name not in COMPILED:
                COMPILED[name] = torch.jit.script(fn)
            return COMPILED[name](*args)
        depth = len(CALLS)
        result = fn(*args)
        del CALLS[depth:]
        CALLS.append((name, result if isinstance(result, tuple) else (result,)))
        return result

    call.__original_fn = fn
    call.__script_if_tracing_wrapper = True
    return call


@scripted
def quantize(input: Tensor, scale: Tensor, zero_point: Tensor, ch_axis: int, dtype: str, march: str) -> Tensor:
    return _quantize(input, scale, zero_point, ch_axis, dtype, "bpu_round", march)


@scripted
def dequantize(input: Tensor, scale: Tensor, zero_point: Tensor, ch_axis: int, march: str) -> Tensor:
    return torch.ops.horizon.bpu_scale_dequantization(input, scale, ch_axis)


@scripted
def requantize(
    input: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return _requantize(input, input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march)


@scripted
def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor, sumin: Optional[Tensor], stride: List[int], padding: List[int], dilation: List[int],
    groups: int, padding_mode: str, activation: str, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str,
    weight_scale: Tensor, weight_zero_point: Tensor, weight_dtype: str, bias_scale: Tensor, bias_zero_point: Tensor, bias_dtype: str,
    sumin_scale: Optional[Tensor], sumin_zero_point: Optional[Tensor], sumin_dtype: Optional[str], scale: Tensor, zero_point: Tensor,
    dtype: str, march: str,
) -> Tuple[Tensor, Tensor]:
    return _conv2d(
        input, weight, bias, sumin, stride, padding, dilation, groups, activation, input_scale, weight_scale, weight_dtype, bias_scale,
        bias_dtype, sumin_scale, scale, dtype, march,
    )


@scripted
def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor, sumin: Optional[Tensor], stride: List[int], padding: List[int],
    output_padding: List[int], dilation: List[int], groups: int, padding_mode: str, activation: str, input_scale: Tensor,
    input_zero_point: Tensor, input_dtype: str, weight_scale: Tensor, weight_zero_point: Tensor, weight_dtype: str, bias_scale: Tensor,
    bias_zero_point: Tensor, bias_dtype: str, sumin_scale: Optional[Tensor], sumin_zero_point: Optional[Tensor],
    sumin_dtype: Optional[str], scale: Tensor, zero_point: Tensor, dtype: str, march: str,
) -> Tuple[Tensor, Tensor]:
    w, b, bl, e, el, o, pre, post, out_scale = torch.ops.horizon.convert_conv_params(
        input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, scale, dtype, torch.zeros_like(scale), True,
        groups, march,
    )
    y = torch.ops.horizon.bpu_scale_quanti_deconvolution(
        input, w, b, torch.zeros(1, dtype=input.dtype), o, pre, bl, post, e, el, True, weight.size(1) * groups,
        [weight.size(2), weight.size(3)], stride, padding, output_padding, dilation, activation, groups, False, dtype == "qint32", dtype,
        march,
    )
    if dtype != "qint32":
        out_scale = scale
    return y, out_scale


@scripted
def linear(
    input: Tensor, weight: Tensor, bias: Tensor, sumin: Optional[Tensor], activation: str, input_scale: Tensor, input_zero_point: Tensor,
    input_dtype: str, weight_scale: Tensor, weight_zero_point: Tensor, weight_dtype: str, bias_scale: Tensor, bias_zero_point: Tensor,
    bias_dtype: str, sumin_scale: Optional[Tensor], sumin_zero_point: Optional[Tensor], sumin_dtype: Optional[str], scale: Tensor,
    zero_point: Tensor, dtype: str, march: str,
) -> Tuple[Tensor, Tensor]:
    rows = input.reshape(-1, input.size(-1), 1, 1)
    y, out_scale = _conv2d(
        rows, weight.reshape(weight.size(0), weight.size(1), 1, 1), bias, None, [1, 1], [0, 0], [1, 1], 1, activation, input_scale,
        weight_scale, weight_dtype, bias_scale, bias_dtype, None, scale, dtype, march,
    )
    return y.reshape(list(input.size())[:-1] + [weight.size(0)]), out_scale


@scripted
def max_pool2d(
    input: Tensor, kernel_size: List[int], stride: List[int], padding: List[int], dilation: List[int], return_indices: bool,
    ceil_mode: bool, march: str,
) -> Tensor:
    y = torch.nn.functional.max_pool2d(input.to(torch.float32), kernel_size, stride, padding, dilation, ceil_mode)
    return y.to(input.dtype)


@scripted
def avg_pool2d(
    input: Tensor, kernel_size: List[int], stride: List[int], padding: List[int], ceil_mode: bool, count_include_pad: bool,
    divisor_override: None, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str,
    march: str,
) -> Tuple[Tensor, Tensor]:
    return _avg_pool2d(input, kernel_size, stride, padding, ceil_mode, input_scale, scale, dtype, march)


@scripted
def interpolate(
    input: Tensor, size: Optional[List[int]], scale_factor: Optional[List[float]], mode: str, align_corners: Optional[bool],
    recompute_scale_factor: Optional[bool], input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, march: str,
) -> Tensor:
    out, ratio = [-1, -1], [-1.0, -1.0]
    if size is not None:
        out = size
    if scale_factor is not None:
        ratio = scale_factor
    return torch.ops.horizon.bpu_quanti_resize(input, mode, False, out[0], out[1], ratio[0], ratio[1], march)


@scripted
def detection_post_process_v1(
    data: List[Tensor], anchor: List[Tensor], exp_table: Tensor, image_sizes: Tensor, num_classes: int, input_shifts: List[int],
    exp_shift: int, box_filter_threshold: int, class_offsets: List[int], seed: int, use_clippings: bool, nms_threshold: int, nms_margin: int,
    post_nms_top_k: int, use_stable_sort: Optional[bool], march: str,
) -> List[Tuple[Tensor, Tensor, Tensor]]:
    rows: List[Tensor] = []
    counts: List[int] = []
    starts: List[int] = []
    start = 0
    down: List[int] = []
    across: List[int] = []
    height: List[int] = []
    width: List[int] = []
    for a in anchor:
        x1, y1, x2, y2 = a[0, :, 0, 0].reshape(-1, 4).unbind(-1)
        starts.append(start)
        counts.append(a.size(1) // 4)
        start += a.size(1) // 4
        rows.append(torch.stack([y2 - y1, x2 - x1, (y1 + y2) / 2, (x1 + x2) / 2], -1))
        down.append(int(a[0, 1, 1, 0] - a[0, 1, 0, 0]))
        across.append(int(a[0, 0, 0, 1] - a[0, 0, 0, 0]))
        height.append(a.size(2))
        width.append(a.size(3))
    table = torch.floor(torch.cat(rows) * 4 + 0.5).to(torch.int32)
    empty: List[int] = []
    sizes = image_sizes.expand(data[0].size(0), 2).to(torch.float32)
    found = torch.ops.horizon.bpu_quanti_proposal(
        data, table, exp_table, sizes, counts, [num_classes] * len(data), input_shifts, exp_shift, height, width, box_filter_threshold, empty,
        empty, class_offsets, seed, starts, down, across, use_clippings, False, image_sizes[0][0].item(), image_sizes[0][1].item(), "hw",
        nms_threshold, post_nms_top_k, nms_margin, -1, march,
    )
    results: List[Tuple[Tensor, Tensor, Tensor]] = []
    for image in found:
        kept = image[image[:, -1] >= 0]
        results.append((kept[:, :4].to(torch.int16), kept[:, 4].to(torch.int8), kept[:, 5]))
    return results


@scripted
def multi_scale_roi_align(
    features: List[Tensor], boxes: List[Tensor], output_size: List[int], spatial_scale: List[float], sampling_ratio: int, aligned: bool,
    interpolate_mode: str, canonical_box_size: int, canonical_level: int, box_clip_ratio: Optional[Tuple[float, float, float, float]],
    march: str,
) -> Tensor:
    box = boxes[0]
    if box_clip_ratio is not None:
        w, h = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
        x1, y1, x2, y2 = box_clip_ratio
        box = torch.stack([box[:, 0] + w * x1, box[:, 1] + h * y1, box[:, 2] - w * x2, box[:, 3] - h * y2], -1)
    parts: List[Tensor] = []
    for i in range(len(features)):
        parts.append(
            torch.ops.horizon.bpu_quanti_roi_resize(
                features[i], box.unsqueeze(0), spatial_scale[i], output_size[0] * sampling_ratio, output_size[1] * sampling_ratio, aligned,
                interpolate_mode, march,
            )
        )
    if len(parts) == 1:
        return parts[0]
    size = torch.sqrt((box[:, 2] - box[:, 0] + 1) * (box[:, 3] - box[:, 1] + 1))
    level = torch.floor(canonical_level + torch.log2(size / canonical_box_size) + 1e-8)
    levels = -torch.log2(torch.tensor(spatial_scale))
    index = torch.clamp(level, levels[0], levels[-1]) - levels[0]
    result = torch.zeros_like(parts[0])
    for i in range(len(parts)):
        result = torch.where((index == i).reshape(-1, 1, 1, 1), parts[i], result)
    return result


@scripted
def pad(input: Tensor, pad: List[int], mode: str, value: float, scale: Tensor, zero_point: Tensor, dtype: str, march: str) -> Tensor:
    q = value
    if mode == "constant":
        q = float(_quantize(torch.full([1], value), scale, zero_point, -1, dtype, "bpu_round", march))
    return torch.nn.functional.pad(input.to(torch.float32), pad, mode, q).to(input.dtype)


@scripted
def cat(
    input_list: List[Tensor], dim: int, input_scale_list: List[Tensor], input_zero_point_list: List[Tensor], input_dtype_list: List[str],
    scale: Tensor, zero_point: Tensor, dtype: str, march: str,
) -> Tensor:
    parts: List[Tensor] = []
    for i, part in enumerate(input_list):
        parts.append(_requantize(part, input_scale_list[i], input_zero_point_list[i], input_dtype_list[i], scale, zero_point, dtype, march))
    return torch.cat(parts, dim)


@scripted
def add(
    x: Tensor, y: Tensor, x_scale: Tensor, y_scale: Tensor, x_zero_point: Tensor, y_zero_point: Tensor, x_dtype: str, y_dtype: str,
    scale: Tensor, zero_point: Tensor, dtype: str, march: str,
) -> Tensor:
    return _add(x, y, x_scale, y_scale, x_dtype, y_dtype, scale, dtype, march)


@scripted
def sub(
    x: Tensor, y: Tensor, x_scale: Tensor, x_zero_point: Tensor, x_dtype: str, y_scale: Tensor, y_zero_point: Tensor, y_dtype: str,
    scale: Tensor, zero_point: Tensor, dtype: str, march: str,
) -> Tensor:
    return _sub(x, y, x_scale, x_dtype, y_scale, y_dtype, scale, dtype, march)


@scripted
def mul(
    input: Tensor, other: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, other_scale: Tensor,
    other_zero_point: Tensor, other_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str,
) -> Tensor:
    product = input.to(torch.int32) * other.to(torch.int32)
    return _requantize(product, input_scale * other_scale, zero_point, "qint32", scale, zero_point, dtype, march)


@scripted
def matmul(
    input: Tensor, other: Tensor, input_trans: bool, other_trans: bool, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str,
    other_scale: Tensor, other_zero_point: Tensor, other_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str,
) -> Tensor:
    x, y = input.to(torch.float64), other.to(torch.float64)
    if input_trans:
        x = x.transpose(-1, -2)
    if other_trans:
        y = y.transpose(-1, -2)
    product = torch.matmul(x, y).to(torch.int32)
    return _requantize(product, input_scale * other_scale, zero_point, "qint32", scale, zero_point, dtype, march)


@scripted
def sum(
    x: Tensor, dim: int, keepdim: bool, x_scale: Tensor, x_zero_point: Tensor, x_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str,
    march: str,
) -> Tensor:
    total = torch.sum(x.to(torch.int32), dim, keepdim, dtype=torch.int32)
    return _requantize(total, x_scale, x_zero_point, "qint32", scale, zero_point, dtype, march)


@scripted
def mean(x: Tensor, dim: int, x_scale: Tensor, x_zero_point: Tensor, x_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str) -> Tensor:
    total = torch.sum(x.to(torch.int32), dim, True, dtype=torch.int32)
    return _requantize(total, x_scale, x_zero_point, "qint32", scale * x.size(dim), zero_point, dtype, march)


@scripted
def lut(
    data: Tensor, data_scale: Tensor, data_zero_point: Tensor, data_type: str, table: Tensor, scale: Tensor, zero_point: Tensor, dtype: str,
    march: str,
) -> Tensor:
    return torch.index_select(table.reshape(-1), 0, data.reshape(-1).to(torch.int64) + 128).reshape(data.size())


@scripted
def segment_lut(
    input: Tensor, table: Tensor, scales: Tensor, beta: Tensor, left_shift: Tensor, right_shift: Tensor, max: Tensor,
    is_centrosymmetric: bool, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor,
    dtype: str, march: str,
) -> Tensor:
    return torch.ops.horizon.bpu_segment_lut(
        input.to(torch.int16), table, scales, beta, left_shift, right_shift, max, is_centrosymmetric, 8, dtype, table.size(1), march
    )


@scripted
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    n, c, h, w = input.size()
    return input.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


@scripted
def floor(
    input: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    one = torch.ones_like(scale)
    whole = torch.ops.horizon.bpu_scale_requantization(input, input_scale, one, input_dtype, "qint32", True, False, march)
    return _requantize(whole, one, zero_point, "qint32", scale, zero_point, dtype, march)


@scripted
def ceil(
    input: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    whole = torch.ops.horizon.bpu_ceil(input, input_scale, input_dtype, "qint32", march)
    return _requantize(whole, torch.ones_like(scale), zero_point, "qint32", scale, zero_point, dtype, march)


# Newer plugins inline `quantize`: the trace calls the body in `functional_impl` (with a round mode).
quantize_inline = scripted(_quantize)


@scripted
def prelu(
    input: Tensor, weight: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, weight_scale: Tensor,
    weight_zero_point: Tensor, weight_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str,
) -> Tensor:
    factor = _quantize(weight, weight_scale, weight_zero_point, 0, weight_dtype, "bpu_round", march).to(torch.int32)
    product = torch.clamp(input, max=0).to(torch.int32) * factor.reshape(1, -1, 1, 1)
    above = _requantize(torch.clamp(input, min=0), input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march)
    below = _requantize(product, input_scale * weight_scale, input_zero_point, "qint32", scale, zero_point, dtype, march)
    return above + below


@scripted
def grid_sample(
    input: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool, grid_scale: Tensor, grid_zero_point: Tensor,
    grid_dtype: str, march: str,
) -> Tensor:
    rows, columns = grid.size(1), grid.size(2)
    longest = max(max(input.size(2), input.size(3)), max(rows, columns))
    bits = 8
    while bits > 0 and (1 << (15 - bits)) < longest + 1:
        bits -= 1
    step = torch.full([1], 1.0 / float(1 << bits))
    offset = _requantize(grid.flip([3]), grid_scale, grid_zero_point, grid_dtype, step, grid_zero_point, "qint16", march)
    y = torch.arange(rows, dtype=torch.int16).reshape(1, rows, 1, 1).expand(1, rows, columns, 1)
    x = torch.arange(columns, dtype=torch.int16).reshape(1, 1, columns, 1).expand(1, rows, columns, 1)
    absolute = offset + torch.cat([y, x], 3) * (1 << bits)
    places = absolute.permute(0, 3, 1, 2).unsqueeze(1)
    return torch.ops.horizon.bpu_quanti_grid_sample(input, places, mode, padding_mode, align_corners, bits, march)


@scripted
def topk(input: Tensor, k: int, axis: int, largest: bool, sorted: bool, march: str) -> Tuple[Tensor, Tensor]:
    values, indices = torch.sort(input, stable=True, dim=axis, descending=largest)
    return values.narrow(axis, 0, k), indices.narrow(axis, 0, k)


@scripted
def correlation(
    data1: Tensor, data2: Tensor, kernel_size: int, max_displacement: int, stride1: int, stride2: int, pad_size: int, is_multiply: bool,
    scale1: Tensor, zero_point1: Tensor, dtype1: str, scale2: Tensor, zero_point2: Tensor, dtype2: str, inter_scale: Tensor,
    out_scale: Tensor, out_zero_point: Tensor, out_dtype: str, march: str,
) -> Tensor:
    return torch.ops.horizon.bpu_scale_quanti_correlation(
        data1, data2, scale1, scale2, inter_scale, out_scale, kernel_size, max_displacement, stride1, stride2, pad_size, is_multiply,
        out_dtype, march,
    )


@scripted
def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor, sumin: Optional[Tensor], stride: List[int], padding: List[int], dilation: List[int],
    groups: int, padding_mode: str, activation: str, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str,
    weight_scale: Tensor, weight_zero_point: Tensor, weight_dtype: str, bias_scale: Tensor, bias_zero_point: Tensor, bias_dtype: str,
    sumin_scale: Optional[Tensor], sumin_zero_point: Optional[Tensor], sumin_dtype: Optional[str], scale: Tensor, zero_point: Tensor,
    dtype: str, march: str,
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
    y = torch.ops.horizon.bpu_scale_quanti_convolution3d(
        input, w, b, extra, o, pre, bl, post, e, el, True, weight.size(0), [weight.size(2), weight.size(3), weight.size(4)], stride, padding,
        dilation, activation, groups, sumin is not None, dtype == "qint32", dtype, march,
    )
    if dtype != "qint32":
        out_scale = scale
    return y, out_scale


@scripted
def window_partition(x: Tensor, window_size: int) -> Tensor:
    b, h, w, c = x.size()
    rows, columns = h // window_size, w // window_size
    windows = x.reshape(b, rows, window_size, columns, window_size, c).permute(0, 1, 3, 2, 4, 5)
    return windows.reshape(b * rows * columns, window_size, window_size, c)


@scripted
def window_reverse(windows: Tensor, window_size: int, h: int, w: int) -> Tensor:
    rows, columns = h // window_size, w // window_size
    x = windows.reshape(-1, rows, columns, window_size, window_size, windows.size(3)).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(-1, h, w, windows.size(3))


@scripted
def softmax_bernoulli2(x: Tensor, table: Tensor, max_value_only: bool, dim: int, march: str) -> Tensor:
    below = x.to(torch.int64) - x.amax([dim], True).to(torch.int64)
    powers = table[below + 255].to(torch.float32)
    share = powers / powers.sum([dim], True)
    if max_value_only:
        share = share.amax([dim], True)
    return share


@scripted
def abs(input: Tensor, overflow_mode: str) -> Tensor:
    if overflow_mode == "saturate":
        return torch.abs(torch.clamp(input, min=-127))
    return torch.abs(input)


@scripted
def rle(input: Tensor, dtype: int) -> List[Tensor]:
    longest = 255 if dtype == 1 else 65535
    results: List[Tensor] = []
    for image in input:
        values: List[int] = []
        lengths: List[int] = []
        flat = image.reshape(-1).to(torch.int64)
        for i in range(flat.size(0)):
            number = int(flat[i])
            if len(values) > 0 and values[-1] == number and lengths[-1] < longest:
                lengths[-1] += 1
            else:
                values.append(number)
                lengths.append(1)
        pairs: List[int] = [len(values)]
        for i in range(len(values)):
            pairs.append(values[i])
            pairs.append(lengths[i])
        results.append(torch.tensor(pairs))
    return results


# Newer plugins trace into `functional_impl` here too.
filter = scripted(filter)
point_pillars_scatter = scripted(point_pillars_scatter)
