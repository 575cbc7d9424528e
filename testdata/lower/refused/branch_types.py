class M(Module):
  n : int
  w : Tensor
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    if bool(x):
      y = x
    else:
      y = 3
    return y
