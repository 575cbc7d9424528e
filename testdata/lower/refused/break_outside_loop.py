class M(Module):
  n : int
  w : Tensor
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    break
    return x
