"""Devices in pickles: attributes, storages, states, and texts that share one memo entry with them."""
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn

import edit
from common import Case, fixture

from . import script, trace

Attribute = torch.jit.Attribute
X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])
CPU = torch.device("cpu")


class Attrs(nn.Module):
    def __init__(self, device: str):
        super().__init__()
        d = torch.device(device)
        self.plain = d
        self.listed = Attribute([d, torch.device("cpu")], List[torch.device])
        self.named = Attribute({"cpu": d, "other": torch.device("cpu")}, Dict[str, torch.device])
        self.paired = Attribute((d, 1), Tuple[torch.device, int])
        self.maybe = Attribute(d, Optional[torch.device])
        self.absent = Attribute(None, Optional[torch.device])
        self.w = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        m = self.maybe
        if m is not None:
            x = x.to(m)
        for d in self.listed:
            x = x.to(d)
        return x.to(self.plain).to(self.named["cpu"]).to(self.paired[0]) + self.w


@fixture
def attributes():
    """device attributes: plain, in a list, a dict, a tuple, Optional"""
    return script(Attrs("cpu"), X)


@fixture
def attributes_cuda():
    """the same with cuda:0; loads without a GPU, does not run"""
    return script(Attrs("cuda:0"), runs=False, why_not="needs a GPU")


class SharedTexts(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))
        self.device = CPU
        self.name = "cpu"
        self.names = Attribute(["cpu", "gpu", "cpu"], List[str])
        self.table = Attribute({"cpu": 1, "cuda": 2}, Dict[str, int])
        self.by_name = Attribute({"cpu": torch.ones(3)}, Dict[str, Tensor])
        self.pair = Attribute(("cpu", 3), Tuple[str, int])

    def forward(self, x: Tensor) -> Tuple[Tensor, str, List[str], Dict[str, int], str]:
        return x.to(self.device) * self.w + self.by_name["cpu"], self.name, self.names, self.table, self.pair[0]


@fixture
def memo_shared_text():
    """one memo entry "cpu" for storages, a device, strings and dict keys: a careless patch renames them all"""
    return script(SharedTexts(), X)


class TextFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.label = "cpu"
        self.where = CPU
        self.register_buffer("b", torch.ones(3))

    def forward(self, x: Tensor) -> Tuple[Tensor, str]:
        return x.to(self.where) + self.b, self.label


@fixture
def memo_string_first():
    """the string comes before device and storage, which reuse its memo entry"""
    return script(TextFirst(), X)


class State(nn.Module):
    def __init__(self):
        super().__init__()
        self.device, self.w, self.name = CPU, torch.ones(3), "cpu"

    @torch.jit.export
    def __getstate__(self) -> Tuple[torch.device, Tensor, str, bool]:
        return self.device, self.w, self.name, self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[torch.device, Tensor, str, bool]) -> None:
        self.device, self.w, self.name, self.training = state[0], state[1], state[2], state[3]

    def forward(self, x: Tensor) -> Tuple[Tensor, str]:
        return x.to(self.device) + self.w, self.name


@fixture
def in_getstate():
    """a device in the state of __getstate__"""
    return script(State(), X)


class Config:
    def __init__(self, device: str, kind: torch.device):
        self.device = device
        self.kind = kind


class Where(NamedTuple):
    device: torch.device
    name: str


class ObjectDevice(nn.Module):
    def __init__(self):
        super().__init__()
        self.config = torch.jit.script(Config)("cpu", CPU)
        self.where = Attribute(Where(CPU, "cpu"), Where)

    def forward(self, x: Tensor) -> Tuple[Tensor, str]:
        c = Config("cpu", torch.device("cpu"))
        return x.to(self.config.device).to(self.config.kind).to(c.device).to(self.where.device), self.where.name


@fixture
def in_object():
    """a device and a device string in a plain class and a named tuple"""
    return script(ObjectDevice(), X)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.register_buffer("mean", torch.ones(3))
        self.device = CPU

    def forward(self, x):
        return self.fc(x.to(self.device) - self.mean) + torch.tensor([1.0, 2.0, 3.0])


@fixture
def storages_traced():
    """storages in data.pkl, constants.pkl and traced_inputs.pkl"""
    return trace(Net(), X)


@fixture
def storages_cuda():
    """the same with every storage on cuda:0 (edited)"""
    case = trace(Net(), X)
    case.edit, case.runs, case.why_not = edit.storages_on("cuda:0"), False, "its storages are on a GPU"
    return case


@fixture
def storages_meta():
    """the same with every storage on meta (edited): loads without data"""
    case = trace(Net(), X)
    case.edit, case.runs, case.why_not = edit.storages_on("meta"), False, "its tensors have no data"
    return case


class FrozenDevice(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.device = CPU
        self.register_buffer("mean", torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.to(self.device) - self.mean) + torch.zeros(3, device=self.device)


@fixture
def frozen_scripted():
    """a frozen module: the device attribute is a literal, tensors are constants"""
    return Case(torch.jit.freeze(torch.jit.script(FrozenDevice().eval())), (X,), kind="frozen")


@fixture
def frozen_traced():
    """a frozen traced module"""
    return Case(torch.jit.freeze(torch.jit.trace(Net().eval(), X)), (X,), kind="frozen")


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = FrozenDevice(), FrozenDevice()
        self.pe = nn.Sequential(nn.Linear(3, 3), FrozenDevice())

    def forward(self, x: Tensor) -> Tensor:
        return self.pe(self.a(x) + self.b(x))


@fixture
def in_submodules():
    """device attributes and literals in several submodules"""
    return script(Deep(), X)


class Ranked(nn.Module):
    def __init__(self):
        super().__init__()
        self.index, self.is_cuda = 0, False
        self.type = "cpu"

    def forward(self, x: Tensor) -> Tensor:
        if self.is_cuda:
            x = x.to(torch.device("cuda", self.index))
        if x.device.type == self.type:
            x = x + 1
        return x.to(torch.device(self.type))


@fixture
def derived_attributes():
    """attributes derived from a device: index, flag and type, the last a string that names one"""
    return script(Ranked(), X)


class NonAscii(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Dict[str, str]]:
        return x.to("cpu"), {"\u00fcber": "cpu", "cpu": "\u00e9"}


@fixture
def text_in_constants():
    """"cpu" inside a non-ASCII container, which goes to constants.pkl"""
    return script(NonAscii(), X)


class Quantised(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("q", torch.quantize_per_channel(torch.ones(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8))
        self.register_buffer("sp", torch.eye(3).to_sparse())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.q.dequantize() @ self.sp.to_dense()


@fixture
def storages_quantised_sparse():
    """storages inside quantised and sparse tensors"""
    return script(Quantised(), X)


class FewTensors(nn.Module):
    def forward(self, x):
        return x + 1


@fixture
def nothing_to_do():
    """no storage, no literal: only traced_inputs.pkl names a device"""
    return trace(FewTensors(), X)
