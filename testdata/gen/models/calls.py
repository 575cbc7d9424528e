"""Functions, methods, hooks, interfaces, fork; scripted and traced code that call each other."""
from typing import List, Optional, Tuple

import torch
from torch import Tensor, nn

from common import fixture

from . import script, trace

X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])


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
    def forward(self, x: Tensor, k: int = 2, f: float = 0.5, name: str = "d\n", o: Optional[Tensor] = None, flag: bool = False, sizes: Optional[List[int]] = None) -> Tuple[Tensor, str]:
        if o is not None:
            x = x + o
        if flag:
            x = -x
        if sizes is None:
            sizes = [1, 2]
        return x * k + f + len(sizes), name


@fixture
def default_arguments():
    """defaults of every kind: int, float, str, None, bool"""
    return script(Defaults(), X, calls=[("forward", (X, 3), {"flag": True, "o": X}), ("forward", (X,), {"name": "z", "sizes": [1]})])


class KeywordOnly(nn.Module):
    def helper(self, x: Tensor, *, scale: float, shift: int) -> Tensor:
        return x * scale + shift

    def forward(self, x: Tensor, *, times: int) -> Tensor:
        return self.helper(x, shift=3, scale=1.0) + self.helper(x, scale=float(times), shift=0)


@fixture
def keyword_only_arguments():
    """keyword-only arguments (TorchScript allows them no defaults)"""
    return script(KeywordOnly(), X, kwargs={"times": 3})


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
        return self.decode(self.encode(x, 2.0))[0]


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
