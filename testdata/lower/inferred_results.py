class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self, x):
    y = self.helper(x, 2)
    return y
  def helper(self, x, k: int):
    if k > 2:
      return x + k, k
    return x, 3
