"""ResNet-18 quantised by torch.ao for its x86 engine, traced and frozen, and random images: `int8.py FOLDER`.

The weights are random: neither engine's time depends on them.
"""

import sys
import warnings
from pathlib import Path

import numpy
import torch
import torchvision
from torch.ao.quantization import get_default_qconfig_mapping
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

warnings.filterwarnings("ignore")


def main() -> None:
    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    images = torch.randn(64, 3, 224, 224)
    numpy.savez(folder / "images.npz", x=images.numpy())
    torch.backends.quantized.engine = "x86"
    model = torchvision.models.resnet18(weights=None).eval()
    observed = prepare_fx(model, get_default_qconfig_mapping("x86"), (images[:1],))
    with torch.no_grad():
        observed(images[:4])
        quantised = convert_fx(observed).eval()
        traced = torch.jit.freeze(torch.jit.trace(quantised, images[:1]).eval())
    torch.jit.save(traced, folder / "resnet18_ao.pt")


main()
