"""Quantised modules of torch.ao: packed C++ objects with state of their own."""
import warnings
from typing import Tuple

import torch
from torch import Tensor, nn
from torch.ao import quantization

from common import fixture

from . import script, trace

warnings.filterwarnings("ignore")


def engine():
    torch.backends.quantized.engine = "fbgemm" if "fbgemm" in torch.backends.quantized.supported_engines else "qnnpack"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant = quantization.QuantStub(), quantization.DeQuantStub()
        self.conv, self.bn, self.relu = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
        self.fc = nn.Linear(4, 3)
        self.add = torch.ao.nn.quantized.FloatFunctional()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.conv(self.quant(x))))
        x = self.add.add(x, x)
        x = torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.dequant(self.fc(x))


def static_net(fuse):
    engine()
    net = Net().eval()
    net.qconfig = quantization.get_default_qconfig(torch.backends.quantized.engine)
    if fuse:
        net = quantization.fuse_modules(net, [["conv", "bn", "relu"]])
    prepared = quantization.prepare(net)
    for _ in range(4):
        prepared(torch.randn(2, 2, 6, 6))
    return quantization.convert(prepared)


@fixture
def quantised_static():
    """a statically quantised network, scripted: packed convolution and linear"""
    return script(static_net(True), torch.randn(1, 2, 6, 6))


@fixture
def quantised_static_traced():
    """a statically quantised network, traced"""
    return trace(static_net(True), torch.randn(1, 2, 6, 6))


@fixture
def quantised_dynamic():
    """dynamically quantised linear layers"""
    engine()
    net = quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)), {nn.Linear})
    return script(net, torch.randn(3, 4))


@fixture
def quantised_dynamic_lstm():
    """a dynamically quantised LSTM"""
    engine()

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3, 4)

        def forward(self, x: Tensor) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
            return self.lstm(x)

    return script(quantization.quantize_dynamic(Wrapped().eval(), {nn.LSTM}), torch.randn(5, 1, 3))


class FakeQuant(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        y = torch.fake_quantize_per_tensor_affine(self.fc(x), 0.1, 0, -128, 127)
        z = torch.fake_quantize_per_channel_affine(x, torch.tensor([0.1, 0.2]), torch.tensor([0, 1], dtype=torch.int32), 0, -128, 127)
        return y, z


@fixture
def fake_quantised():
    """fake quantisation per tensor and per channel"""
    return script(FakeQuant(), torch.randn(2, 3))


class Observed(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.obs = nn.Linear(3, 2), quantization.MinMaxObserver()
        self.hist = quantization.MovingAverageMinMaxObserver()

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        y = self.hist(self.obs(self.fc(x)))
        scale, zero_point = self.obs.calculate_qparams()
        return y, scale, zero_point


@fixture
def observed():
    """observers with buffers that each call updates"""
    x = torch.randn(2, 3)
    return script(Observed(), x, calls=[("forward", (x * 3,))])


class QuantOps(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, float, int]:
        q = torch.quantize_per_tensor(x, 0.05, 3, torch.quint8)
        r = torch.ops.quantized.add(q, q, 0.1, 2)
        return r.dequantize(), r.int_repr(), q.q_scale(), q.q_zero_point()


@fixture
def quantised_ops():
    """quantize_per_tensor, quantized::add, int_repr, q_scale"""
    return script(QuantOps(), torch.randn(2, 3))
