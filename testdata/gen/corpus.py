"""Makes full-size torchvision models with random weights, traced and scripted, each with inputs and outputs.

    python testdata/gen/corpus.py --out FOLDER [--only resnet] [--jobs 2] [--smaller]

These are not stored in the repository: about 6 GB at full size. Weights are seeded; batch-norm statistics come from one
forward pass over random images, so activations keep a sane scale. NAME.io.pt holds {"inputs": [...], "outputs": [...]}.
"""
import argparse
import multiprocessing
import os
import pathlib
import time
import traceback

import common

common.neutral()

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import detection, optical_flow, segmentation, video

M = torchvision.models
NO = {"weights": None}
SEG = {"weights": None, "weights_backbone": None}


class Detect(nn.Module):
    """A detector as a function of one image, so that it can be traced."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor):
        found = self.model([image])[0]
        return found["boxes"], found["scores"], found["labels"]


class Segment(nn.Module):
    """A segmentation model that returns its `out` entry alone."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor):
        return self.model(image)["out"]


class Last(nn.Module):
    """The last of a list of flows."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, a: Tensor, b: Tensor):
        return self.model(a, b, num_flow_updates=3)[-1]


def classify(build, size=224, small=64, **kw):
    return {"build": lambda side: build(**NO, **kw), "size": size, "small": small, "shape": lambda s: [(1, 3, s, s)]}


def fixed(build, key, size=224, small=64):
    """A classifier whose constructor takes the image side."""
    return {"build": lambda side: build(**NO, **{key: side}), "size": size, "small": small, "shape": lambda s: [(1, 3, s, s)]}


def segment(build):
    return {"build": lambda side: build(**SEG, num_classes=21), "size": 224, "small": 64, "shape": lambda s: [(1, 3, s, s)], "wrap": Segment}


def detect(build, size=320, small=160, **kw):
    return {
        "build": lambda side: build(**SEG, **kw), "size": size, "small": small, "shape": lambda s: [(3, s, s)], "wrap": Detect,
        "libraries": ["torchvision"],
    }


def clip(build, size=112, small=32, **kw):
    return {"build": lambda side: build(**NO, **kw), "size": size, "small": small, "shape": lambda s: [(1, 3, 16 if s > 64 else 8, s, s)]}


MODELS = {
    "resnet18": classify(M.resnet18), "resnet50": classify(M.resnet50), "mobilenet_v2": classify(M.mobilenet_v2),
    "squeezenet1_1": classify(M.squeezenet1_1), "shufflenet_v2_x0_5": classify(M.shufflenet_v2_x0_5),
    "mobilenet_v3_small": classify(M.mobilenet_v3_small), "mobilenet_v3_large": classify(M.mobilenet_v3_large),
    "mnasnet0_5": classify(M.mnasnet0_5), "efficientnet_b0": classify(M.efficientnet_b0), "regnet_y_400mf": classify(M.regnet_y_400mf),
    "googlenet": classify(M.googlenet, init_weights=False), "densenet121": classify(M.densenet121),
    "inception_v3": classify(M.inception_v3, 299, 96, init_weights=False),
    "convnext_tiny": classify(M.convnext_tiny), "vit_b_16": fixed(M.vit_b_16, "image_size"), "swin_t": classify(M.swin_t),
    "swin_v2_t": classify(M.swin_v2_t), "maxvit_t": classify(M.maxvit_t, 224, 224),
    "efficientnet_v2_s": classify(M.efficientnet_v2_s), "resnet34": classify(M.resnet34), "resnet101": classify(M.resnet101),
    "resnext50_32x4d": classify(M.resnext50_32x4d), "wide_resnet50_2": classify(M.wide_resnet50_2),
    "alexnet": classify(M.alexnet), "vgg11_bn": classify(M.vgg11_bn),
    "deeplabv3_mobilenet_v3_large": segment(segmentation.deeplabv3_mobilenet_v3_large),
    "lraspp_mobilenet_v3_large": segment(segmentation.lraspp_mobilenet_v3_large), "fcn_resnet50": segment(segmentation.fcn_resnet50),
    "ssdlite320_mobilenet_v3_large": detect(detection.ssdlite320_mobilenet_v3_large, 320, 320),
    "fasterrcnn_mobilenet_v3_large_320_fpn": detect(detection.fasterrcnn_mobilenet_v3_large_320_fpn, box_score_thresh=0.005),
    "retinanet_resnet50_fpn": detect(detection.retinanet_resnet50_fpn, score_thresh=0.001, min_size=320, max_size=480),
    "raft_small": {
        "build": lambda side: optical_flow.raft_small(weights=None), "size": 160, "small": 128,
        "shape": lambda s: [(1, 3, s, s), (1, 3, s, s)], "wrap": Last,
    },
    "r3d_18": clip(video.r3d_18), "mc3_18": clip(video.mc3_18),
    "mvit_v2_s": {
        "build": lambda side: video.mvit_v2_s(weights=None), "size": 224, "small": 224, "shape": lambda s: [(1, 3, 16, s, s)],
    },
}


def settle(model: nn.Module, shapes, is_detector: bool) -> None:
    """Gives zero-initialised heads some weight and batch norms the statistics of random images."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)) and not module.weight.any():
            nn.init.normal_(module.weight, std=0.02)
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    target = model.backbone if is_detector else model
    shapes = [(1, *s) for s in shapes] if is_detector else shapes
    images = [torch.rand(2, *s[1:]) for s in shapes]
    momenta = [n.momentum for n in norms]
    for norm in norms:
        norm.momentum = None
    model.train()
    with torch.no_grad():
        target(*images)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


def build(name: str, smaller: bool):
    """The model in eval mode, its tracing wrapper, and its inputs."""
    spec = MODELS[name]
    common.seed(name)
    side = spec["small" if smaller else "size"]
    model = spec["build"](side)
    shapes = spec["shape"](side)
    is_detector = spec.get("wrap") is Detect
    settle(model, shapes, is_detector)
    model.eval()
    inputs = [torch.rand(*s) for s in shapes]
    return model, spec.get("wrap", lambda m: m)(model).eval(), inputs, is_detector


def finite(value) -> bool:
    if isinstance(value, Tensor):
        return bool(torch.isfinite(value).all()) if value.is_floating_point() else True
    if isinstance(value, dict):
        return all(finite(v) for v in value.values())
    return all(finite(v) for v in value) if isinstance(value, (list, tuple)) else True


def store(module, arguments, path: pathlib.Path, name: str, kind: str) -> dict:
    """Saves, loads again, runs, and stores what came out."""
    start = time.time()
    torch.jit.save(module, str(path))
    del module
    io = common.execute(str(path), tuple(arguments), {}, [])
    if "raises" in io:
        raise RuntimeError(io["raises"])
    if not finite(io["outputs"]):
        raise RuntimeError("outputs are not finite")
    torch.save(io, str(path)[: -len(".pt")] + ".io.pt")
    return {
        "model": name, "kind": kind, "bytes": path.stat().st_size, "inputs": common.describe(list(arguments)),
        "outputs": common.describe(io["outputs"]), "libraries": MODELS[name].get("libraries", []), "version": common.file_version(str(path)),
        "torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0], "seconds": round(time.time() - start, 1),
    }


def one(job) -> dict:
    """Makes both forms of one model; a form that torch refuses is recorded with the reason."""
    name, out, smaller = job
    torch.set_num_threads(1)
    entries = {}
    for kind in ("traced", "scripted"):
        file = f"{name}_{kind}.pt"
        try:
            model, wrapped, inputs, is_detector = build(name, smaller)
            with torch.no_grad():
                if kind == "traced":
                    module, arguments = torch.jit.trace(wrapped, tuple(inputs), check_trace=False), inputs
                else:
                    module, arguments = torch.jit.script(model), ([inputs] if is_detector else inputs)
            entries[file] = store(module, arguments, pathlib.Path(out) / file, name, kind)
        except Exception as error:
            (pathlib.Path(out) / file).unlink(missing_ok=True)
            entries[file] = {"model": name, "kind": kind, "refused": common.last_line(str(error))[:300]}
            if os.environ.get("PTOOL_TRACEBACK"):
                traceback.print_exc()
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--only", action="append", help="part of a model's name")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--smaller", action="store_true", help="smaller images (same weights' sizes)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    names = [n for n in MODELS if not options.only or any(o in n for o in options.only)]
    jobs = [(n, str(options.out), options.smaller) for n in names]
    refused = 0
    with multiprocessing.get_context("spawn").Pool(options.jobs, maxtasksperchild=1) as pool:
        for entries in pool.imap_unordered(one, jobs):
            common.update_manifest(options.out / "manifest.json", entries)
            for file, entry in entries.items():
                refused += "refused" in entry
                print(f"{file}: {entry.get('refused') or '%.1f MB, %s s' % (entry['bytes'] / 1e6, entry['seconds'])}", flush=True)
    print(f"{len(names)} models, {refused} forms refused by torch")


if __name__ == "__main__":
    main()
