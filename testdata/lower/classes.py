class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    o = __torch__.C(3)
    p = o.add(2)
    o.v = p
    q = o + 1
    r = o[2]
    o[1] = 5
    o += 3
    nt = __torch__.P(x, 3)
    y = nt.a + nt.b
    a, b = nt
    e = __torch__.E.RED
    s = e.value + len(e.name)
    t = e == __torch__.E.BLUE
    if o:
      y = y + 1
    n = len(o)
    c = 3 in o
    del o[1]
    return y + a + b + s + q

class C:
  v : int
  def __init__(self: __torch__.C, v: int) -> NoneType:
    self.v = v
    return None
  def add(self: __torch__.C, k: int=1) -> int:
    return self.v + k
  def __add__(self: __torch__.C, k: int) -> int:
    return self.v + k
  def __iadd__(self: __torch__.C, k: int) -> __torch__.C:
    self.v = self.v + k
    return self
  def __getitem__(self: __torch__.C, k: int) -> int:
    return self.v + k
  def __setitem__(self: __torch__.C, k: int, v: int) -> NoneType:
    self.v = k
    return None
  def __delitem__(self: __torch__.C, k: int) -> NoneType:
    return None
  def __len__(self: __torch__.C) -> int:
    return 3
  def __bool__(self: __torch__.C) -> bool:
    return True
  def __contains__(self: __torch__.C, k: int) -> bool:
    return True
class P(NamedTuple):
  a : Tensor
  b : int
class E(Enum):
  RED = 1
  BLUE = 2
