class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> int:
    s = "a{}".format(1)
    t = s + "b"
    u = "%d" % (3)
    v = s.upper()
    w = s in ["a", "b"]
    p = s.split(",")
    q = ",".join(p)
    r = s[0:2]
    c = s[0]
    z = str(3) + str(x.size()) + str(2.5)
    y = int("3") + int(2.5) + int(True)
    f = float(3) + float("1e3")
    b = bool(3) and bool(x) or not bool(f)
    return len(z) + y
