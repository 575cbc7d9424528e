class N(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(s: __torch__.N,
    x: Optional[Tensor],
    l: List[Tensor],
    n: int,
    tt: Tuple[int, float]=(1, 2.),
    s2: Optional[str]="a") -> Tensor:
    _0 = uninitialized(Tensor)
    if torch.__isnot__(x, None):
      x0 = unchecked_cast(Tensor, x)
    else:
      ops.prim.RaiseException("AssertionError: ")
      x0 = _0
    y = torch.add(torch._unwrap_optional(x0), 1)
    a, b, = l
    w = annotate(List[Optional[Tensor]], [y, None])
    q = annotate(Dict[str, Optional[Tensor]], {"a": y, "b": None})
    u = annotate(List[int], torch.to(torch.ones([2]), 4).tolist())
    y0 = y
    for i in range(n):
      y1 = y0
      for j in range(n):
        if torch.gt(torch.mul(i, j), 3):
          y2 = torch.add(y1, i)
        else:
          y2 = y1
        y1 = y2
      y0 = y1
    p = l[0]
    _1 = torch._set_item(l, 1, p)
    l2 = torch.slice(l, 0, 1)
    e = annotate(List[Tensor], [])
    for _2 in range(torch.len(l)):
      t = l[_2]
      _3 = torch.append(e, t)
    f = float(torch.sum(y0))
    g = int(torch.sum(y0))
    h = bool(torch.sum(y0))
    aa = torch.item(torch.select(y0, 0, 0))
    v = torch.select(torch.stack(l), -1, 0)
    _4 = annotate(List[Optional[Tensor]], [torch.tensor([0, 1], dtype=4)])
    vv = torch.index(y0, _4)
    _5 = torch.select(y0, 0, 0)
    _6 = torch.tensor(5, dtype=ops.prim.dtype(_5), device=ops.prim.device(_5))
    _7 = torch.copy_(_5, _6)
    _8 = torch.select(y0, 0, 0)
    _9 = torch.select(torch.slice(y0, 0, 1), 1, 0)
    _10 = torch.copy_(_9, _8)
    x2 = torch.neg(y0)
    x3 = torch.bitwise_not(torch.gt(y0, 1))
    x4 = torch.matmul(y0, y0)
    x5 = torch.pow(y0, 2)
    x6 = torch.add(torch.neg(y0), 2)
    x7 = torch.mul(torch.reciprocal(y0), 2)
    x8 = torch.floor_divide(y0, 2)
    x9 = torch.remainder(y0, 2)
    xa = ops.prim.abs(y0)
    xb = torch.max(y0)
    xc = torch.add(2, ops.prim.min(n, 3))
    n0 = n
    _11 = True
    while _11:
      n1 = torch.add(n0, 1)
      if torch.gt(n1, 5):
        _12 = False
      else:
        _12 = True
      _11, n0 = _12, n1
    _13 = (tt)[0]
    _14 = torch.items(q)
    cnt = 0
    for _15 in range(torch.len(_14)):
      key, val, = _14[_15]
      cnt = torch.add(cnt, torch.len(key))
    if torch.__contains__(q, "a"):
      if torch.eq(n0, 3):
        _17 = True
      else:
        _17 = torch.ne(n0, 4)
      _16 = torch.__not__(_17)
    else:
      _16 = False
    if _16:
      cnt0 = torch.add(cnt, 1)
    else:
      cnt0 = cnt
    _18 = torch.add(torch.add(torch.add(y0, y0), f), g)
    _19 = torch.add(torch.add(_18, int(h)), aa)
    _20 = torch.add(torch.add(_19, torch.sum(v)), torch.sum(vv))
    _21 = torch.add(torch.add(_20, torch.len(l2)), 1)
    _22 = torch.add(torch.add(torch.add(_21, x2), x4), x5)
    _23 = torch.add(torch.add(torch.add(_22, x6), x7), x8)
    _24 = torch.add(torch.add(torch.add(_23, x9), xa), xb)
    _25 = torch.add(torch.add(_24, xc), u[0])
    if torch.__is__(w[0], None):
      _26 = 1
    else:
      _26 = 2
    _27 = torch.add(_25, _26)
    if torch.__is__(q["a"], None):
      _28 = 1
    else:
      _28 = 0
    _29 = torch.add(torch.add(_27, _28), torch.len(e))
    _30 = torch.add(torch.add(torch.add(_29, b), 1), torch.sum(x3))
    _31 = torch.add(torch.add(_30, _13), cnt0)
    return _31
