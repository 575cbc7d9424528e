"""Quantises full-size models and has the fixed-point files executed by three engines and the compiler's front end.

    python tests/python/quantised.py --ptool PTOOL --library libhorizon_ops.so --corpus FOLDER --out FOLDER
                                     [--march bayes] [--only resnet18 …]

For each model: `ptool quantize` on its recorded input and a noisy copy, nothing else given; `ptool run --check`
(ptool's interpreter against libtorch's own), the same in stock Python with the operators' library, bit for bit;
`ptool profile`. Prints one row a model; exits 1 when an engine disagrees, or when `profile` finds a difference or
refuses a file without operators in float, which the front end does not know.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

import numpy
import torch

MODELS = [
    "resnet18",
    "resnet50",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "vgg11_bn",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "googlenet",
    "densenet121",
    "deeplabv3_mobilenet_v3_large",
    "vit_b_16",
]
HEAD = ["model", "operations", "left in float", "largest step", "relative RMS", "three engines", "profile"]


def ptool(program, *args):
    done = subprocess.run([program, *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        print(f"$ ptool {' '.join(map(str, args))}\n{done.stdout}{done.stderr}", file=sys.stderr)
    return done


def first_tensor(value):
    if torch.is_tensor(value):
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
    found = (first_tensor(item) for item in items)
    return next((tensor for tensor in found if tensor is not None), None)


def same_bits(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def engines(options, fixed, inputs, x):
    """Whether ptool, libtorch and stock Python give the same bits."""
    saved = fixed.with_suffix(".out.npz")
    done = ptool(options.ptool, "run", fixed, "--inputs", inputs, "--check", "--threads", 1, "-o", saved, "--force")
    if done.returncode:
        return False
    with torch.no_grad():
        ours = first_tensor(torch.jit.load(str(fixed)).eval()(x))
    stored = numpy.load(saved)
    return same_bits(ours.contiguous().numpy(), numpy.ascontiguousarray(stored[stored.files[0]]))


def row(options, name):
    """The cells of a model, and whether all is as it should be."""
    x = first_tensor(torch.load(options.corpus / f"{name}_traced.io.pt")["inputs"])
    torch.manual_seed(0)
    data, one = options.out / f"{name}.npz", options.out / f"{name}.one.npz"
    numpy.savez(data, x=torch.cat([x, x + 0.3 * torch.randn_like(x)]).numpy())
    numpy.savez(one, x=x.numpy())
    fixed = options.out / f"{name}.{options.march}.int.pt"
    model = options.corpus / f"{name}_traced.pt"
    asked = ["--march", options.march, "--data", data, "--batch", 1, "-o", fixed, "--force", "--format", "json"]
    done = ptool(options.ptool, "quantize", model, *asked)
    if done.returncode:
        return [name, "quantize fails", "", "", "", "", ""], False
    report = json.loads(done.stdout)
    steps = [operation["steps"] for operation in report["operations"]]
    equal = engines(options, fixed, one, x)
    profiled = ptool(options.ptool, "profile", fixed, "--inputs", one).returncode
    verdict = {0: "equal", 1: "differs"}.get(profiled, "refused")
    left = collections.Counter(name.removeprefix("aten::") for name in report["float_operations"])
    floats = ", ".join(f"{count} {op}" for op, count in left.items()) or "0"
    rms = next(stage["relative_rms"] for stage in report["stages"] if stage["name"] == "fixed-point")
    largest = f"{max(steps, default=0):.3f}"
    cells = [name, str(len(steps)), floats, largest, f"{rms:.4f}", "equal" if equal else "differ", verdict]
    # The front end takes no operator in float.
    return cells, equal and (profiled == 0 or bool(left))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["--ptool", "--library"]:
        parser.add_argument(name, required=True)
    for name in ["--corpus", "--out"]:
        parser.add_argument(name, required=True, type=pathlib.Path)
    parser.add_argument("--march", default="bayes")
    parser.add_argument("--only", nargs="*", default=MODELS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.ops.load_library(options.library)
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    fine = True
    for name in options.only:
        cells, good = row(options, name)
        fine &= good
        print(f"| {' | '.join(cells)} |", flush=True)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
