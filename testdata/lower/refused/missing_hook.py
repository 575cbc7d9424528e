class M(Module):
  n : int
  w : Tensor
  __forward_hooks__ = ["post", ]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    return x
