class Rnd(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(s: __torch__.Rnd,
    x: Tensor) -> Tensor:
    _0 = __torch__.torch.nn.functional.dropout
    _1 = __torch__.torch.nn.functional.___torch_mangle_31.interpolate
    _2 = torch.add(torch.rand([2, 3]), torch.randn_like(x))
    _3 = torch.add(_2, torch.full([2, 3], 1))
    g = torch.add(_3, torch.uniform_(torch.empty([2, 3])))
    _4 = _0(g, 0.5, True, False, )
    _5 = torch.unsqueeze(torch.unsqueeze(x, 0), 1)
    _6 = _1(_5, None, 2., "nearest", None, None, False, )
    _7 = torch.select(torch.select(_6, 0, 0), 0, 0)
    _8 = torch.slice(torch.slice(_7, 0, None, 2), 1, None, 3)
    _9 = torch.add(torch.add(_4, _8), torch.linspace(0, 1, 3))
    _10 = torch.add(torch.add(_9, torch.gelu(x)), torch.div(x, 2))
    _11 = torch.add(_10, torch.logspace(0, 1, 3))
    return _11
