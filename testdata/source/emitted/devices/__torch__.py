class DevM(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  d : Device
  od : Optional[Device]
  ld : List[Device]
  def forward(s: __torch__.DevM,
    x: Tensor,
    dev: str="cuda") -> Tensor:
    y = torch.ones([2], dtype=None, layout=None, device=torch.device("cuda:0"))
    _0 = torch.add(torch.cuda(x), torch.cpu(y))
    _1 = torch.add(_0, torch.to(x, torch.device("cuda")))
    _2 = torch.add(_1, torch.to(x, torch.device("cuda:1")))
    d = s.d
    z = torch.add(torch.add(_2, torch.to(x, d)), torch.to(x, torch.device(dev)))
    if ops.prim.is_cuda(x):
      z0 = torch.add(z, 1)
    else:
      z0 = z
    _3 = torch.eq(ops.prim.type(ops.prim.device(x)), "cuda")
    if _3:
      z1 = torch.add(z0, 2)
    else:
      z1 = z0
    _4 = torch.eq(ops.prim.device(x), torch.device("cuda", 0))
    if _4:
      z2 = torch.add(z1, 3)
    else:
      z2 = z1
    if torch.eq(torch.get_device(x), 0):
      z3 = torch.add(z2, 5)
    else:
      z3 = z2
    _5 = __torch__.torch.amp.autocast_mode.autocast.__new__(__torch__.torch.amp.autocast_mode.autocast)
    _6 = (_5).__init__("cuda", 5, True, None, )
    with _5:
      z4 = torch.add(z3, 1)
    return z4
