"""Makes testdata/archs: common architectures at small width, each traced, scripted and (some) frozen.

    python testdata/gen/archs.py --out testdata/archs
"""
import common

common.neutral()

import torch

from common import Case, fixture
from models import archs as image
from models import archs_tokens as token

torch.set_num_threads(1)


def picture(channels=3, side=16, batch=1):
    return lambda: (torch.rand(batch, channels, side, side),)


# name -> (class, inputs, forms)
ALL = ("traced", "scripted", "frozen")
BOTH = ("traced", "scripted")
ARCHS = {
    "resnet": (image.ResNet, picture(), ALL),
    "mobilenet": (image.MobileNet, picture(), ALL),
    "inception": (image.Inception, picture(), BOTH),
    "densenet": (image.DenseNet, picture(), BOTH),
    "segmentation": (image.Segmentation, picture(), ALL),
    "unet": (image.UNet, picture(), ALL),
    "squeeze_excite": (image.SqueezeExcite, picture(), BOTH),
    "shufflenet": (image.ShuffleNet, picture(), BOTH),
    "fpn": (image.Fpn, picture(), BOTH),
    "gan_generator": (image.Generator, lambda: (torch.randn(2, 6),), BOTH),
    "autoencoder": (image.Autoencoder, picture(1, 8, 2), BOTH),
    "siamese": (image.Siamese, lambda: (torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8)), BOTH),
    "video": (image.Video, lambda: (torch.rand(1, 3, 4, 8, 8),), BOTH),
    "super_resolution": (image.SuperResolution, picture(1, 6), BOTH),
    "crnn": (image.Crnn, lambda: (torch.rand(1, 1, 8, 12),), BOTH),
    "repvgg": (image.RepVgg, picture(4, 6), ("traced", "frozen")),
    "yolo": (image.CspYolo, picture(), BOTH),
    "transformer": (token.TextTransformer, lambda: (torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]]),), BOTH),
    "vit": (token.Vit, picture(), ALL),
    "mixer": (token.Mixer, picture(), BOTH),
    "swin": (token.Swin, picture(), BOTH),
    "lstm_language_model": (token.LanguageModel, lambda: (torch.tensor([[3, 1, 4, 1, 5]]),), BOTH),
    "detector": (token.Detector, picture(3, 32, 2), ("scripted",)),
    "wavenet": (token.Wavenet, lambda: (torch.randn(1, 1, 12),), BOTH),
    "graph_net": (token.GraphNet, lambda: (torch.randn(5, 4), torch.tensor([[0, 1, 2, 3, 4, 0], [1, 2, 3, 4, 0, 2]])), BOTH),
    "mixture_of_experts": (token.MixtureOfExperts, lambda: (torch.randn(6, 4),), ("scripted",)),
}


def settle(model, args):
    """Batch-norm statistics from one training pass, so that the norms do something."""
    model.train()
    with torch.no_grad():
        for _ in range(2):
            model(*[torch.cat([a, a.flip(0) * 0.7]) if a.is_floating_point() and a.dim() > 2 else a for a in args])
    return model.eval()


def build(cls, inputs, form):
    args = inputs()
    model = settle(cls(), args)
    if form == "traced":
        with torch.no_grad():
            return Case(torch.jit.trace(model, args, check_trace=False), args)
    module = torch.jit.script(model)
    return Case(module, args) if form == "scripted" else Case(torch.jit.freeze(module), args, kind="frozen")


def register(name, cls, inputs, form):
    def make():
        return build(cls, inputs, form)

    make.__name__ = f"{name}_{form}"
    make.__doc__ = f"{name.replace('_', ' ')}, {form}"
    fixture(make)


for name, (cls, inputs, forms) in ARCHS.items():
    for form in forms:
        register(name, cls, inputs, form)


@fixture
def detector_torchvision_nms():
    """a detector that calls torchvision::nms, which needs torchvision's library"""
    import torchvision  # noqa: F401, registers the operator

    args = (torch.rand(1, 3, 32, 32),)
    return Case(torch.jit.script(token.NmsDetector().eval()), args, libraries=["torchvision"])


if __name__ == "__main__":
    common.main("archs.py")
