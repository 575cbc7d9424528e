class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    for i in range(10):
      if bool(torch.sum(x) > i):
        return x * i
      x = x - 1
    return x
