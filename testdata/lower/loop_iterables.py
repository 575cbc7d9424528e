class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    for i, (a, b) in enumerate(zip(self.l, self.l)):
      x = x + a * i + b
    for j in range(1, 5):
      x = x * j
    for r in x:
      x = x + r
    for k in range(10, 0, -2):
      x = x - k
    for a, b in zip(self.l, range(3)):
      x = x + a - b
    for q, s in enumerate(self.l, 3):
      x = x + q
    return x
