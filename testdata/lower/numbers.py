class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    a = 1 + 2.5
    b = 3j + 1
    c = 1 / 2
    d = 7 // 2
    e = -3
    f = -2 ** 2
    g = 0x1F
    h = 1e400
    i = round(2.5)
    j = divmod(7, 2)
    k = pow(2, 3)
    l = 2.5 > 1
    m = int(a) + float(3)
    n = ord("a")
    o = chr(97)
    p = hex(3)
    q = math_pi if False else 3.
    r = torch.add(x, 1, alpha=2)
    s = x.item()
    t = float(s) if False else 2
    u = torch.tensor(3.5)
    v = torch.tensor([1, 2])
    w = torch.tensor([[1.0], [2.0]])
    z = complex(1, 2)
    y = inf
    aa = -inf
    return r + a + c + d + e + f + i + k + m + n + u
