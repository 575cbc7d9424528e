import a
def f(x):
  y = 1 +
  z = (1, 2
  w = 3
  if x y:
    a = 1
  else:
    a = 2
  v = "open
  u = 1;
  "\x41"
  t = x["\r"]
  1 = x
  f(x) = 2
  global g
  import b
  return x
  def g(:
    pass
  s = x[]
  x, y : int = 3
  [a for a in x, 1]
   q = 1
  if x:
      p = 1
    o = 1
  return y
import late
class A(Module):
  x : int
  if x:
    pass
  x.y = 3
  a = b = 3
  y : int
  def f(self, x):
    # type: (int, int) -> int
    return +x
  __annotations__["\377"] = int
class B(a.b):
  pass
é = 1
def h(x):
  return $x
def last():
  return x
