class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    if True:
      x = x + 1
    else:
      x = undefined_thing(3)
    if self.n is None:
      x = x + 100
    if isinstance(self.n, int):
      x = x + 2
    else:
      x = nope
    y = 3 if isinstance(x, Tensor) else nope
    z = 4 if False else 5
    a = False or self.training
    b = True or self.training
    c = True and self.training
    return x + y + z
