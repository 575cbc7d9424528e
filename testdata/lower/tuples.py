class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    t = (x, 3, "a")
    a, b, c = t
    d = t[0]
    e = t[-1]
    f = t[1:]
    (g, h), i = (x, 1), 2
    j, *k = t
    l = m = 3
    n, o = [x, x]
    p = (1,)
    q, = p
    u = [(1, 2.0), (3, 4.0)]
    for v, w in u:
      x = x + v * w
    y: List[Tuple[int, float]] = []
    y.append((1, 2.))
    z: Optional[int] = None
    if b > 2:
      z = 4
    return x + a + b + l + q
