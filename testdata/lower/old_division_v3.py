class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    a = torch.div(x, 2)
    b = torch.div(x, x)
    c = torch.div(x, x, rounding_mode="floor")
    d = torch.div_(x, 2.5)
    e = x / 3
    f = torch.full([2], 3)
    g = torch.full([2], 3, dtype=4)
    h = torch.full([2], 3, dtype=None)
    return a + b + c + d + e + f + g + h
