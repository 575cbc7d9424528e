"""A fake-quant file in the shape that `ptool prepare` writes, data for it, and the scales that plain numpy finds.

testdata/fakequant/: observers.fq.pt, data.npz (x, labels), the same data in other formats, expected.json, and
sampled.fq.pt, whose inputs are large and its activations small. The classes are stand-ins under the plugin's names: only
names, attributes and buffers matter to `ptool calibrate`.
"""

import importlib
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import observers as reference

OUT = pathlib.Path(__file__).resolve().parents[1] / "fakequant"
F = np.float32
BATCH = 4

FAKE_QUANTIZE = '''
import torch

class FakeQuantize(torch.nn.Module):
    def __init__(self, observer, ch_axis):
        super().__init__()
        self.register_buffer("fake_quant_enabled", torch.tensor([1], dtype=torch.uint8))
        self.register_buffer("observer_enabled", torch.tensor([1], dtype=torch.uint8))
        self.register_buffer("scale", torch.tensor([1.0]))
        self.register_buffer("zero_point", torch.tensor([0]))
        self.ch_axis = ch_axis
        self.quant_min = -128
        self.quant_max = 127
        self.dtype = "qint8"
        self.round_mode = "half_to_even"
        self.march = "bayes"
        self.saturate = True
        self.activation_post_process = observer

    def forward(self, x):
        if bool(self.fake_quant_enabled[0] == 1):
            s = self.scale
            if self.ch_axis == 0:
                s = s.reshape([-1] + [1] * (x.dim() - 1))
            x = torch.clamp(torch.round(x / s), self.quant_min, self.quant_max) * s
        return x

    @torch.jit.export
    def switch(self, fake_quant: int, observer: int):
        self.fake_quant_enabled.fill_(fake_quant)
        self.observer_enabled.fill_(observer)
'''

OBSERVER = '''
class {name}(torch.nn.Module):
    def __init__(self, **parameters):
        super().__init__()
        self.register_buffer("eps", torch.tensor([2.0**-23]))
        self.register_buffer("min_val", torch.tensor([]))
        self.register_buffer("max_val", torch.tensor([]))
        for key, value in parameters.items():
            setattr(self, key, value)

    def forward(self, x):
        return x
'''

OBSERVERS = ["MinMaxObserver", "PercentileObserver", "MSEObserver", "KLObserver", "MixObserver", "ClipObserver", "ClipStdObserver"]

FIXED = '''
class FixedScaleObserver(torch.nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.register_buffer("eps", torch.tensor([2.0**-23]))
        self.register_buffer("scale", torch.tensor([scale]))
        self.register_buffer("zero_point", torch.tensor([0]))

    def forward(self, x):
        return x
'''

STUBS = '''
import torch

class QuantStub(torch.nn.Module):
    def __init__(self, fake_quant):
        super().__init__()
        self.activation_post_process = fake_quant

    def forward(self, x):
        return self.activation_post_process(x)
'''

CONV = '''
import torch
from typing import Optional

class Conv2d(torch.nn.Module):
    def __init__(self, weight, bias, weight_fake_quant, fake_quant):
        super().__init__()
        self.weight = torch.nn.Parameter(weight)
        self.bias = torch.nn.Parameter(bias)
        self.weight_fake_quant = weight_fake_quant
        self.activation_post_process = fake_quant

    def forward(self, x):
        x = torch.conv2d(x, self.weight_fake_quant(self.weight), self.bias, [1, 1], [1, 1])
        return self.activation_post_process(x)
'''

NET = '''
import torch

class Net(torch.nn.Module):
    def __init__(self, quant, conv, stubs, unused):
        super().__init__()
        self.quant = quant
        self.conv = conv
        self.percentile, self.kl, self.mix, self.clip, self.clip_std, self.fixed = stubs
        self.unused = unused

    def forward(self, x):
        x = self.conv(self.quant(x))
        x = self.fixed(self.clip_std(self.clip(self.mix(self.kl(self.percentile(x))))))
        return x.flatten(2).amax(2)

    @torch.jit.export
    def set_fake_quantize(self, state: str):
        on = 1
        if state == "float" or state == "calibration":
            on = 0
        observe = 0 if state == "float" else 1
        self.quant.activation_post_process.switch(on, observe)
        self.conv.weight_fake_quant.switch(on, observe)
        self.conv.activation_post_process.switch(on, observe)
        self.percentile.activation_post_process.switch(on, observe)
        self.kl.activation_post_process.switch(on, observe)
        self.mix.activation_post_process.switch(on, observe)
        self.clip.activation_post_process.switch(on, observe)
        self.clip_std.activation_post_process.switch(on, observe)
        self.fixed.activation_post_process.switch(on, observe)
'''


SAMPLED = '''
import torch

class Sampled(torch.nn.Module):
    def __init__(self, quant):
        super().__init__()
        self.quant = quant

    def forward(self, x):
        return self.quant(x[:, :, ::16, ::16])

    @torch.jit.export
    def set_fake_quantize(self, state: str):
        on = 0 if state == "float" or state == "calibration" else 1
        self.quant.activation_post_process.switch(on, 0 if state == "float" else 1)
'''


def package(root):
    """The plugin's module names with stand-ins in them."""
    observers = "import torch\n" + "".join(OBSERVER.format(name=name) for name in OBSERVERS) + FIXED
    for path, text in {
        "quantization/fake_quantize.py": FAKE_QUANTIZE,
        "quantization/observer_v2.py": observers,
        "quantization/fx/graph_module.py": NET + SAMPLED.replace("import torch\n", ""),
        "nn/qat/stubs.py": STUBS,
        "nn/qat/conv2d.py": CONV,
    }.items():
        file = root / "horizon_plugin_pytorch" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        for folder in list(file.parents)[: len(pathlib.Path(path).parts)]:
            (folder / "__init__.py").touch()
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()


def load(name):
    return importlib.import_module("horizon_plugin_pytorch." + name)


def main():
    root = pathlib.Path("/tmp/gen/fakequant")
    package(root)
    torch.manual_seed(0)
    fq, ob, stubs = load("quantization.fake_quantize"), load("quantization.observer_v2"), load("nn.qat.stubs")
    conv, net = load("nn.qat.conv2d"), load("quantization.fx.graph_module")
    stub = lambda observer: stubs.QuantStub(fq.FakeQuantize(observer, -1))
    weight, bias = torch.randn(5, 3, 3, 3) * 0.3, torch.randn(5) * 0.1
    model = net.Net(
        stub(ob.MSEObserver(averaging_constant=0.1, stride=1)),
        conv.Conv2d(
            weight,
            bias,
            fq.FakeQuantize(ob.MinMaxObserver(averaging_constant=0.01), 0),
            fq.FakeQuantize(ob.MinMaxObserver(averaging_constant=0.01), -1),
        ),
        [
            stub(ob.PercentileObserver(averaging_constant=0.01, percentile=99.5, bins=2048)),
            stub(ob.KLObserver(averaging_constant=0.01, bins=512, update_interval=1)),
            stub(ob.MixObserver(averaging_constant=0.01)),
            stub(ob.ClipObserver(averaging_constant=1.0, xmin=-0.5, xmax=0.75)),
            stub(ob.ClipStdObserver(averaging_constant=0.01, std_scale=2.0)),
            stub(ob.FixedScaleObserver(1 / 128)),
        ],
        stub(ob.MinMaxObserver(averaging_constant=0.01)),
    ).eval()
    x = torch.randn(10, 3, 8, 8)
    with torch.no_grad():
        # As `ptool calibrate --batch 4` runs it: a convolution's last bits may depend on the batch.
        y = torch.cat([torch.conv2d(b, weight, bias, [1, 1], [1, 1]) for b in x.split(BATCH)])
        labels = y.flatten(2).amax(2).argmax(1)
    labels[0] = (labels[0] + 1) % 5

    OUT.mkdir(exist_ok=True)
    torch.jit.script(model).save(str(OUT / "observers.fq.pt"))
    sampled = net.Sampled(stub(ob.MinMaxObserver(averaging_constant=0.01))).eval()
    torch.jit.script(sampled).save(str(OUT / "sampled.fq.pt"))
    np.savez(OUT / "data.npz", x=x.numpy(), labels=labels.numpy())
    save_file({"x": x, "labels": labels}, OUT / "data.safetensors")
    torch.save({"x": x, "labels": labels}, OUT / "data.pth")
    np.save(OUT / "x.npy", x.numpy())
    (OUT / "parts").mkdir(exist_ok=True)
    np.save(OUT / "parts" / "0.npy", x[:7].numpy())
    np.savez_compressed(OUT / "parts" / "1.npz", x[7:].numpy())

    def batches(t):
        return [t[i : i + BATCH].detach().numpy().reshape(1, -1) for i in range(0, len(t), BATCH)]

    grid = reference.INT8
    w = weight.numpy().reshape(5, -1)
    expected = {
        "quant": reference.run("mse", batches(x), grid, 0.1, stride=1),
        "conv": reference.run("min_max", batches(y), grid, 0.01),
        "percentile": reference.run("percentile", batches(y), grid, 0.01, percentile=99.5, bins=2048),
        "kl": reference.run("kl", batches(y), grid, 0.01, bins=512, update_interval=1),
        "mix": reference.run("mix", batches(y), grid, 0.01),
        "clip": reference.run("clip", batches(y), grid, 1.0, xmin=-0.5, xmax=0.75),
        "clip_std": reference.run("clip_std", batches(y), grid, 0.01, std_scale=2.0),
    }
    expected = {f"{key}.activation_post_process": value for key, value in expected.items()}
    lo, hi = w.min(1), w.max(1)
    expected["conv.weight_fake_quant"] = (lo, hi, reference.scale_of(lo, hi, grid))
    expected = {
        key: {"min_val": reference.numbers(lo), "max_val": reference.numbers(hi), "scale": reference.numbers(s)}
        for key, (lo, hi, s) in expected.items()
    }
    (OUT / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
