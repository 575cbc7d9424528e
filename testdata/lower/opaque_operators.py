class M(Module):
  n : int
  w : Tensor
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    k = ops.torchvision.nms(x, self.w, 0.5)
    a, b = ops.custom.two(x, flag=True)
    n = annotate(int, ops.custom.count(x))
    l : List[int] = ops.custom.sizes(x)
    m = ops.custom.number(x)
    y = torch.softmax(a, m)
    return torch.add(torch.add(y, k), torch.add(b, n + m + l[0]))
