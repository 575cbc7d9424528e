class M(Module):
  n : int
  w : Tensor
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    return (x, x)[2]
