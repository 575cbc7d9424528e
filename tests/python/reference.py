"""The arithmetic of the BPU in plain Python and numpy, from `horizon.md` 3 and `hbir.md`: slow, obvious, independent."""

import math

import numpy as np

BITS = {"qint8": 8, "qint16": 16, "qint32": 32}
STORAGE = {"qint8": np.int8, "qint16": np.int16, "qint32": np.int32}


def saturate(v, dtype):
    bits = BITS[dtype]
    return max(-(1 << (bits - 1)), min((1 << (bits - 1)) - 1, v))


def shift_right(v, n, rounded):
    """Floor, or half up: the last bit shifted out is added."""
    return (v >> n) + ((v >> (n - 1)) & 1 if rounded and n > 0 else 0)


def rescale_parameters(in_scale, out_scale, in_dtype, out_dtype, march):
    ratio = np.clip(np.float64(in_scale) / np.float64(out_scale), -32768, 32767)
    mantissa, exponent = math.frexp(float(ratio))
    qscale = int(np.clip(math.floor(mantissa * 32768 + 0.5), -32768, 32767))
    if in_dtype != "qint32" or out_dtype == "qint32":
        return qscale, 0, int(np.clip(15 - exponent, 0, 31))
    right = 15 - exponent
    most = 30 - BITS[out_dtype]
    before = int(np.clip(right - most, 0, 17 if march in ("bayes", "bayes-e") else 31))
    return qscale, before, int(np.clip(right - before, 0, 31))


def rescale(values, in_scale, out_scale, in_dtype, out_dtype, march, pre_round=False, post_round=True):
    qscale, before, after = rescale_parameters(in_scale, out_scale, in_dtype, out_dtype, march)
    out = []
    for v in np.asarray(values).reshape(-1).tolist():
        t = shift_right(int(v), before, pre_round)
        if in_dtype == "qint32":
            t = max(-32768, min(32767, t)) if before or out_dtype != "qint32" else t
        out.append(saturate(shift_right(t * qscale, after, post_round), out_dtype))
    return np.array(out, STORAGE[out_dtype]).reshape(np.shape(values))


def requantize(values, in_scale, in_dtype, out_scale, out_dtype, march):
    if np.float32(in_scale) == np.float32(out_scale):
        low, high = -(1 << (BITS[out_dtype] - 1)), (1 << (BITS[out_dtype] - 1)) - 1
        return np.clip(values, low, high).astype(STORAGE[out_dtype])
    return rescale(values, in_scale, out_scale, in_dtype, out_dtype, march)


def half_up(x):
    return math.floor(float(x) + 0.5)


def add(x, y, x_scale, y_scale, x_dtype, y_dtype, out_scale, out_dtype, march, subtract=False):
    x_scale, y_scale = np.float32(x_scale), np.float32(y_scale)
    x, y = np.asarray(x, np.int64), np.asarray(y, np.int64)
    if march == "bernoulli2":
        return add_bernoulli2(x, y, x_scale, y_scale, y_dtype, out_scale, out_dtype, subtract)
    swap = y_scale / x_scale > x_scale / y_scale
    if swap:
        x, y, x_scale, y_scale, x_dtype = y, x, y_scale, x_scale, y_dtype
    shift = min(23 if x_dtype == "qint8" else 15, math.floor(math.log2(float(np.float32(32767) * x_scale / y_scale))))
    signed = -y_scale if subtract else y_scale
    factor = max(-32767, min(32767, half_up(np.float32(signed * np.float32(2.0**shift)) / x_scale)))
    total = x * 2**shift + y * factor
    scale = x_scale / np.float32(2.0**shift)
    return requantize(total, -scale if subtract and swap else scale, "qint32", out_scale, out_dtype, march)


def add_bernoulli2(x, y, x_scale, y_scale, y_dtype, out_scale, out_dtype, subtract):
    if subtract:
        y = np.clip(-y, -(1 << (BITS[y_dtype] - 1)), (1 << (BITS[y_dtype] - 1)) - 1)
    small, large, s_small, s_large = (x, y, x_scale, y_scale) if x_scale <= y_scale else (y, x, y_scale, x_scale)
    scale = max(s_small / np.float32(127), s_large / np.float32(2**25))
    w_small = max(-128, min(127, half_up(s_small / scale)))
    w_large = half_up(s_large / scale)
    mantissa, exponent = math.frexp(w_large)
    q = int(min(2 ** min(exponent, 15) * mantissa, 32767))
    total = small * w_small + (large << max(exponent - 15, 0)) * q
    return requantize(total, scale, "qint32", out_scale, out_dtype, "bernoulli2")


def integer_with_shift(value):
    """An integer of 16 signed bits and the smallest left shift that it needs."""
    _, exponent = math.frexp(value)
    left = max(exponent - 15, 0)
    return saturate(half_up(value / 2.0**left), "qint16"), left


def convolution(x, weight, bias, added, stride, padding, dilation, groups, relu, s_in, s_w, s_add, s_out, dtype, march):
    """`x` int [N,C,H,W]; `weight` float [O,C/g,kh,kw] and `bias` float [O]; `s_w` float [O]."""
    n, _, _, _ = x.shape
    o, cg, kh, kw = weight.shape
    padded = np.pad(x.astype(np.int64), ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    height = (padded.shape[2] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    width = (padded.shape[3] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    out = np.zeros((n, o, height, width), np.int64)
    for c in range(o):
        s_acc = np.float64(np.float32(s_in)) * np.float64(np.float32(s_w[c]))
        ints = np.clip(np.rint(weight[c] / np.float32(s_w[c])), -128, 127).astype(np.int64)
        b, bl = integer_with_shift(float(np.float64(bias[c]) / s_acc))
        e, el = (0, 0) if added is None else integer_with_shift(float(np.float64(np.float32(s_add)) / s_acc))
        first = c // (o // groups) * cg
        for i in range(height):
            for j in range(width):
                window = padded[
                    :,
                    first : first + cg,
                    i * stride[0] : i * stride[0] + dilation[0] * (kh - 1) + 1 : dilation[0],
                    j * stride[1] : j * stride[1] + dilation[1] * (kw - 1) + 1 : dilation[1],
                ]
                out[:, c, i, j] = (window * ints).sum((1, 2, 3)) + (b << bl)
        if added is not None:
            shifted = ((added[:, c].astype(np.int64) << el) + 32768) % 65536 - 32768
            out[:, c] += shifted * e
        if dtype != "qint32":
            rounded = march != "bernoulli2"
            out[:, c] = rescale(out[:, c], s_acc, s_out, "qint32", dtype, march, False, rounded)
    if relu:
        out = np.maximum(out, 0)
    return np.clip(out, -(2**31), 2**31 - 1).astype(STORAGE[dtype])
