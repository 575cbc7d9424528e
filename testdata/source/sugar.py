op_version_set = 1
import __torch__.a.b
import torch
class Plain:
    x : int
    def get(self, y=3): return self.x + y
    def typed(self, x, y):
        # type: (Tensor, List[int]) -> Tuple[Tensor, int]
        return x, 1
class Color(Enum):
    RED = "it's \
broken"
    GREEN = 2
    BLUE = -2.5
class Odd(Module):
    __annotations__ = []
    __annotations__["2x"] = Tensor
    __annotations__['a"b'] = Tensor
    depth : Final[int] = 3
    def __init__(self): pass
class Shape(Interface):
    def area(self, scale: float=1.) -> float:
        pass
class Empty(Module):
    pass


def statements(x: Tensor, *, flag: bool=True,
               y=None,):  # comment
    a, b = x, y
    return
def assignments(x):
    a = b = x
    a, = x,
    a, b, = x
    (a, b), *c = x
    x.y[1:2, None, ..., ::2, :] = 3
    n : Optional[int] = None
    n : int
    n: int = 2
    a += 1
    a **= 2
    a <<= 3
    x, y = 1, 2,
    "doc" 'string' """more
lines"""
    del a, x[0]
    assert a, "message"
    assert a
    raise AssertionError("x")
def flow(x):
    if x:
        pass
    elif x is None:
        return
    elif x > 2:
        return (), (1,), (1, 2,), [1, 2, ]
    else:
        if x: # nested
            break
    while x:
        continue
    for i, (a, b), in enumerate(x):
        pass
    for i in 1, 2:
        pass
    with no_grad(), f() as g:
        pass
    def inner():
        return x
    return \
        fork(inner)
def expressions(x):
    y = [a for a in x]
    y = [[a for a in x]]
    y = sum(a + 1 for a in x)
    y = {k: v for k in x}
    y = {"a": 1, 'b': [2]}
    y = {}
    y = f(1, a=2, *x)
    y = f(a=1, 2, )
    y = f(
        x
        ,
    )
    y = x[0, ][1:]
    y = 1. + 2.j, -inf+-nanj, 0x1F, .5, 1e-05, -0., 3 .real
    y = Ellipsis, NoneType, ...
    return lambda_, x, "\101\177\\\'\"\a\b\f\n\t\v é"
def f(x: Tensor | None, t: Tuple[()], c: __torch__.a.___torch_mangle_3.B) -> Dict[str, List[int]]:
    return x
