class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    a = x.sum() > 1
    b = bool(a) and self.n > 2 or self.training
    c = not b
    d = b is True
    e = b is not c
    f = True and False
    g = b & c | (b ^ c)
    if not (b and c) or g:
      x = x + 1
    elif b:
      x = x + 2
    else:
      x = x + 3
    return x
