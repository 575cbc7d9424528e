class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    if bool(torch.sum(x) > 1):
      return x
    y = x + 1
    for i in range(3):
      if bool(torch.sum(y) > 2):
        break
      y = y + i
    return y
