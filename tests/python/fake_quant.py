"""Fake-quant operators against their formulas in plain torch: values, gradients, devices, types.

    python fake_quant.py LIBRARY
"""

import itertools
import sys

import torch

MODES = {
    "half_to_even": torch.round,
    "bpu_round": lambda v: torch.floor(v + 0.5),
    "floor": torch.floor,
}
ZERO = torch.zeros(1, dtype=torch.int64)


def formula(x, scale, axis, low, high, mode):
    """Value and mask of `clip(round(x / s)) * s`, in float32 unless x is float64."""
    wide = x.to(torch.float64 if x.dtype == torch.float64 else torch.float32)
    shape = [-1 if d == axis else 1 for d in range(x.dim())]
    s = scale.to(wide.dtype).reshape(shape if scale.numel() > 1 else [])
    q = MODES[mode](wide / s)
    return (torch.clamp(q, low, high) * s).to(x.dtype), (q >= low) & (q <= high)


def inputs():
    x = torch.randn(4, 3, 5, 6, generator=torch.Generator().manual_seed(3))
    x.view(-1)[:8] = torch.tensor([0.01, 0.03, -0.01, 1e30, -1e30, 0.0, float("inf"), 2.55])
    yield x
    yield x.to(memory_format=torch.channels_last)
    yield x.transpose(0, 2)
    yield x[:, :, ::2]
    yield x.double()
    yield x.half()
    yield x.bfloat16()
    yield torch.empty(0, 3)


def check_values_and_gradients():
    hz = torch.ops.horizon
    scales = [(torch.tensor([0.02]), -1), (torch.tensor([0.02, 0.3, 0.004]), 1)]
    for x, (scale, axis), mode in itertools.product(inputs(), scales, MODES):
        if axis == 1 and x.shape[1] != 3:
            continue
        for low, high in [(-128, 127), (-32768, 32767), (0, 15)]:
            value, mask = formula(x, scale, axis, low, high, mode)
            run = {
                "opt": (lambda v: hz.scale_quanti_opt(v, scale, low, high, axis, mode), True),
                "saturating": (lambda v: hz.scale_quanti(v, scale, ZERO, axis, low, high, True, False, True, mode, "bayes"), True),
                "straight": (lambda v: hz.scale_quanti(v, scale, ZERO, axis, low, high, False, False, True, mode, "bayes"), False),
            }
            for name, (call, masked) in run.items():
                where = f"{name} {tuple(x.shape)} {x.dtype} {mode} [{low}, {high}]"
                found = call(x)
                assert found.dtype == x.dtype and torch.equal(found, value), where
                leaf = x.detach().clone().requires_grad_()
                recorded = call(leaf)
                assert torch.equal(recorded, value), where
                gradient = torch.randn_like(recorded)
                recorded.backward(gradient)
                assert torch.equal(leaf.grad, gradient * mask if masked else gradient), where
                meta = call_on_meta(name, x, scale, low, high, axis, mode)
                assert meta.shape == x.shape and meta.dtype == x.dtype and meta.device.type == "meta", where


def call_on_meta(name, x, scale, low, high, axis, mode):
    x, scale, zero = x.to("meta").requires_grad_(), scale.to("meta"), ZERO.to("meta")
    if name == "opt":
        return torch.ops.horizon.scale_quanti_opt(x, scale, low, high, axis, mode)
    y = torch.ops.horizon.scale_quanti(x, scale, zero, axis, low, high, True, False, True, mode, "bayes")
    y.sum().backward()
    assert x.grad.shape == x.shape
    return y


def check_nan():
    x = torch.tensor([float("nan"), 1.0])
    y = torch.ops.horizon.scale_quanti_opt(x, torch.tensor([0.5]), -128, 127, -1, "half_to_even")
    assert torch.isnan(y[0]) and y[1] == 1.0


def check_minmax():
    x = torch.randn(2, 3, 8)
    for axis, low, high in [(-1, -128, 127), (1, -32768, 32767)]:
        other = [0, 2] if axis == 1 else [0, 1, 2]
        smallest, largest = x.amin(other).reshape(-1), x.amax(other).reshape(-1)
        scale = torch.maximum(torch.maximum(-smallest, largest), torch.zeros(())) / ((high - low) / 2)
        leaf = x.clone().requires_grad_()
        y, found, mask = torch.ops.horizon.fake_quantize_minmax(leaf, smallest, largest, axis, low, high, True, "half_to_even")
        assert torch.equal(found, scale)
        value, expected = formula(x, scale, axis, low, high, "half_to_even")
        assert torch.equal(y, value) and torch.equal(mask, expected)
        y.sum().backward()
        assert torch.equal(leaf.grad, expected.to(torch.float32))


def check_others():
    x = torch.tensor([0.1, 1e6, -1e6, 65504.0, 3.14159], requires_grad=True)
    y = torch.ops.horizon.fake_cast(x, True)
    assert torch.equal(y, x.detach().clamp(-65504, 65504).half().float())
    y.sum().backward()
    assert torch.equal(x.grad, torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0]))
    assert torch.isinf(torch.ops.horizon.fake_cast(x, False)[1])
    assert torch.equal(torch.ops.horizon.round(torch.tensor([0.5, 1.5, -0.5, -1.5])), torch.tensor([1.0, 2.0, 0.0, -1.0]))
    image = torch.randn(1, 2, 4, 6, requires_grad=True)
    s = torch.tensor([0.05])
    y = torch.ops.horizon.quanti_resize(image, s, ZERO, "bilinear", False, 8, 12, -1.0, -1.0, True, "bayes")
    plain = torch.nn.functional.interpolate(image, (8, 12), mode="bilinear")
    assert torch.equal(y, torch.floor(plain / 0.05 + 0.5) * s)
    y.sum().backward()
    direct = image.detach().clone().requires_grad_()
    torch.nn.functional.interpolate(direct, (8, 12), mode="bilinear").sum().backward()
    assert torch.allclose(image.grad, direct.grad)
    grid = torch.zeros(1, 4, 6, 2)
    same = torch.ops.horizon.quanti_grid_sample(image.detach(), grid, s, "bilinear", "zeros", True, 5, "bayes")
    assert torch.allclose(same, torch.floor(image.detach() / 0.05 + 0.5) * s, atol=0.051)
    q = torch.ops.horizon.scale_requanti(image.detach(), s, torch.tensor([0.1]), ZERO, ZERO, -1, "qint16", "qint8", False, True, "bayes")
    assert torch.equal(q, formula(image.detach(), torch.tensor([0.1]), -1, -128, 127, "bpu_round")[0])


def check_errors():
    x = torch.randn(2, 3)
    for call, text in [
        (lambda: torch.ops.horizon.scale_quanti_opt(x, torch.ones(1), -128, 127, -1, "up"), "round_mode is"),
        (lambda: torch.ops.horizon.scale_quanti_opt(x, torch.ones(2), -128, 127, 1, "floor"), "scale has 2 elements"),
        (lambda: torch.ops.horizon.bpu_quanti_roi_resize(x, x, 1.0, 2, 2, True, "bilinear", "bayes"), "is not [N, C, H, W]"),
        (lambda: torch.ops.horizon.meta_requantization(x, x, x, "qint8", "qint8", "meta"), "horizon::meta_requantization can be loaded but not run: march `meta`"),
    ]:
        try:
            call()
        except RuntimeError as error:
            assert text in str(error), error
        else:
            raise AssertionError(f"no error that says `{text}`")


def main():
    torch.ops.load_library(sys.argv[1])
    torch.ops.load_library(sys.argv[1])  # again: nothing happens
    for check in [check_values_and_gradients, check_nan, check_minmax, check_others, check_errors]:
        check()
    print("fake-quant operators agree with their formulas")


if __name__ == "__main__":
    main()
