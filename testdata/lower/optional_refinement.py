class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor, y: Optional[int]=None) -> Tensor:
    if y is not None:
      z = x + y
    else:
      z = x
    if y is None:
      raise AssertionError("x")
    else:
      w = y + 1
    if y is not None and y > 3:
      z = z + y
    v = y if y is not None else 7
    assert isinstance(v, int), "m"
    u = 3 if v > 2 else 4
    return z + w + v + u
