class M(Module):
  n : int
  w : Tensor
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    y : __torch__.Nope = 3
    return x
