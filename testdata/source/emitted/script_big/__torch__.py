class Big(Module):
  __parameters__ = ["w", "w_tied", "wfrozen", ]
  __buffers__ = ["v1", "v2", "cb", "bf", "empty", "scalar", "bl", "conj", "neg_im", "nonebuf", ]
  w : Tensor
  w_tied : Tensor
  wfrozen : Tensor
  v1 : Tensor
  v2 : Tensor
  cb : Tensor
  bf : Tensor
  empty : Tensor
  scalar : Tensor
  bl : Tensor
  conj : Tensor
  neg_im : Tensor
  nonebuf : NoneType
  training : bool
  _is_full_backward_hook : NoneType
  i : int
  f : float
  b : bool
  s : str
  neg : int
  bigi : int
  c : complex
  li : List[int]
  lf : List[float]
  lb : List[bool]
  ls : List[str]
  lt : List[Tensor]
  di : Dict[str, int]
  dt : Dict[int, Tensor]
  tp : Tuple[int, str, List[float]]
  on : Optional[Tensor]
  oi : Optional[int]
  ll : List[List[int]]
  lo : List[Optional[Tensor]]
  col : __torch__.Color
  dev : Device
  dty : int
  un : Union[int, str]
  nonev : NoneType
  pt0 : __torch__.Pt
  cplx_l : List[complex]
  mods : __torch__.torch.nn.modules.container.ModuleList
  md : __torch__.torch.nn.modules.container.ModuleDict
  pl : __torch__.torch.nn.modules.container.ParameterList
  iface_mod : __torch__.ModIface
  klist : Final[Tuple[int, int]] = (1, 2)
  fin : Final[int] = 11
  kc : Final[int] = 7
  def forward(s: __torch__.Big,
    x: Tensor,
    flag: bool=False,
    n: Optional[int]=None) -> Tuple[Tensor, Dict[str, Tensor], List[int]]:
    mods = s.mods
    _0 = getattr(mods, "0")
    _1 = getattr(mods, "1")
    x0 = (_0).forward(x, )
    x1 = (_1).forward(x0, )
    md = s.md
    a_b = getattr(md, "a-b")
    x2 = (a_b).forward(x1, )
    md0 = s.md
    _2x = getattr(md0, "2x")
    x3 = (_2x).forward(x2, )
    iface_mod = s.iface_mod
    x4 = (iface_mod).forward(x3, )
    if torch.__isnot__(n, None):
      n0 = unchecked_cast(int, n)
      x5 = torch.mul(x4, n0)
    else:
      x5 = torch.sub(x4, 1)
    acc = torch.zeros_like(x5)
    acc0 = acc
    i = 0
    _2 = True
    while _2:
      acc1 = torch.add(acc0, x5)
      i0 = torch.add(i, 1)
      if torch.eq(i0, 2):
        _3 = False
      else:
        _3 = torch.lt(i0, 3)
      _2, acc0, i = _3, acc1, i0
    acc2 = acc0
    _4 = 0
    _5 = True
    while _5:
      j = torch.__derive_index(_4, 2, 3)
      acc3 = torch.add_(acc2, j)
      if torch.gt(j, 5):
        _6 = acc3
      else:
        _6 = torch.sub_(acc3, 1)
      _7 = torch.add(_4, 1)
      _8 = torch.__and__(torch.lt(_7, 3), True)
      _5, acc2, _4 = _8, _6, _7
    _9 = [1, 2]
    acc4 = acc2
    for _10 in range(torch.len(_9)):
      t = _9[_10]
      acc4 = torch.mul(acc4, t)
    col = s.col
    if torch.eq(col, __torch__.Color.RED):
      acc5 = torch.add(acc4, (col).value)
    else:
      acc5 = acc4
    if torch.eq((col).name, "RED"):
      acc6 = torch.add(acc5, 1)
    else:
      acc6 = acc5
    obj = __torch__.Plain.__new__(__torch__.Plain)
    _11 = (obj).__init__(2, acc6, )
    y = (obj).run(3, )
    y0 = (obj).run(4, )
    if flag:
      _12 = torch.unsqueeze(torch.slice(y0, 0, 0, 1), -1)
      y1 = torch.add(_12, torch.sum(y0))
    else:
      y1 = y0
    lst = annotate(List[int], [])
    li = s.li
    for _13 in range(torch.len(li)):
      k = li[_13]
      _14 = torch.append(lst, torch.mul(k, 2))
    _15 = torch.append(lst, 5)
    _16 = torch._set_item(lst, 0, 9)
    torch.Delete(lst, 1)
    d = {"y": y1, "x": x5}
    torch._set_item(d, "z", y0)
    if torch.gt(torch.len(lst), 0):
      pass
    else:
      ops.prim.RaiseException("AssertionError: boo")
    def __forked_function():
      _17 = __torch__.free_fn(x5, 3, "a\nb", 1.0000000000000001e-30, None, )
      return _17
    fut = fork(__forked_function)
    z = torch.wait(fut)
    z0 = __torch__.free_fn(z, 5, "a\nb", 1.0000000000000001e-30, None, )
    dv = ops.prim.device(x5)
    z1 = torch.to(torch.to(torch.to(z0, dv), 6), torch.device("cpu"))
    _18 = torch.zeros([2], dtype=4, layout=None, device=torch.device("cpu"))
    z2 = torch.add(_18, torch.sum(z1))
    i1 = s.i
    s.i = torch.add(i1, 1)
    i2 = s.i
    print("hey", z2, i2)
    un = s.un
    _19 = isinstance(un, int)
    if _19:
      un0 = unchecked_cast(int, un)
      z3 = torch.add(z2, un0)
    else:
      z3 = z2
    _20 = __torch__.torch.autograd.grad_mode.no_grad.__new__(__torch__.torch.autograd.grad_mode.no_grad)
    _21 = (_20).__init__()
    with _20:
      z4 = torch.mul(z3, 1)
    _22 = torch.div(z4, 2, rounding_mode="floor")
    z5 = torch.remainder(torch.floor_divide(_22, 2), 9.)
    return (z5, d, lst)
  def other(s: __torch__.Big,
    a: Any,
    k: int=3,
    kw: bool=True) -> Optional[Tensor]:
    _21 = isinstance(a, Tensor)
    if _21:
      _22 : Optional[Tensor] = unchecked_cast(Tensor, a)
    else:
      _22 = None
    return _22
class SubA(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(s: __torch__.SubA,
    x: Tensor) -> Tensor:
    return torch.add(x, 1)
class SubB(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(s: __torch__.SubB,
    x: Tensor) -> Tensor:
    return torch.mul(x, 2)
class Color(Enum):
  RED = 1
  GREEN = 2
class Pt(NamedTuple):
  x : Tensor
  n : int
  o : Optional[Tensor]
class ModIface(ModuleInterface):
  def forward(self, x: Tensor) -> Tensor:
    pass
def free_fn(x: Tensor,
    n: int=2,
    s: str="a\nb",
    f: float=1.0000000000000001e-30,
    o: Optional[int]=None) -> Tensor:
  return torch.mul(x, n)
class Plain:
  a : int
  t : Tensor
  d : Dict[str, List[int]]
  def __init__(self: __torch__.Plain,
    a: int,
    t: Tensor) -> NoneType:
    self.a = a
    self.t = t
    self.d = annotate(Dict[str, List[int]], {})
    return None
  def run(self: __torch__.Plain,
    k: int=3) -> Tensor:
    a = self.a
    self.a = torch.add(a, k)
    t = self.t
    a0 = self.a
    return torch.mul(t, a0)
