"""Operators of detection heads in stock Python: regions, their float form, voxels, proposals.

    python detection.py LIBRARY TEXTS

torchvision judges regions where it is installed; a line says so where it is not.
"""

import sys

import torch
import torch.nn.functional as F

from functions import load

hz = torch.ops.horizon
ZERO = torch.zeros(1, dtype=torch.int64)
SCALE = torch.tensor([0.05])

try:
    import torchvision
except ImportError:
    torchvision = None


def corners(generator, count, width, height):
    """Integer quarters of a pixel of the image, some of them beside it or without a size."""
    low = torch.randint(-20, 4 * max(width, height), (count, 2), generator=generator, dtype=torch.int32)
    side = torch.randint(-3, 120, (count, 2), generator=generator, dtype=torch.int32)
    return torch.cat([low, low + side], -1)


def float_form(x, rois, size, aligned, mode, quantised, march, scale=SCALE):
    return hz.quanti_roi_resize(x, rois, scale, ZERO, 0.5, *size, aligned, mode, True, quantised, march)


def check_float_regions():
    """In float64 their values are those of the integer operator; in float32 a tie may round to the next step."""
    generator = torch.Generator().manual_seed(5)
    q = torch.randint(-128, 128, (2, 3, 9, 12), generator=generator, dtype=torch.int8)
    rois, exact = corners(generator, 40, 24, 18).reshape(2, 20, 4), torch.tensor([0.0625])
    other = total = 0
    for march in ["bayes", "bernoulli2", "bernoulli"]:
        for aligned, mode in [(False, "bilinear"), (True, "bilinear"), (True, "nearest")]:
            integer = hz.bpu_quanti_roi_resize(q, rois, 0.5, 4, 3, aligned, mode, march)
            found = float_form(q.double() / 16, rois * 0.25, (4, 3), aligned, mode, True, march, exact)
            assert torch.equal(found, integer.double() / 16), (march, aligned, mode)
            narrow = float_form(q * SCALE, rois * 0.25, (4, 3), aligned, mode, True, march)
            steps = torch.round(narrow / SCALE) - integer
            assert narrow.shape == integer.shape == (40, 3, 4, 3) and steps.abs().max() <= 1, (march, aligned, mode)
            other, total = other + int((steps != 0).sum()), total + steps.numel()
            meta = hz.bpu_quanti_roi_resize(q.to("meta"), rois.to("meta"), 0.5, 4, 3, aligned, mode, march)
            assert meta.shape == integer.shape and meta.dtype == torch.int8
    assert other <= total // 50, f"{other} of {total}"


def check_gradient():
    """The whole map is a plain resize, and so is its gradient."""
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64, requires_grad=True)
    whole = torch.tensor([[[0.0, 0.0, 14.0, 10.0]]]).expand(2, 1, 4)
    found = float_form(x, whole, (8, 6), True, "bilinear", False, "bayes")
    plain = F.interpolate(x, (8, 6), mode="bilinear")
    assert torch.allclose(found, plain)
    weight = torch.randn(plain.shape, dtype=torch.float64)
    grads = [torch.autograd.grad((y * weight).sum(), x)[0] for y in (found, plain)]
    assert torch.allclose(*grads)
    rounded = float_form(x, whole, (8, 6), True, "bilinear", True, "bayes")
    through = torch.autograd.grad((rounded * weight).sum(), x)[0]
    assert torch.allclose(through, grads[1], atol=1e-2)
    empty = float_form(x, torch.zeros(2, 1, 4), (8, 6), True, "bilinear", True, "bayes")
    assert not empty.any() and not torch.autograd.grad(empty.sum(), x)[0].any()


def check_functions(f):
    """Lists, rows with the number of the image, and pyramids give the same regions."""
    generator = torch.Generator().manual_seed(6)
    q = torch.randint(-128, 128, (2, 3, 9, 12), generator=generator, dtype=torch.int8)
    lists = [corners(generator, 7, 24, 18), corners(generator, 4, 24, 18)]
    for march, unit in [("bayes", 0.25), ("bernoulli2", 1)]:
        boxes = [box * unit for box in lists]
        args = ([3, 4], 0.5, 1, False, "bilinear", march)
        found = f["roi_align_list"](q, boxes, *args)
        raw = [hz.bpu_quanti_roi_resize(q[i : i + 1], box[None], 0.5, 3, 4, False, "bilinear", march) for i, box in enumerate(boxes)]
        assert torch.equal(found, torch.cat(raw))
        step = 1 if march == "bayes" else 4
        rows = torch.cat([torch.cat([torch.full_like(b[:, :1], i * step), b], 1) for i, b in enumerate(boxes)])
        order = torch.randperm(len(rows), generator=generator)
        assert torch.equal(f["roi_align_tensor"](q, rows[order], *args), found[order])
        one = f["multi_scale_roi_align"]([q], boxes, [3, 4], [0.5], 1, False, "bilinear", 1, 0, None, march)
        assert torch.equal(one, found)
        half = torch.randint(-128, 128, (2, 3, 5, 6), generator=generator, dtype=torch.int8)
        pyramid = f["multi_scale_roi_align"]([q, half], boxes, [3, 4], [0.5, 0.25], 1, False, "bilinear", 16, 2, None, march)
        coarse = f["roi_align_list"](half, boxes, [3, 4], 0.25, 1, False, "bilinear", march)
        pixels = torch.cat(lists) * 0.25
        size = ((pixels[:, 2] - pixels[:, 0] + 1) * (pixels[:, 3] - pixels[:, 1] + 1)).sqrt()
        level = torch.floor(2 + torch.log2(size / 16) + 1e-8).clamp(1, 2) == 2
        assert level.any() and not level.all()
        assert torch.equal(pyramid, torch.where(level.reshape(-1, 1, 1, 1), coarse, found))
        clipped = f["bbox_clip"](boxes, (0.1, 0.2, 0.3, 0.4))[0]
        x1, y1, x2, y2 = boxes[0].float().unbind(1)
        w, h = x2 - x1, y2 - y1
        exact = torch.stack([x1 + w * 0.1, y1 + h * 0.2, x2 - w * 0.3, y2 - h * 0.4], 1)
        assert (clipped - exact).abs().max() <= (0.501 if march == "bernoulli2" else 1e-4) and clipped.dtype == boxes[0].dtype


def check_torchvision(f):
    if torchvision is None:
        print("not judged by torchvision, which is not installed")
        return
    generator = torch.Generator().manual_seed(8)
    q = torch.randint(-128, 128, (1, 4, 16, 20), generator=generator, dtype=torch.int8)
    low = torch.rand((50, 2), generator=generator) * 20
    boxes = torch.cat([low, low + 2 + torch.rand((50, 2), generator=generator) * 10], -1)
    for aligned in (False, True):
        found = f["multi_scale_roi_align"]([q], [boxes], [7, 7], [0.5], 1, aligned, "bilinear", 1, 0, None, "bayes")
        judge = torchvision.ops.roi_align(q.float(), [boxes], (7, 7), 0.5, 1, aligned)
        assert (found - judge).abs().max() < 0.55, (found - judge).abs().max()


def check_voxels():
    points = torch.tensor([[0.1, 0.1, 0.1, 7.0], [0.2, 0.3, 0.4, 8.0], [5.0, 0.0, 0.0, 1.0], [1.5, 0.2, 0.3, 9.0], [0.9, 0.9, 0.9, 1.0]])
    voxels, cells, counts = torch.zeros(2, 2, 4), torch.full((2, 3), -1, dtype=torch.int32), torch.zeros(2, dtype=torch.int32)
    sizes = torch.ones(3), torch.tensor([0.0, 0.0, 0.0, 2.0, 1.0, 1.0])
    found = hz.voxelization(points, *sizes, voxels, cells, counts, 2, 2, 3)
    assert found.item() == 2 and counts.tolist() == [2, 1] and cells.tolist() == [[0, 0, 0], [0, 0, 1]]
    assert torch.equal(voxels[0], points[:2]) and torch.equal(voxels[1, 0], points[3]) and not voxels[1, 1].any()


def proposal(data: torch.Tensor, anchor: torch.Tensor, table: torch.Tensor, size: torch.Tensor, march: str):
    """Both forms in the text of a file, with a `Scalar` from a tensor."""
    plain = torch.ops.horizon.bpu_quanti_proposal(
        [data], anchor, table, size, [1], [2], [4], 8, [1], [2], 0, [], [], [3], 1, [0], [8], [8], True, False,
        size[0][0].item(), size[0][1].item(), "hw", 128, 3, 0, -1, march)
    placed = torch.ops.horizon.bpu_quanti_proposal(
        [data], anchor, table, size, [1], [2], [4], 8, [1], [2], 0, False, [], [], [3], 1, [0], [8], [8], True, False,
        size[0][0].item(), size[0][1].item(), "hw", 255, 3, 255, -1, march)
    return plain, placed


def check_proposal():
    # dx, dy, dw, dh and two scores, at two cells
    data = torch.tensor([[0, 16], [0, 0], [0, 0], [0, 0], [5, 9], [7, -3]], dtype=torch.int8).reshape(1, 6, 1, 2)
    anchor = torch.tensor([[16, 24, 32, 40]], dtype=torch.int32)
    table = torch.full((256,), 1 << 8, dtype=torch.int32)
    boxes = [[28, 24, 52, 40, 7, 4], [84, 24, 108, 40, 9, 3]]
    scripted = torch.jit.script(proposal)  # not before the operators are there
    for march in ["bayes", "bernoulli2"]:
        plain, placed = scripted(data, anchor, table, torch.tensor([[40.0, 60.0]]), march)
        assert plain.tolist() == [[boxes[1], boxes[0], [-1] * 6]], plain
        assert placed.tolist() == [[boxes[1] + [0, 0, 0, 1], boxes[0] + [0, 0, 0, 0], [-1] * 10]], placed


def main():
    functions = load(sys.argv[1], sys.argv[2])
    check_float_regions()
    check_gradient()
    check_functions(functions)
    check_torchvision(functions)
    check_voxels()
    check_proposal()
    print("detection operators agree")


if __name__ == "__main__":
    main()
