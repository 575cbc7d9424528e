class M(Module):
  training : bool
  n : int
  w : Tensor
  l : List[int]
  def forward(self: __torch__.M, x: Tensor) -> int:
    l = [1, 2]
    l.append(3)
    l += [4]
    l.extend([5])
    m = l + [6]
    n = l * 2
    p = l.pop()
    l.insert(0, 3)
    l.sort()
    q = sorted(l)
    r = max(l) + min(1, 2) + abs(-3) + sum(l)
    s = l == m
    t = len(l)
    u = 3 in l
    l.reverse()
    v = [[1], [2]]
    w = v[0][0]
    d = {"a": 1}
    d["b"] = 2
    e = d["a"]
    f = d.get("c", 3)
    g = "a" in d
    h = len(d)
    del d["a"]
    d.update({"z": 3})
    i = d.pop("b")
    any([True]) and all([False])
    return r + t + w + e + f + h + i
