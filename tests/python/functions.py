"""The quantised functions, as a file carries them, against the references and the worked examples of `hbir.md`.

    python functions.py LIBRARY TEXTS

LIBRARY is `libhorizon_ops.so`, TEXTS the folder with torch's text of the functions. Exits 1 and says where results
differ or what did not run.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch

import reference as ref

PACKAGE = "__torch__.horizon_plugin_pytorch.nn.quantized"
MARCHES = ["bayes", "bernoulli2"]
FAILED = []


def scale(value):
    return torch.tensor(np.atleast_1d(np.asarray(value, np.float32)))


ZERO = torch.zeros(1, dtype=torch.int64)


def load(library, texts):
    """The functions, read by torch's own loader from a file that holds their text."""
    torch.ops.load_library(library)
    names = {}
    for module in ["functional_impl", "functional"]:
        text = (Path(texts) / f"{module}.py").read_text()
        for part in text.split("\ndef "):
            names[f"{module}.{part.removeprefix('def ').split('(')[0]}"] = part.removeprefix("def ")
    methods = "".join(method(i, name, text) for i, (name, text) in enumerate(names.items()))
    source = f"class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n{methods}"
    blank = io.BytesIO()
    torch.jit.save(torch.jit.script(Blank()), blank)
    out = io.BytesIO()
    with zipfile.ZipFile(blank) as old, zipfile.ZipFile(out, "w") as new:
        root = old.namelist()[0].split("/")[0]
        for name in old.namelist():
            if "/code/" not in name:
                new.writestr(name, old.read(name).replace(b"__torch__\nBlank", b"__torch__\nM"))
        new.writestr(f"{root}/code/__torch__.py", source)
        for module in ["functional_impl", "functional"]:
            path = f"{root}/code/__torch__/horizon_plugin_pytorch/nn/quantized/{module}.py"
            new.writestr(path, (Path(texts) / f"{module}.py").read_text())
    model = torch.jit.load(io.BytesIO(out.getvalue()))
    return {name.split(".")[1]: getattr(model, f"f{i}") for i, name in enumerate(names)}


def method(i, name, text):
    """A method that forwards its arguments to the function of that text."""
    head = text.split(":\n  ")[0].split("(", 1)[1]
    arguments, result = head.rsplit(") -> ", 1)
    called = ", ".join(part.split(":")[0].strip() for part in arguments.replace("\n", " ").split(",") if ": " in part)
    return (
        f"  def f{i}(self: __torch__.M,\n    {arguments}) -> {result}:\n"
        f"    _0 = {PACKAGE}.{name}\n    return _0({called}, )\n"
    )


class Blank(torch.nn.Module):
    __module__ = "__main__"  # whoever imports this, torch calls the class `__torch__.Blank`

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def same(what, found, expected):
    found = found.numpy() if isinstance(found, torch.Tensor) else np.asarray(found)
    expected = expected.numpy() if isinstance(expected, torch.Tensor) else np.asarray(expected)
    if found.dtype != expected.dtype or found.shape != expected.shape or not np.array_equal(found, expected):
        FAILED.append(what)
        sys.stderr.write(f"{what}: found {found.dtype}{list(found.shape)}, expected {expected.dtype}{list(expected.shape)}\n")
        if found.shape == expected.shape:
            at = np.argwhere(found != expected)[:3].tolist()
            sys.stderr.write(f"  first at {at}: {[(found[tuple(a)], expected[tuple(a)]) for a in at]}\n")


def integers(rng, dtype, *shape):
    """Random integers with the ends of the range among them."""
    bits = ref.BITS[dtype]
    v = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape).astype(ref.STORAGE[dtype])
    flat = v.reshape(-1)
    flat[: min(4, flat.size)] = [-(1 << (bits - 1)), (1 << (bits - 1)) - 1, 0, -1][: min(4, flat.size)]
    return v


def check_quantise(f, rng):
    x = torch.tensor(np.concatenate([rng.normal(0, 3, 500), [0.5, 1.5, -0.5, 2.5, 1e9, -1e9]]).astype(np.float32))
    for mode, rounding in [("half_to_even", np.rint), ("bpu_round", lambda v: np.floor(v + np.float32(0.5)))]:
        for step in [1.0, 0.05, 2.0**-6]:
            expected = np.clip(rounding(x.numpy() / np.float32(step)), -128, 127).astype(np.int8)
            same(f"_quantize {mode} {step}", f["_quantize"](x, scale(step), ZERO, -1, "qint8", mode, "bayes"), expected)
    x = torch.tensor(rng.normal(0, 1, (2, 3, 4)).astype(np.float32))
    s = np.array([0.1, 0.01, 0.02], np.float32)
    expected = np.clip(np.rint(x.numpy() / s.reshape(1, 3, 1)), -128, 127).astype(np.int8)
    q = f["_quantize"](x, scale(s), torch.zeros(3, dtype=torch.int64), 1, "qint8", "half_to_even", "bayes")
    same("_quantize per channel", q, expected)
    same("dequantize per channel", f["dequantize"](q, scale(s), ZERO, 1, "bayes"), expected * s.reshape(1, 3, 1))


def check_requantise(f, rng):
    def run(v, si, ti, so, to, march):
        return f["requantize"](torch.tensor(v), scale(si), ZERO, ti, scale(so), ZERO, to, march)

    for march in MARCHES:
        same(f"requantize 3.1 {march}", run(np.array([123456, -123456], np.int32), 0.0005, "qint32", 1.0, "qint8", march), np.array([62, -62], np.int8))
        same(f"requantize 3.1 int16 {march}", run(np.array([123456], np.int32), 0.0005, "qint32", 0.01, "qint16", march), np.array([6173], np.int16))
        for ti in ref.BITS:
            v = integers(rng, ti, 300)
            for to in ["qint8", "qint16"]:
                for so in [0.0007, 0.02, 0.5, 40.0]:
                    si = np.float32(0.02 if ti != "qint32" else 3e-6)
                    expected = ref.requantize(v, si, ti, np.float32(so), to, march)
                    same(f"requantize {ti} {to} {so} {march}", run(v, si, ti, so, to, march), expected)
    v = integers(rng, "qint16", 50)
    same("requantize, equal scale and type", run(v, 0.1, "qint16", 0.1, "qint16", "bayes"), v)
    same("requantize, equal scale", run(v, 0.1, "qint16", 0.1, "qint8", "bayes"), np.clip(v, -128, 127).astype(np.int8))


def check_add(f, rng):
    def run(name, x, y, sx, sy, tx, ty, so, to, march):
        x, y = torch.tensor(x), torch.tensor(y)
        if name == "add":
            return f["add"](x, y, scale(sx), scale(sy), ZERO, ZERO, tx, ty, scale(so), ZERO, to, march)
        return f["sub"](x, y, scale(sx), ZERO, tx, scale(sy), ZERO, ty, scale(so), ZERO, to, march)

    one = lambda v: np.array([v], np.int8)
    for march in MARCHES:
        same(f"add 3.3 {march}", run("add", one(100), one(-37), 0.05, 0.02, "qint8", "qint8", 0.06, "qint8", march), one(71))
        types = [("qint8", "qint8", "qint8")]
        if march == "bayes":
            types += [("qint16", "qint16", "qint16"), ("qint8", "qint16", "qint16"), ("qint16", "qint8", "qint8")]
        for tx, ty, to in types:
            x, y = integers(rng, tx, 2, 3, 5, 7), integers(rng, ty, 2, 3, 5, 7)
            for sx, sy in [(0.05, 0.02), (0.02, 0.05), (0.03, 0.03), (1e-4, 2.0), (2.0, 1e-4)]:
                so = float(np.float32(max(sx, sy) * (1.7 if tx == to else 100)))
                for name in ["add", "sub"]:
                    expected = ref.add(x, y, sx, sy, tx, ty, np.float32(so), to, march, name == "sub")
                    same(f"{name} {tx} {ty} {sx} {sy} {march}", run(name, x, y, sx, sy, tx, ty, so, to, march), expected)


def check_products(f, rng):
    for march in MARCHES:
        for dtype in ["qint8", "qint16"] if march == "bayes" else ["qint8"]:
            x, y = integers(rng, dtype, 3, 40), integers(rng, dtype, 3, 40)
            sx, sy, so = np.float32(0.02), np.float32(0.03), np.float32(0.07 if dtype == "qint8" else 20)
            expected = ref.requantize(x.astype(np.int64) * y, sx * sy, "qint32", so, dtype, march)
            found = f["mul"](torch.tensor(x), torch.tensor(y), scale(sx), ZERO, dtype, scale(sy), ZERO, dtype, scale(so), ZERO, dtype, march)
            same(f"mul {dtype} {march}", found, expected)
            for name, size in [("sum", 1), ("mean", 40)]:
                total = x.astype(np.int64).sum(1, keepdims=True)
                expected = ref.requantize(total, sx, "qint32", np.float32(so * np.float32(size)), dtype, march)
                args = [torch.tensor(x), 1] + ([True] if name == "sum" else [])
                found = f[name](*args, scale(sx), ZERO, dtype, scale(so), ZERO, dtype, march)
                same(f"{name} {dtype} {march}", found, expected)
        x, y = integers(rng, "qint8", 2, 5, 30), integers(rng, "qint8", 2, 30, 6)
        expected = ref.requantize(x.astype(np.int64) @ y, sx * sy, "qint32", np.float32(2.5), "qint8", march)
        for tx, ty in [(False, False), (True, True)]:
            a, b = torch.tensor(x), torch.tensor(y)
            a, b = (a.transpose(1, 2) if tx else a), (b.transpose(1, 2) if ty else b)
            found = f["matmul"](a, b, tx, ty, scale(sx), ZERO, "qint8", scale(sy), ZERO, "qint8", scale(2.5), ZERO, "qint8", march)
            same(f"matmul {march} {tx}", found, expected)
    keep = x > 0
    found = f["mul"](torch.tensor(x), torch.tensor(keep), scale(sx), ZERO, "qint8", scale(1), ZERO, "qbool", scale(sx), ZERO, "qint8", "bayes")
    same("mul by bool", found, x * keep)


def check_convolution(f, rng):
    x, w = np.array([12, -7, 100, -128], np.int8).reshape(1, 4, 1, 1), np.array([5, -9, 33, 17]).reshape(1, 4, 1, 1)

    def run(x, w, b, added, stride, pad, dil, groups, act, si, sw, sa, so, dtype, march):
        more = (None, None, None, None) if added is None else (torch.tensor(added), scale(sa), ZERO, "qint8")
        return f["conv2d"](
            torch.tensor(x), torch.tensor(w), torch.tensor(b), more[0], stride, pad, dil, groups, "zeros", act,
            scale(si), ZERO, "qint8" if x.dtype == np.int8 else "qint16", scale(sw), ZERO, "qint8", scale(1.0), ZERO, "qint32",
            more[1], more[2], more[3], scale(so), ZERO, dtype, march,
        )

    sum_in = np.full((1, 1, 1, 1), -45, np.int8)
    for march, so, dtype, value in [("bayes", 0.5, "qint8", -33), ("bernoulli2", 0.5, "qint8", -34), ("bayes", 0.001, "qint16", -16739), ("bayes", 1.0, "qint32", -1673753)]:
        y, s = run(x, (w * 0.001).astype(np.float32), np.array([1.25], np.float32), sum_in, [1, 1], [0, 0], [1, 1], 1, "", 0.01, 0.001, 0.4, so, dtype, march)
        same(f"conv2d 3.2 {march} {dtype}", y, np.array(value, ref.STORAGE[dtype]).reshape(1, 1, 1, 1))
        same(f"conv2d 3.2 scale {march} {dtype}", s, scale(np.float32(0.01) * np.float32(0.001) if dtype == "qint32" else so))
    for march in MARCHES:
        for groups, stride, pad, dil, act, dtype in [(1, [1, 1], [1, 1], [1, 1], "", "qint8"), (2, [2, 1], [0, 2], [1, 2], "relu", "qint8"), (6, [1, 1], [1, 1], [1, 1], "", "qint32")]:
            x = integers(rng, "qint8", 2, 6, 7, 6)
            w = rng.normal(0, 0.3, (12, 6 // groups, 3, 3)).astype(np.float32)
            w[0] = 1e3  # saturates: every product at its largest
            b = rng.normal(0, 2, 12).astype(np.float32)
            sw = (np.abs(rng.normal(0, 0.3, 12)) / 127 + 1e-3).astype(np.float32)
            found, _ = run(x, w, b, None, stride, pad, dil, groups, act, 0.02, sw, 0, 0.1, dtype, march)
            same(f"conv2d {groups} {dtype} {march}", found, ref.convolution(x, w, b, None, stride, pad, dil, groups, act == "relu", 0.02, sw, 0, np.float32(0.1), dtype, march))
            added = integers(rng, "qint8", *found.shape)
            found, _ = run(x, w, b, added, stride, pad, dil, groups, act, 0.02, sw, 0.03, 0.1, dtype, march)
            same(f"conv2d with sum {groups} {dtype} {march}", found, ref.convolution(x, w, b, added, stride, pad, dil, groups, act == "relu", 0.02, sw, 0.03, np.float32(0.1), dtype, march))


def check_movement(f, rng):
    x = torch.tensor(integers(rng, "qint8", 1, 4, 6, 6))
    y = f["max_pool2d"](x, [2, 2], [2, 2], [0, 0], [1, 1], False, False, "bayes")
    same("max_pool2d", y, torch.nn.functional.max_pool2d(x.float(), 2).to(torch.int8))
    same("pad", f["pad"](x, [1, 2, 0, 1], "constant", 0.26, scale(0.1), ZERO, "qint8", "bayes"), torch.nn.functional.pad(x, [1, 2, 0, 1], value=3))
    mask = torch.tensor(rng.random(x.shape) > 0.5)
    same("masked_fill", f["masked_fill"](x, mask, -100.0, scale(0.1), ZERO, "qint8", "bayes"), x.masked_fill(mask, -128))
    same("channel_shuffle", f["channel_shuffle"](x, 2), torch.nn.functional.channel_shuffle(x, 2))
    y = f["cat"]([x, x], 1, [scale(0.1), scale(0.2)], [ZERO, ZERO], ["qint8", "qint8"], scale(0.2), ZERO, "qint8", "bayes")
    same("cat", y, np.concatenate([ref.requantize(x.numpy(), np.float32(0.1), "qint8", np.float32(0.2), "qint8", "bayes"), x.numpy()], 1))
    table = torch.tensor(integers(rng, "qint8", 256))
    same("lut", f["lut"](x, scale(1), ZERO, "qint8", table, scale(1), ZERO, "qint8", "bayes"), table[x.long() + 128])
    value, index = f["max"](x, 1, True, 1, "bayes")
    same("max", value, x.amax(1, True))
    same("max at", torch.gather(x, 1, index), x.amax(1, True))
    values, indices = f["topk"](x, 2, 1, True, True, "bayes")
    same("topk", values, torch.topk(x, 2, 1)[0])
    same("topk at", torch.gather(x, 1, indices), values)
    same("abs saturate", f["abs"](x, "saturate"), x.clamp(min=-127).abs())
    same("abs trunc", f["abs"](x, "trunc"), x.abs())
    windows = f["window_partition"](x.permute(0, 2, 3, 1), 3)
    same("window_reverse", f["window_reverse"](windows, 3, 6, 6), x.permute(0, 2, 3, 1))
    same("window_partition", windows[1], x.permute(0, 2, 3, 1)[0, :3, 3:])
    pairs = f["rle"](torch.tensor([[3] * 300 + [0, 0, 5]], dtype=torch.int8), torch.int8)
    same("rle", pairs[0], np.array([4, 3, 255, 3, 45, 0, 2, 5, 1], np.int64))


def check_pool(f, rng):
    window = torch.tensor(np.array([10, 21, -5, 100], np.int8).reshape(1, 1, 2, 2))

    def run(x, k, s, p, si, so, dtype, march):
        return f["avg_pool2d"](x, k, s, p, False, True, None, scale(si), ZERO, "qint8", scale(so), ZERO, dtype, march)

    for march, value in [("bayes", 32), ("bernoulli2", 32)]:
        same(f"avg_pool2d 3.4 {march}", run(window, [2, 2], [2, 2], [0, 0], 0.1, 0.1, "qint8", march)[0], np.array([[[[value]]]], np.int8))
    y, s = run(window, [2, 2], [2, 2], [0, 0], 0.1, 0.1, "qint32", "bayes")
    same("avg_pool2d qint32", y, np.array([[[[126]]]], np.int32))
    same("avg_pool2d qint32 scale", s, scale(np.float32(0.1) / np.float32(4)))
    row = torch.tensor(np.array([10, 20, -30, 40], np.int8).reshape(1, 1, 1, 4))
    for march, size, expected in [("bayes", 8, [10, 13, 18, 8, -17, -12, 23, 40]), ("bernoulli2", 8, [10, 13, 18, 8, -17, -12, 23, 40]), ("bayes", 6, [10, 15, 12, -22, 5, 40]), ("bernoulli2", 6, [10, 15, 12, -21, 4, 40])]:
        y = f["interpolate"](row, [1, size], None, "bilinear", False, None, scale(0.1), ZERO, "qint8", march)
        same(f"interpolate 3.5 {size} {march}", y.reshape(-1), np.array(expected, np.int8))


def check_rounding(f, rng):
    x = torch.tensor(integers(rng, "qint8", 200))
    args = (scale(0.125), ZERO, "qint8", scale(1.0), ZERO, "qint8", "bayes")
    same("floor", f["floor"](x, *args), np.floor(x.numpy() * 0.125).astype(np.int8))
    same("ceil", f["ceil"](x, *args), np.ceil(x.numpy() * 0.125).astype(np.int8))
    x = torch.tensor(integers(rng, "qint8", 1, 3, 4, 4))
    w = np.array([0.25, -0.5, 0.1], np.float32)
    ints = np.clip(np.floor(w / np.float32(0.001) + np.float32(0.5)), -32768, 32767).astype(np.int64)
    y = f["prelu"](x, torch.tensor(w), scale(0.1), ZERO, "qint8", scale(0.001), ZERO, "qint16", scale(0.2), ZERO, "qint8", "bayes")
    v = x.numpy().astype(np.int64)
    positive = ref.requantize(np.maximum(v, 0), np.float32(0.1), "qint8", np.float32(0.2), "qint8", "bayes")
    product = np.minimum(v, 0) * ints.reshape(1, 3, 1, 1)
    negative = ref.requantize(product, np.float32(0.1) * np.float32(0.001), "qint32", np.float32(0.2), "qint8", "bayes")
    same("prelu", y, positive + negative)


def main():
    functions = load(sys.argv[1], sys.argv[2])
    refused = []
    checks = [check_quantise, check_requantise, check_add, check_products, check_convolution, check_movement, check_pool, check_rounding]
    for check in checks:
        try:
            check(functions, np.random.default_rng(7))
        except RuntimeError as error:
            refused.append(f"{check.__name__}: {str(error).strip().splitlines()[-1]}")
    for line in refused:
        sys.stderr.write(f"did not run: {line}\n")
    print(f"{len(functions)} functions load; {len(FAILED)} results differ")
    sys.exit(1 if FAILED or refused else 0)


if __name__ == "__main__":
    main()
