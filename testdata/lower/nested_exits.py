class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    y = x
    for i in range(3):
      for j in range(i):
        if j > 1:
          if i > 2:
            break
          y = y + j
        else:
          continue
        y = y * 2
      if i == 2:
        return y
      while bool(torch.sum(y) > 0):
        y = y - 1
        if bool(torch.sum(y) == 5):
          return y + 1
    return y + 3
