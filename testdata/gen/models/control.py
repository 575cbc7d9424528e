"""Control flow, exceptions, context managers, refinement."""
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from common import fixture

from . import script

X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])


class NestedIf(nn.Module):
    def forward(self, x: Tensor, a: int, b: bool) -> Tuple[Tensor, int]:
        if a > 0:
            if b:
                y = x + a
                n = 1
            elif a > 10:
                y = x * a
                n = 2
            else:
                y = x - a
                n = 3
        else:
            y = -x
            n = 4 if b else 5
        return y, n


@fixture
def if_nested():
    """nested If, elif and a conditional expression"""
    return script(NestedIf(), X, 3, True, calls=[("forward", (X, 20, False)), ("forward", (X, 2, False)), ("forward", (X, -1, True)), ("forward", (X, 0, False))])


class BoolOps(nn.Module):
    def forward(self, x: Tensor, a: int, b: int) -> List[bool]:
        return [a > 1 and b > 1, a > 1 or b > 1, not a == b, (a < b and b < 10) or a == 5, a in [1, 5], a not in [2], bool(x.sum() > 0) and a != b]


@fixture
def if_short_circuit():
    """and, or, not, in: short circuits become If"""
    return script(BoolOps(), X, 1, 5, calls=[("forward", (X, 5, 0))])


class TensorCondition(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 2:
            x = x / 2
        if x.max() < torch.tensor(100.0) and x.numel() == 6:
            x = x + 1
        while x.sum() < 50:
            x = x * 2
        return x


@fixture
def if_tensor_condition():
    """conditions that are tensors, converted to bool"""
    return script(TensorCondition(), X)


class Loops(nn.Module):
    def forward(self, x: Tensor, n: int) -> Tuple[Tensor, int]:
        total = 0
        for i in range(n):
            for j in range(i, 10, 3):
                total += i * j
                x = x + j
        for k in range(5, 0, -2):
            total -= k
        return x, total


@fixture
def for_range():
    """nested for loops over range with start, stop and step"""
    return script(Loops(), X, 4, calls=[("forward", (X, 0))])


class WhileLoop(nn.Module):
    def forward(self, x: Tensor, limit: float) -> Tuple[Tensor, int]:
        steps = 0
        while float(x.abs().sum()) < limit and steps < 100:
            x = x * 1.5 + 0.1
            steps += 1
        return x, steps


@fixture
def while_condition():
    """a while loop with a compound condition"""
    return script(WhileLoop(), X, 50.0, calls=[("forward", (X, 0.0))])


class BreakContinue(nn.Module):
    def forward(self, x: Tensor, n: int) -> Tuple[Tensor, List[int]]:
        seen: List[int] = []
        for i in range(n):
            if i % 3 == 1:
                continue
            if i > 7:
                break
            seen.append(i)
            x = x + i
        while True:
            x = x - 1
            if bool(x.sum() < 0):
                break
            seen.append(-1)
        return x, seen


@fixture
def loop_break_continue():
    """break and continue: loops with a trip count and a condition"""
    return script(BreakContinue(), X, 12)


class EarlyReturn(nn.Module):
    def find(self, values: List[int], wanted: int) -> Optional[int]:
        for i, v in enumerate(values):
            for _ in range(2):
                if v == wanted:
                    return i
        return None

    def forward(self, x: Tensor, wanted: int) -> Tensor:
        if wanted < 0:
            return x
        at = self.find([4, 5, 6], wanted)
        if at is None:
            return x * 100
        return x + at


@fixture
def early_return():
    """returns inside nested loops and branches"""
    return script(EarlyReturn(), X, 5, calls=[("forward", (X, 9)), ("forward", (X, -2))])


class LoopCarried(nn.Module):
    def forward(self, x: Tensor, n: int) -> Tuple[int, int, Tensor]:
        a, b = 0, 1
        for _ in range(n):
            a, b = b, a + b
            x, y = x + a, x * b
            x = x - y
        return a, b, x


@fixture
def loop_carried_swap():
    """loop-carried values that swap: the parallel assignment matters"""
    return script(LoopCarried(), X, 6)


class LoopOptional(nn.Module):
    def forward(self, xs: List[Tensor]) -> Tensor:
        best: Optional[Tensor] = None
        for x in xs:
            if best is None:
                best = x
            elif bool(x.sum() > best.sum()):
                best = x
        assert best is not None
        return best


@fixture
def loop_optional_refined():
    """a loop-carried Optional refined inside the loop, and an assert after it"""
    return script(LoopOptional(), [X, X + 1, X - 1], calls=[("forward", ([],))])


class Iterate(nn.Module):
    def forward(self, xs: List[Tensor], names: List[str], t: Tensor) -> Tuple[Tensor, List[str]]:
        out = torch.zeros(3)
        words: List[str] = []
        for i, (x, n) in enumerate(zip(xs, names)):
            out = out + x * i
            words.append(n + str(i))
        for row in t:
            out = out + row
        for c in "abc":
            words.append(c)
        for a, b in [(1, 2.0), (3, 4.0)]:
            out = out * a + b
        for i, x in enumerate(xs, 5):
            out = out + i
        return out, words


@fixture
def loop_iterables():
    """loops over lists, zip, enumerate, a tensor's rows, a string, tuples"""
    return script(Iterate(), [torch.ones(3), torch.arange(3.0)], ["a", "b"], X)


class RaiseIf(nn.Module):
    def forward(self, x: Tensor, k: int) -> Tensor:
        if k < 0:
            raise ValueError(f"k is negative: {k}")
        if k == 0:
            raise RuntimeError("zero")
        else:
            y = x / k
        return y


@fixture
def raise_in_branch():
    """exceptions of two classes; the last call runs, the others raise"""
    return script(RaiseIf(), X, 2, calls=[("forward", (X, -1)), ("forward", (X, 0)), ("forward", (X, 4))])


class RaiseValue(nn.Module):
    def forward(self, x: Tensor, mode: str) -> Tensor:
        if mode == "a":
            y = x + 1
        elif mode == "b":
            y = x * 2
        else:
            raise NotImplementedError("mode " + mode)
        return y


@fixture
def raise_uninitialized():
    """a branch that only raises leaves uninitialized values behind"""
    return script(RaiseValue(), X, "b", calls=[("forward", (X, "c"))])


class AlwaysRaises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 2:
            raise RuntimeError("two dimensions are not wanted")
        return x


@fixture
def raise_always():
    """the stored input raises"""
    return script(AlwaysRaises(), X)


class Asserts(nn.Module):
    def forward(self, x: Tensor, n: int) -> Tensor:
        assert n > 0
        assert x.size(0) == 2, "expected 2 rows, got {}".format(x.size(0))
        torch._assert(n < 10, "n is too large")
        return x * n


@fixture
def asserts():
    """assert with and without message, torch._assert"""
    return script(Asserts(), X, 2, calls=[("forward", (X, 0)), ("forward", (X[:1], 1)), ("forward", (X, 11))])


class NoGrad(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tuple[Tensor, bool, bool]:
        with torch.no_grad():
            y = x * self.w
            inside = torch.is_grad_enabled()
            torch.set_grad_enabled(True)
            deeper = torch.is_grad_enabled()
            torch.set_grad_enabled(False)
        return y, inside, deeper


@fixture
def with_no_grad():
    """no_grad and set_grad_enabled"""
    return script(NoGrad(), X)


@torch.jit.script
class Scope:
    def __init__(self, start: int):
        self.count = start

    def __enter__(self):
        self.count += 1
        return self

    def __exit__(self, type: Any, value: Any, traceback: Any):
        self.count -= 10


class WithClass(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, int, int]:
        s = Scope(100)
        with s as inner:
            x = x + inner.count
            seen = inner.count
            with Scope(1):
                x = x * 2
        return x, seen, s.count


@fixture
def with_class():
    """a class with __enter__ and __exit__ as context manager"""
    return script(WithClass(), X)


class WithReturn(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        for i in range(5):
            with torch.no_grad():
                x = x + i
                for _ in range(i):
                    x = x * 2
                if i == 2:
                    x = -x
        return x * 2


@fixture
def with_in_loop():
    """with inside a loop, a loop and a branch inside with"""
    return script(WithReturn(), X)


class Refinement(nn.Module):
    def forward(self, a: Optional[Tensor], b: Optional[int], c: Optional[List[Tensor]]) -> Tensor:
        out = torch.zeros(3)
        if a is not None and b is not None:
            out = a * b
        elif a is not None or b is None:
            out = out + 7
        if c is None:
            c = [torch.ones(3)]
        for t in c:
            out = out + t
        d = torch.jit._unwrap_optional(b) if b is not None else 1
        return out * d


@fixture
def optional_refinement():
    """Optional refined by is None, and, or, early default, unwrap"""
    return script(Refinement(), X[0], 2, None, calls=[("forward", (None, None, [X[1]])), ("forward", (X[0], None, []))])


class Printing(nn.Module):
    def forward(self, x: Tensor, n: int) -> Tensor:
        print("value", n, 2.5, True, None, [1, 2], {"a": 1}, (1, "b"))
        print()
        return x + n


@fixture
def prints():
    """print of every kind of value"""
    return script(Printing(), X, 1)


class DeadCode(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        unused = x * 3
        if False:
            x = x.not_an_operator()
        lst = [x, unused]
        lst2 = lst
        lst2.append(x)
        return x + len(lst)


@fixture
def dead_code():
    """unused values, a branch on a constant, an aliased list"""
    return script(DeadCode(), X)


class TypeRefine(nn.Module):
    def forward(self, v: Dict[str, Tensor], keys: List[str]) -> Tuple[Tensor, bool]:
        out = torch.zeros(1)
        ok = hasattr(self, "missing")
        if hasattr(self, "training") and not ok:
            for k in keys:
                got = v.get(k)
                if got is not None:
                    out = out + got
                else:
                    out = out - 1
        return out, getattr(self, "training", True)


@fixture
def hasattr_getattr():
    """hasattr and getattr decided at compile time, dict.get refined"""
    return script(TypeRefine(), {"a": torch.ones(1)}, ["a", "b"])
