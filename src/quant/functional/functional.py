def quantize(input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    ch_axis: int,
    dtype: str,
    march: str) -> Tensor:
  _0 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.quant_range
  quant_min, quant_max, = _0(dtype, )
  if torch.eq(torch.numel(scale), 1):
    vector_dim = -1
  else:
    vector_dim = ch_axis
  _1 = ops.horizon.bpu_scale_quantization(input, scale, zero_point, vector_dim, quant_min, quant_max, dtype, march)
  return _1
def dequantize(input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    ch_axis: int,
    march: str) -> Tensor:
  _2 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._dequantize
  _3 = _2(input, scale, zero_point, ch_axis, march, )
  return _3
def requantize(input: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _4 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  _5 = _4(input, input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march, )
  return _5
def conv2d_convert_int_params(input_scale: Tensor,
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
    march: str) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
  _6 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv2d_convert_int_params
  _7 = _6(input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, out_scale, out_dtype, input2_scale, is_conv_transpose2d, groups, march, )
  return _7
def conv2d(input: Tensor,
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
    input_zero_point: Tensor,
    input_dtype: str,
    weight_scale: Tensor,
    weight_zero_point: Tensor,
    weight_dtype: str,
    bias_scale: Tensor,
    bias_zero_point: Tensor,
    bias_dtype: str,
    sumin_scale: Optional[Tensor],
    sumin_zero_point: Optional[Tensor],
    sumin_dtype: Optional[str],
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tuple[Tensor, Tensor]:
  _8 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv2d
  _9 = _8(input, weight, bias, sumin, stride, padding, dilation, groups, padding_mode, activation, input_scale, input_dtype, weight_scale, weight_dtype, bias_scale, bias_dtype, sumin_scale, scale, dtype, march, )
  return _9
def conv3d(input: Tensor,
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
    input_zero_point: Tensor,
    input_dtype: str,
    weight_scale: Tensor,
    weight_zero_point: Tensor,
    weight_dtype: str,
    bias_scale: Tensor,
    bias_zero_point: Tensor,
    bias_dtype: str,
    sumin_scale: Optional[Tensor],
    sumin_zero_point: Optional[Tensor],
    sumin_dtype: Optional[str],
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tuple[Tensor, Tensor]:
  _10 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv3d
  _11 = _10(input, weight, bias, sumin, stride, padding, dilation, groups, padding_mode, activation, input_scale, input_dtype, weight_scale, weight_dtype, bias_scale, bias_dtype, sumin_scale, scale, dtype, march, )
  return _11
def max_pool2d(input: Tensor,
    kernel_size: List[int],
    stride: List[int],
    padding: List[int],
    dilation: List[int],
    return_indices: bool,
    ceil_mode: bool,
    march: str) -> Tensor:
  _12 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._max_pool2d
  _13 = _12(input, kernel_size, stride, padding, dilation, ceil_mode, )
  return _13
def avg_pool2d(input: Tensor,
    kernel_size: List[int],
    stride: List[int],
    padding: List[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: NoneType,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tuple[Tensor, Tensor]:
  _14 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._avg_pool2d
  _15 = _14(input, kernel_size, stride, padding, ceil_mode, input_scale, scale, dtype, march, )
  return _15
def interpolate(input: Tensor,
    size: Optional[List[int]],
    scale_factor: Optional[List[float]],
    mode: str,
    align_corners: Optional[bool],
    recompute_scale_factor: Optional[bool],
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    march: str) -> Tensor:
  _16 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._interpolate
  _17 = _16(input, size, scale_factor, mode, align_corners, march, )
  return _17
def pad(input: Tensor,
    pad: List[int],
    mode: str,
    value: float,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _18 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._pad
  _19 = _18(input, pad, mode, value, scale, zero_point, dtype, march, )
  return _19
def masked_fill(input: Tensor,
    mask: Tensor,
    value: float,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _20 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._masked_fill
  _21 = _20(input, mask, value, scale, zero_point, dtype, march, )
  return _21
def cat(input_list: List[Tensor],
    dim: int,
    input_scale_list: List[Tensor],
    input_zero_point_list: List[Tensor],
    input_dtype_list: List[str],
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _22 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._cat
  _23 = _22(input_list, dim, input_scale_list, input_zero_point_list, input_dtype_list, scale, zero_point, dtype, march, )
  return _23
def add(x: Tensor,
    y: Tensor,
    x_scale: Tensor,
    y_scale: Tensor,
    x_zero_point: Tensor,
    y_zero_point: Tensor,
    x_dtype: str,
    y_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _24 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._add
  _25 = _24(x, y, x_scale, y_scale, x_zero_point, x_dtype, y_dtype, scale, zero_point, dtype, march, )
  return _25
def grid_sample(input: Tensor,
    grid: Tensor,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    grid_scale: Tensor,
    grid_zero_point: Tensor,
    grid_dtype: str,
    march: str) -> Tensor:
  _26 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._grid_sample
  _27 = _26(input, grid, mode, padding_mode, align_corners, grid_scale, grid_zero_point, grid_dtype, march, )
  return _27
def max(input: Tensor,
    dim: int,
    keepdim: bool,
    group: int,
    march: str) -> Tuple[Tensor, Tensor]:
  _28 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._max
  _29 = _28(input, dim, keepdim, group, march, )
  return _29
def sub(x: Tensor,
    y: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    x_dtype: str,
    y_scale: Tensor,
    y_zero_point: Tensor,
    y_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _30 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._sub
  _31 = _30(x, y, x_scale, x_zero_point, x_dtype, y_scale, y_dtype, scale, zero_point, dtype, march, )
  return _31
def lut(data: Tensor,
    data_scale: Tensor,
    data_zero_point: Tensor,
    data_type: str,
    table: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _32 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._lut
  return _32(data, table, )
def matmul(input: Tensor,
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
    march: str) -> Tensor:
  _33 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._matmul
  _34 = _33(input, other, input_trans, other_trans, input_scale, input_zero_point, input_dtype, other_scale, other_zero_point, other_dtype, scale, zero_point, dtype, march, )
  return _34
def mul(input: Tensor,
    other: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    other_scale: Tensor,
    other_zero_point: Tensor,
    other_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _35 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._mul
  _36 = _35(input, other, input_scale, input_zero_point, input_dtype, other_scale, other_dtype, scale, zero_point, dtype, march, )
  return _36
def sum(x: Tensor,
    dim: int,
    keepdim: bool,
    x_scale: Tensor,
    x_zero_point: Tensor,
    x_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _37 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._sum
  _38 = _37(x, dim, keepdim, x_scale, x_zero_point, scale, zero_point, dtype, march, )
  return _38
def conv_transpose2d(input: Tensor,
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
    input_zero_point: Tensor,
    input_dtype: str,
    weight_scale: Tensor,
    weight_zero_point: Tensor,
    weight_dtype: str,
    bias_scale: Tensor,
    bias_zero_point: Tensor,
    bias_dtype: str,
    sumin_scale: Optional[Tensor],
    sumin_zero_point: Optional[Tensor],
    sumin_dtype: Optional[str],
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tuple[Tensor, Tensor]:
  _39 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv_transpose2d
  _40 = _39(input, weight, bias, sumin, stride, padding, output_padding, dilation, groups, padding_mode, activation, input_scale, input_dtype, weight_scale, weight_dtype, bias_scale, bias_dtype, sumin_scale, scale, dtype, march, )
  return _40
def correlation(data1: Tensor,
    data2: Tensor,
    kernel_size: int,
    max_displacement: int,
    stride1: int,
    stride2: int,
    pad_size: int,
    is_multiply: bool,
    scale1: Tensor,
    zero_point1: Tensor,
    dtype1: str,
    scale2: Tensor,
    zero_point2: Tensor,
    dtype2: str,
    inter_scale: Tensor,
    out_scale: Tensor,
    out_zero_point: Tensor,
    out_dtype: str,
    march: str) -> Tensor:
  _41 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._correlation
  _42 = _41(data1, data2, kernel_size, max_displacement, stride1, stride2, pad_size, is_multiply, scale1, scale2, inter_scale, out_scale, out_dtype, march, )
  return _42
def mean(x: Tensor,
    dim: int,
    x_scale: Tensor,
    x_zero_point: Tensor,
    x_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _43 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._mean
  _44 = _43(x, dim, x_scale, x_zero_point, x_dtype, scale, zero_point, dtype, march, )
  return _44
def segment_lut(input: Tensor,
    table: Tensor,
    scales: Tensor,
    beta: Tensor,
    left_shift: Tensor,
    right_shift: Tensor,
    max: Tensor,
    is_centrosymmetric: bool,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _45 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._segment_lut
  _46 = _45(input, table, scales, beta, left_shift, right_shift, max, is_centrosymmetric, dtype, march, )
  return _46
def channel_shuffle(input: Tensor,
    groups: int) -> Tensor:
  _47 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._channel_shuffle
  return _47(input, groups, )
def prelu(input: Tensor,
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
    march: str) -> Tensor:
  _48 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._prelu
  _49 = _48(input, weight, input_scale, input_zero_point, input_dtype, weight_scale, weight_zero_point, weight_dtype, scale, zero_point, dtype, march, )
  return _49
def linear(input: Tensor,
    weight: Tensor,
    bias: Tensor,
    sumin: Optional[Tensor],
    activation: str,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    weight_scale: Tensor,
    weight_zero_point: Tensor,
    weight_dtype: str,
    bias_scale: Tensor,
    bias_zero_point: Tensor,
    bias_dtype: str,
    sumin_scale: Optional[Tensor],
    sumin_zero_point: Optional[Tensor],
    sumin_dtype: Optional[str],
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tuple[Tensor, Tensor]:
  _50 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._linear
  _51 = _50(input, weight, bias, sumin, activation, input_scale, input_dtype, weight_scale, weight_dtype, bias_scale, bias_dtype, sumin_scale, scale, dtype, march, )
  return _51
def rle(input: Tensor,
    dtype: int) -> List[Tensor]:
  _52 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._rle
  return _52(input, dtype, )
def deform_conv2d(input: Tensor,
    offset: Tensor,
    mask: Optional[Tensor],
    sumin: Optional[Tensor],
    weight: Tensor,
    bias: Tensor,
    stride: List[int],
    padding: List[int],
    dilation: List[int],
    activation: str,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    offset_scale: Tensor,
    offset_zero_point: Tensor,
    offset_dtype: str,
    mask_scale: Optional[Tensor],
    mask_zero_point: Optional[Tensor],
    mask_dtype: Optional[str],
    sumin_scale: Optional[Tensor],
    sumin_zero_point: Optional[Tensor],
    sumin_dtype: Optional[str],
    weight_scale: Tensor,
    weight_zero_point: Tensor,
    weight_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tuple[Tensor, Tensor]:
  _53 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._deform_conv2d
  _54 = _53(input, offset, sumin, weight, bias, stride, padding, dilation, activation, input_scale, input_dtype, offset_scale, offset_zero_point, offset_dtype, sumin_scale, weight_scale, weight_dtype, scale, dtype, march, )
  return _54
def rcnn_post_process(boxes: List[Tensor],
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
    march: str) -> Tuple[Tensor, Tensor]:
  _55 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._rcnn_post_process
  _56 = _55(boxes, scores, deltas, image_sizes, fixed_image_h, fixed_image_w, nms_threshold, box_filter_threshold, num_classes, post_nms_top_k, delta_mean, delta_std, march, )
  return _56
def topk(input: Tensor,
    k: int,
    axis: int,
    largest: bool,
    sorted: bool,
    march: str) -> Tuple[Tensor, Tensor]:
  _57 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._topk
  _58 = _57(input, k, axis, largest, sorted, )
  return _58
def abs(input: Tensor,
    overflow_mode: str) -> Tensor:
  _59 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._abs
  return _59(input, overflow_mode, )
def ceil(input: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _60 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._ceil
  _61 = _60(input, input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march, )
  return _61
def floor(input: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _62 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._floor
  _63 = _62(input, input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march, )
  return _63
def softmax_bernoulli2(x: Tensor,
    table: Tensor,
    max_value_only: bool,
    dim: int,
    march: str) -> Tensor:
  _64 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._softmax_bernoulli2
  return _64(x, table, max_value_only, dim, )
def window_partition(x: Tensor,
    window_size: int) -> Tensor:
  b, h, w, c, = torch.size(x)
  _65 = [b, torch.floordiv(h, window_size), window_size, torch.floordiv(w, window_size), window_size, c]
  windows = torch.reshape(x, _65)
  _66 = torch.permute(windows, [0, 1, 3, 2, 4, 5])
  _67 = torch.reshape(_66, [-1, window_size, window_size, c])
  return _67
def window_reverse(windows: Tensor,
    window_size: int,
    h: int,
    w: int) -> Tensor:
  rows = torch.floordiv(h, window_size)
  columns = torch.floordiv(w, window_size)
  _68 = [-1, rows, columns, window_size, window_size, torch.size(windows, -1)]
  grid = torch.reshape(windows, _68)
  _69 = torch.permute(grid, [0, 1, 3, 2, 4, 5])
  _70 = torch.reshape(_69, [-1, h, w, torch.size(windows, -1)])
  return _70
def bbox_clip(boxes: List[Tensor],
    clip_ratio: Tuple[float, float, float, float]) -> List[Tensor]:
  _71 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._bbox_clip
  return _71(boxes, clip_ratio, )
def roi_align_list(input: Tensor,
    boxes: List[Tensor],
    output_size: List[int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    interpolate_mode: str,
    march: str) -> Tensor:
  _72 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._roi_align_list
  _73 = _72(input, boxes, output_size, spatial_scale, sampling_ratio, aligned, interpolate_mode, march, )
  return _73
def roi_align_tensor(input: Tensor,
    boxes: Tensor,
    output_size: List[int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    interpolate_mode: str,
    march: str) -> Tensor:
  _74 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._roi_align_tensor
  _75 = _74(input, boxes, output_size, spatial_scale, sampling_ratio, aligned, interpolate_mode, march, )
  return _75
def multi_scale_roi_align(features: List[Tensor],
    boxes: List[Tensor],
    output_size: List[int],
    spatial_scale: List[float],
    sampling_ratio: int,
    aligned: bool,
    interpolate_mode: str,
    canonical_box_size: int,
    canonical_level: int,
    box_clip_ratio: Optional[Tuple[float, float, float, float]],
    march: str) -> Tensor:
  _76 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._multi_scale_roi_align
  _77 = _76(features, boxes, output_size, spatial_scale, sampling_ratio, aligned, interpolate_mode, canonical_box_size, canonical_level, box_clip_ratio, march, )
  return _77
