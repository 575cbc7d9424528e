"""What only tracing makes: keyword inputs, container inputs, recorded shape arithmetic, functions."""
import torch
from torch import Tensor, nn

from common import Case, fixture

from . import trace

X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])


class TracedKwargs(nn.Module):
    def forward(self, x, scale=None, shift=None):
        if scale is not None:
            x = x * scale
        return x + shift


@fixture
def traced_kwargs():
    """traced with keyword inputs"""
    m = torch.jit.trace(TracedKwargs().eval(), example_kwarg_inputs={"x": X, "scale": torch.ones(3), "shift": torch.ones(1)})
    return Case(m, (), kwargs={"x": X, "scale": torch.full((3,), 2.0), "shift": torch.ones(1)})


class TracedContainers(nn.Module):
    def forward(self, pair, table, items):
        a, (b, c) = pair
        return {"sum": a + b + c + table["t"], "cat": torch.cat(items)}, (a, items[0])


@fixture
def traced_containers():
    """traced with tuple, dict and list inputs, dict and tuple outputs"""
    args = ((X, (X + 1, X[0])), {"t": X, "u": X}, [X, X * 2])
    m = torch.jit.trace(TracedContainers().eval(), args, strict=False)
    return Case(m, args)


class TracedScalars(nn.Module):
    def forward(self, x):
        h, w = x.shape
        y = x.reshape(w, h).expand(2, w, h)
        return y.flatten(1) * (h * w), y.sum() / x.numel(), y[: w // 2], int(w) * x


@fixture
def traced_shape_arithmetic():
    """tracing records shape arithmetic through NumToTensor and Int"""
    return trace(TracedScalars(), X, calls=[("forward", (torch.ones(4, 6),))])


@fixture
def traced_function():
    """a traced function, not a module"""
    return Case(torch.jit.trace(lambda a, b: (a @ b.t()).softmax(-1), (X, X)), (X, X), kind="traced")


def scripted_fn(x: Tensor, n: int = 3) -> Tensor:
    for i in range(n):
        x = x + i
    return x


@fixture
def scripted_function():
    """a scripted function, not a module; saving drops its default arguments"""
    return Case(torch.jit.script(scripted_fn), (X, 3), kind="scripted")


class TracedModuleMethods(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return self.fc(x)

    def encode(self, x):
        return torch.tanh(self.fc(x))


@fixture
def traced_module_methods():
    """torch.jit.trace_module: two methods traced"""
    m = torch.jit.trace_module(TracedModuleMethods().eval(), {"forward": X, "encode": X})
    return Case(m, (X,), calls=[("encode", (X,))])
