"""Makes testdata/hbdk: fixed-point files in the shape of the plugin's own, with what numpy computed for every call.

    python testdata/gen/hbdk.py --out testdata/hbdk

NAME.ops.safetensors holds `input/I`, `output/I`, and `call/N/FUNCTION/I` for result I of the N-th call of a function of
`horizon_plugin_pytorch.nn.quantized.functional`, in order.
"""
import common

common.neutral()

import json
import struct

import torch
from torch import nn

import horizon_plugin_pytorch.kernels
from horizon_plugin_pytorch.nn.qat.softmax import SegmentLUTSoftmax
from horizon_plugin_pytorch.nn.quantized import functional as F
from horizon_plugin_pytorch.nn.quantized import older
from horizon_plugin_pytorch.nn.quantized.conv2d import Conv2d, ConvAdd2d, ConvAddReLU2d, ConvReLU2d
from horizon_plugin_pytorch.nn.quantized.functional_modules import QFunctional
from horizon_plugin_pytorch.nn.quantized.linear import Linear, LinearReLU
from horizon_plugin_pytorch.nn.quantized.pooling import AvgPool2d, Interpolate, MaxPool2d
from horizon_plugin_pytorch.nn.quantized.quantize import DeQuantize, Quantize
from horizon_plugin_pytorch.nn.quantized.segment_lut import SegmentLUT
from horizon_plugin_pytorch.qtensor import QTensor

DTYPES = {torch.float32: "F32", torch.int8: "I8", torch.int16: "I16", torch.int32: "I32", torch.int64: "I64", torch.bool: "BOOL"}


def graph_module(cls):
    """The class as the plugin names traced models."""
    cls.__module__ = "horizon_plugin_pytorch.quantization.fx.graph_module"
    return cls


def flat(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = [value[k] for k in sorted(value)]
    return [t for v in value for t in flat(v)]


def write(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors:
        raw = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def case(net, *args, runs=True, why="calls operators of the horizon library"):
    """Runs the network as it is, then traces it."""
    net.eval()
    F.CALLS.clear()
    output = net(*args)
    calls = list(F.CALLS)
    tensors = [(f"input/{i}", t) for i, t in enumerate(flat(list(args)))]
    tensors += [(f"output/{i}", t) for i, t in enumerate(flat([output]))]
    for n, (name, results) in enumerate(calls):
        tensors += [(f"call/{n:03}/{name}/{i}", t) for i, t in enumerate(flat(list(results)))]
    traced = torch.jit.trace(net, args, check_trace=False)
    for got, expected in zip(flat([traced(*args)]), flat([output])):
        assert torch.equal(got, expected), "the trace computes something else"
    return common.Case(
        traced, args=args, runs=False, why_not=why, extra_files={"horizon-plugin-version": "2.5.9"},
        edit=lambda path: write(path.removesuffix(".pt") + ".ops.safetensors", tensors),
    )


@graph_module
class Net(nn.Module):
    """The example network of the guide's chapter on comparing with the front end."""

    def __init__(self, nested):
        super().__init__()
        self.quant_stubx = Quantize(0.00784, with_round_mode=nested)
        self.quant_stuby = Quantize(0.00801, with_round_mode=nested)
        self.unused = nn.Identity()
        self.mul_op, self.cat_op, self.add_op = QFunctional(0.0241), QFunctional(0.0149), QFunctional(0.0157)
        self.quantized_ops = nn.Sequential(
            nn.ReLU(), SegmentLUT(torch.sigmoid, 1 / 128), SegmentLUTSoftmax(nested, 15), SegmentLUT(nn.functional.silu, 0.0005),
            Interpolate(factor=2), Interpolate(factor=2.3), AvgPool2d(4, 0.00045), Interpolate(factor=1.3), Interpolate(factor=0.7),
        )
        self.dequant_stub = DeQuantize()

    def forward(self, x, y):
        x, y = self.quant_stubx(x), self.quant_stuby(y)
        y = self.add_op.add(x, y)
        x = self.cat_op.cat((x, y), 1)
        x = self.cat_op.cat((x, y), 1)
        a, b = x.data.split(15, dim=1)
        x = self.mul_op.mul(QTensor(a, x.scale, x.dtype), QTensor(b, x.scale, x.dtype))
        ops = self.quantized_ops
        x = QTensor(ops[0](x.data), x.scale, x.dtype)
        for op in list(ops)[1:]:
            x = op(x)
        return self.dequant_stub(x)


def guide(nested):
    if not nested:
        older.install()
    data = torch.rand(1, 10, 5, 5)
    return case(Net(nested), data, torch.rand(1, 10, 5, 5))


@common.fixture
def guide_older():
    """The guide's example as an older plugin writes it: `quantize` without a round mode, older operators, reciprocal nested once."""
    return guide(False)


@common.fixture
def guide_newer():
    """The guide's example as plugin 2.5.9 writes it: `_quantize` with a round mode, reciprocal nested twice."""
    return guide(True)


@graph_module
class ConvNet(nn.Module):
    def __init__(self, march):
        super().__init__()
        conv = lambda i, o, k, **kw: nn.Conv2d(i, o, k, **kw)
        self.march = march
        self.quant = Quantize(0.0157, march=march)
        self.stem = ConvReLU2d(conv(3, 16, 7, stride=2, padding=3), 0.009, march=march)
        self.pool = MaxPool2d(3, 2, 1, march=march)
        self.block = nn.Sequential(
            ConvReLU2d(conv(16, 16, 3, padding=1), 0.006, march=march), ConvAddReLU2d(conv(16, 16, 3, padding=1, bias=False), 0.008, march=march)
        )
        self.depthwise = Conv2d(conv(16, 16, 3, padding=2, dilation=2, groups=16), 0.005, march=march)
        self.grouped = ConvReLU2d(conv(16, 32, (1, 3), stride=(1, 2), padding=(0, 1), groups=4), 0.004, march=march, spread=False)
        self.skip = ConvAdd2d(conv(16, 32, 1, stride=(1, 2)), 0.006, march=march)
        self.up = Conv2d(nn.ConvTranspose2d(32, 8, 3, stride=2, padding=1, output_padding=1, groups=2), 0.003, march=march)
        self.mean = AvgPool2d(2, 0.0031, march=march)
        self.head = Conv2d(conv(8, 5, 1), 1.0, "qint32", march=march)
        self.dequant = DeQuantize(march)
        self.unused = nn.Identity()

    def forward(self, x):
        x = self.pool(self.stem(self.quant(x)))
        x = self.block[1](self.block[0](x), x)
        d = self.depthwise(x)
        x = self.skip(x, self.grouped(d))
        return self.dequant(self.head(self.mean(self.up(x))))


@common.fixture
def convolutions_bayes():
    """Convolutions of many shapes, a sum input, deconvolution, pooling, a high-precision output; march bayes."""
    return case(ConvNet("bayes"), torch.randn(2, 3, 32, 32))


@common.fixture
def convolutions_bernoulli2():
    """The same for march bernoulli2, whose convolutions do not round."""
    return case(ConvNet("bernoulli2"), torch.randn(2, 3, 32, 32))


@graph_module
class Arithmetic(nn.Module):
    def __init__(self, march):
        super().__init__()
        self.march = march
        self.quantx, self.quanty = Quantize(0.031, march=march), Quantize(0.012, march=march)
        f = lambda scale: QFunctional(scale, march=march)
        self.add1, self.add2, self.mul, self.cat, self.sum, self.mean = f(0.04), f(0.041), f(0.05), f(0.033), f(0.11), f(0.01)
        self.up, self.near = Interpolate(size=(9, 7), march=march), Interpolate(factor=2.0, mode="nearest", march=march)
        self.pool = AvgPool2d(3, 0.02, stride=2, padding=1, march=march)
        self.dequant = DeQuantize(march)

    def forward(self, inputs):
        x, y = self.quantx(inputs[0]), self.quanty(inputs[1])
        a, b = self.add1.add(x, y), self.add2.add(y, x)
        c = self.cat.cat((self.mul.mul(a, b), x, a), 1)
        s, m = self.sum.sum(c, 1), self.mean.mean(c, 2)
        return [self.dequant(t) for t in (self.pool(self.up(c)), s, m, self.near(b))]


@common.fixture
def arithmetic_bayes():
    """add, mul, cat, sum, mean, resize, average pooling; a list of inputs, a list of outputs; march bayes."""
    return case(Arithmetic("bayes"), [torch.randn(2, 4, 6, 5), torch.randn(2, 4, 6, 5)])


@common.fixture
def arithmetic_bernoulli2():
    """The same for march bernoulli2: its own add, and coordinates of 8 fraction bits."""
    return case(Arithmetic("bernoulli2"), [torch.randn(2, 4, 6, 5), torch.randn(2, 4, 6, 5)])


@graph_module
class Shapes(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = Quantize(0.02)
        self.fc1, self.fc2 = LinearReLU(nn.Linear(12, 9), 0.01), Linear(nn.Linear(9, 4), 0.5, "qint16")
        self.add = QFunctional(0.03)
        self.sub = QFunctional(0.001, "qint16")
        self.dequant = DeQuantize()

    def keep(self, x, data):
        return QTensor(data, x.scale, x.dtype)

    def forward(self, x):
        x = self.quant(x)
        d = F.channel_shuffle(x.data, 2)
        d = F.pad(d, [1, 2, 0, 1], "constant", 0.07, x.scale, x.zero_point, x.dtype, "bayes")
        p = nn.functional.pixel_unshuffle(nn.functional.pixel_shuffle(d, 2), 2)
        q = p[:, 1:4, ::2].clamp(-40, 50)
        q = torch.maximum(q, torch.minimum(q, q.permute(0, 1, 2, 3)))
        left, right = q.split([1, 2], dim=1)
        t = torch.cat([right, left], dim=1).transpose(2, 3)
        top = t.argmax(1, keepdim=True)
        rows = t.reshape(2, t.size(1) * t.size(2), -1).permute(0, 2, 1)[:, :, :12]
        rows = torch.roll(rows, shifts=[1], dims=[1])
        y = self.fc2(self.fc1(self.keep(x, rows.contiguous())))
        flat = self.keep(y, y.data.flatten(1))
        half = self.keep(y, flat.data[:, : flat.data.size(1) // 2])
        rest = self.keep(y, flat.data[:, flat.data.size(1) // 2 : 2 * (flat.data.size(1) // 2)])
        return self.dequant(self.sub.sub(half, rest)), top, self.dequant(self.keep(x, x.data.unsqueeze(1).squeeze(1)))


@common.fixture
def shapes_bayes():
    """Operators that move integers, in both layouts; linear layers on rank 3; int16."""
    return case(Shapes(), torch.randn(2, 8, 5, 4))


def keep(x, data):
    """Integers on the grid of another tensor."""
    return QTensor(data, x.scale, x.dtype)


@graph_module
class Sampling(nn.Module):
    """Layers that read pixels elsewhere than where they write them, and those of few models."""

    def __init__(self, march):
        super().__init__()
        wide = "qint16" if march == "bayes" else "qint8"
        self.wide, self.march = wide, march
        self.quantx, self.quanty = Quantize(0.031, march=march), Quantize(0.024, march=march)
        self.grid = Quantize(0.002 if wide == "qint16" else 0.04, wide, march=march)
        self.prelu, self.near, self.far = QFunctional(0.027, march=march), QFunctional(0.21, march=march), QFunctional(0.0093, march=march)
        self.table = SegmentLUT(torch.sigmoid, 1 / 128, march=march)
        self.register_buffer("slope", torch.tensor([0.25, -0.5, 0.031, 1.2]))
        self.register_buffer("slope_scale", torch.tensor([1.2 / (32767.5 if march == "bayes" else 127.5)]))
        self.register_buffer("inter_scale", torch.tensor([0.011]))
        self.dequant = DeQuantize(march)

    def warp(self, x, grid, mode, padding):
        return keep(x, F.grid_sample(x.data, grid.data, mode, padding, True, grid.scale, grid.zero_point, grid.dtype, self.march))

    def pad(self, x, sizes, mode):
        return keep(x, F.pad(x.data, sizes, mode, 0.0, x.scale, x.zero_point, x.dtype, self.march))

    def forward(self, x, y, grid):
        x, y, grid = self.quantx(x), self.quanty(y), self.grid(grid)
        y = self.prelu.prelu(y, self.slope, self.slope_scale, self.wide)
        y = self.table(y)
        around = self.pad(self.pad(x, [2, 1, 3, 0], "circular"), [0, 2, 1, 0], "replicate")
        near = self.near.correlation(x, y, (1, 2, 2, 1, 2), self.inter_scale)
        far = self.far.correlation(around, around, (3, 2, 1, 2, 1), self.inter_scale)
        warped = [self.warp(x, grid, mode, padding) for mode, padding in (("bilinear", "zeros"), ("bilinear", "border"), ("nearest", "zeros"))]
        best, where = F.topk(x.data, 3, 1, True, True, self.march)
        least, _ = F.topk(around.data, 2, -1, False, True, self.march)
        size = F.abs(x.data, "saturate"), F.abs(x.data, "trunc")
        return [self.dequant(t) for t in [near, far, *warped, keep(x, best), keep(x, least)]], where, size


def sampling(march):
    images = torch.randn(2, 4, 8, 7) * 2
    return case(Sampling(march), images, torch.randn(2, 4, 8, 7), torch.randn(2, 5, 6, 2) * 2)


@common.fixture
def sampling_bayes():
    """grid_sample, correlation, circular and replicated padding, topk, prelu, abs; march bayes."""
    return sampling("bayes")


@common.fixture
def sampling_bernoulli2():
    """The same for march bernoulli2, with a grid of int8."""
    return sampling("bernoulli2")


class Conv3d(nn.Module):
    def __init__(self, conv, out_scale, activation="", dtype="qint8"):
        super().__init__()
        self.register_buffer("weight", conv.weight.detach())
        self.register_buffer("bias", conv.bias.detach())
        self.register_buffer("weight_scale", conv.weight.detach().abs().amax(dim=[1, 2, 3, 4]) / 127.5)
        self.register_buffer("out_scale", torch.tensor([out_scale], dtype=torch.float32))
        self.conv, self.activation, self.dtype = (list(conv.stride), list(conv.padding), list(conv.dilation), conv.groups), activation, dtype

    def forward(self, x, y=None):
        one = torch.ones_like(self.out_scale)
        zero = lambda scale: torch.zeros_like(scale).to(torch.int64)
        extra = (None, None, None) if y is None else (y.scale, y.zero_point, y.dtype)
        data, scale = F.conv3d(
            x.data, self.weight, self.bias, None if y is None else y.data, *self.conv, "zeros", self.activation, x.scale, x.zero_point,
            x.dtype, self.weight_scale, zero(self.weight_scale), "qint8", one, zero(one), "qint32", *extra, self.out_scale,
            zero(self.out_scale), self.dtype, "bayes",
        )
        return QTensor(data, scale, self.dtype)


@graph_module
class Volume(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = Quantize(0.03)
        self.stem = Conv3d(nn.Conv3d(2, 6, (1, 3, 3), padding=(0, 1, 1)), 0.011, "relu")
        self.grouped = Conv3d(nn.Conv3d(6, 6, 3, stride=2, padding=1, groups=2), 0.006)
        self.skip = Conv3d(nn.Conv3d(6, 6, 1), 0.009, "relu")
        self.head = Conv3d(nn.Conv3d(6, 3, (2, 1, 2)), 1.0, dtype="qint32")
        self.dequant = DeQuantize()

    def forward(self, x):
        x = self.grouped(self.stem(self.quant(x)))
        return self.dequant(self.head(self.skip(x, x)))


@common.fixture
def volume_bayes():
    """conv3d: strides, padding, groups, a sum input, a high-precision output."""
    return case(Volume(), torch.randn(2, 2, 4, 6, 5))


@graph_module
class Windows(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.fc, self.dequant = Quantize(0.02), Linear(nn.Linear(6, 6), 0.014), DeQuantize()

    def forward(self, x):
        x = self.quant(x)
        windows = F.window_partition(x.data.permute(0, 2, 3, 1), 2)
        y = self.fc(keep(x, windows.reshape(windows.size(0), 4, 6)))
        back = F.window_reverse(y.data.reshape(windows.size(0), 2, 2, 6), 2, 4, 6)
        return self.dequant(keep(y, torch.roll(back, shifts=[-1, -1], dims=[1, 2]).permute(0, 3, 1, 2)))


@common.fixture
def windows_bayes():
    """Windows of a shifted-window transformer: partition, a linear layer, reverse, roll."""
    return case(Windows(), torch.randn(2, 6, 4, 6))


@graph_module
class SoftmaxBernoulli2(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = Quantize(0.035, march="bernoulli2")
        powers = torch.exp(torch.arange(-255, 1) * 0.035) * 255
        self.register_buffer("table", torch.clamp(torch.round(powers), 0, 255).to(torch.uint8))

    def forward(self, x):
        x = self.quant(x)
        one = lambda max_only: F.softmax_bernoulli2(x.data, self.table, max_only, 1, "bernoulli2")
        return one(False), one(True)


@common.fixture
def softmax_bernoulli2():
    """Softmax over channels as bernoulli2 has it: a table of 256 entries, a quotient of floats."""
    return case(SoftmaxBernoulli2(), torch.randn(2, 7, 3, 4) * 2)


@graph_module
class Pillars(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.conv, self.dequant = Quantize(0.02), Conv2d(nn.Conv2d(5, 4, 3, padding=1), 0.011), DeQuantize()

    def forward(self, features, coords):
        x = self.quant(features)
        return self.dequant(self.conv(keep(x, F.point_pillars_scatter(x.data, coords, [2, 5, 6, 4]))))


@common.fixture
def pillars_bayes():
    """Features of pillars scattered onto a map; rows with a negative place are left out."""
    places = [[0, 0, 0, 0], [0, 0, 5, 3], [1, 0, 2, 1], [1, 0, 3, 0], [0, 0, -1, -1]]
    return case(Pillars(), torch.randn(5, 5), torch.tensor(places, dtype=torch.int32))


@graph_module
class Regions(nn.Module):
    """Regions of a pyramid on bayes, of one map on bernoulli2."""

    def __init__(self, march, aligned):
        super().__init__()
        self.march, self.aligned = march, aligned
        self.quant, self.pool, self.dequant = Quantize(0.03, march=march), MaxPool2d(2, march=march), DeQuantize(march)
        self.conv = Conv2d(nn.Conv2d(4, 3, 1), 0.02, march=march)

    def forward(self, x, boxes):
        x = self.conv(self.quant(x))
        if self.march == "bayes":
            maps, scales, canonical, clip = [x.data, self.pool(x).data], [0.5, 0.25], (16, 2), (0.05, 0.0, 0.1, 0.125)
        else:
            maps, scales, canonical, clip = [x.data], [0.5], (1, 0), None
        found = F.multi_scale_roi_align(
            maps, [boxes], [3, 2], scales, 1, self.aligned, "bilinear", *canonical, clip, self.march
        )
        return self.dequant(keep(x, found))


BOXES = [
    [0, 0, 30, 22], [3.25, 4.5, 9, 7], [10, 2, 10.5, 20], [-5, -6, 12, 14], [20, 10, 40, 44], [-9, 1, -2, 5], [8, 8, 8, 12], [70, 3, 80, 9],
    [1, 1, 6.75, 5.5], [14.5, 3.75, 28, 21.25],
]


@common.fixture
def regions_bayes():
    """Regions of two maps by their size, clipped, with half a pixel back; some lie beside the maps or are empty."""
    return case(Regions("bayes", True), torch.randn(1, 4, 12, 16), torch.tensor(BOXES))


@common.fixture
def regions_legacy_bayes():
    """The same without the half pixel."""
    return case(Regions("bayes", False), torch.randn(1, 4, 12, 16), torch.tensor(BOXES))


@common.fixture
def regions_bernoulli2():
    """Regions in quarters of a pixel: an extent of one more, samples from the corner."""
    return case(Regions("bernoulli2", False), torch.randn(1, 4, 12, 16), (torch.tensor(BOXES) * 4).to(torch.int32))


@graph_module
class Detector(nn.Module):
    """Two branches of two anchors and three classes, and their boxes."""

    def __init__(self, march):
        super().__init__()
        self.march = march
        self.quant, self.pool = Quantize(0.03, march=march), MaxPool2d(2, march=march)
        self.near, self.far = [Conv2d(nn.Conv2d(4, 14, 1), 1 / 16, march=march) for _ in range(2)]
        for name, stride, size in (("near_anchors", 8, (6, 8)), ("far_anchors", 16, (3, 4))):
            places = torch.stack(torch.meshgrid(*[torch.arange(s) * stride for s in size], indexing="ij")).flip(0).float()
            boxes = [torch.cat([places, places + side]) for side in (11.25, 20.0)]
            self.register_buffer(name, torch.cat(boxes).unsqueeze(0))
        self.register_buffer("exp_table", torch.round(torch.exp(torch.arange(-128, 128) / 16) * 16).to(torch.int32))
        self.register_buffer("image", torch.tensor([[40, 60]]))
        self.register_buffer("scale", torch.tensor([0.25]))
        self.register_buffer("score_scale", torch.tensor([1 / 16]))

    def forward(self, x):
        x = self.quant(x)
        data = [self.near(x).data, self.far(self.pool(x)).data]
        boxes, scores, classes = F.detection_post_process_v1(
            data, [self.near_anchors, self.far_anchors], self.exp_table, self.image, 3, [4, 4], 4, 6, [0, 3], 1, True, 90, 0, 40, None, self.march
        )[0]
        zero = torch.zeros_like(self.scale).to(torch.int64)
        return F.dequantize(boxes, self.scale, zero, -1, self.march), F.dequantize(scores, self.score_scale, zero, -1, self.march), classes


@common.fixture
def detector_bayes():
    """Boxes of two branches, clipped and suppressed; march bayes."""
    return case(Detector("bayes"), torch.randn(1, 4, 6, 8) * 3)


@common.fixture
def detector_bernoulli2():
    """The same for march bernoulli2."""
    return case(Detector("bernoulli2"), torch.randn(1, 4, 6, 8) * 3)


@graph_module
class Scales(nn.Module):
    """Sums, products and concatenations of operands whose scales are as far apart as can be."""

    def __init__(self, march, far):
        super().__init__()
        ratios = [1.0, 1.0001, 1.7, 127.0, 129.3, 1023.6, 40_000.0, 99_999.0, *far]
        pairs = [(0.013, 0.013 * r) for r in ratios] + [(0.7 * r, 0.7) for r in ratios]
        self.march = march
        self.quantx, self.quanty = Quantize(0.02, march=march), Quantize(0.02, march=march)
        for i, pair in enumerate(pairs):
            self.register_buffer(f"a{i}", torch.tensor([pair[0]]))
            self.register_buffer(f"b{i}", torch.tensor([pair[1]]))
        self.ops = nn.ModuleList([QFunctional(max(pair) * 1.37, march=march) for pair in pairs])
        self.products = nn.ModuleList([QFunctional(pair[0] * pair[1] * 71, march=march) for pair in pairs])

    def forward(self, x, y):
        x, y = self.quantx(x).data, self.quanty(y).data
        made = []
        for i, (op, product) in enumerate(zip(self.ops, self.products)):
            a, b = QTensor(x, getattr(self, f"a{i}"), "qint8"), QTensor(y, getattr(self, f"b{i}"), "qint8")
            made += [op.add(a, b), product.mul(a, b), op.cat((a, b), 1)]
            if self.march == "bayes":
                made.append(op.sub(a, b))
        return tuple(m.data for m in made)


@common.fixture
def scales_bayes():
    """add, sub, mul, cat with scales from equal to 5e7 apart; march bayes."""
    return case(Scales("bayes", [3e6, 2.0**23, 5e7]), torch.randn(1, 3, 4, 5), torch.randn(1, 3, 4, 5))


@common.fixture
def scales_bernoulli2():
    """The same without sub for march bernoulli2, whose add has other parameters."""
    return case(Scales("bernoulli2", [132_000.0]), torch.randn(1, 3, 4, 5), torch.randn(1, 3, 4, 5))


@common.fixture
def refused_scales_bernoulli2():
    """Scales so far apart that bernoulli2's sum does not fit 32 bits."""
    return case(Scales("bernoulli2", [3e6]), torch.randn(1, 3, 4, 5), torch.randn(1, 3, 4, 5))


SIZES = [(13, 4), (3, 17), (1, 1), (7, 9), (20, 5)]
FACTORS = [(2.0, 2.0), (1.3, 0.7), (0.6, 2.3), (3.0, 1.0), (0.31, 1.9)]


@graph_module
class Resized(nn.Module):
    """Sizes and factors that are no round numbers, up and down."""

    def __init__(self, march):
        super().__init__()
        self.quant, self.dequant, self.march = Quantize(0.02, march=march), DeQuantize(march), march

    def resize(self, x, size, factor, mode):
        return keep(x, F.interpolate(x.data, size, factor, mode, False, True, x.scale, x.zero_point, x.dtype, self.march))

    def forward(self, x):
        x = self.quant(x)
        modes = ["bilinear", "nearest"] if self.march == "bayes" else ["bilinear"]
        made = [self.resize(x, list(size), None, mode) for size in SIZES for mode in modes]
        made += [self.resize(x, None, list(factor), mode) for factor in FACTORS for mode in modes]
        made.append(self.resize(x, [14, 27], None, "nearest"))
        return tuple(self.dequant(t) for t in made)


@common.fixture
def resized_bayes():
    """interpolate to many sizes and by many factors, bilinear and nearest; coordinates of 16 fraction bits."""
    return case(Resized("bayes"), torch.randn(2, 3, 7, 9) * 2)


@common.fixture
def resized_bernoulli2():
    """The same for march bernoulli2: coordinates of 8 fraction bits, nearest by whole factors only."""
    return case(Resized("bernoulli2"), torch.randn(2, 3, 7, 9) * 2)


@graph_module
class Kept(nn.Module):
    """What a head keeps: pixels above a threshold, and runs of the best class."""

    def __init__(self, march):
        super().__init__()
        self.march = march
        self.quantx, self.quanty = Quantize(0.031, march=march), Quantize(0.012, march=march)
        self.conv = Conv2d(nn.Conv2d(4, 5, 1), 0.024, march=march)

    def forward(self, x, y):
        x, y = self.conv(self.quantx(x)), self.quanty(y)
        parts = [x.data, y.data], [x.scale, y.scale], [x.zero_point, y.zero_point], [x.dtype, y.dtype]
        kept = F.filter(*parts, 0.6, (1, 4), self.march)
        best = torch.argmax(x.data, 1, keepdim=True)
        return (*kept[0], *kept[1], *F.rle(best, 1))


@common.fixture
def kept_bayes():
    """filter and rle, whose numbers of results depend on the data; march bayes."""
    return case(Kept("bayes"), torch.randn(2, 4, 5, 6), torch.randn(2, 3, 5, 6))


@common.fixture
def kept_bernoulli2():
    """The same for march bernoulli2, which keeps what is above the threshold."""
    return case(Kept("bernoulli2"), torch.randn(2, 4, 5, 6), torch.randn(2, 3, 5, 6))


@graph_module
class Known(nn.Module):
    def __init__(self, what, march):
        super().__init__()
        self.what, self.march = what, march
        self.quant = Quantize(0.037, march=march)
        self.conv = Conv2d(nn.Conv2d(4, 4, 1), 1.0, "qint32", march=march, spread=False)
        self.op = QFunctional(0.33 if what != "requantize" else 0.9, march=march)
        self.dequant = DeQuantize(march)

    def forward(self, x):
        x = self.quant(x)
        if self.what == "requantize":
            y = self.op.requantize(self.conv(x))
        elif self.what == "matmul":
            y = self.op.matmul(x, QTensor(x.data.transpose(2, 3), x.scale, x.dtype))
        else:
            y = getattr(self.op, self.what)(x)
        return self.dequant(y)


@common.fixture
def known_requantize():
    """requantize of an int32 tensor by a small ratio: the plugin shifts twice, the front end once."""
    return case(Known("requantize", "bayes"), torch.randn(1, 4, 16, 16) * 2)


@common.fixture
def known_matmul_bernoulli2():
    """matmul on bernoulli2: the plugin rounds, the front end does not."""
    return case(Known("matmul", "bernoulli2"), torch.randn(1, 4, 6, 5))


@common.fixture
def known_ceil():
    """ceil of an input whose scale is no power of two."""
    return case(Known("ceil", "bayes"), torch.randn(1, 4, 6, 5) * 2)


@common.fixture
def known_floor():
    """floor to an output scale that is not 1."""
    return case(Known("floor", "bayes"), torch.randn(1, 4, 6, 5) * 2)


@graph_module
class Whole(nn.Module):
    """ceil and floor where both sides agree: from a power of two, and to steps of 1."""

    def __init__(self):
        super().__init__()
        self.quantx, self.quanty, self.dequant = Quantize(0.0625), Quantize(0.037), DeQuantize()
        self.ceil, self.fine, self.floor = QFunctional(1.0), QFunctional(0.5), QFunctional(1.0)

    def forward(self, x):
        x, y = self.quantx(x[0]), self.quanty(x[1])
        return [self.dequant(t) for t in (self.ceil.ceil(x), self.fine.ceil(x), self.floor.floor(y))]


@common.fixture
def whole_bayes():
    """ceil of a scale that is a power of two, floor to the scale 1: no disagreement there."""
    return case(Whole(), [torch.randn(1, 4, 6, 5) * 3, torch.randn(1, 4, 6, 5) * 3])


@graph_module
class Refused(nn.Module):
    """Everything a front end does not take, in one model."""

    def __init__(self):
        super().__init__()
        m = "bernoulli2"
        self.quant = Quantize(0.02, march=m)
        self.wide = QFunctional(0.001, "qint16", march=m)
        self.inner = nn.ModuleDict({"resize": Interpolate(factor=2.0, march=m, align_corners=True), "fc": Linear(nn.Linear(4, 3), 0.1, march=m)})
        self.dequant = DeQuantize(m)

    def forward(self, x):
        x = self.quant(x)
        a, b = x.data.unbind(1)
        stacked = torch.stack([a, b], 1)
        wide = self.wide.add(x, x)
        resized = self.inner["resize"](x)
        row = self.inner["fc"](x)
        picked = x.data[:, 0]
        best, _ = x.data.max(3, keepdim=True)
        return self.dequant(wide), self.dequant(resized), self.dequant(row), stacked, picked, best


@common.fixture
def refused_bernoulli2():
    """unbind, stack, int16, align_corners, linear, select, a maximum along the width: none of it on bernoulli2."""
    return case(Refused(), torch.randn(1, 2, 4, 4))


if __name__ == "__main__":
    common.main("hbdk.py")
