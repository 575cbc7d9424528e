"""A zoo of operators, scripted and traced from the same modules."""
from typing import List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common import Case, fixture

from . import script, trace


class Activations(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        return [
            F.relu(x), F.relu6(x), F.leaky_relu(x, 0.1), F.elu(x), F.selu(x), F.celu(x), F.gelu(x), F.gelu(x, approximate="tanh"), F.silu(x), F.mish(x), F.hardswish(x), F.hardsigmoid(x), F.hardtanh(x, -0.5, 0.5),
            F.softplus(x), F.softsign(x), F.softshrink(x), F.hardshrink(x), F.tanhshrink(x), F.threshold(x, 0.1, 20.0), F.logsigmoid(x), F.softmax(x, dim=-1), F.log_softmax(x, dim=1), F.softmin(x, dim=0), F.glu(x, dim=-1),
            torch.sigmoid(x), torch.tanh(x), F.prelu(x, torch.tensor([0.25])), F.rrelu(x), F.normalize(x, dim=1), F.relu(x.clone(), inplace=True),
        ]


@fixture
def ops_activations():
    """every activation, scripted"""
    return script(Activations(), torch.randn(3, 4))


@fixture
def ops_activations_traced():
    """every activation, traced"""
    return trace(Activations(), torch.randn(3, 4))


class Pooling(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        y, i = F.max_pool2d_with_indices(x, 2)
        a, b = F.adaptive_max_pool2d_with_indices(x, [2, 2])
        return [
            F.max_pool2d(x, 3, 2, 1, ceil_mode=True), F.max_pool2d(x, [2, 1], dilation=2), F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), F.avg_pool2d(x, 2, divisor_override=3), F.adaptive_avg_pool2d(x, 1),
            F.adaptive_avg_pool2d(x, [3, 2]), F.adaptive_max_pool2d(x, 2), F.lp_pool2d(x, 2.0, 2), y, i, a, b, F.max_unpool2d(y, i, 2), F.max_pool1d(x[0], 2), F.avg_pool1d(x[0], 3), F.adaptive_avg_pool1d(x[0], 2),
        ]


@fixture
def ops_pooling():
    """pooling of every kind, with indices and unpooling"""
    return script(Pooling(), torch.randn(1, 2, 6, 6))


class Pool3d(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        return [F.max_pool3d(x, 2), F.avg_pool3d(x, 2), F.adaptive_avg_pool3d(x, 1), F.adaptive_avg_pool3d(x, [1, 2, 2]), F.interpolate(x, scale_factor=2.0, mode="trilinear", align_corners=False)]


@fixture
def ops_pooling_3d():
    """3-D pooling and trilinear interpolation"""
    return trace(Pool3d(), torch.randn(1, 2, 4, 4, 4))


class Interpolates(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        return [
            F.interpolate(x, scale_factor=2.0), F.interpolate(x, size=[5, 7], mode="nearest"), F.interpolate(x, size=[5, 7], mode="bilinear", align_corners=False), F.interpolate(x, scale_factor=1.5, mode="bilinear", align_corners=True),
            F.interpolate(x, scale_factor=[2.0, 0.5], mode="bicubic", align_corners=False), F.interpolate(x, size=[3, 3], mode="area"), F.interpolate(x, scale_factor=2.0, mode="nearest-exact"),
            F.interpolate(x, scale_factor=1.7, mode="bilinear", align_corners=False, recompute_scale_factor=True), F.interpolate(x, size=[2, 2], mode="bilinear", align_corners=False, antialias=True), F.pixel_shuffle(torch.cat([x, x], 1), 2), F.pixel_unshuffle(x, 2),
        ]


@fixture
def ops_interpolate():
    """interpolate in every mode, scripted: the whole of its Python is in the file"""
    return script(Interpolates(), torch.randn(1, 2, 4, 4))


@fixture
def ops_interpolate_traced():
    """interpolate in every mode, traced"""
    return trace(Interpolates(), torch.randn(1, 2, 4, 4))


class GridSample(nn.Module):
    def forward(self, x: Tensor, theta: Tensor) -> List[Tensor]:
        grid = F.affine_grid(theta, [1, 2, 3, 3], align_corners=False)
        return [F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False), F.grid_sample(x, grid, mode="nearest", padding_mode="border", align_corners=True), F.grid_sample(x, grid, mode="bicubic", padding_mode="reflection", align_corners=False)]


@fixture
def ops_grid_sample():
    """affine_grid and grid_sample in three modes"""
    return script(GridSample(), torch.randn(1, 2, 4, 4), torch.tensor([[[0.8, 0.1, 0.2], [-0.1, 1.1, -0.3]]]))


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn, self.inorm, self.gn, self.ln = nn.BatchNorm2d(4), nn.InstanceNorm2d(4, affine=True), nn.GroupNorm(2, 4), nn.LayerNorm([4, 4])
        self.bn_plain, self.lrn = nn.BatchNorm2d(4, affine=False, track_running_stats=False), nn.LocalResponseNorm(2)
        self.bn.running_mean.uniform_(-1, 1)
        self.bn.running_var.uniform_(0.5, 2)

    def forward(self, x: Tensor) -> List[Tensor]:
        return [self.bn(x), self.inorm(x), self.gn(x), self.ln(x), self.bn_plain(x), self.lrn(x), F.layer_norm(x, [4]), F.instance_norm(x), F.batch_norm(x, torch.zeros(4), torch.ones(4))]


@fixture
def ops_norms():
    """batch, instance, group, layer and local response norm"""
    return script(Norms(), torch.randn(2, 4, 4, 4))


@fixture
def ops_norms_traced():
    """batch, instance, group, layer and local response norm, traced"""
    return trace(Norms(), torch.randn(2, 4, 4, 4))


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain, self.same = nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3, padding="same", dilation=2)
        self.grouped, self.depthwise = nn.Conv2d(4, 4, 3, groups=2, padding=1), nn.Conv2d(4, 8, 3, groups=4, padding=1, stride=2)
        self.reflect, self.circular = nn.Conv2d(8, 2, 3, padding=1, padding_mode="reflect"), nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular")
        self.one = nn.Conv1d(2, 3, 3, bias=False)
        self.up, self.up2 = nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1), nn.ConvTranspose2d(3, 2, 2, groups=1, bias=False)

    def forward(self, x: Tensor) -> List[Tensor]:
        y = self.depthwise(self.grouped(self.same(self.plain(x))))
        z = self.circular(self.reflect(y))
        return [y, z, self.one(z.flatten(2)), self.up2(self.up(z)), F.conv2d(x, torch.ones(1, 2, 1, 1)), F.unfold(x, 2), F.fold(F.unfold(x, 2), [9, 9], 2)]


@fixture
def ops_convolutions():
    """convolutions: same padding, groups, depthwise, dilation, padding modes, transposed, 1-D"""
    return script(Convolutions(), torch.randn(1, 2, 9, 9))


@fixture
def ops_convolutions_traced():
    """convolutions of every kind, traced"""
    return trace(Convolutions(), torch.randn(1, 2, 9, 9))


class Reductions(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        v, i = torch.max(x, 1)
        t, ti = torch.topk(x, 2, dim=-1)
        s, si = torch.sort(x, dim=1, descending=True)
        k, ki = torch.kthvalue(x, 2)
        var, mean = torch.var_mean(x, dim=[1])
        return [
            x.sum(), x.sum([0, 1]), x.sum(1, keepdim=True), x.mean(), x.mean(-1, dtype=torch.float64), x.std(), x.var(1, unbiased=False), x.prod(), x.norm(), x.norm(p=1, dim=1), x.amax([0]), x.amin(1), x.argmax(), x.argmin(dim=1), x.logsumexp(1),
            x.cumsum(1), x.cumprod(0), x.median(), x.any(), x.all(1), v, i, t, ti, s, si, k, ki, var, mean, x.min(), (x > 0).sum(), x.abs().max(dim=0)[0], torch.linalg.vector_norm(x), x.flip([1]), x.roll(1, 0), x.diff(), torch.quantile(x, 0.5), x.nansum(), torch.count_nonzero(x),
        ]


@fixture
def ops_reductions():
    """reductions, sorting and searching"""
    return script(Reductions(), torch.randn(3, 4))


class Elementwise(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> List[Tensor]:
        p = x.abs() + 0.1
        return [
            x + y, x - y, x * y, x / y, x // y, x % y, x ** 2, p ** y, 2 ** x, 2 - x, 2 / p, 1 + x, -x, x.abs(), torch.add(x, y, alpha=2), torch.sub(x, y, alpha=0.5), torch.rsub(x, y), torch.addcmul(x, x, y, value=0.5), torch.addcdiv(x, x, p), torch.lerp(x, y, 0.3),
            torch.div(x, y, rounding_mode="floor"), torch.div(x, y, rounding_mode="trunc"), torch.fmod(x, 2.0), torch.remainder(x, 2.0), torch.exp(x), torch.log(p), torch.sqrt(p), torch.rsqrt(p), torch.sin(x), torch.cos(x), torch.atan2(x, y), torch.erf(x), torch.floor(x), torch.ceil(x), torch.round(x), torch.trunc(x), torch.frac(x), torch.sign(x), torch.reciprocal(p), torch.square(x),
            torch.clamp(x, -0.5, 0.5), torch.clip(x, max=0.2), torch.minimum(x, y), torch.maximum(x, y), torch.where(x > y, x, y), torch.logical_and(x > 0, y > 0), x.eq(y), x != y, x < y, x >= 0.5, (x > 0) & (y > 0), (x > 0) | (y > 0), (x > 0) ^ (y > 0), ~(x > 0), torch.isnan(x / 0.0), torch.nan_to_num(x / 0.0), torch.pow(2.0, x), torch.expm1(x), torch.log1p(p), torch.sinh(x),
        ]


@fixture
def ops_elementwise():
    """elementwise arithmetic, comparison and logic, with scalars on both sides"""
    return script(Elementwise(), torch.randn(2, 3), torch.randn(2, 3))


@fixture
def ops_elementwise_traced():
    """elementwise arithmetic, comparison and logic, traced"""
    return trace(Elementwise(), torch.randn(2, 3), torch.randn(2, 3))


class Integers(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> List[Tensor]:
        return [a / b, a // b, a % b, torch.div(a, b, rounding_mode="trunc"), a & b, a | b, a ^ b, ~a, a << 1, a >> 1, a * 2, a + 0.5, a ** 2, torch.gcd(a, b), torch.bincount(b), a.float() / 2, torch.bitwise_and(a, 3), a == b, torch.floor_divide(a, 2), F.one_hot(b, 6), -a, a.sum(), a.float().mean(), a.max()]


@fixture
def ops_integers():
    """integer tensors: true, floor and truncating division, bits, shifts"""
    return script(Integers(), torch.tensor([7, -7, 8, 0]), torch.tensor([2, 3, 5, 4]))


class Shapes(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        a, b = x.split(2, dim=1)
        return [
            x.view(6, 4), x.reshape(-1), x.permute(2, 0, 1), x.transpose(0, 2), x[0].t(), x.flatten(1), x.unsqueeze(1).squeeze(), x.expand(2, 2, 4, 3), x.repeat(1, 2, 1), x.repeat_interleave(2, dim=0), torch.cat([a, b], dim=-1), torch.stack([a, b]), torch.hstack([a, b]), torch.vstack([a, b]),
            x.narrow(1, 1, 2), x.select(0, 1), x.index_select(1, torch.tensor([3, 0])), x.gather(1, torch.zeros(2, 1, 3, dtype=torch.int64)), x.movedim(0, 2), x.swapaxes(0, 1), x.unflatten(1, [2, 2]), F.pad(x, [1, 2]), F.pad(x, [1, 1], mode="reflect"), F.pad(x, [0, 1, 1, 0], value=7.0), x.unfold(1, 2, 1), x.contiguous().stride(0) * x,
            x.as_strided([2, 2], [1, 3]), torch.tile(x, [1, 1, 2]), x.diagonal(dim1=1, dim2=2), torch.tensor_split(x, 3, dim=1)[1], x.chunk(4, 1)[3], torch.broadcast_tensors(x, torch.ones(3))[1], x.clone(), torch.rot90(x, 1, [0, 1]), torch.atleast_2d(x[0, 0]), x.new_empty([0, 3]), torch.broadcast_to(x[0, 0], [2, 3]), x.view_as(x),
        ]


@fixture
def ops_shapes():
    """views, permutations, joins, pads"""
    return script(Shapes(), torch.arange(24.0).reshape(2, 4, 3))


@fixture
def ops_shapes_traced():
    """views, permutations, joins, pads, traced"""
    return trace(Shapes(), torch.arange(24.0).reshape(2, 4, 3))


class LinearAlgebra(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> List[Tensor]:
        return [
            a @ b, torch.mm(a, b), torch.bmm(a[None], b[None]), torch.matmul(a[None, None], b), torch.addmm(torch.ones(2), a, b, beta=0.5, alpha=2.0), torch.mv(a, b[:, 0]), torch.dot(a[0], b[:, 0]), torch.outer(a[0], b[:, 0]), torch.einsum("ij,jk->ik", [a, b]), torch.einsum("ij,ij->i", [a, a]), torch.einsum("bhqd,bhkd->bhqk", [a[None, None], a[None, None]]),
            torch.baddbmm(torch.zeros(1, 2, 2), a[None], b[None]), torch.tensordot(a, b, dims=([1], [0])), torch.cdist(a, a), torch.cross(a, a + 1, dim=1), torch.kron(a, b), F.linear(a, a), F.bilinear(a, a, torch.ones(1, 3, 3)), torch.chain_matmul(a, b) if False else a @ b, a.mT, torch.trace(a @ b), torch.tril(a), F.cosine_similarity(a, a + 1), F.pairwise_distance(a, a + 1),
        ]


@fixture
def ops_linear_algebra():
    """matrix products, einsum with several patterns"""
    return script(LinearAlgebra(), torch.randn(2, 3), torch.randn(3, 2))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.mha = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        y, w = self.mha(x, x, x, need_weights=True)
        assert w is not None
        q = x.unsqueeze(1)
        return y, w, F.scaled_dot_product_attention(q, q, q, is_causal=True)


@fixture
def ops_attention():
    """multi-head attention scripted in full, and scaled_dot_product_attention"""
    return script(Attention(), torch.randn(2, 3, 4))


class Losses(nn.Module):
    def forward(self, x: Tensor, t: Tensor) -> List[Tensor]:
        y = torch.zeros_like(x)
        return [F.cross_entropy(x, t), F.nll_loss(F.log_softmax(x, 1), t), F.mse_loss(x, y), F.l1_loss(x, y, reduction="none"), F.smooth_l1_loss(x, y), F.huber_loss(x, y), F.binary_cross_entropy_with_logits(x, y), F.kl_div(F.log_softmax(x, 1), F.softmax(y, 1), reduction="batchmean"), F.cross_entropy(x, t, label_smoothing=0.1, reduction="sum")]


@fixture
def ops_losses():
    """loss functions"""
    return script(Losses(), torch.randn(3, 4), torch.tensor([0, 3, 1]))


class Embeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.bag = nn.Embedding(10, 4, padding_idx=0), nn.EmbeddingBag(10, 3, mode="sum")

    def forward(self, i: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        return self.emb(i), self.bag(i), F.embedding(i, self.bag.weight)


@fixture
def ops_embedding():
    """embedding and embedding bag"""
    return script(Embeddings(), torch.tensor([[1, 0, 9], [2, 2, 3]]))


class Fft(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        f = torch.fft.rfft(x)
        s = torch.stft(x[0], 4, hop_length=2, window=torch.hann_window(4), return_complex=True)
        return f, torch.fft.irfft(f, n=8), torch.view_as_real(s), torch.polar(x.abs(), x).angle()


@fixture
def ops_fft_complex():
    """Fourier transforms, complex tensors"""
    return script(Fft(), torch.randn(2, 8))


class Random(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        return [torch.rand(2), torch.randn(2, 2), torch.randint(0, 10, [3]), torch.randperm(5), torch.rand_like(x), torch.randn_like(x), F.dropout(x, 0.5, True), torch.bernoulli(torch.full_like(x, 0.5)), torch.normal(x, 1.0), x.clone().uniform_(0.0, 1.0), torch.empty(2).normal_(), torch.multinomial(x.abs(), 2), F.gumbel_softmax(x), torch.empty(2).exponential_()]


@fixture
def ops_random():
    """random ops; outputs hold for torch.manual_seed(0) before the call"""
    return script(Random(), torch.randn(2, 3), random=True)


@fixture
def ops_random_traced():
    """random ops, traced; outputs hold for torch.manual_seed(0) before the call"""
    return trace(Random(), torch.randn(2, 3), random=True)


class DropoutTrain(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Dropout(0.3), nn.Dropout2d(0.5), nn.AlphaDropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        return self.c(self.b(self.a(x)))


@fixture
def ops_dropout_training():
    """dropout layers saved in training mode; outputs hold for torch.manual_seed(0) before the call"""
    return Case(torch.jit.script(DropoutTrain().train()), (torch.ones(1, 4, 3, 3),), random=True)


class OutVariants(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        y = torch.empty_like(x)
        torch.add(x, x, out=y)
        z = torch.zeros_like(x)
        torch.mul(x, 2.0, out=z)
        return y, z


@fixture
def ops_out_arguments():
    """out= arguments"""
    return script(OutVariants(), torch.randn(2, 3))


class Nonzero(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        u, inv, cnt = torch.unique(torch.tensor([3, 1, 3]), sorted=True, return_inverse=True, return_counts=True)
        return [x.nonzero(), torch.masked_select(x, x > 0), x[x > 0], u, inv, cnt, torch.searchsorted(torch.tensor([1.0, 2.0]), x), torch.bucketize(x, torch.tensor([0.0, 1.0])), torch.nonzero(x > 0)[:, 0]]


@fixture
def ops_data_dependent():
    """results whose shapes depend on the data"""
    return script(Nonzero(), torch.tensor([[1.0, 0.0], [-1.0, 2.5]]))
