"""Devices written in source text: literals, defaults, comparisons, messages, computed names. All run on a CPU."""
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from common import Case, fixture

from . import script, trace

X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])


class Literals(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        d = torch.device("cpu")
        e = torch.device("cpu", 0)
        y = torch.zeros(3, device="cpu") + torch.ones(3, device=torch.device("cpu")) + torch.ones(3, device=torch.device("cpu:0"))
        return x.to(d) + y + x.to(e)


@fixture
def literal_device():
    """device literals: torch.device("cpu"), ("cpu", 0), ("cpu:0")"""
    return script(Literals(), X)


class StringDefault(nn.Module):
    def forward(self, x: Tensor, device: str = "cpu") -> Tensor:
        return x.to(device) + torch.zeros(3, device=device)


@fixture
def default_string():
    """a default argument `device: str="cpu"`, passed to operators"""
    return script(StringDefault(), X, calls=[("forward", (X, "cpu"))])


class DeviceDefault(nn.Module):
    def forward(self, x: Tensor, device: torch.device = torch.device("cpu"), other: Optional[torch.device] = None) -> Tensor:
        y = x.to(device)
        if other is not None:
            y = y.to(other)
        return y


@fixture
def default_device():
    """a default argument of type Device, and an Optional one"""
    return script(DeviceDefault(), X, calls=[("forward", (X, torch.device("cpu"), torch.device("cpu")))])


def helper(x: Tensor, where: str = "cpu", name: str = "cpu") -> Tuple[Tensor, str]:
    return x.to(torch.device(where)), name


class HelperDefault(nn.Module):
    def inner(self, x: Tensor, device: str = "cpu") -> Tensor:
        return torch.ones_like(x, device=device)

    def forward(self, x: Tensor) -> Tuple[Tensor, str]:
        y, n = helper(x)
        return y + self.inner(x, "cpu"), n


@fixture
def default_in_function():
    """string defaults of functions, one of them a device and one just a name"""
    return script(HelperDefault(), X)


class Factories(nn.Module):
    def forward(self, x: Tensor, n: int) -> List[Tensor]:
        return [
            torch.zeros([2], dtype=torch.float32, device="cpu"), torch.ones(2, device="cpu"), torch.full([2], 1.5, device="cpu"), torch.arange(n, device="cpu"), torch.linspace(0, 1, 3, device="cpu"), torch.eye(2, device="cpu"),
            torch.empty([0], device="cpu"), torch.zeros_like(x, device="cpu"), torch.ones_like(x), torch.full_like(x, 2.0, device="cpu"), x.new_zeros([2], device="cpu"), x.new_ones([2]), x.new_full([2], 3.0, device="cpu"), torch.tensor([1.0, 2.0], device="cpu"),
            torch.as_tensor([1, 2], device="cpu"), torch.as_tensor([[1.5], [2.0]], device=torch.device("cpu")), torch.as_tensor(n, device="cpu"), torch.scalar_tensor(1.5, device="cpu"), torch.hann_window(4, device="cpu"), torch.tril_indices(2, 2, device="cpu"),
        ]


@fixture
def factory_keyword():
    """device= of every factory, as_tensor and tensor included"""
    return script(Factories(), X, 3)


class AsTensor(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(x, device="cpu") + torch.as_tensor(x, dtype=torch.float64, device=torch.device("cpu"))


@fixture
def as_tensor_of_tensor():
    """as_tensor of a tensor, which torch reloads as another overload: the stored input raises"""
    return script(AsTensor(), X)


class ToForms(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> List[Tensor]:
        d = torch.device("cpu")
        return [x.to("cpu"), x.to(d), x.to("cpu", torch.float64), x.to("cpu", torch.float64, True), x.to(device="cpu"), x.to(dtype=torch.half, device=d), x.to(y), x.to(y.device), x.to(torch.float64), x.cpu(), x.to(d, non_blocking=True, copy=True)]


@fixture
def to_positional():
    """every form of .to, and .cpu()"""
    return script(ToForms(), X, X.double())


class Branches(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, List[bool]]:
        if x.is_cuda:
            x = x + 100
        if x.device.type == "cpu":
            x = x + 1
        if x.device == torch.device("cpu"):
            x = x * 2
        if str(x.device) == "cpu":
            x = x - 0.5
        if x.device.type != "cuda":
            x = x + 4
        if x.device.index is None:
            x = x * 3
        return x, [x.device.type in ["cuda", "cpu"], x.is_cpu, x.is_cuda, x.get_device() == -1]


@fixture
def branch_on_device():
    """branches on is_cuda, device.type, device ==, str(device), index; these texts must stay"""
    return script(Branches(), X)


class Messages(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Dict[str, int], List[str]]:
        if x.device.type == "xpu":
            raise RuntimeError("only cpu and cuda are supported")
        assert not x.is_cuda, "the cpu build wants a cpu tensor"
        table = {"cpu": 1, "cuda": 2}
        name = "cpu"
        return x * table[x.device.type], table, [name, "cpu", "cpu:0", "moved to cpu", "{} on {}".format("x", x.device), f"device {x.device.type}"]


@fixture
def text_that_stays():
    """"cpu" in messages, dict keys and plain strings"""
    return script(Messages(), X)


class Computed(nn.Module):
    def forward(self, x: Tensor, kind: str, n: int) -> List[Tensor]:
        a = torch.device("{}:{}".format(kind, n))
        b = torch.device("%s:%d" % (kind, n))
        c = torch.device(kind)
        d = torch.device("c" + "pu")
        e = torch.device(f"cpu:{n}")
        return [x.to(a), x.to(b), x.to(c), x.to(d), x.to(e), x.to(kind), torch.zeros(1, device=torch.device(kind + ":" + str(n)))]


@fixture
def text_computed():
    """device text put together at run time, which cannot be rewritten"""
    return script(Computed(), X, "cpu", 0)


class Flow(nn.Module):
    def forward(self, x: Tensor, flag: bool) -> Tensor:
        name = "cpu" if flag else "cpu:0"
        where = torch.device("cpu")
        for i in range(2):
            if i == 1:
                where = torch.device("cpu:0")
            x = x.to(where)
        return x.to(name)


@fixture
def text_through_flow():
    """a device string chosen by a branch, a device carried through a loop"""
    return script(Flow(), X, True, calls=[("forward", (X, False))])


class Containers(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        ds = [torch.device("cpu"), torch.device("cpu:0")]
        names = {"a": torch.device("cpu"), "cpu": torch.device("cpu")}
        texts = ["cpu", "cpu:0"]
        for d in ds:
            x = x.to(d) + 1
        for t in texts:
            x = x.to(t) + 1
        t, u = (torch.device("cpu"), 3)
        return x.to(names["cpu"]).to(t) + u


@fixture
def literal_in_containers():
    """devices in lists, dicts and tuples built in the source"""
    return script(Containers(), X)


class Generators(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        g = torch.Generator(device="cpu")
        g.manual_seed(3)
        a = torch.rand(2, generator=g)
        h = torch.Generator(device=torch.device("cpu"))
        h.manual_seed(3)
        return a, torch.randn(2, generator=h, device="cpu")


@fixture
def generators():
    """random generators on a device"""
    return script(Generators(), X)


class Autocast(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            y = x @ x.t()
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
            z = x @ x.t()
        return y + z


@fixture
def autocast():
    """autocast regions on a device type"""
    return script(Autocast(), X)


class CudaCalls(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda:
            x = x.cuda() + x.to("cuda") + x.to(torch.device("cuda", 1)) + torch.zeros(3, device="cuda:0")
            torch.cuda.synchronize()
            x = x.cpu().pin_memory().cuda()
        return x + 1


@fixture
def cuda_in_dead_branch():
    """cuda calls in a branch that a CPU never takes"""
    return script(CudaCalls(), X)


class CudaLiterals(nn.Module):
    def forward(self, x: Tensor, dev: str = "cuda", other: torch.device = torch.device("cuda:1")) -> Tensor:
        y = torch.ones(3, device="cuda:0") + torch.zeros(3, device=torch.device("cuda"))
        z = x.cuda() + y.cpu() + x.to("cuda") + x.to(torch.device("cuda", 1)) + x.to(dev) + x.to(other)
        with torch.autocast("cuda", dtype=torch.half):
            z = z + 1
        g = torch.Generator(device="cuda:0")
        return z + torch.rand(3, generator=g, device="cuda:0") + x.new_zeros([3], device="cuda").cpu()


@fixture
def cuda_literals():
    """cuda literals in every place; loads without a GPU, does not run"""
    return script(CudaLiterals(), runs=False, why_not="needs two GPUs")


class Mixed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        table = torch.zeros(3, device="cpu")
        return x.to("cuda:0") + table.to("cuda:0") + torch.ones(3, device="meta").to("cpu").to(x.device)


@fixture
def mixed_devices():
    """cpu, cuda and meta literals in one method"""
    return script(Mixed(), runs=False, why_not="needs a GPU")


class TracedDevices(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))

    def forward(self, x):
        y = torch.zeros(3, device=x.device) + torch.arange(3, device="cpu") + torch.full((3,), 2.0)
        return x.to(self.w.device) + y + torch.zeros_like(x) + x.new_ones(3) + x.cpu() + torch.tensor([1.0, 2.0, 3.0], device=x.device) + torch.as_tensor([1.0, 1.0, 1.0])


@fixture
def traced_literals():
    """tracing bakes devices in, those of the input and those of the default alike"""
    return trace(TracedDevices(), X)


class Masked(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones(x.size(0), x.size(0), device=x.device).tril()
        pos = torch.arange(x.size(1), device=x.device, dtype=torch.float32)
        return (mask @ x) + pos.to(x.device)


@fixture
def follows_input():
    """factories on x.device: nothing to change"""
    return script(Masked(), X)


@fixture
def traced_mask():
    """the same traced: the input's device has become a literal"""
    return trace(Masked(), X)
