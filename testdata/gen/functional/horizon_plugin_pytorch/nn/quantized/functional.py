"""The quantised functions that converted modules call, with the plugin's names, argument orders and results.

Each forwards to `functional_impl`, which holds the arithmetic (`horizon.md` 3 and 4).
"""

from typing import List, Optional, Tuple

import torch
from torch import Tensor
from torch._jit_internal import BroadcastingList2, BroadcastingList3

from . import functional_impl as impl


def quantize(input: Tensor, scale: Tensor, zero_point: Tensor, ch_axis: int, dtype: str, march: str) -> Tensor:
    # the form of older plugins: the march decides how to round
    quant_min, quant_max = impl.quant_range(dtype)
    vector_dim = -1 if scale.numel() == 1 else ch_axis
    return torch.ops.horizon.bpu_scale_quantization(
        input, scale, zero_point, vector_dim, quant_min, quant_max, dtype, march
    )


def dequantize(input: Tensor, scale: Tensor, zero_point: Tensor, ch_axis: int, march: str) -> Tensor:
    return impl._dequantize(input, scale, zero_point, ch_axis, march)


def requantize(
    input: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor,
    dtype: str, march: str
) -> Tensor:
    return impl._requantize(input, input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march)


def conv2d_convert_int_params(
    input_scale: Tensor, weight: Tensor, weight_scale: Tensor, weight_dtype: str, bias: Tensor, bias_scale: Tensor,
    bias_dtype: str, out_scale: Tensor, out_dtype: str, input2_scale: Optional[Tensor], is_conv_transpose2d: bool,
    groups: int, march: str
) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    return impl._conv2d_convert_int_params(
        input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, out_scale, out_dtype,
        input2_scale, is_conv_transpose2d, groups, march
    )


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor, sumin: Optional[Tensor], stride: BroadcastingList2[int],
    padding: BroadcastingList2[int], dilation: BroadcastingList2[int], groups: int, padding_mode: str,
    activation: str, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, weight_scale: Tensor,
    weight_zero_point: Tensor, weight_dtype: str, bias_scale: Tensor, bias_zero_point: Tensor, bias_dtype: str,
    sumin_scale: Optional[Tensor], sumin_zero_point: Optional[Tensor], sumin_dtype: Optional[str], scale: Tensor,
    zero_point: Tensor, dtype: str, march: str
) -> Tuple[Tensor, Tensor]:
    return impl._conv2d(
        input, weight, bias, sumin, stride, padding, dilation, groups, padding_mode, activation, input_scale,
        input_dtype, weight_scale, weight_dtype, bias_scale, bias_dtype, sumin_scale, scale, dtype, march
    )


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor, sumin: Optional[Tensor], stride: BroadcastingList3[int],
    padding: BroadcastingList3[int], dilation: BroadcastingList3[int], groups: int, padding_mode: str,
    activation: str, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, weight_scale: Tensor,
    weight_zero_point: Tensor, weight_dtype: str, bias_scale: Tensor, bias_zero_point: Tensor, bias_dtype: str,
    sumin_scale: Optional[Tensor], sumin_zero_point: Optional[Tensor], sumin_dtype: Optional[str], scale: Tensor,
    zero_point: Tensor, dtype: str, march: str
) -> Tuple[Tensor, Tensor]:
    return impl._conv3d(
        input, weight, bias, sumin, stride, padding, dilation, groups, padding_mode, activation, input_scale,
        input_dtype, weight_scale, weight_dtype, bias_scale, bias_dtype, sumin_scale, scale, dtype, march
    )


def max_pool2d(
    input: Tensor, kernel_size: BroadcastingList2[int], stride: BroadcastingList2[int],
    padding: BroadcastingList2[int], dilation: BroadcastingList2[int], return_indices: bool, ceil_mode: bool,
    march: str
) -> Tensor:
    return impl._max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool2d(
    input: Tensor, kernel_size: BroadcastingList2[int], stride: BroadcastingList2[int],
    padding: BroadcastingList2[int], ceil_mode: bool, count_include_pad: bool, divisor_override: None,
    input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str,
    march: str
) -> Tuple[Tensor, Tensor]:
    return impl._avg_pool2d(input, kernel_size, stride, padding, ceil_mode, input_scale, scale, dtype, march)


def interpolate(
    input: Tensor, size: Optional[BroadcastingList2[int]], scale_factor: Optional[BroadcastingList2[float]],
    mode: str, align_corners: Optional[bool], recompute_scale_factor: Optional[bool], input_scale: Tensor,
    input_zero_point: Tensor, input_dtype: str, march: str
) -> Tensor:
    return impl._interpolate(input, size, scale_factor, mode, align_corners, march)


def pad(
    input: Tensor, pad: List[int], mode: str, value: float, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return impl._pad(input, pad, mode, value, scale, zero_point, dtype, march)


def masked_fill(
    input: Tensor, mask: Tensor, value: float, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return impl._masked_fill(input, mask, value, scale, zero_point, dtype, march)


def cat(
    input_list: List[Tensor], dim: int, input_scale_list: List[Tensor], input_zero_point_list: List[Tensor],
    input_dtype_list: List[str], scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return impl._cat(
        input_list, dim, input_scale_list, input_zero_point_list, input_dtype_list, scale, zero_point, dtype, march
    )


def add(
    x: Tensor, y: Tensor, x_scale: Tensor, y_scale: Tensor, x_zero_point: Tensor, y_zero_point: Tensor, x_dtype: str,
    y_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return impl._add(x, y, x_scale, y_scale, x_zero_point, x_dtype, y_dtype, scale, zero_point, dtype, march)


def grid_sample(
    input: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool, grid_scale: Tensor,
    grid_zero_point: Tensor, grid_dtype: str, march: str
) -> Tensor:
    return impl._grid_sample(
        input, grid, mode, padding_mode, align_corners, grid_scale, grid_zero_point, grid_dtype, march
    )


def max(input: Tensor, dim: int, keepdim: bool, group: int, march: str) -> Tuple[Tensor, Tensor]:
    return impl._max(input, dim, keepdim, group, march)


def sub(
    x: Tensor, y: Tensor, x_scale: Tensor, x_zero_point: Tensor, x_dtype: str, y_scale: Tensor, y_zero_point: Tensor,
    y_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return impl._sub(x, y, x_scale, x_zero_point, x_dtype, y_scale, y_dtype, scale, zero_point, dtype, march)


def lut(
    data: Tensor, data_scale: Tensor, data_zero_point: Tensor, data_type: str, table: Tensor, scale: Tensor,
    zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return impl._lut(data, table)


def matmul(
    input: Tensor, other: Tensor, input_trans: bool, other_trans: bool, input_scale: Tensor, input_zero_point: Tensor,
    input_dtype: str, other_scale: Tensor, other_zero_point: Tensor, other_dtype: str, scale: Tensor,
    zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return impl._matmul(
        input, other, input_trans, other_trans, input_scale, input_zero_point, input_dtype, other_scale,
        other_zero_point, other_dtype, scale, zero_point, dtype, march
    )


def mul(
    input: Tensor, other: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str,
    other_scale: Tensor, other_zero_point: Tensor, other_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str,
    march: str
) -> Tensor:
    return impl._mul(
        input, other, input_scale, input_zero_point, input_dtype, other_scale, other_dtype, scale, zero_point, dtype,
        march
    )


def sum(
    x: Tensor, dim: int, keepdim: bool, x_scale: Tensor, x_zero_point: Tensor, x_dtype: str, scale: Tensor,
    zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return impl._sum(x, dim, keepdim, x_scale, x_zero_point, scale, zero_point, dtype, march)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor, sumin: Optional[Tensor], stride: BroadcastingList2[int],
    padding: BroadcastingList2[int], output_padding: BroadcastingList2[int], dilation: BroadcastingList2[int],
    groups: int, padding_mode: str, activation: str, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str,
    weight_scale: Tensor, weight_zero_point: Tensor, weight_dtype: str, bias_scale: Tensor, bias_zero_point: Tensor,
    bias_dtype: str, sumin_scale: Optional[Tensor], sumin_zero_point: Optional[Tensor], sumin_dtype: Optional[str],
    scale: Tensor, zero_point: Tensor, dtype: str, march: str
) -> Tuple[Tensor, Tensor]:
    return impl._conv_transpose2d(
        input, weight, bias, sumin, stride, padding, output_padding, dilation, groups, padding_mode, activation,
        input_scale, input_dtype, weight_scale, weight_dtype, bias_scale, bias_dtype, sumin_scale, scale, dtype,
        march
    )


def correlation(
    data1: Tensor, data2: Tensor, kernel_size: int, max_displacement: int, stride1: int, stride2: int, pad_size: int,
    is_multiply: bool, scale1: Tensor, zero_point1: Tensor, dtype1: str, scale2: Tensor, zero_point2: Tensor,
    dtype2: str, inter_scale: Tensor, out_scale: Tensor, out_zero_point: Tensor, out_dtype: str, march: str
) -> Tensor:
    return impl._correlation(
        data1, data2, kernel_size, max_displacement, stride1, stride2, pad_size, is_multiply, scale1, scale2,
        inter_scale, out_scale, out_dtype, march
    )


def mean(
    x: Tensor, dim: int, x_scale: Tensor, x_zero_point: Tensor, x_dtype: str, scale: Tensor, zero_point: Tensor,
    dtype: str, march: str
) -> Tensor:
    return impl._mean(x, dim, x_scale, x_zero_point, x_dtype, scale, zero_point, dtype, march)


def segment_lut(
    input: Tensor, table: Tensor, scales: Tensor, beta: Tensor, left_shift: Tensor, right_shift: Tensor, max: Tensor,
    is_centrosymmetric: bool, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor,
    zero_point: Tensor, dtype: str, march: str
) -> Tensor:
    return impl._segment_lut(
        input, table, scales, beta, left_shift, right_shift, max, is_centrosymmetric, dtype, march
    )


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    return impl._channel_shuffle(input, groups)


def prelu(
    input: Tensor, weight: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str,
    weight_scale: Tensor, weight_zero_point: Tensor, weight_dtype: str, scale: Tensor, zero_point: Tensor, dtype: str,
    march: str
) -> Tensor:
    return impl._prelu(
        input, weight, input_scale, input_zero_point, input_dtype, weight_scale, weight_zero_point, weight_dtype,
        scale, zero_point, dtype, march
    )


def linear(
    input: Tensor, weight: Tensor, bias: Tensor, sumin: Optional[Tensor], activation: str, input_scale: Tensor,
    input_zero_point: Tensor, input_dtype: str, weight_scale: Tensor, weight_zero_point: Tensor, weight_dtype: str,
    bias_scale: Tensor, bias_zero_point: Tensor, bias_dtype: str, sumin_scale: Optional[Tensor],
    sumin_zero_point: Optional[Tensor], sumin_dtype: Optional[str], scale: Tensor, zero_point: Tensor, dtype: str,
    march: str
) -> Tuple[Tensor, Tensor]:
    return impl._linear(
        input, weight, bias, sumin, activation, input_scale, input_dtype, weight_scale, weight_dtype, bias_scale,
        bias_dtype, sumin_scale, scale, dtype, march
    )


def rle(input: Tensor, dtype: torch.dtype) -> List[Tensor]:
    return impl._rle(input, dtype)


def deform_conv2d(
    input: Tensor, offset: Tensor, mask: Optional[Tensor], sumin: Optional[Tensor], weight: Tensor, bias: Tensor,
    stride: BroadcastingList2[int], padding: BroadcastingList2[int], dilation: BroadcastingList2[int],
    activation: str, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, offset_scale: Tensor,
    offset_zero_point: Tensor, offset_dtype: str, mask_scale: Optional[Tensor], mask_zero_point: Optional[Tensor],
    mask_dtype: Optional[str], sumin_scale: Optional[Tensor], sumin_zero_point: Optional[Tensor],
    sumin_dtype: Optional[str], weight_scale: Tensor, weight_zero_point: Tensor, weight_dtype: str, scale: Tensor,
    zero_point: Tensor, dtype: str, march: str
) -> Tuple[Tensor, Tensor]:
    return impl._deform_conv2d(
        input, offset, sumin, weight, bias, stride, padding, dilation, activation, input_scale, input_dtype,
        offset_scale, offset_zero_point, offset_dtype, sumin_scale, weight_scale, weight_dtype, scale, dtype, march
    )


def rcnn_post_process(
    boxes: List[Tensor], scores: Tensor, deltas: Tensor, image_sizes: Optional[Tensor], fixed_image_h: int,
    fixed_image_w: int, nms_threshold: float, box_filter_threshold: float, num_classes: int, post_nms_top_k: int,
    delta_mean: List[float], delta_std: List[float], march: str
) -> Tuple[Tensor, Tensor]:
    return impl._rcnn_post_process(
        boxes, scores, deltas, image_sizes, fixed_image_h, fixed_image_w, nms_threshold, box_filter_threshold,
        num_classes, post_nms_top_k, delta_mean, delta_std, march
    )


def topk(input: Tensor, k: int, axis: int, largest: bool, sorted: bool, march: str) -> Tuple[Tensor, Tensor]:
    return impl._topk(input, k, axis, largest, sorted)


def abs(input: Tensor, overflow_mode: str) -> Tensor:
    return impl._abs(input, overflow_mode)


def ceil(
    input: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor,
    dtype: str, march: str
) -> Tensor:
    return impl._ceil(input, input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march)


def floor(
    input: Tensor, input_scale: Tensor, input_zero_point: Tensor, input_dtype: str, scale: Tensor, zero_point: Tensor,
    dtype: str, march: str
) -> Tensor:
    return impl._floor(input, input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march)


def softmax_bernoulli2(x: Tensor, table: Tensor, max_value_only: bool, dim: int, march: str) -> Tensor:
    return impl._softmax_bernoulli2(x, table, max_value_only, dim)


def window_partition(x: Tensor, window_size: int) -> Tensor:
    b, h, w, c = x.size()
    windows = x.reshape([b, h // window_size, window_size, w // window_size, window_size, c])
    return windows.permute([0, 1, 3, 2, 4, 5]).reshape([-1, window_size, window_size, c])


def window_reverse(windows: Tensor, window_size: int, h: int, w: int) -> Tensor:
    rows, columns = h // window_size, w // window_size
    grid = windows.reshape([-1, rows, columns, window_size, window_size, windows.size(-1)])
    return grid.permute([0, 1, 3, 2, 4, 5]).reshape([-1, h, w, windows.size(-1)])


def bbox_clip(boxes: List[Tensor], clip_ratio: Tuple[float, float, float, float]) -> List[Tensor]:
    return impl._bbox_clip(boxes, clip_ratio)


def roi_align_list(
    input: Tensor, boxes: List[Tensor], output_size: BroadcastingList2[int], spatial_scale: float, sampling_ratio: int,
    aligned: bool, interpolate_mode: str, march: str
) -> Tensor:
    return impl._roi_align_list(
        input, boxes, output_size, spatial_scale, sampling_ratio, aligned, interpolate_mode, march
    )


def roi_align_tensor(
    input: Tensor, boxes: Tensor, output_size: BroadcastingList2[int], spatial_scale: float, sampling_ratio: int,
    aligned: bool, interpolate_mode: str, march: str
) -> Tensor:
    return impl._roi_align_tensor(
        input, boxes, output_size, spatial_scale, sampling_ratio, aligned, interpolate_mode, march
    )


def multi_scale_roi_align(
    features: List[Tensor], boxes: List[Tensor], output_size: BroadcastingList2[int], spatial_scale: List[float],
    sampling_ratio: int, aligned: bool, interpolate_mode: str, canonical_box_size: int, canonical_level: int,
    box_clip_ratio: Optional[Tuple[float, float, float, float]], march: str
) -> Tensor:
    return impl._multi_scale_roi_align(
        features, boxes, output_size, spatial_scale, sampling_ratio, aligned, interpolate_mode, canonical_box_size,
        canonical_level, box_clip_ratio, march
    )
