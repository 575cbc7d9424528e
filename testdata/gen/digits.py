"""Trains the demo's model on scikit-learn's handwritten digits and traces it.

    python testdata/gen/digits.py --out testdata/digits

Writes digits.pt (the model), digits_v2.pt (the same with one convolution's weights altered a little, for `ptool compare`),
test.npz (`images`, `labels`: the last 20 % of the data set) and calib.npz (`images`: 128 training images).
Images are float32 NCHW in 0..1, exactly as the model takes them. Takes about a minute on one core.
"""
import argparse
import pathlib

import common

common.neutral()

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

EPOCHS = 30
BATCH = 64
CALIBRATION_IMAGES = 128


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += shortcut
        return self.relu(y)


class DigitsNet(nn.Module):
    """A residual network for 8x8 grey images of the ten digits."""

    def __init__(self, width: int = 24):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = Block(width, width)
        self.layer2 = Block(width, 2 * width, stride=2)
        self.layer3 = Block(2 * width, 2 * width)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(2 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def load():
    """(training images, labels), (test images, labels); the split is by position."""
    digits = load_digits()
    images = torch.from_numpy((digits.images / 16.0).astype(np.float32)).unsqueeze(1)
    labels = torch.from_numpy(digits.target.astype(np.int64))
    cut = len(images) * 4 // 5
    return (images[:cut], labels[:cut]), (images[cut:], labels[cut:])


def shifted(images: Tensor) -> Tensor:
    """Each image moved by up to one pixel, and noise, as augmentation."""
    dx, dy = torch.randint(-1, 2, (2,)).tolist()
    padded = F.pad(images, (1, 1, 1, 1))
    moved = padded[:, :, 1 + dy : 9 + dy, 1 + dx : 9 + dx]
    return moved + 0.05 * torch.randn_like(moved)


def train(images: Tensor, labels: Tensor) -> DigitsNet:
    torch.manual_seed(7)
    model = DigitsNet()
    steps = EPOCHS * ((len(images) + BATCH - 1) // BATCH)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.15, total_steps=steps)
    model.train()
    for epoch in range(EPOCHS):
        order = torch.randperm(len(images))
        for start in range(0, len(images), BATCH):
            chosen = order[start : start + BATCH]
            loss = F.cross_entropy(model(shifted(images[chosen])), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}", flush=True)
    return model.eval()


def accuracy(module, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        return (module(images).argmax(1) == labels).double().mean().item()


def store(model: nn.Module, out: pathlib.Path, name: str, test, about: str) -> dict:
    """Traces, saves, checks the saved file's accuracy, and stores outputs of the first eight test images."""
    images, labels = test
    path = out / f"{name}.pt"
    with torch.no_grad():
        traced = torch.jit.trace(model, images[:1])
    torch.jit.save(traced, str(path))
    reached = accuracy(torch.jit.load(str(path)), images, labels)
    print(f"{name}.pt: test accuracy {reached:.4f} on {len(images)} images, {path.stat().st_size} bytes")
    torch.save(common.execute(str(path), (images[:8],), {}, []), out / f"{name}.io.pt")
    return {
        "about": about, "generator": "digits.py", "kind": "traced", "torch": torch.__version__.split("+")[0], "runs": True, "deterministic": True,
        "libraries": [], "inputs": [common.describe(images[:8])], "version": common.file_version(str(path)), "test_accuracy": round(reached, 6),
        "test_images": len(images),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    (train_images, train_labels), test = load()
    model = train(train_images, train_labels)
    entries = {"digits/digits.pt": store(model, out, "digits", test, "residual network trained on scikit-learn's digits; the demo's model")}
    with torch.no_grad():
        torch.manual_seed(11)
        weight = model.layer2.conv2.weight
        weight += 0.02 * weight.std() * torch.randn_like(weight)
    entries["digits/digits_v2.pt"] = store(model, out, "digits_v2", test, "digits.pt with layer2.conv2's weights altered a little, for `ptool compare`")
    if entries["digits/digits.pt"]["test_accuracy"] < 0.98:
        raise SystemExit("the model misses 98 % test accuracy")
    np.savez(out / "test.npz", images=test[0].numpy(), labels=test[1].numpy())
    chosen = torch.randperm(len(train_images), generator=torch.Generator().manual_seed(3))[:CALIBRATION_IMAGES]
    np.savez(out / "calib.npz", images=train_images[chosen].numpy())
    common.update_manifest(out.parent / "manifest.json", entries, "digits/")


if __name__ == "__main__":
    main()
