class Hk(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  sub : __torch__.___torch_mangle_25.SubA
  def forward(s: __torch__.Hk,
    x: Tensor) -> Tensor:
    _0 = __torch__.___torch_mangle_25.SubA.pre
    _1 = __torch__.___torch_mangle_25.SubA.post
    sub = s.sub
    _2 = _0(sub, (x,), )
    _3, = _2
    return _1(sub, _2, (sub).forward(_3, ), )
