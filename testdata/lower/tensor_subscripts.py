class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    y = torch.zeros(2, 3)
    y[0, 1:2] = 3
    y[x > 0] = 1.0
    y += 2
    z = y[..., None, 0]
    z = z[0:1, None, -1]
    w = y[:, x]
    w = y[[0, 1]]
    w[0] += 3
    w[x] *= 2
    a = self.l[0]
    b = self.l[1:]
    b[0] = 3
    b[0] += 2
    return z + w + a + b[0]
