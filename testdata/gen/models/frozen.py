"""Modules after torch.jit.freeze and torch.jit.optimize_for_inference."""
from typing import List

import torch
from torch import Tensor, nn

from common import Case, fixture

X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])


class FrozenModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 3)
        self.scale = 2.0
        self.names = torch.jit.Attribute(["a", "b"], List[str])

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn(self.conv(x))) * self.scale
        return self.fc(x.mean([2, 3])) + len(self.names)

    @torch.jit.export
    def version(self) -> int:
        return 3


@fixture
def frozen():
    """torch.jit.freeze: attributes become constants, batch norm is folded"""
    m = torch.jit.freeze(torch.jit.script(FrozenModel().eval()))
    return Case(m, (torch.randn(1, 2, 5, 5),), kind="frozen")


@fixture
def frozen_preserved():
    """torch.jit.freeze with a preserved attribute and a preserved method"""
    m = torch.jit.freeze(torch.jit.script(FrozenModel().eval()), preserved_attrs=["scale", "version"], optimize_numerics=False)
    return Case(m, (torch.randn(1, 2, 5, 5),), calls=[("version", ())], kind="frozen")


@fixture
def frozen_traced():
    """a traced module, frozen"""
    x = torch.randn(1, 2, 5, 5)
    m = torch.jit.freeze(torch.jit.trace(FrozenModel().eval(), x))
    return Case(m, (x,), kind="frozen")


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@fixture
def optimized_for_inference():
    """torch.jit.optimize_for_inference on a model without convolutions"""
    return Case(torch.jit.optimize_for_inference(torch.jit.script(Mlp().eval())), (X,), kind="frozen")


@fixture
def optimized_for_inference_refused():
    """torch.jit.optimize_for_inference on a convolution: torch saves packed constants as nothing and refuses its own file"""
    m = torch.jit.optimize_for_inference(torch.jit.script(FrozenModel().eval()))
    return Case(m, kind="frozen", runs=False, why_not="MKL-DNN constants are not serialised")


class MutableFrozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))
        self.fc = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.seen.add_(1)
        return self.fc(x) + self.seen


@fixture
def frozen_mutable():
    """a frozen module that keeps a buffer because forward changes it"""
    return Case(torch.jit.freeze(torch.jit.script(MutableFrozen().eval())), (X,), calls=[("forward", (X,))], kind="frozen")
