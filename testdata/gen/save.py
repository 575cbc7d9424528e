"""Makes testdata/save: files of torch.save, zip and legacy, each with a JSON description of its content.

    python testdata/gen/save.py --out testdata/save

NAME.json describes the loaded object: {"type", ...} nodes; a tensor has dtype, shape, stride, offset, `storage` (a number,
equal for tensors that share one), `requires_grad`, and `values`: its elements in row-major order as text that Python's
float(), complex() or int() reads back exactly.
"""
import argparse
import json
import pathlib
from collections import OrderedDict

import common

common.neutral()

import torch
from torch import nn

SAVES = {}


def save(fn):
    SAVES[fn.__name__] = fn
    return fn


def tensor_node(t, storages):
    node = {"type": "parameter" if isinstance(t, nn.Parameter) else "tensor", "dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "requires_grad": t.requires_grad}
    t = t.detach()
    if t.layout != torch.strided:
        node["layout"] = str(t.layout).removeprefix("torch.")
        parts = (t._indices(), t._values()) if t.layout == torch.sparse_coo else (t.crow_indices(), t.col_indices(), t.values())
        node["parts"] = [tensor_node(p, {}) for p in parts]
        return node
    node["stride"], node["offset"] = list(t.stride()), t.storage_offset()
    key = (t.untyped_storage().data_ptr() or id(t), t.untyped_storage().nbytes())
    node["storage"] = storages.setdefault(key, len(storages))
    if t.is_quantized:
        node["qscheme"] = str(t.qscheme()).removeprefix("torch.")
        if t.qscheme() == torch.per_tensor_affine:
            node["scale"], node["zero_point"] = repr(t.q_scale()), t.q_zero_point()
        else:
            node["scales"], node["zero_points"], node["axis"] = [repr(v) for v in t.q_per_channel_scales().tolist()], t.q_per_channel_zero_points().tolist(), t.q_per_channel_axis()
        t = t.int_repr()
    if t.device.type == "meta":
        node["device"] = "meta"
        return node
    if t.is_conj() or t.is_neg():
        node["conj"], node["neg"] = t.is_conj(), t.is_neg()
        t = t.resolve_conj().resolve_neg()
    if t.dtype == torch.complex32:
        t = t.to(torch.complex64)
    elif t.dtype.is_floating_point:
        t = t.double()
    node["values"] = [repr(v) for v in t.flatten().tolist()]
    return node


def describe(v, storages):
    if isinstance(v, torch.Tensor):
        return tensor_node(v, storages)
    if isinstance(v, (dict, OrderedDict)):
        node = {"type": "ordered_dict" if isinstance(v, OrderedDict) else "dict", "items": [[describe(k, storages), describe(x, storages)] for k, x in v.items()]}
        if hasattr(v, "_metadata"):
            node["metadata_keys"] = list(v._metadata)
        return node
    if isinstance(v, torch.Size):
        return {"type": "size", "items": list(v)}
    if isinstance(v, (list, tuple)):
        return {"type": "list" if isinstance(v, list) else "tuple", "items": [describe(x, storages) for x in v]}
    if isinstance(v, (set, frozenset)):
        return {"type": "set", "items": sorted((describe(x, storages) for x in v), key=json.dumps)}
    if isinstance(v, bytes):
        return {"type": "bytes", "hex": v.hex()}
    if isinstance(v, (torch.dtype, torch.layout)):
        return {"type": type(v).__name__, "value": str(v).removeprefix("torch.")}
    if isinstance(v, torch.device):
        return {"type": "device", "value": str(v)}
    if v is None or isinstance(v, (bool, int, float, complex, str)):
        return {"type": type(v).__name__, "value": v if isinstance(v, str) else repr(v)}
    raise TypeError(type(v))


class Lin(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.bn = nn.Linear(3, 4), nn.BatchNorm1d(4)
        self.tied = self.fc.weight


@save
def state_dict():
    """a state dict with tied weights and metadata"""
    return Lin().state_dict()


@save
def state_dict_legacy():
    """the same in the format before zip"""
    return Lin().state_dict()


@save
def checkpoint():
    """a training checkpoint: model, optimiser, epoch, metrics"""
    m = Lin()
    o = torch.optim.Adam(m.parameters(), lr=1e-3)
    m.bn(m.fc(torch.rand(4, 3))).sum().backward()
    o.step()
    return {"model": m.state_dict(), "optimizer": o.state_dict(), "epoch": 7, "best": 0.125, "history": [(1, 0.5), (2, 0.25)]}


@save
def tensor():
    """one tensor"""
    return torch.arange(6.0).reshape(2, 3)


@save
def tensor_legacy():
    """one tensor, legacy"""
    return torch.arange(6.0).reshape(2, 3)


@save
def parameter():
    """one nn.Parameter"""
    return nn.Parameter(torch.arange(3.0))


@save
def inputs_tuple():
    """model inputs: a tuple of tensors"""
    return torch.rand(1, 3, 4, 4), torch.tensor([1, 2])


@save
def inputs_dict():
    """model inputs: a dict of tensors"""
    return {"image": torch.rand(1, 3, 4, 4), "length": torch.tensor([4])}


@save
def inputs_list():
    """model inputs: a list of batches"""
    return [torch.rand(2, 3), torch.rand(2, 3)]


@save
def views_shared():
    """views of one storage, offsets, strides, an expanded one"""
    t = torch.arange(16.0).reshape(4, 4)
    return [t, t[1:], t.t(), t[::2, 1], t[0].expand(2, 4), t[3, 3]]


@save
def views_shared_legacy():
    """views of one storage, legacy"""
    t = torch.arange(16.0).reshape(4, 4)
    return [t, t[1:], t.t(), t[::2, 1], t[3, 3]]


@save
def containers():
    """nested containers and every scalar"""
    return {"l": [1, 2.5, "s", None, True, False, 1 << 70, -(1 << 40), 1 << 31, 255, 256, -1], "t": (1,), "t0": (), "t3": (1, 2, 3), "t4": (1, 2, 3, 4), "d": {"k": {"j": [[]]}}, 3: "int key", (1, 2): "tuple key", "c": 1 + 2j,
            "b": b"ab\xff\x00", "set": {1}, "inf": float("inf"), "nan": float("nan"), "nz": -0.0, "u": "caf\u00e9 \U0001f600", "dt": torch.float16, "dev": torch.device("cpu"), "cuda": torch.device("cuda:1"), "size": torch.Size([1, 2]), "od": OrderedDict([("z", 1), ("a", 2)]), "layout": torch.strided, "long": "x" * 300}


@save
def dtypes():
    """a tensor of every dtype"""
    names = "uint8 int8 int16 int32 int64 float16 float32 float64 bfloat16 bool complex32 complex64 complex128 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu uint16 uint32 uint64".split()
    return {n: torch.tensor([1.0, 2.0, 4.0]).to(getattr(torch, n)) for n in names}


@save
def dtypes_legacy():
    """a tensor of every dtype the legacy format has"""
    names = "uint8 int8 int16 int32 int64 float16 float32 float64 bfloat16 bool complex64 complex128".split()
    return {n: torch.tensor([1.0, 2.0, 4.0]).to(getattr(torch, n)) for n in names}


@save
def extremes():
    """the limits of the dtypes, NaN, infinities, denormals"""
    f = [0.0, -0.0, 1e-45, 3.4028234663852886e38, float("inf"), float("-inf"), float("nan")]
    return {"f32": torch.tensor(f), "f16": torch.tensor(f[:3] + [65504.0, float("inf")]).half(), "f64": torch.tensor([5e-324, 1.7976931348623157e308], dtype=torch.float64), "i64": torch.tensor([-(1 << 63), (1 << 63) - 1]), "u8": torch.tensor([0, 255], dtype=torch.uint8), "i8": torch.tensor([-128, 127], dtype=torch.int8)}


@save
def empty_scalar():
    """empty tensors, 0-dim tensors"""
    return [torch.empty(0), torch.empty(0, 3), torch.tensor(2.5), torch.tensor(3), torch.empty(2, 0, 4)]


@save
def conj_neg():
    """conjugate and negative views"""
    c = torch.tensor([1 + 2j, 3 - 4j])
    return [c.conj(), torch.tensor([1 + 2j, 3 - 4j]).conj().imag, c]


@save
def sparse():
    """sparse COO and CSR"""
    return [torch.eye(3).to_sparse(), torch.eye(2).to_sparse_csr()]


@save
def quantised():
    """quantised per tensor and per channel"""
    w = torch.linspace(-1, 1, 6).reshape(2, 3)
    return [torch.quantize_per_tensor(w, 0.1, 10, torch.quint8), torch.quantize_per_channel(w, torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8)]


@save
def channels_last():
    """memory formats"""
    return [torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last), torch.rand(2, 3).requires_grad_()]


@save
def meta():
    """a tensor on the meta device"""
    return {"m": torch.empty(2, 3, device="meta"), "r": torch.ones(1)}


@save
def shared_objects():
    """one list and one tensor under several names"""
    t, l = torch.ones(2), [1, 2]
    return {"a": t, "b": t, "l": l, "m": l, "n": [l, t]}


@save
def scalars_only():
    """no tensor at all"""
    return {"epoch": 3, "name": "net"}


@save
def many_tensors():
    """300 small tensors: memo ids above 255"""
    return {f"layer{i}.weight": torch.full((2,), float(i)) for i in range(300)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name, make in SAVES.items():
        common.seed(name.removesuffix("_legacy"))
        value, legacy = make(), name.endswith("_legacy")
        path = out / f"{name}.pt"
        torch.save(value, path, _use_new_zipfile_serialization=not legacy)
        again = torch.load(path, weights_only=False)
        (out / f"{name}.json").write_text(json.dumps(describe(again, {}), indent=1) + "\n")
        entries[f"save/{name}.pt"] = {"about": make.__doc__, "generator": "save.py", "kind": "torch.save", "legacy": legacy, "torch": torch.__version__.split("+")[0], "runs": False, "deterministic": True, "libraries": []}
    common.update_manifest(out.parent / "manifest.json", entries, "save/")
    print(f"{len(entries)} made")


if __name__ == "__main__":
    main()
