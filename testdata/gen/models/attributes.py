"""One kind of attribute a file."""
import enum
import math
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor, nn

from common import fixture

from . import script

Attribute = torch.jit.Attribute
X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])


class IntAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.zero, self.small, self.neg, self.byte, self.short, self.int, self.big, self.least = 0, 5, -3, 255, 65535, 1 << 31, 1 << 40, -(1 << 63)

    def forward(self, x: Tensor) -> Tuple[Tensor, List[int]]:
        return x * self.small + self.neg, [self.zero, self.small, self.neg, self.byte, self.short, self.int, self.big, self.least]


@fixture
def attr_int():
    """int attributes of every pickled width, the least i64 included"""
    return script(IntAttr(), X)


class FloatAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.half, self.inf, self.ninf, self.nan, self.nzero, self.tiny, self.huge = 0.5, math.inf, -math.inf, math.nan, -0.0, 5e-324, 1.7976931348623157e308

    def forward(self, x: Tensor) -> Tuple[Tensor, List[float]]:
        return x * self.half, [self.half, self.inf, self.ninf, self.nan, self.nzero, self.tiny, self.huge]


@fixture
def attr_float():
    """float attributes: infinities, NaN, minus zero, denormal, largest"""
    return script(FloatAttr(), X)


class BoolAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.yes, self.no = True, False

    def forward(self, x: Tensor) -> Tensor:
        if self.yes and not self.no:
            x = x + 1
        return x


@fixture
def attr_bool():
    """bool attributes read by a condition"""
    return script(BoolAttr(), X)


class StrAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain, self.empty, self.accent, self.escapes, self.cjk = "text", "", "caf\u00e9", "a'b\"c\\d\te\nf", "\u4f60\u597d \U0001f600"

    def forward(self, x: Tensor) -> Tuple[Tensor, List[str], int]:
        return x, [self.plain, self.empty, self.accent, self.escapes, self.cjk], len(self.plain) + len(self.accent)


@fixture
def attr_str():
    """str attributes: empty, non-ASCII, quotes and escapes"""
    return script(StrAttr(), X)


class ComplexAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.c, self.cs = 1 - 2j, Attribute([1j, complex(math.inf, 0.0)], List[complex])

    def forward(self, x: Tensor) -> Tuple[Tensor, complex, List[complex]]:
        return x * self.c, self.c * 2j, self.cs


@fixture
def attr_complex():
    """complex attributes and a list of them"""
    return script(ComplexAttr(), X)


class ListAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.ints = Attribute([1, 70000, -1, 1 << 50], List[int])
        self.floats = Attribute([1.0, math.inf, -0.5], List[float])
        self.bools = Attribute([True, False, True], List[bool])

    def forward(self, x: Tensor) -> Tuple[Tensor, List[int], List[float], List[bool]]:
        for f in self.floats:
            if f < 0.0:
                x = x * f
        return x + self.ints[1], self.ints, self.floats, self.bools


@fixture
def attr_list_scalars():
    """lists of int, float and bool, which have constructors of their own in the pickle"""
    return script(ListAttr(), X)


class StrListAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.names = Attribute(["a", "b", "a", ""], List[str])
        self.none: List[str] = Attribute([], List[str])

    def forward(self, x: Tensor) -> Tuple[Tensor, List[str], int]:
        return x, self.names, len(self.none)


@fixture
def attr_list_str():
    """lists of str, one empty, with a repeated text"""
    return script(StrListAttr(), X)


class TensorListAttr(nn.Module):
    def __init__(self):
        super().__init__()
        base = torch.arange(6.0).reshape(2, 3)
        self.ts = Attribute([base, base[1:], torch.ones(3)], List[Tensor])

    def forward(self, x: Tensor) -> Tensor:
        for t in self.ts:
            x = x + t
        return x


@fixture
def attr_list_tensor():
    """a list of tensors, two of them views of one storage"""
    return script(TensorListAttr(), X)


class NestedListAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.ll = Attribute([[1], [2, 3], []], List[List[int]])
        self.lo = Attribute([None, torch.ones(3), None], List[Optional[Tensor]])
        self.lt = Attribute([(1, "a"), (2, "b")], List[Tuple[int, str]])

    def forward(self, x: Tensor) -> Tuple[Tensor, List[List[int]], List[Tuple[int, str]]]:
        for o in self.lo:
            if o is not None:
                x = x + o
        return x, self.ll, self.lt


@fixture
def attr_list_nested():
    """lists of lists, of Optional and of tuples"""
    return script(NestedListAttr(), X)


class DictAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.si = Attribute({"b": 2, "a": 1}, Dict[str, int])
        self.it = Attribute({7: torch.ones(3), -1: torch.zeros(3)}, Dict[int, Tensor])
        self.fs = Attribute({0.5: "half", 2.0: "two"}, Dict[float, str])
        self.bi = Attribute({True: 1, False: 0}, Dict[bool, int])

    def forward(self, x: Tensor) -> Tuple[Tensor, Dict[str, int], Dict[float, str], int]:
        for k, v in self.it.items():
            x = x + v * k
        return x + self.si["b"], self.si, self.fs, self.bi[True]


@fixture
def attr_dict():
    """dicts with str, int, float and bool keys, in insertion order"""
    return script(DictAttr(), X)


class NestedDictAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.dl = Attribute({"a": [1, 2], "b": []}, Dict[str, List[int]])
        self.dd = Attribute({"x": {1: torch.ones(1)}}, Dict[str, Dict[int, Tensor]])
        self.dt = Attribute({"t": (1, None), "u": (2, 3.5)}, Dict[str, Tuple[int, Optional[float]]])

    def forward(self, x: Tensor) -> Tuple[Tensor, Dict[str, List[int]], float]:
        f = self.dt["u"][1]
        out = 0.0
        if f is not None:
            out += f
        return x + self.dd["x"][1], self.dl, out


@fixture
def attr_dict_nested():
    """dicts of lists, of dicts and of tuples with Optional"""
    return script(NestedDictAttr(), X)


class TupleAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = Attribute((1, "x", [2.0], (True, None)), Tuple[int, str, List[float], Tuple[bool, Optional[Tensor]]])
        self.one = Attribute((torch.ones(1),), Tuple[Tensor])
        self.empty = ()

    def forward(self, x: Tensor) -> Tuple[Tensor, int, str, float]:
        a, b, c, d = self.t
        if d[0] and d[1] is None:
            x = x - 1
        return x + self.one[0], a, b, c[0]


@fixture
def attr_tuple():
    """nested, single and empty tuples as attributes"""
    return script(TupleAttr(), X)


class OptionalAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.absent, self.present = Attribute(None, Optional[Tensor]), Attribute(torch.ones(3), Optional[Tensor])
        self.number, self.nothing = Attribute(3, Optional[int]), None

    def forward(self, x: Tensor) -> Tensor:
        p, n = self.present, self.number
        if self.absent is None and p is not None:
            x = x + p
        if n is not None:
            x = x * n
        return x


@fixture
def attr_optional():
    """Optional attributes, present, absent and always None"""
    return script(OptionalAttr(), X)


class UnionAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.u = Attribute(3, Union[int, str])
        self.v = Attribute("text", Union[int, str, Tensor])

    def forward(self, x: Tensor) -> Tuple[Tensor, int]:
        u, v = self.u, self.v
        n = 0
        if isinstance(u, int):
            n += u
        if isinstance(v, str):
            n += len(v)
        elif isinstance(v, Tensor):
            x = x + v
        return x, n


@fixture
def attr_union():
    """Union attributes refined by isinstance"""
    return script(UnionAttr(), X)


class DeviceDtypeAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.device, self.dtype, self.layout, self.format = torch.device("cpu"), torch.float64, torch.strided, torch.channels_last

    def forward(self, x: Tensor) -> Tensor:
        return x.to(self.device, self.dtype) + torch.zeros(3, dtype=self.dtype, device=self.device)


@fixture
def attr_device_dtype():
    """a device attribute, and dtype, layout and memory format, which are ints"""
    return script(DeviceDtypeAttr(), X)


class Point(NamedTuple):
    x: Tensor
    n: int
    o: Optional[Tensor]


class Nested(NamedTuple):
    point: Point
    names: List[str]


class NamedTupleAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.p = Attribute(Point(torch.ones(3), 2, None), Point)

    def forward(self, x: Tensor) -> Tuple[Tensor, List[str]]:
        p = Point(x + self.p.x, self.p.n + 1, x)
        q = Nested(p, ["a", "b"])
        o = q.point.o
        if o is not None:
            x = o * q.point.n
        a, b, c = p
        return x + a * b, q.names


@fixture
def attr_namedtuple():
    """a named tuple as attribute, as value, nested, unpacked"""
    return script(NamedTupleAttr(), X)


class Pair(NamedTuple):
    first: Tensor
    second: Dict[str, int]


class ReturnsNamedTuple(nn.Module):
    def forward(self, x: Tensor, p: Tuple[Tensor, int]) -> Pair:
        return Pair(x * p[1] + p[0], {"n": p[1]})


@fixture
def namedtuple_returned():
    """a named tuple as the result, a tuple as an input"""
    return script(ReturnsNamedTuple(), X, (torch.ones(3), 4))


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Level(enum.Enum):
    LOW = 0.5
    HIGH = 2.5


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow \u00e9"


class EnumInt(nn.Module):
    def __init__(self, color: Color):
        super().__init__()
        self.color = color

    def forward(self, x: Tensor) -> Tuple[Tensor, str]:
        c = self.color
        if c == Color.RED:
            x = x + c.value
        if c != Color.GREEN:
            x = x * 2
        return x, c.name


@fixture
def enum_int():
    """an int Enum attribute compared, with .name and .value"""
    return script(EnumInt(Color.RED), X)


class EnumFloat(nn.Module):
    def __init__(self):
        super().__init__()
        self.level = Level.HIGH

    def forward(self, x: Tensor) -> Tensor:
        total = 0.0
        for level in [Level.LOW, self.level]:
            total += level.value
        return x * total


@fixture
def enum_float():
    """a float Enum, iterated in a list"""
    return script(EnumFloat(), X)


class EnumStr(nn.Module):
    def __init__(self):
        super().__init__()
        self.mode = Mode.SLOW

    def forward(self, x: Tensor, flag: bool) -> Tuple[Tensor, str]:
        mode = Mode.FAST if flag else self.mode
        if mode is Mode.SLOW:
            x = x - 1
        return x, mode.value


@fixture
def enum_str():
    """a str Enum with a non-ASCII value"""
    return script(EnumStr(), X, False, calls=[("forward", (X, True))])


class Counter:
    def __init__(self, start: int, t: Tensor):
        self.count = start
        self.t = t
        self.seen: Dict[str, List[int]] = {}

    def add(self, key: str, k: int = 3) -> Tensor:
        self.count += k
        if key not in self.seen:
            empty: List[int] = []
            self.seen[key] = empty
        self.seen[key].append(self.count)
        return self.t * self.count

    @staticmethod
    def double(x: Tensor) -> Tensor:
        return x * 2


class PlainClass(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, int, Dict[str, List[int]]]:
        c = Counter(2, x)
        y = c.add("a") + c.add("b", k=4) + c.add("a", 1)
        return Counter.double(y), c.count, c.seen


@fixture
def class_plain():
    """a plain class: constructor, methods that mutate, a static method"""
    return script(PlainClass(), X)


@torch.jit.script
class Vec:
    def __init__(self, x: float, y: float):
        self.x = x
        self.y = y

    def __add__(self, other: "Vec") -> "Vec":
        return Vec(self.x + other.x, self.y + other.y)

    def __mul__(self, k: float) -> "Vec":
        return Vec(self.x * k, self.y * k)

    def __eq__(self, other: "Vec") -> bool:
        return self.x == other.x and self.y == other.y

    def __len__(self) -> int:
        return 2

    def __getitem__(self, i: int) -> float:
        return self.x if i == 0 else self.y

    def __contains__(self, v: float) -> bool:
        return v == self.x or v == self.y

    @property
    def norm2(self) -> float:
        return self.x * self.x + self.y * self.y


class MagicMethods(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, float, bool, int]:
        a = Vec(1.0, 2.0) + Vec(0.5, 0.25)
        b = a * 2.0
        n = len(a)
        if 2.25 in a:
            n += 10
        return x * b[0] + b[1], b.norm2, a == b, n


@fixture
def class_magic_methods():
    """a plain class with operators, indexing, `in`, len and a property"""
    return script(MagicMethods(), X)


class Holder:
    def __init__(self, w: Tensor):
        self.w = w
        self.history: List[float] = []


class ObjectAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = torch.jit.script(Holder)(torch.ones(3))

    def forward(self, x: Tensor) -> Tuple[Tensor, List[float]]:
        self.h.history.append(float(x.sum()))
        self.h.w = self.h.w + 1
        return x * self.h.w, self.h.history


@fixture
def attr_object():
    """an object of a plain class as attribute, mutated by every call"""
    return script(ObjectAttr(), X, calls=[("forward", (X * 2,))])


class FinalAttr(nn.Module):
    __constants__ = ["k", "sizes"]
    depth: Final[int]
    rate: Final[float]

    def __init__(self):
        super().__init__()
        self.k, self.sizes, self.depth, self.rate = 7, [1, 2], 3, 0.25

    def forward(self, x: Tensor) -> Tensor:
        for s in self.sizes:
            x = x + s
        for _ in range(self.depth):
            x = x * self.rate
        return x + self.k


@fixture
def attr_final():
    """constants: __constants__ and Final"""
    return script(FinalAttr(), X)


class StateAttr(nn.Module):
    calls: int
    last: Optional[Tensor]

    def __init__(self):
        super().__init__()
        self.calls = 0
        self.last = None
        self.log = Attribute([], List[int])
        self.register_buffer("mean", torch.zeros(3))

    def forward(self, x: Tensor) -> Tuple[Tensor, int, List[int]]:
        self.calls += 1
        self.log.append(self.calls)
        last = self.last
        if last is not None:
            x = x + last
        self.last = x
        self.mean = self.mean * 0.9 + x.mean(0) * 0.1
        self.mean.add_(1.0)
        return x + self.mean, self.calls, self.log


@fixture
def attr_mutated():
    """attributes set by forward, which keep their state between calls"""
    return script(StateAttr(), X, calls=[("forward", (X,)), ("forward", (-X,))])


class AnyAttr(nn.Module):
    def forward(self, x: Tensor, a: Any) -> Tuple[Tensor, str]:
        if isinstance(a, int):
            return x + a, "int"
        elif isinstance(a, (float, bool)):
            return x, "float or bool"
        elif isinstance(a, List[int]):
            return x * len(a), "list"
        elif a is None:
            return x, "none"
        return x, "other"


@fixture
def any_isinstance():
    """Any refined by isinstance, one and several types, early returns"""
    return script(AnyAttr(), X, 3, calls=[("forward", (X, 2.5)), ("forward", (X, [1, 2])), ("forward", (X, None)), ("forward", (X, "s"))])
