class M(Module):
  n : int
  w : Tensor
  k : int = 3
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    return x
