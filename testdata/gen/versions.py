"""Makes testdata/versions: the same models written by several torch versions.

    for each torch: venv/bin/python testdata/gen/versions.py --out testdata/versions
    then, once:     python testdata/gen/versions.py --out testdata/versions --refer

File names start with the writing torch. A first run stores what the writing torch computes; `--refer`, run by the torch the
tests use, replaces the stored outputs by its own (kernels differ in last bits) and notes the largest difference.
"""
import common

common.neutral()

import json
import pathlib
import sys
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from common import Case, fixture
from models import archs, archs_tokens, attributes, calls, control, quantised, recurrent, script, structure, trace, upgraders

PREFIX = "t" + torch.__version__.split("+")[0].replace(".", "_") + "_"


def picture(side=16):
    return torch.rand(1, 3, side, side)


def frozen(module, *args):
    return Case(torch.jit.freeze(torch.jit.script(module.eval())), args, kind="frozen")


class Mixed(nn.Module):
    """Attributes of many kinds, a view, a tied weight, a loop, a dict and a device literal."""

    def __init__(self):
        super().__init__()
        self.names = torch.jit.Attribute(["a", "\u00e9"], List[str])
        self.table = torch.jit.Attribute({"a": 1, "b": 2}, Dict[str, int])
        self.maybe = torch.jit.Attribute(None, Optional[Tensor])
        self.pair = torch.jit.Attribute((1, [2.0]), Tuple[int, List[float]])
        self.w = nn.Parameter(torch.rand(3, 3))
        self.tied = self.w
        self.register_buffer("h16", torch.ones(3, dtype=torch.float16))
        self.register_buffer("view", self.w.detach().t())

    def forward(self, x: Tensor, n: int = 2) -> Tuple[Tensor, Dict[str, Tensor], List[str]]:
        out: Dict[str, Tensor] = {}
        for k, v in self.table.items():
            x = x @ self.tied + v
            out[k] = x
        if self.maybe is None and n > 1:
            x = x[:, 1:] + torch.zeros(2, device="cpu")
        y = x.clone()
        y[0] = 5
        y.relu_()
        return y + self.h16.float().sum() + self.view.sum(), out, self.names


MODELS = {
    "resnet_traced": lambda: trace(archs.ResNet(), picture()),
    "resnet_scripted": lambda: script(archs.ResNet(), picture()),
    "mobilenet_frozen": lambda: frozen(archs.MobileNet(), picture()),
    "segmentation_scripted": lambda: script(archs.Segmentation(), picture()),
    "unet_traced": lambda: trace(archs.UNet(), picture()),
    "transformer_scripted": lambda: script(archs_tokens.TextTransformer(), torch.tensor([[3, 1, 4, 1, 5]])),
    "vit_traced": lambda: trace(archs_tokens.Vit(), picture()),
    "detector_scripted": lambda: script(archs_tokens.Detector(), picture(32)),
    "lstm_traced": lambda: trace(archs_tokens.LanguageModel(), torch.tensor([[3, 1, 4, 1, 5]])),
    "decoder_scripted": lambda: script(recurrent.GreedyDecoder(), torch.randn(1, 4), 6),
    "video_traced": lambda: trace(archs.Video(), torch.rand(1, 3, 4, 8, 8)),
    "quantised_scripted": lambda: script(quantised.static_net(True), torch.randn(1, 2, 6, 6)),
    "attributes_scripted": lambda: script(Mixed(), torch.rand(2, 3)),
    "namedtuple_scripted": lambda: script(attributes.NamedTupleAttr(), attributes.X),
    "control_scripted": lambda: script(control.BreakContinue(), control.X, 12),
    "getstate_scripted": lambda: script(calls.UsesState(), calls.X),
    "mangled_scripted": lambda: script(structure.Mangled(), structure.X),
    "changed_operators_scripted": lambda: script(upgraders.Everything(), upgraders.INTS),
}


def register(name, make):
    def build():
        return make()

    build.__name__, build.__doc__ = PREFIX + name, name.replace("_", " ")
    fixture(build)


def difference(a, b) -> Optional[float]:
    """The largest absolute difference of two plain values; None where they differ in kind."""
    if isinstance(a, Tensor) and isinstance(b, Tensor) and a.shape == b.shape and a.dtype == b.dtype:
        return float((a.double() - b.double()).abs().max()) if a.numel() else 0.0
    if isinstance(a, (list, tuple)) and type(a) is type(b) and len(a) == len(b):
        parts = [difference(x, y) for x, y in zip(a, b)]
        return None if None in parts else max(parts, default=0.0)
    if isinstance(a, dict) and isinstance(b, dict) and list(a) == list(b):
        return difference(list(a.values()), list(b.values()))
    return 0.0 if a == b else None


def refer(out: pathlib.Path) -> None:
    """Stores what this torch computes from every file of `out`."""
    manifest = out.parent / "manifest.json"
    files = json.loads(manifest.read_text())["files"]
    entries = {}
    for path in sorted(p for p in out.glob("*.pt") if not p.name.endswith(".io.pt")):
        key, io_path = f"{out.name}/{path.name}", path.with_suffix(".io.pt")
        entry = entries[key] = files[key]
        theirs = torch.load(io_path)
        try:
            ours = common.execute(str(path), tuple(theirs["inputs"]), {}, [])
        except Exception as error:
            entry.update(runs=False, loads=False, why_not="the reference torch does not load it", load_error=common.last_line(str(error)))
            io_path.unlink()
            print(f"{path.name}: {common.last_line(str(error))}")
            continue
        entry["outputs_by"] = torch.__version__.split("+")[0]
        entry["writer_max_abs_difference"] = difference(theirs["outputs"], ours["outputs"])
        if "raises" in ours:
            entry["raises"] = ours["raises"]
        torch.save(ours, io_path)
        print(f"{path.name}: {entry['writer_max_abs_difference']} {ours.get('raises', '')}")
    common.update_manifest(manifest, entries)


# the imported themes registered fixtures of their own
common.REGISTRY.clear()
for name, make in MODELS.items():
    register(name, make)

if __name__ == "__main__":
    if "--refer" in sys.argv:
        refer(pathlib.Path(sys.argv[sys.argv.index("--out") + 1]))
    else:
        common.main("versions.py", PREFIX)
