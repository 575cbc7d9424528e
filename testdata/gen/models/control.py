"""Control flow, exceptions, context managers, concurrency, functions and calls."""
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from common import Case, fixture

from . import script, trace

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
        if x.max() < x.new_tensor(100.0) and x.numel() == 6:
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
            with torch.enable_grad():
                deeper = torch.is_grad_enabled()
        return y, inside, deeper


@fixture
def with_no_grad():
    """no_grad and enable_grad"""
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
                if i == 3:
                    break
                x = x + i
        with torch.no_grad():
            return x * 2


@fixture
def with_in_loop():
    """break out of a with, return inside a with"""
    return script(WithReturn(), X)


def work(x: Tensor, n: int) -> Tensor:
    for _ in range(n):
        x = x + 1
    return x


class Forks(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        futures = [torch.jit.fork(work, x, i) for i in range(3)]
        other = torch.jit.fork(self.fc, x)
        total = torch.jit.wait(other)
        for f in futures:
            total = total + torch.jit.wait(f)
        return total


@fixture
def fork_wait():
    """fork and wait of a function in a loop and of a module"""
    return script(Forks(), X)


class Defaults(nn.Module):
    def forward(self, x: Tensor, k: int = 2, f: float = 0.5, name: str = "d\n", o: Optional[Tensor] = None, flag: bool = False, sizes: List[int] = [1, 2]) -> Tuple[Tensor, str]:
        if o is not None:
            x = x + o
        if flag:
            x = -x
        return x * k + f + len(sizes), name


@fixture
def default_arguments():
    """defaults of every kind: int, float, str, None, bool, list"""
    return script(Defaults(), X, calls=[("forward", (X, 3), {"flag": True, "o": X}), ("forward", (X,), {"name": "z", "sizes": [1]})])


class KeywordOnly(nn.Module):
    def helper(self, x: Tensor, *, scale: float = 1.0, shift: int = 0) -> Tensor:
        return x * scale + shift

    def forward(self, x: Tensor, *, times: int = 2) -> Tensor:
        return self.helper(x, shift=3) + self.helper(x, scale=float(times))


@fixture
def keyword_only_arguments():
    """keyword-only arguments, with and without defaults"""
    return script(KeywordOnly(), X, kwargs={"times": 3}, calls=[("forward", (X,))])


@torch.jit.script
def free_function(x: Tensor, n: int = 2, s: str = "a\nb", f: float = 1e-30, o: Optional[int] = None) -> Tensor:
    if o is not None:
        return x * o
    return x * n + f


def recursive_pyramid(x: Tensor, depth: int) -> List[Tensor]:
    out: List[Tensor] = []
    for i in range(depth):
        out.append(free_function(x, i + 1))
    return out


class Functions(nn.Module):
    @staticmethod
    def twice(x: Tensor) -> Tensor:
        return x * 2

    def forward(self, x: Tensor) -> Tensor:
        for p in recursive_pyramid(x, 3):
            x = x + p
        return self.twice(free_function(x, o=3))


@fixture
def functions_free():
    """free functions that call each other, a static method"""
    return script(Functions(), X)


class Exported(nn.Module):
    def __init__(self):
        super().__init__()
        self.k = 3

    @torch.jit.export
    def encode(self, x: Tensor, scale: float = 2.0) -> Tensor:
        return x * scale + self.k

    @torch.jit.export
    def decode(self, x: Tensor) -> Tuple[Tensor, int]:
        return (x - self.k) / 2.0, self.k

    @torch.jit.ignore
    def python_only(self, x):
        return [t for t in x]

    @torch.jit.unused
    def never(self, x: Tensor) -> Tensor:
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))[0]


@fixture
def exported_methods():
    """exported, ignored and unused methods"""
    return script(Exported(), X, calls=[("encode", (X, 3.0)), ("decode", (X,)), ("encode", (X,))])


class Properties(nn.Module):
    def __init__(self):
        super().__init__()
        self._scale = 2.0

    @property
    def scale(self) -> float:
        return self._scale + 1.0

    @scale.setter
    def scale(self, value: float) -> None:
        self._scale = value

    def forward(self, x: Tensor) -> Tensor:
        y = x * self.scale
        self.scale = 5.0
        return y + self.scale


@fixture
def properties():
    """a property with getter and setter on a module"""
    return script(Properties(), X, calls=[("forward", (X,))])


class GetSetState(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.arange(3.0)
        self.k = 3

    @torch.jit.export
    def __getstate__(self) -> Tuple[Tensor, int, bool]:
        return self.w, self.k, self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[Tensor, int, bool]) -> None:
        self.w = state[0] * 2
        self.k = state[1] + 1
        self.training = state[2]

    def forward(self, x: Tensor) -> Tensor:
        return x * self.w + self.k


class UsesState(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = GetSetState()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) - 1


@fixture
def getstate_setstate():
    """a module with __getstate__ and __setstate__ below the root; loading runs code that changes the state"""
    return script(UsesState(), X)


class Inner(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.sub = Inner()

    def forward(self, x: Tensor) -> Tensor:
        return self.sub(x)


def pre_hook(self, inputs: Tuple[Tensor]) -> Tuple[Tensor]:
    return (inputs[0] * 2,)


def post_hook(self, inputs: Tuple[Tensor], output: Tensor) -> Tensor:
    return output + inputs[0]


def root_hook(self, inputs: Tuple[Tensor], output: Tensor) -> Tensor:
    return -output


@fixture
def hooks():
    """forward hooks and pre-hooks on a submodule and on the root"""
    m = Hooked()
    m.sub.register_forward_pre_hook(pre_hook)
    m.sub.register_forward_pre_hook(pre_hook)
    m.sub.register_forward_hook(post_hook)
    m.register_forward_hook(root_hook)
    return script(m, X)


@torch.jit.interface
class Stage(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


@torch.jit.interface
class Runner:
    def run(self, k: int) -> int:
        pass


@torch.jit.script
class Adder:
    def __init__(self, n: int):
        self.n = n

    def run(self, k: int) -> int:
        return self.n + k


@torch.jit.script
class Multiplier:
    def __init__(self, n: int):
        self.n = n

    def run(self, k: int) -> int:
        return self.n * k


class Double(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


class Interfaces(nn.Module):
    stage: Stage

    def __init__(self):
        super().__init__()
        self.stage = Double()
        self.stages = nn.ModuleList([Inner(), Double()])

    def pick(self, flag: bool) -> Runner:
        if flag:
            r: Runner = Adder(3)
        else:
            r = Multiplier(4)
        return r

    def forward(self, x: Tensor, i: int) -> Tensor:
        x = self.stage.forward(x)
        s: Stage = self.stages[i]
        return s.forward(x) + self.pick(i == 0).run(5)


@fixture
def interfaces():
    """module interface as attribute and by index, class interface picked at run time"""
    return script(Interfaces(), X, 0, calls=[("forward", (X, 1))])


class ManyMethods(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.arange(3.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.m2(self.m1(x)) + self.m3(x)

    def m1(self, x: Tensor) -> Tensor:
        return self.m4(x) + self.w

    def m2(self, x: Tensor) -> Tensor:
        return self.m3(x) * self.w

    def m3(self, x: Tensor) -> Tensor:
        return self.m4(x) - self.w

    def m4(self, x: Tensor) -> Tensor:
        return x * 2

    @torch.jit.export
    def m5(self, x: Tensor) -> Tensor:
        return self.m1(x) + self.m2(x)

    @torch.jit.export
    def m6(self, x: Tensor) -> Tensor:
        return self.m5(x) + self.m4(x)


@fixture
def methods_many():
    """methods that call each other, several exported"""
    return script(ManyMethods(), X, calls=[("m5", (X,)), ("m6", (X,))])


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


class ScalarMath(nn.Module):
    def forward(self, a: int, b: int, f: float, g: float) -> Tuple[List[int], List[float], List[bool]]:
        ints = [a + b, a - b, a * b, a // b, a % b, -a // b, -a % b, a ** 2, a & b, a | b, a ^ b, a << 2, a >> 1, ~a, abs(-a), max(a, b), min(a, b), int(f), round(f) // 1 if f > 1e9 else 0, divmod(a, b)[0], divmod(-a, b)[1], int("42"), ord("z"), len(hex(a))]
        floats = [a / b, f / g, f // g, f % g, f ** g, float(a), abs(-f), max(f, g), min(f, g), -f, f + a, a * g, float("2.5"), pow(f, 2.0), round(f)]
        return ints, floats, [a < b, f >= g, a == b, a != b, f <= a, bool(a), not bool(f)]


@fixture
def scalar_arithmetic():
    """int and float arithmetic, comparisons, conversions, divmod, shifts"""
    return script(ScalarMath(), 17, 5, 7.5, 2.0, calls=[("forward", (5, -3, -7.25, 0.5))])


class MathModule(nn.Module):
    def forward(self, f: float, n: int) -> Tuple[List[float], List[int], List[bool]]:
        import math

        fs = [math.sqrt(f), math.exp(f), math.log(f), math.log2(f), math.log10(f), math.log1p(f), math.sin(f), math.cos(f), math.tan(f), math.atan2(f, 2.0), math.pow(f, 3.0), math.fabs(-f), math.fmod(f, 2.0), math.copysign(f, -1.0), math.degrees(f), math.radians(f), math.erf(f), math.gamma(f), math.lgamma(f), math.tanh(f), math.asinh(f), math.expm1(f), math.ldexp(f, 3), math.pi, math.e, math.modf(f)[0], math.frexp(f)[0]]
        return fs, [math.floor(f), math.ceil(f), math.gcd(n, 12), math.factorial(n)], [math.isnan(f), math.isinf(f), math.isfinite(f)]


@fixture
def scalar_math_module():
    """functions of Python's math on scalars"""
    return script(MathModule(), 2.75, 8)


class ComplexScalars(nn.Module):
    def forward(self, a: complex, b: float) -> Tuple[List[complex], float, float]:
        import cmath

        return [a + b, a * a, a / (1 + 2j), a - 1, -a, complex(b, 2.0), cmath.exp(a), cmath.sqrt(a)], a.real, a.imag


@fixture
def scalar_complex():
    """complex arithmetic and cmath"""
    return script(ComplexScalars(), 1.5 - 2j, 0.5)


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


class TracedBranch(nn.Module):
    def forward(self, x):
        y = scripted_branch(x, 2)
        return y + 1


@torch.jit.script
def scripted_branch(x: Tensor, n: int) -> Tensor:
    if bool(x.sum() > 0):
        for i in range(n):
            x = x + i
    else:
        x = -x
    return x


@fixture
def traced_calls_scripted():
    """a traced module that calls a scripted function, so control flow survives"""
    return trace(TracedBranch(), X, calls=[("forward", (-X,))])


class ScriptCallsTraced(nn.Module):
    def __init__(self):
        super().__init__()
        self.traced = torch.jit.trace(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), X)

    def forward(self, x: Tensor, n: int) -> Tensor:
        for _ in range(n):
            x = self.traced(x)[:, :3]
        return x


@fixture
def scripted_calls_traced():
    """a scripted module that calls a traced one in a loop"""
    return script(ScriptCallsTraced(), X, 2)


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
