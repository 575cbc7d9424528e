"""Makes testdata/quant: small float models that `ptool prepare` reads.

    python testdata/gen/quant.py --out testdata/quant
"""
import common

common.neutral()

import torch

from common import Case, fixture
from models import bernoulli2_nets as bernoulli2
from models import operator_nets as operators
from models import quant_nets as nets

torch.set_num_threads(1)


def picture(channels=3, side=8):
    return torch.randn(2, channels, side, side)


# name -> (class, inputs, forms)
NETS = {
    "guide": (nets.GuideNet, lambda: (torch.rand(1, 10, 5, 5), torch.rand(1, 10, 5, 5)), ("traced", "scripted")),
    "fusion": (nets.Fusion, lambda: (picture(),), ("traced", "scripted", "frozen")),
    "shared": (nets.Shared, lambda: (picture(4),), ("traced", "scripted")),
    "gates": (nets.Gates, lambda: (torch.randn(2, 6), torch.randn(2, 4) / 2, torch.randn(2, 4)), ("traced",)),
    "recurrent": (nets.Recurrent, lambda: (torch.randn(2, 5, 6), torch.randn(1, 2, 5) / 2), ("traced", "scripted")),
    "steps": (nets.Steps, lambda: (torch.randn(3, 2, 6), torch.randn(1, 2, 4) / 2, torch.randn(1, 2, 4)), ("traced", "scripted")),
    "functional": (nets.Functional, lambda: (picture(4), picture(4)), ("traced", "scripted")),
    "activations": (nets.Activations, lambda: (torch.randn(2, 5, 8),), ("traced", "scripted")),
    "leftover": (nets.Leftover, lambda: (picture(),), ("traced", "scripted")),
    "volume": (nets.Volume, lambda: (torch.randn(1, 2, 4, 6, 6),), ("scripted",)),
    "sampled": (nets.Sampled, lambda: (picture(), torch.rand(2, 8, 8, 2) * 2 - 1), ("traced",)),
    "norms": (nets.Norms, lambda: (picture(4, 6),), ("traced", "scripted")),
    "line": (nets.Line, lambda: (torch.randn(2, 3, 16),), ("traced", "scripted")),
    "transformed": (nets.Transformed, lambda: (picture(),), ("traced", "scripted")),
    "attention": (nets.Attention, lambda: (torch.randn(2, 5, 8),), ("scripted",)),
    "encoder": (nets.Encoder, lambda: (torch.randn(2, 5, 8),), ("traced", "scripted", "fused")),
    "decoder": (nets.Decoder, lambda: (torch.randn(4, 2, 8), torch.randn(5, 2, 8)), ("traced", "scripted")),
    "classes": (nets.Classes, lambda: (picture(),), ("traced", "scripted")),
    "dispatched": (nets.Dispatched, lambda: (picture(4),), ("traced",)),
    "lengths": (operators.Lengths, lambda: (torch.randn(2, 5, 6), torch.randn(2, 5, 6)), ("traced", "scripted")),
    "spread": (operators.Spread, lambda: (torch.randn(2, 5, 6),), ("traced", "scripted")),
    "named": (operators.Named, lambda: (torch.randn(2, 5, 2, 6), torch.randn(2, 5, 2, 6)), ("traced", "scripted")),
    "whole": (operators.Whole, lambda: (torch.randn(2, 5, 6) * 3,), ("traced", "scripted")),
    "curves": (operators.Curves, lambda: (torch.randn(2, 5, 6),), ("traced",)),
    "products": (operators.Products, lambda: (torch.randn(2, 6, 6), torch.randn(2, 6, 6)), ("traced",)),
    "response": (operators.Response, lambda: (picture(),), ("traced",)),
    "windows": (operators.Windows, lambda: (picture(),), ("traced",)),
    "bernoulli2_layers": (bernoulli2.Layers, lambda: (picture(side=16),), ("traced", "scripted")),
    "bernoulli2_arithmetic": (bernoulli2.Arithmetic, lambda: (picture(4), picture(4) * 0.6), ("traced", "scripted")),
    "bernoulli2_tables": (bernoulli2.Tables, lambda: (picture(6),), ("traced", "scripted")),
    "bernoulli2_shapes": (bernoulli2.Shapes, lambda: (picture(8),), ("traced",)),
    "bernoulli2_product": (bernoulli2.Product, lambda: (picture(4),), ("traced",)),
}


def settle(model, args):
    """Batch-norm statistics of one training pass, so that the norms do something."""
    model.train()
    with torch.no_grad():
        model(*args)
        for module in model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
    return model.eval()


def case(name, form) -> Case:
    make, inputs, _ = NETS[name]
    args = inputs()
    model = settle(make(), args)
    if form == "traced":
        return Case(torch.jit.trace(model, args, check_trace=False), args)
    if form == "fused":
        # Without gradients torch traces its fused kernels.
        with torch.no_grad():
            return Case(torch.jit.trace(model, args, check_trace=False), args)
    scripted = torch.jit.script(model)
    if form == "frozen":
        return Case(torch.jit.freeze(scripted), args, kind="frozen")
    return Case(scripted, args)


def register(name, form):
    def fn() -> Case:
        return case(name, form)

    fn.__name__ = f"{name}_{form}"
    fn.__doc__ = NETS[name][0].__doc__
    fixture(fn)


for _name, (_make, _inputs, _forms) in NETS.items():
    for _form in _forms:
        register(_name, _form)

if __name__ == "__main__":
    common.main("quant.py", "testdata/quant")
