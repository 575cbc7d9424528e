class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    a = 2 - x
    b = 2 / x
    c = 2.5 * x
    d = 3 < x
    e = 1 == x
    f = x // 2
    g = 2 // 3
    h = x // x
    i = 2 ** x
    j = x % 3
    k = 2 ** 3
    l = 7 / 2
    m = not True
    n = ~x
    o = -x
    p = x @ x
    q = 5 % 3
    r = 1 << 3
    return a + b + c + d + e + f + g + h + i + j + k + l + n + o + p + q + r
