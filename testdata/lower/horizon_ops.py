class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M,
    x: Tensor,
    scale: Tensor) -> Tuple[Tensor, Tensor]:
    old = ops.horizon.bpu_scale_quantization(x, scale, scale, -1, -128, 127, "qint8", "bayes")
    new = ops.horizon.bpu_scale_quantization(x, scale, scale, -1, -128, 127, "qint8", "half_to_even", "bayes")
    short = ops.horizon.bpu_scale_requantization(old, scale, scale, "qint8", "qint16", False, "bayes")
    long = ops.horizon.bpu_scale_requantization(new, scale, scale, "qint8", "qint16", True, False, "bayes")
    weight, bias, lshift, escale, elshift, oscale, accu, rshift, dequant = ops.horizon.convert_conv_params(scale, x, scale, "qint8", x, scale, "qint32", scale, "qint8", scale, False, 1, "bayes")
    shift = torch.item(lshift)
    y = ops.horizon.bpu_scale_quanti_convolution_with_shift(short, weight, bias, long, shift, shift, bias, weight, shift, True, 4, [3, 3], [1, 1], [1, 1], [1, 1], "relu", 1, False, False, "qint8", "bernoulli")
    _0 = ops.horizon.bpu_post_process_channel_argmax(y, 1, "bayes")
    index, value, = _0
    boxes = ops.horizon.bpu_quanti_proposal([y, value], x, x, x, [1], [1], [4], 4, [8], [8], 1, [0], [1], [0], 1, [0], [1], [1], True, False, -1, -1, "hw", 128, 300, 0, -1, "bayes")
    return (index, ops.horizon.bpu_scale_dequantization(boxes, dequant, -1))
