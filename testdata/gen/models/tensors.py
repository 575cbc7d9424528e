"""Tensors as data: dtypes, layouts, sharing, views, constants; aliasing of in-place operations."""
import warnings
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common import Case, fixture

from . import script, trace

warnings.filterwarnings("ignore")
X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])
STORABLE = [
    "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bfloat16", "bool", "complex32", "complex64", "complex128",
    "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "uint16", "uint32", "uint64",
]


class DtypeZoo(nn.Module):
    def __init__(self):
        super().__init__()
        for name in STORABLE:
            dtype = getattr(torch, name)
            base = torch.tensor([0.0, 1.0, 2.0, 3.5]) if dtype.is_floating_point or dtype.is_complex else torch.tensor([0, 1, 2, 3])
            self.register_buffer(f"b_{name}", base.to(dtype))

    def forward(self, x: Tensor) -> Tuple[Tensor, List[Tensor]]:
        whole = [self.b_uint8, self.b_int8, self.b_int16, self.b_int32, self.b_int64, self.b_bool]
        real = [self.b_float16.float(), self.b_float32, self.b_float64.float(), self.b_bfloat16.float()]
        total = x
        for r in real:
            total = total + r.sum()
        for w in whole:
            total = total + w.sum()
        total = total + self.b_complex64.real.sum() + self.b_complex128.imag.sum()
        return total, [self.b_uint16, self.b_uint32, self.b_uint64, self.b_float8_e4m3fn, self.b_float8_e5m2, self.b_float8_e4m3fnuz, self.b_float8_e5m2fnuz, self.b_complex32]


@fixture
def buffers_dtypes():
    """a buffer of every storable dtype"""
    return script(DtypeZoo(), X)


class ViewBuffers(nn.Module):
    def __init__(self):
        super().__init__()
        base = torch.arange(12.0).reshape(3, 4)
        self.register_buffer("base", base)
        self.register_buffer("tail", base[1:])
        self.register_buffer("turned", base.t())
        self.register_buffer("strided", base[::2, ::3])
        self.register_buffer("spread", torch.ones(1, 3).expand(4, 3))
        self.register_buffer("channels", torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last))

    def forward(self, x: Tensor) -> Tuple[Tensor, List[Tensor]]:
        self.base.add_(1)
        return x + self.turned[:2, :3].sum(), [self.base, self.tail, self.turned, self.strided, self.spread, self.channels]


@fixture
def buffers_views():
    """buffers that are views of one storage; an in-place op on one shows in all"""
    return script(ViewBuffers(), X, calls=[("forward", (X,))])


class MathBits(nn.Module):
    def __init__(self):
        super().__init__()
        c = torch.tensor([1 + 2j, 3 - 4j])
        self.register_buffer("c", c)
        self.register_buffer("conj", c.conj())
        # Of its own storage: torch types a storage by its first view, and reads past the end of one it shares here.
        self.register_buffer("neg", torch.tensor([5 + 6j, 7 - 8j]).conj().imag)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, bool]:
        return self.conj * self.c, self.neg + x[0, :2], self.conj.is_conj()


@fixture
def buffers_conj_neg():
    """conjugate and negative views as buffers"""
    return script(MathBits(), X)


class EmptyBuffers(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("empty", torch.empty(0, 3))
        self.register_buffer("none", None)
        self.register_buffer("scalar", torch.tensor(3))
        self.register_buffer("scalar_f", torch.tensor(2.5, dtype=torch.float64))
        self.register_buffer("flag", torch.tensor(True))
        self.register_buffer("transient", torch.ones(2), persistent=False)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, int]:
        y = torch.cat([x, self.empty]) * self.scalar + self.scalar_f
        if bool(self.flag) and self.none is None:
            y = y + self.transient.sum()
        return y, self.empty, self.empty.numel()


@fixture
def buffers_empty_scalar():
    """empty, 0-dim, None and non-persistent buffers"""
    return script(EmptyBuffers(), X)


class SparseBuffers(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("coo", torch.eye(3).to_sparse())
        self.register_buffer("csr", torch.tensor([[0.0, 1.0, 0.0], [2.0, 0.0, 3.0]]).to_sparse_csr())

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.coo.to_dense() + self.csr.to_dense()


@fixture
def buffers_sparse():
    """sparse COO and CSR buffers"""
    return script(SparseBuffers(), X)


class QuantisedBuffers(nn.Module):
    def __init__(self):
        super().__init__()
        w = torch.linspace(-1, 1, 6).reshape(2, 3)
        self.register_buffer("q", torch.quantize_per_tensor(w, 0.1, 10, torch.quint8))
        self.register_buffer("qi", torch.quantize_per_tensor(w, 0.02, 0, torch.qint8))
        self.register_buffer("q32", torch.quantize_per_tensor(w, 0.001, 0, torch.qint32))
        self.register_buffer("qc", torch.quantize_per_channel(w, torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        return x + self.q.dequantize() + self.qi.dequantize() + self.q32.dequantize() + self.qc.dequantize(), self.q, self.qc


@fixture
def buffers_quantised():
    """quantised buffers: per tensor of three dtypes, per channel"""
    return script(QuantisedBuffers(), X)


class TiedWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(3, 3, bias=False)
        self.decoder = nn.Linear(3, 3, bias=False)
        self.decoder.weight = self.encoder.weight
        self.alias = self.encoder.weight
        self.fixed = nn.Parameter(torch.ones(3), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x)) @ self.alias + self.fixed


@fixture
def shared_weights():
    """one parameter under three names, a parameter without gradient"""
    return script(TiedWeights(), X)


class SharedSubmodule(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.b = self.a
        self.list = nn.ModuleList([self.a, nn.Linear(3, 3), self.a])

    def forward(self, x: Tensor) -> Tensor:
        for m in self.list:
            x = m(x)
        return self.b(x) + self.a(x)


@fixture
def shared_submodule():
    """one submodule under several names, scripted"""
    return script(SharedSubmodule(), X)


@fixture
def shared_submodule_traced():
    """one submodule under several names, traced"""
    return trace(SharedSubmodule(), X)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("n", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.n.add_(1)
        return x + self.n


class SharedState(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Counting()
        self.second = self.first

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        x = self.first(x)
        x = self.second(x)
        return x, self.first.n


@fixture
def shared_state():
    """a submodule under two names that counts its calls in a buffer"""
    return script(SharedState(), X, calls=[("forward", (X,))])


class InPlace(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        y = x.clone()
        z = y.view(-1)
        y.add_(1)
        y[0] = 5
        y[1, 1:] = torch.tensor([7.0, 8.0])
        z[2] = -1
        y[:, 0] += 10
        w = y.t()
        w.mul_(2)
        torch.relu_(y)
        y.clamp_(max=20.0)
        return y, z, w


@fixture
def inplace_views():
    """in-place ops and views that see one another"""
    return script(InPlace(), X)


@fixture
def inplace_views_traced():
    """in-place ops and views, traced"""
    return trace(InPlace(), X)


class InPlaceRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        z = self.bn(y)
        r = self.relu(z)
        r += y
        y.mul_(0.5)
        return self.relu(r) + z + y


@fixture
def inplace_relu_add():
    """relu_ and add_ in a residual block, where a later op changes what an earlier one produced"""
    return script(InPlaceRelu(), torch.randn(1, 2, 5, 5))


@fixture
def inplace_relu_add_traced():
    """relu_ and add_ in a residual block, traced"""
    return trace(InPlaceRelu(), torch.randn(1, 2, 5, 5))


class SplitInPlace(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        y = x * 1.0
        a, b, c = torch.chunk(y, 3, dim=1)
        a.add_(b)
        parts = torch.split(y, [1, 2], 1)
        parts[1].mul_(3)
        rows = torch.unbind(y, 0)
        rows[0].sub_(1)
        for r in y.unbind(1):
            r.add_(0.5)
        return y, c, a


@fixture
def inplace_chunk_split():
    """in-place ops on results of chunk, split and unbind change the whole"""
    return script(SplitInPlace(), X)


class InputMutated(nn.Module):
    def forward(self, x: Tensor, ys: List[Tensor], d: Dict[str, Tensor]) -> Tensor:
        x.add_(1)
        ys[0].mul_(2)
        ys.append(x)
        d["new"] = x
        return x + ys[0]


@fixture
def inplace_on_inputs():
    """in-place ops on inputs; `inputs_after` has what the caller sees"""
    return script(InputMutated(), X, [X + 1], {"a": X})


class AliasReturned(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        y = x.view(3, 2)
        z = x.detach().contiguous()
        w = x[0].expand(2, 3)
        u = x.reshape(6).unsqueeze(0).squeeze(0)
        u[0] = 42
        return y, z, w, u


@fixture
def alias_returned():
    """results that alias the input and each other"""
    return script(AliasReturned(), X)


class IndexPut(nn.Module):
    def forward(self, x: Tensor, i: Tensor, m: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        y = x.clone()
        y[i] = 1.5
        y[m] = -7.0
        y[..., 0] = 9
        y[0:1, None] = 2
        z = x[i][:, [2, 0]]
        w = x[m]
        y.index_put_([i, i], torch.tensor(100.0), accumulate=True)
        y.masked_fill_(y < -5, 0.0)
        y.scatter_(1, i.unsqueeze(1), 3.0)
        return y, z, w


@fixture
def index_put():
    """advanced indexing read and written: tensors, masks, ellipsis, None"""
    return script(IndexPut(), X, torch.tensor([1, 0]), X > 0.4)


class Slicing(nn.Module):
    def forward(self, x: Tensor, n: int) -> List[Tensor]:
        return [x[0], x[-1], x[:, 1:], x[::2, None], x[..., -1], x[n:], x[:n, :-1], x[None], x[0, 0], x[:, n], x[1:1], x[[0, 1]], x[:, [0, 2]], x[torch.tensor([True, False])], x[0:100]]


@fixture
def slicing():
    """every form of tensor subscript"""
    return script(Slicing(), X, 1)


class ConstantTensors(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = torch.ones(3)

    def forward(self, x):
        a = torch.tensor([1.0, 2.0, 3.0])
        b = torch.tensor([1.0, 2.0, 3.0])
        c = torch.arange(6).reshape(2, 3)
        d = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
        return x + a * b + c + d + self.t + torch.tensor(2) + torch.tensor([[True, False, True]])


@fixture
def constants_traced():
    """tensor constants in constants.pkl, equal ones merged, several dtypes"""
    return trace(ConstantTensors(), X)


class BigConstant(nn.Module):
    def forward(self, x):
        return x + self.table(x)

    def table(self, x):
        return torch.tensor([[float(i * j % 17) for i in range(64)] for j in range(64)]).sum(1)[: x.size(1)]


@fixture
def constants_big():
    """a constant of 4,096 elements"""
    return trace(BigConstant(), X)


@fixture
def extra_files():
    """a module with extra files, one in a folder, one empty, one binary"""
    return script(nn.Linear(3, 2), X, extra_files={"meta.json": '{"k": 1}', "sub/dir.txt": "hi", "empty": ""})


class Meta(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("m", torch.empty(2, 3, device="meta"))
        self.register_buffer("r", torch.ones(3))

    def forward(self, x: Tensor) -> Tuple[Tensor, List[int]]:
        return x + self.r, self.m.shape


@fixture
def buffers_meta():
    """a buffer on the meta device, without data"""
    return script(Meta(), X)


class Attrs(nn.Module):
    def forward(self, x: Tensor) -> Tuple[List[int], List[bool], int, int, List[int], Tensor]:
        ints = [x.dim(), x.ndim, x.size(0), x.numel(), x.stride(0), x.storage_offset(), x.element_size(), len(x), x.dtype, x.layout]
        flags = [x.is_cuda, x.requires_grad, x.is_contiguous(), x.is_floating_point(), x.is_complex(), x.is_sparse, x.is_quantized, x.device == torch.device("cpu"), x.dtype == torch.float32, x.is_leaf]
        return ints, flags, x.shape[1], x.size()[-1], x.shape, x.data.T


@fixture
def tensor_attributes():
    """properties of tensors: shape, stride, dtype, device, flags"""
    return script(Attrs(), X)


class Casts(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        return [x.half(), x.double(), x.int(), x.long(), x.to(torch.bool), x.to(torch.bfloat16), x.to(torch.complex64), x.type_as(torch.ones(1, dtype=torch.int16)), x.to(torch.uint8, copy=True), x.to(x.int()), x.to("cpu", torch.float64), x.char(), x.short(), x.byte()]


@fixture
def tensor_casts():
    """conversions between dtypes in every spelling"""
    return script(Casts(), X.abs())


class ViewDtype(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.view(torch.int32)


@fixture
def view_dtype_misread():
    """x.view(dtype) is printed as torch.view(x, 3), which loads as a shape: the stored input raises"""
    return script(ViewDtype(), X)


class Factories(nn.Module):
    def forward(self, x: Tensor, n: int) -> List[Tensor]:
        return [
            torch.zeros(2, 3), torch.ones([n], dtype=torch.int64), torch.full((2, 2), 7), torch.full((2,), 1.5), torch.full((2,), True), torch.arange(n), torch.arange(1, 10, 2.5), torch.linspace(0, 1, 5),
            torch.logspace(0, 2, 3), torch.eye(n, 2), torch.zeros_like(x), torch.ones_like(x, dtype=torch.int32), torch.full_like(x, 3), x.new_zeros(2), x.new_ones((1, 2), dtype=torch.bool), x.new_full((2,), 4.0),
            torch.tril(torch.ones(3, 3)), torch.triu_indices(3, 3), torch.scalar_tensor(2.5), torch.hann_window(4), torch.meshgrid([torch.arange(2), torch.arange(3)])[1],
        ]


@fixture
def factories():
    """tensor factories: full with int, float and bool fill, arange, linspace, logspace, _like and new_"""
    return script(Factories(), X, 3)


@fixture
def factories_traced():
    """tensor factories, traced, so devices and sizes are literals"""
    return trace(FactoriesTraced(), X)


class FactoriesTraced(nn.Module):
    def forward(self, x):
        n = x.size(0)
        return x + torch.zeros(n, 3) + torch.full((3,), 2.0) + torch.arange(3, device=x.device) + torch.linspace(0, 1, 3) + torch.ones_like(x) + x.new_ones(3), torch.full((2,), 7), torch.logspace(0, 1, n)


class NoTensors(nn.Module):
    def forward(self, n: int) -> int:
        return n + 1


@fixture
def no_tensors():
    """no parameter, no tensor, no constant: the smallest module"""
    return script(NoTensors(), 4)


class TrainMode(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn(self.drop(x))
        if self.training:
            y = y + 1
        return y


@fixture
def train_mode():
    """saved in training mode: batch norm updates its statistics at each call"""
    return Case(torch.jit.script(TrainMode().train()), (X,), calls=[("forward", (X * 2,)), ("forward", (X,))], kind="scripted")


class NoneOutput(nn.Module):
    def forward(self, x: Tensor, flag: bool) -> Optional[Tensor]:
        if flag:
            return None
        return x


@fixture
def optional_result():
    """a result that is None"""
    return script(NoneOutput(), X, True, calls=[("forward", (X, False))])


class Procedure(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("acc", torch.zeros(3))

    def forward(self, x: Tensor) -> None:
        self.acc.add_(x.sum(0))

    @torch.jit.export
    def result(self) -> Tensor:
        return self.acc


@fixture
def none_result():
    """forward returns nothing and works by side effect"""
    return script(Procedure(), X, calls=[("forward", (X,)), ("result", ())])
