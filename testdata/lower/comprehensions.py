class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    a = [i * 2 for i in self.l]
    b = {i: i + 1 for i in range(3)}
    c = [y for y in range(3)]
    d = list("abc")
    e = list(b.keys())
    f = [k for k in b]
    s = 0
    for k, v in b.items():
      s += k + v
    for ch in "hello":
      s += len(ch)
    for q in (1, 2.5):
      x = x + q
    return x + a[0] + b[1] + len(d) + len(f) + s
