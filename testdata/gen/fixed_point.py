"""Makes testdata/fixed: small float models, their calibration data, and what `ptool quantize` makes of them.

    python testdata/gen/fixed_point.py --out testdata/fixed --ptool target/debug/ptool [--only NAME]

For every network and march: NAME.pt (float, traced), NAME.npz (data), NAME.MARCH.fq.pt (fake-quant, calibrated),
NAME.MARCH.int.pt (fixed-point). The last two are ptool's own files: remade when conversion changes.
"""
import common

common.neutral()

import argparse
import pathlib
import subprocess

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from models.quant_nets import GuideNet

torch.set_num_threads(1)


class Cnn(nn.Module):
    """Convolution, batch norm, relu, relu6, residual add, both poolings, linear."""

    def __init__(self):
        super().__init__()
        self.conv0 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn0 = nn.BatchNorm2d(8)
        self.dw = nn.Conv2d(8, 8, 3, padding=1, stride=2, groups=8)
        self.conv1 = nn.Conv2d(8, 8, 1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu(self.bn0(self.conv0(x)))
        x = F.relu6(self.dw(x))
        x = F.relu(self.conv2(x) + self.conv1(x))
        return self.fc(torch.flatten(self.gap(self.pool(x)), 1))


class Tokens(nn.Module):
    """Layer norm, attention with its matmuls and softmax, gelu, mean."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.q, self.k, self.v = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        h = self.norm(x)
        weights = torch.softmax(torch.matmul(self.q(h), self.k(h).transpose(1, 2)) * 0.35, -1)
        x = x + torch.matmul(weights, self.v(h))
        x = x + self.down(F.gelu(self.up(x)))
        return self.head(x.mean(1))


class Odds(nn.Module):
    """Transposed convolution, prelu, leaky relu, shuffles, pad, clamp, unfused batch norm, maximum, sub, chunk."""

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(4, 8, 2, stride=2)
        self.act = nn.PReLU(8)
        self.bn = nn.BatchNorm2d(8)
        self.shuffle = nn.ChannelShuffle(2)
        self.pixels = nn.PixelShuffle(2)
        self.out = nn.Conv2d(2, 2, 3)

    def forward(self, x):
        x = self.act(self.up(x))
        x = self.bn(F.leaky_relu(x, 0.1))
        x = self.shuffle(torch.clamp(x, -1.0, 1.5))
        a, b = x.chunk(2, 1)
        x = torch.cat([torch.maximum(a, b), a - b], 1)
        x = F.pad(self.pixels(x), (1, 1, 1, 1))
        return self.out(x) + 1.5


NETS = {
    "cnn": (Cnn, [(8, 3, 12, 12)], ("bayes", "bernoulli2")),
    "guide": (GuideNet, [(4, 10, 5, 5), (4, 10, 5, 5)], ("bayes",)),
    "tokens": (Tokens, [(4, 6, 8)], ("bayes",)),
    "odds": (Odds, [(4, 4, 6, 6)], ("bayes",)),
}


def make(name, out, ptool):
    build, shapes, marches = NETS[name]
    torch.manual_seed(0)
    model = build()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    model.eval()
    data = [torch.randn(shape) for shape in shapes]
    traced = torch.jit.trace(model, [d[:1] for d in data])
    traced.save(str(out / f"{name}.pt"))
    names = [i.debugName().split(".")[0] for i in list(traced.graph.inputs())[1:]]
    np.savez(out / f"{name}.npz", **{n: d.numpy() for n, d in zip(names, data)})
    for march in marches:
        target = out / f"{name}.{march}.int.pt"
        subprocess.run(
            [ptool, "quantize", out / f"{name}.pt", "--data", out / f"{name}.npz", "--march", march, "-o", target, "--force"],
            check=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--ptool", required=True)
    parser.add_argument("--only")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in NETS:
        if args.only in (None, name):
            make(name, args.out, args.ptool)
