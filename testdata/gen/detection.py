"""What torchvision makes of regions and boxes: testdata/detection/expected.json.

    python testdata/gen/detection.py

Regions are sampled once per output (`sampling_ratio=1`). bernoulli2's rule (extent + 1, first sample at the corner) is
torchvision's legacy rule for a region moved by half a step, so the same function judges it.
"""

import json
import pathlib

import torch
import torchvision

OUT = pathlib.Path(__file__).resolve().parents[1] / "detection" / "expected.json"
SHAPE = (2, 3, 9, 11)
SIZES = [(3, 2), (1, 4), (5, 5)]
SCALE = 0.5


def smooth():
    """A map without steep places: 8-bit coordinates then move a result by less than one."""
    n, c, h, w = SHAPE
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    planes = [(7 * y - 5 * x + 9 * k - 20) for k in range(n * c)]
    return torch.stack(planes).reshape(SHAPE).to(torch.int8)


def regions(generator):
    """Quarters of a pixel of the image, `[2, 4, 4]`, inside it."""
    _, _, h, w = SHAPE
    ends = torch.tensor([w, h, w, h]) / SCALE * 4 - 8
    corners = (torch.rand((2, 4, 4), generator=generator) * ends).round().to(torch.int32)
    low, high = torch.minimum(corners[..., :2], corners[..., 2:]), torch.maximum(corners[..., :2], corners[..., 2:])
    return torch.cat([low, high + 6], -1)


def align(data, pixels, size, aligned, scale):
    return torchvision.ops.roi_align(data.float(), list(pixels.float()), size, scale, 1, aligned)


def shifted(data, pixels, size):
    """The region that torchvision samples at `corner + i·(extent + 1)/size`."""
    low, high = pixels[..., :2] * SCALE, pixels[..., 2:] * SCALE
    extent = high - low + 1
    first = low - extent / torch.tensor([size[1], size[0]]) / 2
    return align(data, torch.cat([first, first + extent], -1), size, False, 1.0)


def roi_cases(generator):
    steep = torch.randint(-128, 128, SHAPE, generator=generator, dtype=torch.int8)
    cases = []
    for size in SIZES:
        rois = regions(generator)
        pixels = rois * 0.25
        forms = [
            ("bayes", aligned, steep, align(steep, pixels, size, aligned, SCALE)) for aligned in (False, True)
        ]
        forms.append(("bernoulli2", False, smooth(), shifted(smooth(), pixels, size)))
        for march, aligned, data, expected in forms:
            cases.append(
                {
                    "march": march,
                    "aligned": aligned,
                    "size": size,
                    "data": data.flatten().tolist(),
                    "rois": rois.flatten().tolist(),
                    "expected": [round(v, 4) for v in expected.flatten().tolist()],
                }
            )
    return cases


def nms_case(generator, count, threshold, classes):
    low = torch.randint(0, 60, (count, 2), generator=generator)
    side = torch.randint(1, 60, (count, 2), generator=generator)
    boxes = torch.cat([low, low + side], -1)
    scores = torch.randperm(255, generator=generator)[:count] - 128
    labels = torch.randint(0, classes, (count,), generator=generator)
    keep = torchvision.ops.batched_nms(boxes.double(), scores.double(), labels, threshold / 256)
    mask = torch.zeros(count, dtype=torch.int64)
    mask[keep] = 1
    names = ["boxes", "scores", "labels", "keep"]
    values = [boxes, scores, labels, mask]
    return {"threshold": threshold} | {n: v.flatten().tolist() for n, v in zip(names, values)}


def main():
    generator = torch.Generator().manual_seed(7)
    expected = {
        "shape": SHAPE,
        "scale": SCALE,
        "roi": roi_cases(generator),
        "nms": [nms_case(generator, 200, threshold, classes) for threshold in (60, 128, 180) for classes in (1, 4)],
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
