class M(Module):
  n : int
  w : Tensor
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    y = 1
    if bool(x):
      y : int = 2
    else:
      pass
    return x
