"""The `horizon::` operators a fixed-point file of these fixtures calls, in numpy integers.

Written from the formulas (`R` = half up), independently of both implementations in ptool.
"""
import math

import numpy as np
import torch

LIBRARY = torch.library.Library("horizon", "DEF")
STORAGE = {"qint8": torch.int8, "qint16": torch.int16, "qint32": torch.int32}
LIMITS = {"qint8": (-128, 127), "qint16": (-32768, 32767), "qint32": (-(2**31), 2**31 - 1)}


def operator(schema):
    def register(fn):
        name = schema.split("(")[0]
        LIBRARY.define(schema)
        LIBRARY.impl(name, fn, "CPU")
        return fn

    return register


def ints(tensor):
    return tensor.detach().numpy().astype(np.int64)


def saturated(values, qtype):
    return torch.from_numpy(np.clip(values, *LIMITS[qtype])).to(STORAGE[qtype])


def shifted(values, by, rounding):
    by = np.asarray(by, dtype=np.int64)
    low = values >> by
    return low + np.where(by > 0, (values >> np.maximum(by - 1, 0)) & 1, 0) if rounding else low


def half_up(x):
    return np.floor(np.asarray(x, dtype=np.float64) + 0.5)


def parameters(in_scale, out_scale, in_type, out_type, march):
    """qscale, pre, post: float64 quotient of the scales, then exact."""
    ratio = np.clip(in_scale.astype(np.float64) / out_scale.astype(np.float64), -32768, 32767)
    m, e = np.frexp(ratio)
    qscale = np.clip(half_up(m * 32768), -32768, 32767).astype(np.int64)
    shift = 15 - e.astype(np.int64)
    if in_type == "qint32" and out_type != "qint32":
        pre = np.clip(shift - (29 - (15 if out_type == "qint16" else 7)), 0, 17 if march in ("bayes", "bayes-e") else 31)
        return qscale, pre, np.clip(shift - pre, 0, 31)
    return qscale, np.zeros_like(shift), np.clip(shift, 0, 31)


def channels_first(values, rank):
    return values if values.size == 1 or rank < 2 else values.reshape([1, -1] + [1] * (rank - 2))


def rescaled(values, in_scale, out_scale, in_type, out_type, march, pre_round, post_round):
    rank = values.ndim
    parts = parameters(in_scale, out_scale, in_type, out_type, march)
    qscale, pre, post = [channels_first(np.atleast_1d(p), rank) for p in parts]
    t = np.clip(shifted(values, pre, pre_round), -32768, 32767) if in_type == "qint32" else values
    return saturated(shifted(t * qscale, post, post_round), out_type)


@operator(
    "bpu_scale_quantization(Tensor data, Tensor scale, Tensor zero_point, int vector_dim, int quant_min, int quant_max, str qtype, str round_mode, str march_str) -> Tensor"
)
def quantization(data, scale, zero_point, vector_dim, low, high, qtype, round_mode, march):
    quotient = (data.detach().numpy() / scale.numpy()).astype(np.float32)
    rounded = np.floor(quotient + np.float32(0.5)) if round_mode == "bpu_round" else np.rint(quotient)
    return saturated(np.clip(rounded, low, high).astype(np.int64), qtype)


@operator("bpu_scale_dequantization(Tensor data, Tensor scale, int ch_axis) -> Tensor")
def dequantization(data, scale, ch_axis):
    s = scale.numpy().astype(np.float32)
    return torch.from_numpy(data.numpy().astype(np.float32) * channels_first(s, data.ndim))


@operator(
    "bpu_scale_requantization(Tensor data, Tensor in_scale, Tensor out_scale, str input_quanti_type, str output_quanti_type, bool pre_rshift_with_round, str march_str) -> Tensor"
)
def requantization(data, in_scale, out_scale, in_type, out_type, pre, march):
    return rescaled(ints(data), in_scale.numpy(), out_scale.numpy(), in_type, out_type, march, pre, True)


@operator(
    "bpu_scale_requantization.both(Tensor data, Tensor in_scale, Tensor out_scale, str input_quanti_type, str output_quanti_type, bool pre_rshift_with_round, bool post_rshift_with_round, str march_str) -> Tensor"
)
def requantization_both(data, in_scale, out_scale, in_type, out_type, pre, post, march):
    return rescaled(ints(data), in_scale.numpy(), out_scale.numpy(), in_type, out_type, march, pre, post)


def refused(*args):
    raise RuntimeError("kernels of march meta are not taken")


META = {
    "meta_requantization(Tensor data, Tensor in_scale, Tensor out_scale, str input_quanti_type, str output_quanti_type, str march_str) -> Tensor",
    "meta_quant_convolution(Tensor data, Tensor weight, Tensor bias, Tensor sumin, Tensor output_scale, Tensor accu_right_shift, Tensor bias_left_shift, Tensor output_right_shift, Tensor sumin_scale, Tensor sumin_left_shift, bool use_bias, int filters, int[] kernel_size, int[] strides, int[] pads, int[] dilation_rate, str activation, int group, bool elementwise_input, bool disable_output_quantization, str out_quanti_type, str march_str) -> Tensor",
}
for schema in sorted(META):
    operator(schema)(refused)


def with_shift(x):
    """16-bit integer and left shift."""
    _, e = np.frexp(x.astype(np.float64))
    shift = np.maximum(e.astype(np.int64) - 15, 0)
    return np.clip(half_up(x.astype(np.float64) / 2.0**shift), -32768, 32767).astype(np.int64), shift


@operator(
    "convert_conv_params(Tensor input_scale, Tensor weight, Tensor weight_scale, str weight_dtype, Tensor bias, Tensor bias_scale, str bias_dtype, Tensor out_scale, str out_dtype, Tensor edata_scale, bool is_conv_transpose2d, int groups, str march_str) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)
def conv_params(in_scale, weight, weight_scale, wtype, bias, bias_scale, btype, out_scale, otype, escale, transposed, groups, march):
    sw, w = weight_scale.numpy(), weight.detach().numpy()
    shape = [1] * w.ndim
    shape[0] = -1
    if transposed:
        per_group = np.broadcast_to(sw, (w.shape[1] * groups,)).reshape(groups, 1, w.shape[1], 1, 1)
        quotient = (w.reshape(groups, -1, *w.shape[1:]) / per_group).astype(np.float32).reshape(w.shape)
    else:
        quotient = (w / (sw.reshape(shape) if sw.size > 1 else sw)).astype(np.float32)
    q = np.clip(np.rint(quotient), -128, 127)
    count = w.shape[1] * groups if transposed else w.shape[0]
    acc = np.broadcast_to(in_scale.numpy().astype(np.float64) * sw.astype(np.float64), (count,))
    b, bl = with_shift(bias.detach().numpy() / acc)
    e, el = with_shift(np.broadcast_to(escale.numpy(), (count,)) / acc)
    so = out_scale.numpy() if otype != "qint32" else np.ones(1, np.float32)
    qscale, pre, post = parameters(acc, so, "qint32", "qint8" if otype == "qint32" else otype, march)
    t = torch.from_numpy
    dequant = torch.from_numpy(acc.astype(np.float32)) if otype == "qint32" else out_scale.clone()
    return (
        t(q.astype(np.int8)), t(b.astype(np.int32)), t(bl.astype(np.int8)), t(e.astype(np.int32)), t(el.astype(np.int8)),
        t(qscale.astype(np.int32)), t(pre.astype(np.int8)), t(post.astype(np.int8)), dequant,
    )


def finished(acc, bias, bias_shift, data_sum, escale, el, oscale, pre, post, relu, otype, march):
    per = lambda t: channels_first(ints(t), acc.ndim)
    acc = acc + (per(bias) << per(bias_shift))
    if data_sum is not None:
        acc = acc + (ints(data_sum) << per(el)).astype(np.int16).astype(np.int64) * per(escale)
    if otype == "qint32":
        y = ints(saturated(acc, otype))
    else:
        t = np.clip(shifted(acc, per(pre), False), -32768, 32767)
        y = ints(saturated(shifted(t * per(oscale), per(post), march != "bernoulli2"), otype))
    return saturated(np.maximum(y, 0) if relu else y, otype)


CONV = "Tensor data, Tensor weight, Tensor bias, Tensor sumin, Tensor output_scale, Tensor accu_right_shift, Tensor bias_left_shift, Tensor output_right_shift, Tensor sumin_scale, Tensor sumin_left_shift, bool use_bias, int filters, int[] kernel_size, int[] strides, int[] pads, "
TAIL = "int[] dilation_rate, str activation, int group, bool elementwise_input, bool disable_output_quantization, str out_quanti_type, str march_str) -> Tensor"


@operator("bpu_scale_quanti_convolution(" + CONV + TAIL)
def convolution(data, weight, bias, sumin, oscale, pre, bl, post, escale, el, use_bias, filters, kernel, strides, pads, dilation, activation, group, has_sum, raw, otype, march):
    # float64 holds every sum exactly.
    acc = torch.nn.functional.conv2d(data.double(), weight.double(), None, strides, pads, dilation, group).numpy().astype(np.int64)
    return finished(acc, bias, bl, sumin if has_sum else None, escale, el, oscale, pre, post, activation == "relu", otype, march)


@operator("bpu_scale_quanti_deconvolution(" + CONV + "int[] output_padding, " + TAIL)
def deconvolution(data, weight, bias, sumin, oscale, pre, bl, post, escale, el, use_bias, filters, kernel, strides, pads, output_padding, dilation, activation, group, has_sum, raw, otype, march):
    acc = torch.nn.functional.conv_transpose2d(data.double(), weight.double(), None, strides, pads, output_padding, group, dilation)
    acc = acc.numpy().astype(np.int64)
    return finished(acc, bias, bl, sumin if has_sum else None, escale, el, oscale, pre, post, activation == "relu", otype, march)


@operator("bpu_scale_quanti_pooling(Tensor input_, str pool_type, int[] pool_size, int[] pads, int[] strides, bool ceil_mode, str out_quanti_type, str march_str) -> Tensor")
def pooling(data, pool_type, size, pads, strides, ceil_mode, qtype, march):
    pooled = torch.nn.functional.avg_pool2d(data.double(), size, strides, pads, ceil_mode, True, 1)
    return saturated(np.rint(pooled.numpy()).astype(np.int64), qtype)


@operator("bpu_quanti_resize(Tensor data, str mode, bool align_corners, int out_height, int out_width, float ratio_height, float ratio_width, str march_str) -> Tensor")
def resize(data, mode, align, out_h, out_w, ratio_h, ratio_w, march):
    x, bits = ints(data), 8 if march == "bernoulli2" else 16
    axes = []
    for size, out, ratio in ((x.shape[2], out_h, ratio_h), (x.shape[3], out_w, ratio_w)):
        real = size / out if ratio < 0 else 1 / ratio
        out = out if ratio < 0 else math.floor(size * ratio)
        step = (size << bits) // out if ratio < 0 else math.floor(real * 2**bits)
        src = math.floor((0.5 * real - 0.5) * 2**bits) + step * np.arange(out)
        if mode == "nearest":
            k = np.clip((src + (1 << bits - 1)) >> bits, 0, size - 1)
            axes.append((k, k, np.zeros_like(src)))
        else:
            k = src >> bits
            axes.append((np.clip(k, 0, size - 1), np.clip(k + 1, 0, size - 1), src & ((1 << bits) - 1)))
    (r0, r1, fr), (c0, c1, fc) = axes
    one, fr = 1 << bits, fr[:, None]
    row = lambda r: x[:, :, r][..., c0] * (one - fc) + x[:, :, r][..., c1] * fc
    return saturated(shifted(row(r0) * (one - fr) + row(r1) * fr, 2 * bits, True), "qint8").to(data.dtype)


def sampled(low, high, scale, out, size, march, aligned):
    """Neighbours and fractions along one axis of a region, its ends in pixels of the image."""
    origin, bits = march == "bernoulli2", 8 if march == "bernoulli2" else 16
    low, high = low * scale, high * scale
    length = high - low + 1 if origin else high - low if aligned else max(high - low, 1.0)
    first = low + (0.0 if origin else length / out / 2 - (0.5 if aligned else 0.0))
    src = math.floor(first * 2**bits) + math.floor(length / out * 2**bits) * np.arange(out)
    k = src >> bits
    return np.clip(k, 0, size - 1), np.clip(k + 1, 0, size - 1), src & ((1 << bits) - 1)


@operator("bpu_quanti_roi_resize(Tensor in_featuremap, Tensor in_rois, float spatial_scale, int out_height, int out_width, bool aligned, str interpolate_mode, str march_str) -> Tensor")
def roi_resize(data, rois, scale, out_h, out_w, aligned, mode, march):
    x, bits = ints(data), 8 if march == "bernoulli2" else 16
    corners = rois.double().numpy() * (1.0 if rois.is_floating_point() else 0.25)
    one, results = 1 << bits, []
    for image, boxes in zip(x, corners):
        for x1, y1, x2, y2 in boxes:
            beside = x2 < 0 or y2 < 0 or x1 * scale > image.shape[2] or y1 * scale > image.shape[1]
            if beside or x2 <= x1 or y2 <= y1:
                results.append(np.zeros((image.shape[0], out_h, out_w), np.int64))
                continue
            r0, r1, fr = sampled(y1, y2, scale, out_h, image.shape[1], march, aligned)
            c0, c1, fc = sampled(x1, x2, scale, out_w, image.shape[2], march, aligned)
            row = lambda r: image[:, r][..., c0] * (one - fc) + image[:, r][..., c1] * fc
            results.append(shifted(row(r0) * (one - fr[:, None]) + row(r1) * fr[:, None], 2 * bits, True))
    return saturated(np.stack(results), "qint8").to(data.dtype)


@operator(
    "bpu_quanti_proposal(Tensor[] data, Tensor anchor, Tensor exp_table, Tensor image_sizes, int[] num_anchors, int[] num_classes, int[] input_shifts, int exp_shift, int[] block_heights, int[] block_widths, int box_filter_threshold, int[] per_class_idx, int[] per_class_threshold, int[] class_output_offsets, int random_seed, int[] anchor_start_offsets, int[] stride_heights, int[] stride_widths, bool use_clippings, bool image_size_fixed, Scalar image_height, Scalar image_width, str im_info_type, int nms_threshold, int output_bbox_num, int nms_supress_margin, int fake_data_value, str march_str) -> Tensor"
)
def proposal(data, anchor, table, sizes, anchors, classes, shifts, exp_shift, bh, bw, threshold, idx, values, offsets, seed, starts, sh, sw, clips, fixed, ih, iw, info, nms, most, margin, fill, march):
    from fractions import Fraction as Q

    rows, exps, results = ints(anchor), ints(table), []
    corner = lambda v: int(min(max(math.floor(v + Q(1, 2)), -32768), 32767))
    for n in range(data[0].shape[0]):
        found = []
        for branch, tensor in enumerate(data):
            x = ints(tensor)[n].reshape(anchors[branch], 4 + classes[branch], *tensor.shape[2:])
            for a, row, column in np.ndindex(x.shape[0], *x.shape[2:]):
                dx, dy, dw, dh, *scores = (int(v) for v in x[a, :, row, column])
                h, w, cy, cx = (int(v) for v in rows[starts[branch] + a])
                if max(scores) < threshold:
                    continue
                ends = []
                for side, middle, moved, grown in ((w, cx + 4 * sw[branch] * column, dx, dw), (h, cy + 4 * sh[branch] * row, dy, dh)):
                    middle = middle + Q(moved * side, 2 ** shifts[branch])
                    half = Q(int(exps[grown + 128]) * side, 2 ** (exp_shift + 1))
                    ends.append((corner(middle - half), corner(middle + half)))
                if clips:
                    last = [math.floor((float(v) - 1) * 4) for v in reversed(sizes[n].tolist())]
                    ends = [tuple(max(min(v, end), 0) for v in pair) for pair, end in zip(ends, last)]
                (x1, x2), (y1, y2) = ends
                if x1 < x2 and y1 < y2:
                    found.append((x1, y1, x2, y2, max(scores), scores.index(max(scores)) + offsets[branch]))
        kept = []
        for box in sorted(found, key=lambda b: -b[4]):
            def over(k):
                both = max(min(k[2], box[2]) - max(k[0], box[0]), 0) * max(min(k[3], box[3]) - max(k[1], box[1]), 0)
                either = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (k, box)) - both
                return k[5] == box[5] and k[4] - box[4] > margin and Q(both, either) > Q(nms, 256)

            if not any(over(k) for k in kept):
                kept.append(box)
        results.append((kept + [(fill,) * 6] * most)[:most])
    return torch.tensor(results, dtype=torch.int32)


@operator("bpu_segment_lut(Tensor data, Tensor table, Tensor scale, Tensor beta, Tensor left_shift, Tensor right_shift, Tensor max, bool is_symmetrical, int idx_bits, str otype, int num_entries_per_table, str march_str) -> Tensor")
def segment_lut(data, table, scale, beta, left, right, maximum, symmetrical, idx_bits, otype, entries, march):
    x, t = ints(data), ints(table)
    k, b, l, r, m = [ints(v) for v in (scale, beta, left, right, maximum)]

    def value(x):
        i = next((i for i in range(8) if x <= m[i]), 7)
        v = int(shifted(np.int64(x * k[i] + (int(b[i]) << int(l[i]))), r[i], True))
        if i in (0, 7):
            return v
        at = min(max(v >> idx_bits, 0), entries - 1)
        f, row = v & 255, t[i - 1]
        return int(shifted(np.int64(row[at] * (256 - f) + row[min(at + 1, entries - 1)] * f), 8, True))

    low, high = LIMITS[otype]
    one = lambda x: -np.clip(value(-x), low, high) if symmetrical and x < 0 else value(x)
    flat = np.array([one(int(v)) for v in x.reshape(-1)], dtype=np.int64)
    return saturated(flat.reshape(x.shape), otype)


@operator("bpu_ceil(Tensor input, Tensor input_scale, str input_dtype, str output_dtype, str march_str) -> Tensor")
def ceil(data, scale, itype, otype, march):
    return saturated(np.ceil(ints(data) * scale.numpy().astype(np.float64)).astype(np.int64), otype)


@operator("round(Tensor data) -> Tensor")
def round_half_up(data):
    return torch.from_numpy(np.floor(data.numpy() + np.float32(0.5)))


@operator("frexp(Tensor data) -> (Tensor, Tensor)")
def frexp(data):
    m, e = np.frexp(data.numpy())
    return torch.from_numpy(m), torch.from_numpy(e.astype(np.int32))


@operator("toqint(Tensor x, int qbits, int max_bits, bool allow_left_shift, bool allow_right_shift) -> (Tensor, Tensor)")
def toqint(x, qbits, max_bits, left, right):
    v = x.numpy().astype(np.float64)
    _, e = np.frexp(v)
    shift = np.clip(e.astype(np.int64) - (qbits - 1), -62 if right else 0, max_bits - qbits if left else 0)
    limit = 2 ** (qbits - 1)
    q = np.clip(half_up(v / 2.0**shift), -limit, limit - 1)
    return torch.from_numpy(q.astype(np.int16)), torch.from_numpy(shift.astype(np.int32))


@operator("bpu_scale_quanti_convolution3d(" + CONV + TAIL)
def convolution3d(data, weight, bias, sumin, oscale, pre, bl, post, escale, el, use_bias, filters, kernel, strides, pads, dilation, activation, group, has_sum, raw, otype, march):
    acc = torch.nn.functional.conv3d(data.double(), weight.double(), None, strides, pads, dilation, group).numpy().astype(np.int64)
    return finished(acc, bias, bl, sumin if has_sum else None, escale, el, oscale, pre, post, activation == "relu", otype, march)


@operator("bpu_quanti_grid_sample(Tensor in_featuremap, Tensor in_grid, str mode, str padding_mode, bool align_corners, int coord_shift, str march_str) -> Tensor")
def grid_sample(data, grid, mode, padding, align, bits, march):
    x, places, one = ints(data), ints(grid)[:, 0], 1 << bits
    n, _, h, w = x.shape
    images = np.arange(n)[:, None, None]

    def pixel(rows, columns):
        inside = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
        found = x[images, :, np.clip(rows, 0, h - 1), np.clip(columns, 0, w - 1)]
        return found * inside[..., None] if padding == "zeros" else found

    y, v = places[:, 0], places[:, 1]
    if mode == "nearest":
        out = pixel((y + one // 2) >> bits, (v + one // 2) >> bits)
    else:
        fy, fx = (y & (one - 1))[..., None], (v & (one - 1))[..., None]
        y, v = y >> bits, v >> bits
        top = pixel(y, v) * (one - fx) + pixel(y, v + 1) * fx
        low = pixel(y + 1, v) * (one - fx) + pixel(y + 1, v + 1) * fx
        out = shifted(top * (one - fy) + low * fy, 2 * bits, True)
    return torch.from_numpy(out).to(data.dtype).permute(0, 3, 1, 2).contiguous()


@operator("bpu_scale_quanti_correlation(Tensor data1, Tensor data2, Tensor scale1, Tensor scale2, Tensor inter_scale, Tensor out_scale, int kernel_size, int max_displacement, int stride1, int stride2, int pad_size, bool is_multiply, str out_dtype, str march_str) -> Tensor")
def correlation(data1, data2, scale1, scale2, inter_scale, out_scale, kernel, reach, stride1, stride2, pad, multiply, otype, march):
    radius, n, channels = (kernel - 1) // 2, data1.size(0), data1.size(1)
    border = reach + radius
    widen = lambda t: np.pad(ints(t), [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    a, b = widen(data1), widen(data2)
    rows, columns = [(size - 2 * border) // stride1 for size in a.shape[2:]]
    product = scale1.numpy() * scale2.numpy()
    inter = product if kernel == 1 else inter_scale.numpy()
    shift = 0 if kernel == 1 else int(np.clip(np.floor(np.log2(inter.astype(np.float64) / product)), 0, 24)[0])
    steps = [i * stride2 for i in range(-(reach // stride2), reach // stride2 + 1)]
    planes = []
    for dy in steps:
        for dx in steps:
            total = np.zeros((n, rows, columns), dtype=np.int64)
            for ky in range(-radius, radius + 1):
                for kx in range(-radius, radius + 1):
                    at = lambda t, y, x: t[:, :, y : y + rows * stride1 : stride1, x : x + columns * stride1 : stride1][:, :, :rows, :columns]
                    y, x = border + ky, border + kx
                    sums = (at(a, y, x) * at(b, y + dy, x + dx)).sum(1)
                    total += sums if kernel == 1 else np.clip(shifted(sums, shift, False), -32768, 32767)
            planes.append(total)
    acc = np.stack(planes, 1)
    scale = inter / np.float32(channels * kernel * kernel)
    return rescaled(acc, scale, out_scale.numpy(), "qint32", otype, march, False, True)


@operator("bpu_scale_quantization.no_round_mode(Tensor data, Tensor scale, Tensor zero_point, int vector_dim, int quant_min, int quant_max, str qtype, str march_str) -> Tensor")
def quantization_older(data, scale, zero_point, vector_dim, low, high, qtype, march):
    return quantization(data, scale, zero_point, vector_dim, low, high, qtype, "bpu_round", march)


@operator("bpu_segment_lut.no_entries(Tensor data, Tensor table, Tensor scale, Tensor beta, Tensor left_shift, Tensor right_shift, Tensor max, bool is_symmetrical, int idx_bits, str otype, str march_str) -> Tensor")
def segment_lut_older(data, table, scale, beta, left, right, maximum, symmetrical, idx_bits, otype, march):
    return segment_lut(data, table, scale, beta, left, right, maximum, symmetrical, idx_bits, otype, table.size(1), march)


@operator("quantized_resize(Tensor data, str mode, bool align_corners, int out_height, int out_width, float ratio_height, float ratio_width, str march_str) -> Tensor")
def resize_older(*args):
    return resize(*args)
