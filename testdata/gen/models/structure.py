"""Module trees: containers, odd names, depth, width, many operations."""
from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn

from common import Case, fixture

from . import script, trace

X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])


class PlusOne(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


class Times(nn.Module):
    def __init__(self, k: int):
        super().__init__()
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        return x * self.k


class Lists(nn.Module):
    def __init__(self):
        super().__init__()
        self.mods = nn.ModuleList([PlusOne(), Times(3), PlusOne()])
        self.nested = nn.ModuleList([nn.ModuleList([Times(2)]), nn.ModuleList([])])

    def forward(self, x: Tensor) -> Tensor:
        for m in self.mods:
            x = m(x)
        for i, m in enumerate(self.mods):
            x = m(x) + i
        for inner in self.nested:
            for m in inner:
                x = m(x)
        return self.mods[1](x) + self.mods[-1](x) + len(self.mods)


@fixture
def module_list():
    """ModuleList: iterated, enumerated, indexed, nested, empty"""
    return script(Lists(), X)


class Dicts(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = nn.ModuleDict({"a": PlusOne(), "b": Times(2)})
        self.odd = nn.ModuleDict({"a-b": PlusOne(), "2x": Times(3), "with space": PlusOne(), "x/y": PlusOne()})

    def forward(self, x: Tensor) -> Tuple[Tensor, List[str]]:
        names: List[str] = []
        for k, m in self.plain.items():
            x = m(x)
            names.append(k)
        for m in self.odd.values():
            x = m(x)
        for k in self.odd:
            names.append(k)
        return self.odd["2x"](x) + self.plain["a"](x), names


@fixture
def module_dict_odd_names():
    """ModuleDict with names that are no identifiers"""
    return script(Dicts(), X)


class KeywordName(nn.Module):
    def __init__(self):
        super().__init__()
        self.mods = nn.ModuleDict({"in": PlusOne()})

    def forward(self, x: Tensor) -> Tensor:
        return self.mods["in"](x)


@fixture
def module_name_keyword_refused():
    """a submodule named `in`: torch does not quote it and refuses its own file"""
    return script(KeywordName(), runs=False, why_not="an attribute named like a keyword is not quoted")


class AccentName(nn.Module):
    def __init__(self):
        super().__init__()
        self.mods = nn.ModuleDict({"\u00e9": PlusOne()})

    def forward(self, x: Tensor) -> Tensor:
        return self.mods["\u00e9"](x)


@fixture
def module_name_nonascii_refused():
    """a submodule with a non-ASCII name: torch garbles it and refuses its own file"""
    return script(AccentName(), runs=False, why_not="non-ASCII attribute names are garbled")


class OddNames(nn.Module):
    def __init__(self):
        super().__init__()
        self.add_module("0", nn.Linear(3, 3))
        self.add_module("a-b", nn.Linear(3, 3))
        self.register_buffer("1st", torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self, "a-b")(getattr(self, "0")(x)) + getattr(self, "1st")


@fixture
def odd_names_traced():
    """submodule and buffer names that are no identifiers, traced"""
    return trace(OddNames(), X)


@fixture
def sequential():
    """nested Sequential with names"""
    from collections import OrderedDict

    return script(nn.Sequential(OrderedDict([("first", nn.Linear(3, 4)), ("act", nn.ReLU()), ("rest", nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Sequential(nn.Linear(4, 2))))])), X)


class Parameters(nn.Module):
    def __init__(self):
        super().__init__()
        self.ps = nn.ParameterList([nn.Parameter(torch.rand(3)) for _ in range(3)])
        self.pd = nn.ParameterDict({"a": nn.Parameter(torch.rand(3)), "b": nn.Parameter(torch.rand(3))})

    def forward(self, x: Tensor) -> Tensor:
        for p in self.ps:
            x = x * p
        return x + self.pd["a"] - self.pd["b"]


@fixture
def parameter_list_dict():
    """ParameterList and ParameterDict"""
    return script(Parameters(), X)


class Same(nn.Module):
    def __init__(self, kind: int):
        super().__init__()
        self.kind = kind
        if kind == 0:
            self.extra = nn.Linear(3, 3)
        else:
            self.other = 2.5

    def forward(self, x: Tensor) -> Tensor:
        return x + self.kind


class Mangled(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = Same(0), Same(1), Same(0), Times(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.d(self.c(self.b(self.a(x))))


@fixture
def mangled_names():
    """one Python class with two types: mangled names; two instances of one type"""
    return script(Mangled(), X)


class Deep(nn.Module):
    def __init__(self, depth: int):
        super().__init__()
        self.inner = Deep(depth - 1) if depth else nn.Linear(3, 3)

    def forward(self, x):
        return self.inner(x) + 1


@fixture
def nesting_deep_traced():
    """40 modules inside one another, traced"""
    return trace(Deep(40), X)


@fixture
def nesting_deep_scripted():
    """16 modules inside one another, scripted: each level is a type of its own"""
    return script(Deep(16), X)


class NestedBlocks(nn.Module):
    def forward(self, x: Tensor, n: int) -> Tensor:
        if n > 0:
            for i in range(n):
                if i % 2 == 0:
                    j = 0
                    while j < i:
                        if j > 1:
                            for k in range(2):
                                if k == j:
                                    x = x + k
                                else:
                                    if x.size(0) > 1:
                                        for _ in range(1):
                                            x = x - j
                        j += 1
                else:
                    x = x * 2
        return x


@fixture
def blocks_deep():
    """nine nested blocks"""
    return script(NestedBlocks(), X, 6)


class Straight(nn.Module):
    def forward(self, x):
        for i in range(300):
            x = torch.add(x, 0.5) if i % 3 else torch.mul(x, 1.001)
        return x


@fixture
def straight_line_traced():
    """300 operations in a row"""
    return trace(Straight(), X)


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.mods = nn.ModuleList([nn.Linear(3, 3) for _ in range(30)])

    def forward(self, x: Tensor) -> Tensor:
        outs: List[Tensor] = []
        for m in self.mods:
            outs.append(m(x))
        return torch.stack(outs).sum(0)


@fixture
def width_many_modules():
    """30 submodules of one type, an unrolled loop that appends"""
    return script(Wide(), X)


class ManyArguments(nn.Module):
    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: int, e: float, f: bool, g: str, h: List[int], i: Dict[str, Tensor], j: Tuple[int, Tensor]) -> Tuple[Tensor, int, str]:
        return a + b * c + d * e + i["k"] + j[1], d + h[0] + j[0] + int(f), g + "!"


@fixture
def arguments_many():
    """ten arguments of ten types"""
    return script(ManyArguments(), X, X, X, 2, 0.5, True, "s", [3], {"k": X}, (4, X))


class LongExpression(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return ((((x + 1) * 2 - 3) / 4 + (x - 5) * (x + 6) - (x * 7 - 8) * (x / 9 + 10)).relu().sigmoid() * 11 + (x.tanh() - 12).abs().sqrt() * (x + 13).abs().log() - (x * 14).sin() * (x * 15).cos()).clamp(-16, 17).floor().add(18).mul(19).sub(20).div(21).neg().exp().reciprocal().square()


@fixture
def expression_long():
    """one long expression: inlined values and split lines"""
    return script(LongExpression(), X)


class UsedTwice(nn.Module):
    def forward(self, input: Tensor, self_: int, torch_: int) -> Tuple[Tensor, Tensor]:
        x = input + 1
        x_1 = x * 2
        x = x_1 + x
        input0 = x - self_
        _0 = input0 * torch_
        CONSTANTS = _0 + 1
        ops = CONSTANTS * 2
        inf = ops + 1
        return inf, x


@fixture
def names_awkward():
    """local names that clash with the printer's own"""
    return script(UsedTwice(), X, 3, 4)


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Linear(3, 2), nn.Linear(3, 300)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x)


@fixture
def submodule_unused():
    """a submodule that forward never calls"""
    return script(Unused(), X)


class Overloaded(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        return [torch.zeros(2, 3), torch.zeros([2, 3]), x.sum(1), x.sum([1]), x.view(3, 2), x.view([3, 2]), x.permute(1, 0), torch.add(x, 1), torch.add(x, x), torch.add(x, 1.5), x.max(1)[0], x.max(), x.max(x * 2), torch.pow(x, 2), torch.pow(2, x), x.expand(2, 3), x.repeat(2, 1), torch.ones(()), x.std(1), x.std(), torch.rsub(x, 1), x.transpose(0, -1), x.clamp(min=0), x.squeeze(), x.squeeze(0)]


@fixture
def overloads():
    """operators with several overloads, ints instead of lists"""
    return script(Overloaded(), X)


class TracedTree(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        self.heads = nn.ModuleDict({"x": nn.Linear(4, 2), "y": nn.Linear(4, 1)})

    def forward(self, x):
        y = self.stem(x)
        return {k: h(y) for k, h in self.heads.items()}


@fixture
def module_tree_traced():
    """a module tree whose result is a dict, traced"""
    return Case(torch.jit.trace(TracedTree().eval(), X, strict=False), (X,))
