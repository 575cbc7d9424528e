class M(Module):
  n : int
  w : Tensor
  n : float
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    return x
