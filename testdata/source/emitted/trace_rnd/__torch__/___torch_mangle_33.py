class Rnd(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.___torch_mangle_33.Rnd,
    x: Tensor) -> Tensor:
    _0 = torch.rand([2, 3], dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    _1 = torch.randn_like(x, dtype=None, layout=None, device=None, pin_memory=False)
    _2 = torch.add(_0, _1)
    _3 = torch.full([2, 3], 1, dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    _4 = torch.add(_2, _3)
    _5 = torch.empty([2, 3], dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    input = torch.add(_4, torch.uniform_(_5))
    _6 = torch.dropout(input, 0.5, True)
    input0 = torch.unsqueeze(torch.unsqueeze(x, 0), 1)
    _7 = torch.upsample_nearest2d(input0, None, [2., 2.])
    _8 = torch.select(torch.select(_7, 0, 0), 0, 0)
    _9 = torch.slice(torch.slice(_8, 0, 0, 2), 1, 0, 3)
    _10 = torch.add(_6, _9)
    _11 = torch.linspace(0, 1, 3, dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    _12 = torch.add(torch.add(_10, _11), torch.gelu(x))
    _13 = torch.add(_12, torch.div(x, CONSTANTS.c0))
    _14 = torch.logspace(0, 1, 3, 10., dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    return torch.add(_13, _14)
