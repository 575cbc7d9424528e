def quant_range(dtype: str) -> Tuple[int, int]:
  _0 = (-9223372036854775807, 9223372036854775806)
  if torch.eq(dtype, "qint16"):
    limits = (-32768, 32767)
  else:
    if torch.eq(dtype, "qint32"):
      limits0 = (-2147483648, 2147483647)
    else:
      if torch.eq(dtype, "qint64"):
        limits1 = _0
      else:
        if torch.eq(dtype, "qint4"):
          limits2 = (-8, 7)
        else:
          if torch.eq(dtype, "quint4"):
            limits3 = (0, 15)
          else:
            if torch.eq(dtype, "qint8"):
              pass
            else:
              _1 = torch.add("unsupported dtype: ", dtype)
              _2 = torch.add("AssertionError: ", _1)
              ops.prim.RaiseException(_2)
            limits3 = (-128, 127)
          limits2 = limits3
        limits1 = limits2
      limits0 = limits1
    limits = limits0
  return limits
def storage_dtype(dtype: str) -> int:
  if torch.eq(dtype, "qint16"):
    stored = 2
  else:
    if torch.eq(dtype, "qint32"):
      stored0 = 3
    else:
      if torch.eq(dtype, "qint64"):
        stored1 = 4
      else:
        stored1 = 1
      stored0 = stored1
    stored = stored0
  return stored
def is_bayes_family(march: str) -> bool:
  if torch.ne(march, "bernoulli2"):
    _3 = torch.ne(march, "bernoulli")
  else:
    _3 = False
  return _3
def per_channel(value: Tensor,
    like: Tensor) -> Tensor:
  shape = annotate(List[int], [])
  if torch.ne(torch.numel(value), 1):
    _4 = [-1]
    _5 = torch.mul([1], torch.sub(torch.dim(like), 2))
    shape0 = torch.add(_4, _5)
  else:
    shape0 = shape
  return torch.reshape(value, shape0)
def _quantize(input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    ch_axis: int,
    dtype: str,
    round_mode: str,
    march: str) -> Tensor:
  _6 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.quant_range
  quant_min, quant_max, = _6(dtype, )
  if torch.eq(torch.numel(scale), 1):
    vector_dim = -1
  else:
    vector_dim = ch_axis
  _7 = ops.horizon.bpu_scale_quantization(input, scale, zero_point, vector_dim, quant_min, quant_max, dtype, round_mode, march)
  return _7
def _dequantize(input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    ch_axis: int,
    march: str) -> Tensor:
  if torch.eq(torch.numel(scale), 1):
    _8 = -1
  else:
    _8 = ch_axis
  _9 = ops.horizon.bpu_scale_dequantization(input, scale, _8)
  return _9
def rescale(input: Tensor,
    input_scale: Tensor,
    input_dtype: str,
    scale: Tensor,
    dtype: str,
    march: str) -> Tensor:
  if torch.eq(march, "meta"):
    _11 = ops.horizon.meta_requantization(input, input_scale, scale, input_dtype, dtype, march)
    _10 = _11
  else:
    _12 = ops.horizon.bpu_scale_requantization(input, input_scale, scale, input_dtype, dtype, False, march)
    _10 = _12
  return _10
def _requantize(input: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _13 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.quant_range
  _14 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.storage_dtype
  _15 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.rescale
  _16 = torch.all(torch.eq(scale, input_scale))
  if bool(_16):
    if torch.eq(input_dtype, dtype):
      _18 = input
    else:
      input_min, input_max, = _13(input_dtype, )
      quant_min, quant_max, = _13(dtype, )
      _19 = ops.prim.max(input_min, quant_min)
      _20 = ops.prim.min(input_max, quant_max)
      clipped = torch.clamp(input, _19, _20)
      _18 = torch.to(clipped, _14(dtype, ))
    _17 = _18
  else:
    _21 = _15(input, input_scale, input_dtype, scale, dtype, march, )
    _17 = _21
  return _17
def _conv2d_convert_int_params(input_scale: Tensor,
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
  if torch.__is__(input2_scale, None):
    edata_scale = torch.zeros_like(out_scale)
  else:
    input2_scale0 = unchecked_cast(Tensor, input2_scale)
    edata_scale = input2_scale0
  _22, _23, _24, _25, _26, _27, _28, _29, _30 = ops.horizon.convert_conv_params(input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, out_scale, out_dtype, edata_scale, is_conv_transpose2d, groups, march)
  _31 = (_22, _23, _24, _25, _26, _27, _28, _29, _30)
  return _31
def _conv2d(input: Tensor,
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
    march: str) -> Tuple[Tensor, Tensor]:
  _32 = "AssertionError: a quantised convolution pads with zeros"
  _33 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv2d_convert_int_params
  if torch.eq(padding_mode, "zeros"):
    pass
  else:
    ops.prim.RaiseException(_32)
  _34 = _33(input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, scale, dtype, sumin_scale, False, 1, march, )
  p0, p1, p2, p3, p4, p5, p6, p7, p8, = _34
  has_sumin = torch.__isnot__(sumin, None)
  if torch.__is__(sumin, None):
    _35 = torch.zeros([1], dtype=ops.prim.dtype(input), layout=None, device=ops.prim.device(input))
    added = _35
  else:
    added = unchecked_cast(Tensor, sumin)
  filters = torch.size(weight, 0)
  kernel = [torch.size(weight, 2), torch.size(weight, 3)]
  raw = torch.eq(dtype, "qint32")
  if torch.eq(march, "bernoulli"):
    out = ops.horizon.bpu_scale_quanti_convolution_with_shift(input, p0, p2, added, torch.item(p4), torch.item(p5), p3, p1, torch.item(p6), True, filters, kernel, stride, padding, dilation, activation, groups, has_sumin, raw, dtype, march)
    _36 = (out, p7)
  else:
    if torch.eq(march, "meta"):
      out1 = ops.horizon.meta_quant_convolution(input, p0, p1, added, p5, p6, p2, p7, p3, p4, True, filters, kernel, stride, padding, dilation, activation, groups, has_sumin, raw, dtype, march)
      out0 = out1
    else:
      out2 = ops.horizon.bpu_scale_quanti_convolution(input, p0, p1, added, p5, p6, p2, p7, p3, p4, True, filters, kernel, stride, padding, dilation, activation, groups, has_sumin, raw, dtype, march)
      out0 = out2
    _36 = (out0, p8)
  return _36
def _conv3d(input: Tensor,
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
    march: str) -> Tuple[Tensor, Tensor]:
  _37 = "AssertionError: a quantised convolution pads with zeros"
  _38 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv2d_convert_int_params
  if torch.eq(padding_mode, "zeros"):
    pass
  else:
    ops.prim.RaiseException(_37)
  _39 = _38(input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, scale, dtype, sumin_scale, False, 1, march, )
  p0, p1, p2, p3, p4, p5, p6, p7, p8, = _39
  if torch.__is__(sumin, None):
    _40 = torch.zeros([1], dtype=ops.prim.dtype(input), layout=None, device=ops.prim.device(input))
    sumin0, added = sumin, _40
  else:
    sumin1 = unchecked_cast(Tensor, sumin)
    sumin0, added = sumin1, sumin1
  _41 = torch.size(weight, 0)
  _42 = [torch.size(weight, 2), torch.size(weight, 3), torch.size(weight, 4)]
  out = ops.horizon.bpu_scale_quanti_convolution3d(input, p0, p1, added, p5, p6, p2, p7, p3, p4, True, _41, _42, stride, padding, dilation, activation, groups, torch.__isnot__(sumin0, None), torch.eq(dtype, "qint32"), dtype, march)
  return (out, p8)
def _conv_transpose2d(input: Tensor,
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
    march: str) -> Tuple[Tensor, Tensor]:
  _43 = "AssertionError: a quantised convolution pads with zeros"
  _44 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv2d_convert_int_params
  if torch.eq(padding_mode, "zeros"):
    pass
  else:
    ops.prim.RaiseException(_43)
  _45 = _44(input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, scale, dtype, sumin_scale, True, groups, march, )
  p0, p1, p2, p3, p4, p5, p6, p7, p8, = _45
  has_sumin = torch.__isnot__(sumin, None)
  if torch.__is__(sumin, None):
    _46 = torch.zeros([1], dtype=ops.prim.dtype(input), layout=None, device=ops.prim.device(input))
    added = _46
  else:
    added = unchecked_cast(Tensor, sumin)
  filters = torch.mul(torch.size(weight, 1), groups)
  kernel = [torch.size(weight, 2), torch.size(weight, 3)]
  raw = torch.eq(dtype, "qint32")
  if torch.eq(march, "bernoulli"):
    out = ops.horizon.bpu_scale_quanti_deconvolution_with_shift(input, p0, p2, added, torch.item(p4), torch.item(p5), p3, p1, torch.item(p6), True, filters, kernel, stride, padding, output_padding, dilation, activation, groups, has_sumin, raw, dtype, march)
    _47 = (out, p7)
  else:
    out3 = ops.horizon.bpu_scale_quanti_deconvolution(input, p0, p1, added, p5, p6, p2, p7, p3, p4, True, filters, kernel, stride, padding, output_padding, dilation, activation, groups, has_sumin, raw, dtype, march)
    _47 = (out3, p8)
  return _47
def _linear(input: Tensor,
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
    march: str) -> Tuple[Tensor, Tensor]:
  _48 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv2d
  filters = torch.size(weight, 0)
  features = torch.size(weight, 1)
  _49 = torch.slice(torch.size(input), None, -1)
  shape = torch.add(_49, [filters])
  if torch.__isnot__(sumin, None):
    sumin2 = unchecked_cast(Tensor, sumin)
    added0 = torch.reshape(sumin2, [-1, filters, 1, 1])
    added : Optional[Tensor] = added0
  else:
    added = sumin
  _50 = torch.reshape(input, [-1, features, 1, 1])
  _51 = torch.reshape(weight, [filters, features, 1, 1])
  _52 = _48(_50, _51, bias, added, [1, 1], [0, 0], [1, 1], 1, "zeros", activation, input_scale, input_dtype, weight_scale, weight_dtype, bias_scale, bias_dtype, sumin_scale, scale, dtype, march, )
  out, out_scale, = _52
  _53 = (torch.reshape(out, shape), out_scale)
  return _53
def _max_pool2d(input: Tensor,
    kernel_size: List[int],
    stride: List[int],
    padding: List[int],
    dilation: List[int],
    ceil_mode: bool) -> Tensor:
  pooled = torch.max_pool2d(torch.to(input, 6), kernel_size, stride, padding, dilation, ceil_mode)
  _54 = torch.to(pooled, ops.prim.dtype(input))
  return _54
def _avg_pool2d(input: Tensor,
    kernel_size: List[int],
    stride: List[int],
    padding: List[int],
    ceil_mode: bool,
    input_scale: Tensor,
    scale: Tensor,
    dtype: str,
    march: str) -> Tuple[Tensor, Tensor]:
  if torch.eq(torch.dim(input), 3):
    batched = torch.unsqueeze(input, 0)
  else:
    batched = input
  if torch.eq(march, "bernoulli"):
    out4 = ops.horizon.bpu_scale_quanti_pooling(batched, "avg", kernel_size, padding, stride, ceil_mode, "qint8", march)
    out, out_scale = out4, input_scale
  else:
    total = ops.horizon.bpu_scale_quanti_pooling(batched, "sum", kernel_size, padding, stride, ceil_mode, "qint32", march)
    _55 = torch.div(input_scale, kernel_size[0])
    total_scale = torch.div(_55, kernel_size[1])
    if torch.eq(dtype, "qint32"):
      out5, out_scale0 = total, total_scale
    else:
      if torch.eq(march, "meta"):
        out7 = ops.horizon.meta_requantization(total, total_scale, scale, "qint32", dtype, march)
        out6 = out7
      else:
        if torch.eq(march, "bayes"):
          _56 = True
        else:
          _56 = torch.eq(march, "bayes-e")
        out8 = ops.horizon.bpu_scale_requantization(total, total_scale, scale, "qint32", dtype, _56, march)
        out6 = out8
      out5, out_scale0 = out6, scale
    out, out_scale = out5, out_scale0
  if torch.eq(torch.dim(input), 3):
    out9 = torch.squeeze(out, 0)
  else:
    out9 = out
  return (out9, out_scale)
def _interpolate(input: Tensor,
    size: Optional[List[int]],
    scale_factor: Optional[List[float]],
    mode: str,
    align_corners: Optional[bool],
    march: str) -> Tensor:
  if torch.__isnot__(size, None):
    size0 = unchecked_cast(List[int], size)
    out_height, out_width, ratio_height, ratio_width = size0[0], size0[1], -1., -1.
  else:
    if torch.__isnot__(scale_factor, None):
      scale_factor0 = unchecked_cast(List[float], scale_factor)
      ratio_height0, ratio_width0 = scale_factor0[0], scale_factor0[1]
    else:
      ratio_height0, ratio_width0 = -1., -1.
    out_height, out_width, ratio_height, ratio_width = -1, -1, ratio_height0, ratio_width0
  if torch.__is__(align_corners, None):
    corners = False
  else:
    corners = unchecked_cast(bool, align_corners)
  _57 = ops.horizon.bpu_quanti_resize(input, mode, corners, out_height, out_width, ratio_height, ratio_width, march)
  return _57
def quantized_fill(value: float,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> int:
  _58 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._quantize
  filled = torch.full([1], value, dtype=6, layout=None, device=ops.prim.device(scale))
  _59 = _58(filled, scale, zero_point, -1, dtype, "bpu_round", march, )
  return int(torch.item(_59))
def _pad(input: Tensor,
    pad: List[int],
    mode: str,
    value: float,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _60 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.quantized_fill
  if torch.eq(mode, "constant"):
    _61 = _60(value, scale, zero_point, dtype, march, )
    fill = float(_61)
  else:
    fill = value
  _62 = torch.pad(torch.to(input, 6), pad, mode, fill)
  return torch.to(_62, ops.prim.dtype(input))
def _masked_fill(input: Tensor,
    mask: Tensor,
    value: float,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _63 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.quantized_fill
  _64 = _63(value, scale, zero_point, dtype, march, )
  return torch.masked_fill(input, mask, _64)
def _cat(input_list: List[Tensor],
    dim: int,
    input_scale_list: List[Tensor],
    input_zero_point_list: List[Tensor],
    input_dtype_list: List[str],
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _65 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  rescaled = annotate(List[Tensor], [])
  for i in range(torch.len(input_list)):
    _66 = _65(input_list[i], input_scale_list[i], input_zero_point_list[i], input_dtype_list[i], scale, zero_point, dtype, march, )
    _67 = torch.append(rescaled, _66)
  return torch.cat(rescaled, dim)
def shifted_add(x: Tensor,
    y: Tensor,
    x_scale: Tensor,
    y_scale: Tensor,
    x_dtype: str,
    y_dtype: str,
    subtract: bool) -> Tuple[Tensor, Tensor]:
  _68 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.per_channel
  _69 = torch.min(torch.div(y_scale, x_scale))
  _70 = float(_69)
  _71 = torch.min(torch.div(x_scale, y_scale))
  swap = torch.gt(_70, float(_71))
  if swap:
    first_scale, second_scale, first_dtype, first, second = y_scale, x_scale, y_dtype, y, x
  else:
    first_scale, second_scale, first_dtype, first, second = x_scale, y_scale, x_dtype, x, y
  _72 = torch.div(torch.mul(first_scale, 32767.), second_scale)
  _73, _74 = torch.frexp(_72)
  if torch.eq(first_dtype, "qint8"):
    _75 = 23
  else:
    _75 = 15
  _76 = torch.sub(int(torch.item(torch.min(_74))), 1)
  shift = ops.prim.min(_75, _76)
  step = torch.pow(2., float(shift))
  if subtract:
    signed = torch.neg(second_scale)
  else:
    signed = second_scale
  _77 = torch.div(torch.mul(signed, step), first_scale)
  _78 = torch.clamp(torch.floor(torch.add(_77, 0.5)), -32767, 32767)
  factor = torch.to(_78, 3)
  if torch.ge(shift, 0):
    large0 = torch.mul(torch.to(first, 3), torch.__lshift__(1, shift))
    large = large0
  else:
    large1 = torch.bitwise_right_shift(torch.to(first, 3), torch.neg(shift))
    large = large1
  total_scale = torch.div(first_scale, step)
  if subtract:
    _79 = swap
  else:
    _79 = False
  if _79:
    total_scale0 = torch.neg(total_scale)
  else:
    total_scale0 = total_scale
  _80 = torch.mul(torch.to(second, 3), _68(factor, second, ))
  return (torch.add(large, _80), total_scale0)
def scaled_add(x: Tensor,
    y: Tensor,
    x_scale: Tensor,
    y_scale: Tensor) -> Tuple[Tensor, Tensor]:
  _81 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.per_channel
  _82 = torch.le(float(torch.max(x_scale)), float(torch.max(y_scale)))
  if _82:
    small_scale, large_scale, small, large = x_scale, y_scale, x, y
  else:
    small_scale, large_scale, small, large = y_scale, x_scale, y, x
  total_scale = torch.maximum(torch.div(small_scale, 127.), torch.div(large_scale, 33554432.))
  _83 = ops.horizon.round(torch.div(small_scale, total_scale))
  small_factor = torch.to(torch.clamp(_83, -128, 127), 3)
  _84 = ops.horizon.round(torch.div(large_scale, total_scale))
  mantissa, exponent = ops.horizon.frexp(_84)
  kept = torch.clamp(exponent, None, 15)
  _85 = torch.mul(mantissa, torch.pow(2., kept))
  large_factor = torch.to(torch.clamp(_85, None, 32767.), 3)
  _86 = torch.clamp(torch.sub(exponent, 15), 0)
  large_factor0 = torch.mul(large_factor, torch.to(torch.pow(2, _86), 3))
  total = torch.mul(torch.to(small, 3), _81(small_factor, small, ))
  _87 = torch.mul(torch.to(large, 3), _81(large_factor0, large, ))
  return (torch.add(total, _87), total_scale)
def plain_add(x: Tensor,
    y: Tensor,
    x_scale: Tensor,
    y_scale: Tensor) -> Tuple[Tensor, Tensor]:
  _88 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.per_channel
  total_scale = torch.div(torch.maximum(x_scale, y_scale), 16384.)
  _89 = ops.horizon.round(torch.div(x_scale, total_scale))
  x_factor = torch.to(_89, 3)
  _90 = ops.horizon.round(torch.div(y_scale, total_scale))
  y_factor = torch.to(_90, 3)
  x_part = torch.mul(torch.to(x, 3), _88(x_factor, x, ))
  _91 = torch.mul(torch.to(y, 3), _88(y_factor, y, ))
  return (torch.add(x_part, _91), total_scale)
def _add(x: Tensor,
    y: Tensor,
    x_scale: Tensor,
    y_scale: Tensor,
    x_zero_point: Tensor,
    x_dtype: str,
    y_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _92 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.is_bayes_family
  _93 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.shifted_add
  _94 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.scaled_add
  _95 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.plain_add
  _96 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  if _92(march, ):
    _97 = _93(x, y, x_scale, y_scale, x_dtype, y_dtype, False, )
    total0, total_scale1, = _97
    total, total_scale = total0, total_scale1
  else:
    if torch.eq(march, "bernoulli2"):
      total2, total_scale3, = _94(x, y, x_scale, y_scale, )
      total1, total_scale2 = total2, total_scale3
    else:
      total3, total_scale4, = _95(x, y, x_scale, y_scale, )
      total1, total_scale2 = total3, total_scale4
    total, total_scale = total1, total_scale2
  _98 = _96(total, total_scale, x_zero_point, "qint32", scale, zero_point, dtype, march, )
  return _98
def _sub(x: Tensor,
    y: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    x_dtype: str,
    y_scale: Tensor,
    y_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _99 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.is_bayes_family
  _100 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.shifted_add
  _101 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  _102 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.quant_range
  _103 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._add
  if _99(march, ):
    _105 = _100(x, y, x_scale, y_scale, x_dtype, y_dtype, True, )
    total, total_scale, = _105
    _106 = _101(total, total_scale, x_zero_point, "qint32", scale, zero_point, dtype, march, )
    _104 = _106
  else:
    y_min, y_max, = _102(y_dtype, )
    _107 = torch.clamp(torch.neg(torch.to(y, 3)), y_min, y_max)
    negated = torch.to(_107, ops.prim.dtype(y))
    _108 = _103(x, negated, x_scale, y_scale, x_zero_point, x_dtype, y_dtype, scale, zero_point, dtype, march, )
    _104 = _108
  return _104
def _mul(input: Tensor,
    other: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    other_scale: Tensor,
    other_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _109 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.shift_of
  _110 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  if torch.eq(input_dtype, "qbool"):
    _111 = True
  else:
    _111 = torch.eq(other_dtype, "qbool")
  if _111:
    _112 = torch.mul(input, other)
  else:
    if torch.eq(march, "bernoulli"):
      _114 = ops.horizon.bpu_quanti_mul(input, other, _109(input_scale, ), _109(other_scale, ), _109(scale, ), march)
      _113 = _114
    else:
      product = torch.mul(torch.to(input, 3), torch.to(other, 3))
      _115 = torch.mul(input_scale, other_scale)
      _116 = _110(product, _115, input_zero_point, "qint32", scale, zero_point, dtype, march, )
      _113 = _116
    _112 = _113
  return _112
def shift_of(scale: Tensor) -> Tensor:
  _117 = torch.to(torch.neg(torch.log2(scale)), 1)
  return _117
def _matmul(input: Tensor,
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
  _118 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  if input_trans:
    left = torch.transpose(input, -1, -2)
  else:
    left = input
  if other_trans:
    right = torch.transpose(other, -1, -2)
  else:
    right = other
  if torch.eq(march, "meta"):
    _120 = torch.matmul(torch.to(left, 7), torch.to(right, 7))
    wide = torch.to(_120, 4)
    _121 = ops.horizon.meta_requantization(wide, torch.mul(input_scale, other_scale), scale, "qint64", dtype, march)
    _119 = _121
  else:
    product_scale = torch.mul(input_scale, other_scale)
    if torch.eq(input_dtype, "qint16"):
      _122 = torch.eq(other_dtype, "qint16")
    else:
      _122 = False
    if _122:
      _123 = torch.div(torch.size(left, -1), 2)
      k = ops.prim.max(1.0039216887772298, torch.sqrt(_123))
      left1 = _118(left, input_scale, input_zero_point, input_dtype, torch.mul(input_scale, k), input_zero_point, "qint16", march, )
      right1 = _118(right, other_scale, other_zero_point, other_dtype, torch.mul(other_scale, k), other_zero_point, "qint16", march, )
      product_scale1 = torch.mul(product_scale, torch.mul(k, k))
      left0, right0, product_scale0 = left1, right1, product_scale1
    else:
      left0, right0, product_scale0 = left, right, product_scale
    _124 = torch.matmul(torch.to(left0, 7), torch.to(right0, 7))
    total = torch.to(_124, 3)
    _125 = _118(total, product_scale0, input_zero_point, "qint32", scale, zero_point, dtype, march, )
    _119 = _125
  return _119
def _sum(x: Tensor,
    dim: int,
    keepdim: bool,
    x_scale: Tensor,
    x_zero_point: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _126 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  if torch.eq(march, "meta"):
    total = torch.sum(x, [dim], keepdim, dtype=4)
    _128 = _126(total, x_scale, x_zero_point, "qint64", scale, zero_point, dtype, march, )
    _127 = _128
  else:
    total4 = torch.sum(x, [dim], keepdim, dtype=3)
    _129 = _126(total4, x_scale, x_zero_point, "qint32", scale, zero_point, dtype, march, )
    _127 = _129
  return _127
def shifted_mean(x: Tensor,
    dim: int,
    x_scale: Tensor,
    x_dtype: str,
    scale: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _130 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv2d
  moved = torch.transpose(x, dim, 1)
  channels = torch.size(moved, 1)
  mantissa, exponent = torch.frexp(torch.div(1., channels))
  step = torch.pow(2., torch.sub(exponent, 7))
  _131 = torch.add(torch.mul(mantissa, 128.), 0.5)
  _132 = ops.prim.max(-128., ops.prim.min(127., torch.floor(_131)))
  value = torch.mul(_132, step)
  weight = torch.full([1, channels, 1, 1], value, dtype=6, layout=None, device=ops.prim.device(x))
  weight_scale = torch.full([1], step, dtype=6, layout=None, device=ops.prim.device(x))
  bias = torch.zeros([1], dtype=6, layout=None, device=ops.prim.device(x))
  _133 = _130(moved, weight, bias, None, [1, 1], [0, 0], [1, 1], 1, "zeros", "", x_scale, x_dtype, weight_scale, "qint8", weight_scale, "qint8", None, scale, dtype, march, )
  out, _134, = _133
  return torch.transpose(out, dim, 1)
def _mean(x: Tensor,
    dim: int,
    x_scale: Tensor,
    x_zero_point: Tensor,
    x_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _135 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.shifted_mean
  _136 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  if torch.eq(march, "bernoulli"):
    _138 = _135(x, dim, x_scale, x_dtype, scale, dtype, march, )
    _137 = _138
  else:
    total = torch.sum(x, [dim], True, dtype=3)
    _139 = torch.mul(scale, torch.size(x, dim))
    _140 = _136(total, x_scale, x_zero_point, "qint32", _139, zero_point, dtype, march, )
    _137 = _140
  return _137
def _max(input: Tensor,
    dim: int,
    keepdim: bool,
    group: int,
    march: str) -> Tuple[Tensor, Tensor]:
  if torch.eq(group, 1):
    value0, index0 = torch.max(input, dim, keepdim)
    value, index = value0, index0
  else:
    index1, value1 = ops.horizon.bpu_post_process_channel_argmax(input, group, march)
    value, index = value1, index1
  return (value, index)
def _abs(input: Tensor,
    overflow_mode: str) -> Tensor:
  _141 = "overflow_mode is saturate or trunc, not "
  if torch.eq(overflow_mode, "saturate"):
    if torch.eq(ops.prim.dtype(input), 2):
      largest = 32767
    else:
      _143 = torch.eq(ops.prim.dtype(input), 3)
      if _143:
        largest0 = 2147483647
      else:
        largest0 = 127
      largest = largest0
    _144 = torch.clamp(input, torch.neg(largest))
    _142 = torch.abs(_144)
  else:
    if torch.eq(overflow_mode, "trunc"):
      pass
    else:
      _145 = torch.add("AssertionError: ", torch.add(_141, overflow_mode))
      ops.prim.RaiseException(_145)
    _142 = torch.abs(input)
  return _142
def _ceil(input: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _146 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  whole = ops.horizon.bpu_ceil(input, input_scale, input_dtype, "qint32", march)
  _147 = _146(whole, torch.ones_like(input_scale), input_zero_point, "qint32", scale, zero_point, dtype, march, )
  return _147
def _floor(input: Tensor,
    input_scale: Tensor,
    input_zero_point: Tensor,
    input_dtype: str,
    scale: Tensor,
    zero_point: Tensor,
    dtype: str,
    march: str) -> Tensor:
  _148 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  one = torch.ones_like(input_scale)
  whole = ops.horizon.bpu_scale_requantization(input, input_scale, one, input_dtype, "qint32", True, False, march)
  _149 = _148(whole, one, input_zero_point, "qint32", scale, zero_point, dtype, march, )
  return _149
def _topk(input: Tensor,
    k: int,
    axis: int,
    largest: bool,
    sorted: bool) -> Tuple[Tensor, Tensor]:
  _150 = "AssertionError: a quantised topk is sorted"
  if sorted:
    pass
  else:
    ops.prim.RaiseException(_150)
  values, indices = torch.sort(input, stable=True, dim=axis, descending=largest)
  _151 = (torch.narrow(values, axis, 0, k), torch.narrow(indices, axis, 0, k))
  return _151
def _lut(data: Tensor,
    table: Tensor) -> Tensor:
  _152 = torch.reshape(torch.to(data, 3), [-1])
  index = torch.add(_152, 128)
  _153 = torch.index_select(torch.reshape(table, [-1]), 0, index)
  return torch.reshape(_153, torch.size(data))
def _segment_lut(input: Tensor,
    table: Tensor,
    scales: Tensor,
    beta: Tensor,
    left_shift: Tensor,
    right_shift: Tensor,
    max: Tensor,
    is_centrosymmetric: bool,
    dtype: str,
    march: str) -> Tensor:
  _154 = ops.horizon.bpu_segment_lut(torch.to(input, 2), table, scales, beta, left_shift, right_shift, max, is_centrosymmetric, 8, dtype, 64, march)
  return _154
def _prelu(input: Tensor,
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
  _155 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._quantize
  _156 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  _157 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.per_channel
  if torch.is_floating_point(weight):
    factor0 = _155(weight, weight_scale, weight_zero_point, 0, weight_dtype, "bpu_round", march, )
    factor = factor0
  else:
    factor = weight
  positive = _156(torch.clamp(input, 0), input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march, )
  _158 = torch.to(torch.clamp(input, None, 0), 3)
  product = torch.mul(_158, _157(torch.to(factor, 3), input, ))
  negative = _156(product, torch.mul(input_scale, weight_scale), input_zero_point, "qint32", scale, zero_point, dtype, march, )
  return torch.add(positive, negative)
def _channel_shuffle(input: Tensor,
    groups: int) -> Tensor:
  shape = torch.size(input)
  _159 = torch.slice(shape, None, 1)
  _160 = [groups, torch.floordiv(shape[1], groups)]
  split = torch.add(torch.add(_159, _160), torch.slice(shape, 2))
  _161 = torch.transpose(torch.reshape(input, split), 1, 2)
  return torch.reshape(_161, shape)
def coordinate_shift(sizes: List[int]) -> int:
  _162, _163 = torch.frexp(float(ops.prim.max(sizes)))
  _164 = ops.prim.max(0, ops.prim.min(8, torch.sub(15, _163)))
  return _164
def base_grid(height: int,
    width: int,
    device: Device) -> Tensor:
  _165 = torch.arange(height, dtype=2, layout=None, device=device)
  rows = torch.expand(torch.reshape(_165, [height, 1]), [height, width])
  _166 = torch.arange(width, dtype=2, layout=None, device=device)
  columns = torch.expand(torch.reshape(_166, [1, width]), [height, width])
  return torch.stack([rows, columns], -1)
def _grid_sample(input: Tensor,
    grid: Tensor,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    grid_scale: Tensor,
    grid_zero_point: Tensor,
    grid_dtype: str,
    march: str) -> Tensor:
  _167 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.coordinate_shift
  _168 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._requantize
  _169 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.base_grid
  height = torch.size(grid, 1)
  width = torch.size(grid, 2)
  _170 = [torch.size(input, 2), torch.size(input, 3), height, width]
  shift = _167(_170, )
  coordinate_scale = torch.full([1], torch.pow(2., torch.neg(shift)), dtype=6, layout=None, device=ops.prim.device(grid))
  offset = _168(torch.flip(grid, [-1]), grid_scale, grid_zero_point, grid_dtype, coordinate_scale, grid_zero_point, "qint16", march, )
  _171 = _169(height, width, ops.prim.device(grid), )
  _172 = torch.mul(_171, torch.__lshift__(1, shift))
  absolute = torch.add(offset, _172)
  _173 = torch.unsqueeze(torch.permute(absolute, [0, 3, 1, 2]), 1)
  _174 = ops.horizon.bpu_quanti_grid_sample(input, _173, mode, padding_mode, align_corners, shift, march)
  return _174
def _softmax_bernoulli2(x: Tensor,
    table: Tensor,
    max_value_only: bool,
    dim: int) -> Tensor:
  _175 = torch.to(x, 3)
  _176 = torch.to(torch.amax(x, [dim], True), 3)
  distance = torch.sub(_175, _176)
  index = torch.add(torch.reshape(distance, [-1]), 255)
  _177 = torch.index_select(torch.reshape(table, [-1]), 0, index)
  powers = torch.to(torch.reshape(_177, torch.size(x)), 6)
  share = torch.div(powers, torch.sum(powers, [dim], True))
  if max_value_only:
    share0 = torch.amax(share, [dim], True)
  else:
    share0 = share
  return share0
def _correlation(data1: Tensor,
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
    march: str) -> Tensor:
  _178 = ops.horizon.bpu_scale_quanti_correlation(data1, data2, scale1, scale2, inter_scale, out_scale, kernel_size, max_displacement, stride1, stride2, pad_size, is_multiply, out_dtype, march)
  return _178
def kernel_grid(sizes: List[int],
    out: List[int],
    kernel: List[int],
    stride: List[int],
    padding: List[int],
    dilation: List[int],
    device: Device) -> Tensor:
  axes = annotate(List[Tensor], [])
  for i in range(2):
    _179 = torch.arange(out[i], dtype=2, layout=None, device=device)
    first = torch.sub(torch.mul(_179, stride[i]), padding[i])
    _180 = torch.arange(kernel[i], dtype=2, layout=None, device=device)
    taps = torch.mul(_180, dilation[i])
    _181 = torch.add(torch.unsqueeze(first, 1), torch.unsqueeze(taps, 0))
    _182 = torch.append(axes, torch.reshape(_181, [-1]))
  height = torch.size(axes[0], 0)
  width = torch.size(axes[1], 0)
  rows = torch.expand(torch.reshape(axes[0], [height, 1]), [height, width])
  columns = torch.expand(torch.reshape(axes[1], [1, width]), [height, width])
  return torch.stack([rows, columns])
def _deform_conv2d(input: Tensor,
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
    march: str) -> Tuple[Tensor, Tensor]:
  _183 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.coordinate_shift
  _184 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.kernel_grid
  _185 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._add
  _186 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._conv2d
  kernel = [torch.size(weight, 2), torch.size(weight, 3)]
  n, channels, in_height, in_width, = torch.size(input)
  out_height = torch.size(offset, 2)
  out_width = torch.size(offset, 3)
  height = torch.mul(out_height, kernel[0])
  width = torch.mul(out_width, kernel[1])
  _187 = torch.size(offset, 1)
  _188 = torch.mul(torch.mul(2, kernel[0]), kernel[1])
  groups = torch.floordiv(_187, _188)
  shift = _183([in_height, in_width, height, width], )
  coordinate_scale = torch.full([1], torch.pow(2., torch.neg(shift)), dtype=6, layout=None, device=ops.prim.device(input))
  _189 = [n, groups, kernel[0], kernel[1], 2, out_height, out_width]
  moved = torch.reshape(offset, _189)
  _190 = torch.permute(moved, [0, 1, 4, 5, 2, 6, 3])
  moved0 = torch.reshape(_190, [n, groups, 2, height, width])
  base = _184([in_height, in_width], [out_height, out_width], kernel, stride, padding, dilation, ops.prim.device(input), )
  one = torch.ones_like(coordinate_scale)
  _191 = torch.reshape(base, [1, 1, 2, height, width])
  grid = _185(_191, moved0, one, offset_scale, offset_zero_point, "qint16", offset_dtype, coordinate_scale, offset_zero_point, "qint16", march, )
  per_group = torch.floordiv(channels, groups)
  _192 = [torch.mul(n, groups), per_group, in_height, in_width]
  features = torch.reshape(input, _192)
  _193 = [torch.mul(n, groups), 1, 2, height, width]
  sampled = ops.horizon.bpu_quanti_grid_sample(features, torch.reshape(grid, _193), "bilinear", "zeros", True, shift, march)
  _194 = torch.reshape(sampled, [n, channels, height, width])
  _195 = [0, 0]
  _196 = [1, 1]
  _197 = torch.floordiv(channels, torch.size(weight, 1))
  _198 = _186(_194, weight, bias, sumin, kernel, _195, _196, _197, "zeros", activation, input_scale, input_dtype, weight_scale, weight_dtype, torch.ones_like(weight_scale), "qint32", sumin_scale, scale, dtype, march, )
  return _198
def filter(inputs: List[Tensor],
    scales: List[Tensor],
    zero_points: List[Tensor],
    dtypes: List[str],
    threshold: float,
    idx_range: Tuple[int, int],
    march: str) -> List[List[Tensor]]:
  _199 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.quant_range
  _200 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.is_bayes_family
  _201 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._dequantize
  if torch.ne(dtypes[0], "float32"):
    step = float(torch.item(scales[0]))
    lowest, highest, = _199(dtypes[0], )
    limit = torch.floor(torch.div(threshold, step))
    if _200(march, ):
      limit1 = torch.ceil(torch.div(threshold, step))
      limit0 = limit1
    else:
      limit0 = limit
    _202 = ops.prim.max(lowest, ops.prim.min(highest, limit0))
    working = torch.mul(float(_202), step)
  else:
    working = threshold
  data = annotate(List[Tensor], [])
  for i in range(torch.len(inputs)):
    if torch.eq(dtypes[i], "float32"):
      _203 = torch.append(data, inputs[i])
    else:
      _204 = _201(inputs[i], scales[i], zero_points[i], 1, march, )
      _205 = torch.append(data, _204)
  first, last, = idx_range
  _206 = torch.slice(torch.slice(data[0]), 1, first, last)
  score, index = torch.max(_206, 1)
  index2 = torch.add(index, first)
  if _200(march, ):
    keep = torch.ge(score, working)
  else:
    keep = torch.gt(score, working)
  results = annotate(List[List[Tensor]], [])
  for b in range(torch.size(score, 0)):
    coordinates = torch.nonzero(torch.select(keep, 0, b))
    row = torch.select(torch.slice(coordinates), 1, 0)
    column = torch.select(torch.slice(coordinates), 1, 1)
    _207 = torch.select(score, 0, b)
    _208 = annotate(List[Optional[Tensor]], [row, column])
    _209 = torch.index(_207, _208)
    _210 = torch.select(index2, 0, b)
    _211 = annotate(List[Optional[Tensor]], [row, column])
    _212 = torch.to(torch.index(_210, _211), 2)
    kept = [_209, _212, torch.to(coordinates, 2)]
    for i0 in range(torch.len(data)):
      _213 = torch.permute(torch.select(data[i0], 0, b), [1, 2, 0])
      _214 = annotate(List[Optional[Tensor]], [row, column])
      _215 = torch.append(kept, torch.index(_213, _214))
    _216 = torch.append(results, kept)
  return results
def _rle(input: Tensor,
    dtype: int) -> List[Tensor]:
  if torch.eq(dtype, 1):
    most = 255
  else:
    most = 65535
  results = annotate(List[Tensor], [])
  for b in range(torch.size(input, 0)):
    _217 = torch.reshape(torch.select(input, 0, b), [-1])
    flat = torch.to(_217, 4)
    _218 = torch.ones([1], dtype=11, layout=None, device=ops.prim.device(input))
    _219 = torch.ne(torch.slice(flat, 0, 1), torch.slice(flat, 0, None, -1))
    starts = torch.cat([_218, _219])
    first = torch.reshape(torch.nonzero(starts), [-1])
    _220 = annotate(List[Optional[Tensor]], [first])
    values = torch.index(flat, _220)
    _221 = torch.slice(first, 0, 1)
    _222 = torch.full_like(torch.slice(first, 0, None, 1), torch.size(flat, 0))
    counts = torch.sub(torch.cat([_221, _222]), first)
    _223 = torch.add(counts, torch.sub(most, 1))
    pieces = torch.div(_223, most, rounding_mode="floor")
    repeated = torch.repeat_interleave(values, pieces)
    ends = torch.cumsum(pieces, 0)
    lengths = torch.full_like(repeated, most)
    _224 = [torch.sub(ends, 1)]
    _225 = torch.mul(torch.sub(pieces, 1), most)
    _226 = torch.index_put_(lengths, _224, torch.sub(counts, _225))
    pairs = torch.reshape(torch.stack([repeated, lengths], 1), [-1])
    _227 = torch.full([1], torch.size(repeated, 0), dtype=4, layout=None, device=ops.prim.device(input))
    _228 = torch.append(results, torch.cat([_227, pairs]))
  return results
def point_pillars_scatter(voxel_features: Tensor,
    coords: Tensor,
    output_shape: List[int]) -> Tensor:
  batch = output_shape[0]
  height = output_shape[-2]
  width = output_shape[-1]
  _229 = torch.select(torch.slice(coords), 1, -1)
  present = torch.ge(_229, 0)
  _230 = annotate(List[Optional[Tensor]], [present])
  features = torch.index(voxel_features, _230)
  _231 = annotate(List[Optional[Tensor]], [present])
  kept = torch.to(torch.index(coords, _231), 4)
  _232 = torch.mul(torch.select(torch.slice(kept), 1, 0), torch.mul(height, width))
  _233 = torch.select(torch.slice(kept), 1, -2)
  _234 = torch.add(_232, torch.mul(_233, width))
  _235 = torch.select(torch.slice(kept), 1, -1)
  index = torch.add(_234, _235)
  _236 = torch.mul(torch.mul(batch, height), width)
  canvas = torch.zeros([_236, torch.size(voxel_features, 1)], dtype=ops.prim.dtype(voxel_features), layout=None, device=ops.prim.device(voxel_features))
  _237 = torch.index_put_(canvas, [index], features)
  _238 = torch.reshape(canvas, [batch, height, width, -1])
  _239 = torch.contiguous(torch.permute(_238, [0, 3, 1, 2]))
  return _239
def _rcnn_post_process(boxes: List[Tensor],
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
  stacked = torch.stack(boxes)
  if torch.__is__(image_sizes, None):
    sizes0 = torch.zeros([torch.size(stacked, 0), 2], dtype=3, layout=None, device=ops.prim.device(stacked))
    sizes = sizes0
  else:
    sizes = unchecked_cast(Tensor, image_sizes)
  _240, _241 = ops.horizon.rcnn_post_process(stacked, scores, deltas, sizes, fixed_image_h, fixed_image_w, nms_threshold, box_filter_threshold, num_classes, post_nms_top_k, delta_mean, delta_std, torch.__is__(image_sizes, None), False, march)
  return (_240, _241)
def corner_unit(boxes: List[Tensor]) -> float:
  if torch.is_floating_point(boxes[0]):
    _242 = 1.
  else:
    _242 = 0.25
  return _242
def _bbox_clip(boxes: List[Tensor],
    clip_ratio: Tuple[float, float, float, float]) -> List[Tensor]:
  _243 = "AssertionError: the clip ratios of one direction add up to 1 or more"
  left, top, right, bottom, = clip_ratio
  if torch.lt(torch.add(left, right), 1.):
    _245 = torch.lt(torch.add(top, bottom), 1.)
    _244 = _245
  else:
    _244 = False
  if _244:
    pass
  else:
    ops.prim.RaiseException(_243)
  clipped = annotate(List[Tensor], [])
  for _246 in range(torch.len(boxes)):
    box = boxes[_246]
    exact = torch.to(box, 6)
    _247 = torch.slice(torch.slice(exact), 1, 2)
    _248 = torch.slice(torch.slice(exact), 1, None, 2)
    side = torch.sub(_247, _248)
    _249 = torch.slice(torch.slice(exact), 1, None, 2)
    _250 = torch.tensor([left, top], dtype=None, device=ops.prim.device(box))
    low = torch.add(_249, torch.mul(side, _250))
    _251 = torch.slice(torch.slice(exact), 1, 2)
    _252 = torch.tensor([right, bottom], dtype=None, device=ops.prim.device(box))
    high = torch.sub(_251, torch.mul(side, _252))
    inner = torch.cat([low, high], -1)
    _253 = torch.__not__(torch.is_floating_point(box))
    if _253:
      inner0 = ops.horizon.round(inner)
    else:
      inner0 = inner
    _254 = torch.to(inner0, ops.prim.dtype(box))
    _255 = torch.append(clipped, _254)
  return clipped
def outside_or_empty(box: Tensor,
    height: float,
    width: float,
    spatial_scale: float) -> Tensor:
  _256 = torch.lt(torch.select(torch.slice(box), 1, 2), 0)
  _257 = torch.lt(torch.select(torch.slice(box), 1, 3), 0)
  _258 = torch.__or__(_256, _257)
  _259 = torch.mul(torch.select(torch.slice(box), 1, 0), spatial_scale)
  beside = torch.__or__(_258, torch.gt(_259, width))
  _260 = torch.mul(torch.select(torch.slice(box), 1, 1), spatial_scale)
  beside0 = torch.__or__(beside, torch.gt(_260, height))
  _261 = torch.sub(torch.select(torch.slice(box), 1, 2), torch.select(torch.slice(box), 1, 0))
  _262 = torch.__or__(beside0, torch.le(_261, 0))
  _263 = torch.sub(torch.select(torch.slice(box), 1, 3), torch.select(torch.slice(box), 1, 1))
  return torch.__or__(_262, torch.le(_263, 0))
def _roi_align_list(input: Tensor,
    boxes: List[Tensor],
    output_size: List[int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    interpolate_mode: str,
    march: str) -> Tensor:
  _264 = "AssertionError: roi align needs one list of boxes for each image"
  _265 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.corner_unit
  _266 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.outside_or_empty
  _267 = torch.eq(torch.len(boxes), torch.size(input, 0))
  if _267:
    pass
  else:
    ops.prim.RaiseException(_264)
  unit = _265(boxes, )
  height = torch.div(torch.size(input, 2), unit)
  width = torch.div(torch.size(input, 3), unit)
  longest = 0
  for _268 in range(torch.len(boxes)):
    box = boxes[_268]
    longest0 = ops.prim.max(longest, torch.size(box, 0))
    longest = longest0
  padded = annotate(List[Tensor], [])
  present = annotate(List[Tensor], [])
  empty = annotate(List[Tensor], [])
  for _269 in range(torch.len(boxes)):
    box0 = boxes[_269]
    _270 = torch.sub(longest, torch.size(box0, 0))
    _271 = torch.constant_pad_nd(box0, [0, 0, 0, _270])
    _272 = torch.append(padded, _271)
    _273 = torch.arange(longest, dtype=None, layout=None, device=ops.prim.device(box0))
    _274 = torch.append(present, torch.lt(_273, torch.size(box0, 0)))
    _275 = _266(box0, height, width, spatial_scale, )
    _276 = torch.append(empty, _275)
  _277 = torch.stack(padded)
  _278 = torch.mul(output_size[0], sampling_ratio)
  _279 = torch.mul(output_size[1], sampling_ratio)
  regions = ops.horizon.bpu_quanti_roi_resize(input, _277, spatial_scale, _278, _279, aligned, interpolate_mode, march)
  _280 = annotate(List[Optional[Tensor]], [torch.cat(present)])
  found = torch.index(regions, _280)
  _281 = torch.reshape(torch.cat(empty), [-1, 1, 1, 1])
  return torch.masked_fill(found, _281, 0)
def _roi_align_tensor(input: Tensor,
    boxes: Tensor,
    output_size: List[int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    interpolate_mode: str,
    march: str) -> Tensor:
  _282 = "AssertionError: boxes are [K, 5]: image, x1, y1, x2, y2"
  _283 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._roi_align_list
  if torch.eq(torch.size(boxes, 1), 5):
    pass
  else:
    ops.prim.RaiseException(_282)
  if torch.is_floating_point(boxes):
    step = 1
  else:
    step = 4
  lists = annotate(List[Tensor], [])
  places = annotate(List[Tensor], [])
  for image in range(torch.size(input, 0)):
    _284 = torch.select(torch.slice(boxes), 1, 0)
    _285 = torch.eq(_284, torch.mul(image, step))
    at = torch.reshape(torch.nonzero(_285), [-1])
    _286 = torch.append(places, at)
    _287 = torch.slice(boxes, 1, 1)
    _288 = annotate(List[Optional[Tensor]], [at])
    _289 = torch.append(lists, torch.index(_287, _288))
  found = _283(input, lists, output_size, spatial_scale, sampling_ratio, aligned, interpolate_mode, march, )
  _290 = annotate(List[Optional[Tensor]], [torch.argsort(torch.cat(places))])
  return torch.index(found, _290)
def level_of(boxes: List[Tensor],
    spatial_scale: List[float],
    canonical_box_size: int,
    canonical_level: int) -> Tensor:
  _291 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.corner_unit
  unit = _291(boxes, )
  sizes = annotate(List[Tensor], [])
  for _292 in range(torch.len(boxes)):
    box = boxes[_292]
    pixels = torch.mul(torch.to(box, 6), unit)
    _293 = torch.select(torch.slice(pixels), 1, 2)
    _294 = torch.select(torch.slice(pixels), 1, 0)
    _295 = torch.add(torch.sub(_293, _294), 1)
    _296 = torch.select(torch.slice(pixels), 1, 3)
    _297 = torch.select(torch.slice(pixels), 1, 1)
    _298 = torch.mul(_295, torch.add(torch.sub(_296, _297), 1))
    _299 = torch.append(sizes, _298)
  size = torch.sqrt(torch.cat(sizes))
  _300 = torch.log2(torch.div(size, canonical_box_size))
  _301 = torch.add(torch.add(_300, canonical_level), 1e-08)
  level = torch.floor(_301)
  _302 = torch.neg(torch.log(spatial_scale[0]))
  first = torch.round(torch.div(_302, 0.69314718055994529))
  _303 = torch.neg(torch.log(spatial_scale[-1]))
  last = torch.round(torch.div(_303, 0.69314718055994529))
  _304 = torch.sub(torch.clamp(level, first, last), first)
  return torch.to(_304, 4)
def _multi_scale_roi_align(features: List[Tensor],
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
  _305 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._bbox_clip
  _306 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl._roi_align_list
  _307 = __torch__.horizon_plugin_pytorch.nn.quantized.functional_impl.level_of
  if torch.eq(torch.len(boxes), 1):
    _308 = torch.eq(torch.dim(boxes[0]), 3)
  else:
    _308 = False
  if _308:
    _309 = torch.slice(torch.slice(boxes[0]), 1)
    _310 = torch.unbind(torch.slice(_309, 2, None, 4))
    lists = torch.list(_310)
  else:
    lists = boxes
  if torch.__isnot__(box_clip_ratio, None):
    box_clip_ratio0 = unchecked_cast(Tuple[float, float, float, float], box_clip_ratio)
    lists0 = _305(lists, box_clip_ratio0, )
  else:
    lists0 = lists
  if torch.eq(torch.len(features), 1):
    _312 = _306(features[0], lists0, output_size, spatial_scale[0], sampling_ratio, aligned, interpolate_mode, march, )
    _311 = _312
  else:
    level = _307(lists0, spatial_scale, canonical_box_size, canonical_level, )
    first = features[0]
    _313 = [torch.size(level, 0), torch.size(first, 1), output_size[0], output_size[1]]
    found = torch.zeros(_313, dtype=ops.prim.dtype(first), layout=None, device=ops.prim.device(first))
    for index in range(torch.len(features)):
      taken = annotate(List[Tensor], [])
      start = 0
      for _314 in range(torch.len(lists0)):
        box = lists0[_314]
        _315 = torch.add(start, torch.size(box, 0))
        _316 = torch.slice(level, 0, start, _315)
        _317 = annotate(List[Optional[Tensor]], [torch.eq(_316, index)])
        _318 = torch.append(taken, torch.index(box, _317))
        start0 = torch.add(start, torch.size(box, 0))
        start = start0
      part = _306(features[index], taken, output_size, spatial_scale[index], sampling_ratio, aligned, interpolate_mode, march, )
      _319 = torch.nonzero(torch.eq(level, index))
      _320 = torch.index_put_(found, [torch.reshape(_319, [-1])], part)
    _311 = found
  return _311
