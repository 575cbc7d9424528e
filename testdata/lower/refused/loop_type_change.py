class M(Module):
  n : int
  w : Tensor
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    y = 1
    for i in range(3):
      y = 2.5
    return x
