class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    self.n = self.n + 1
    self.n += 2
    self.w = self.w + x
    self.w += x
    a = x.shape[0] + x.ndim + x.dim()
    d = x.device
    t = d.type
    r = x.requires_grad
    y = x.T
    z = x.float().to(torch.device("cpu")).type(6)
    if hasattr(self, "nope"):
      q = self.nope
    else:
      q = getattr(self, "w")
    i = x.dtype
    k = x.to(x.dtype)
    m = x.to("cpu")
    n = x.view(-1, 1)
    o = x.expand(2, 3)
    p = torch.zeros(2, 3, dtype=i)
    return y + z + a + q
