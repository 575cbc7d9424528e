class M(Module):
  n : int
  w : Tensor
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    p = __torch__.P(x)
    return x
class P(NamedTuple):
  a : Tensor
  b : int
