"""Float models for quantisation: operators that are made of others, a net for each kind."""
import torch
import torch.nn.functional as F
from torch import nn


class Lengths(nn.Module):
    """Lengths of vectors, and what is divided by them."""

    def forward(self, x, y):
        unit = F.normalize(x, dim=1)
        sizes = x.norm(p=2, dim=-1) + torch.linalg.vector_norm(y, ord=1, dim=-1) - y.abs().amax(-1)
        alike = F.cosine_similarity(x, y, dim=-1)
        apart = F.pairwise_distance(x, y)
        whole = torch.linalg.matrix_norm(x)
        return unit, sizes, alike, apart, whole


class Spread(nn.Module):
    """Variances with and without the correction, a root mean square, a logarithm of a sum."""

    def __init__(self):
        super().__init__()
        self.norm = nn.RMSNorm(6, eps=1e-3)
        self.norm.weight.data.uniform_(0.5, 1.5)

    def forward(self, x):
        y = self.norm(x)
        deviation = torch.std(x, dim=(1, 2), keepdim=True)
        variance = x.var(-1, unbiased=False)
        return y / deviation, variance, torch.logsumexp(x, -1), torch.logsumexp(x, 1, keepdim=True)


class Named(nn.Module):
    """Sums over named dimensions: matrix products, products of elements, a linear, three operands."""

    def __init__(self):
        super().__init__()
        self.graph = nn.Parameter(torch.randn(3, 6, 6) / 3)
        self.mix = nn.Parameter(torch.randn(6, 6) / 3)

    def forward(self, x, y):
        scores = torch.einsum("bqhd,bkhd->bhqk", x, y)
        mixed = torch.einsum("bhqk,bkhd->bqhd", torch.sigmoid(scores), y)
        mixed = torch.einsum("nctv,vw->nctw", mixed, self.mix)
        image = torch.einsum("nkctv,kvw->nctw", torch.stack([x, y, mixed], 1), self.graph)
        outer = torch.einsum("bi,bj->bij", x[:, 0, 0], y[:, 0, 0])
        chain = torch.einsum("...ij,...jk,...k->...i", outer, outer, x[:, 0, 0])
        return image, chain, torch.einsum("bqhd->bdh", mixed), torch.tensordot(x, self.mix, dims=1)


class Whole(nn.Module):
    """Whole numbers below and above."""

    def __init__(self):
        super().__init__()
        self.rows = nn.Linear(6, 6)

    def forward(self, x):
        cell = torch.floor(x)
        far = torch.ceil(self.rows(x) * 100.0)
        return cell * 0.25 + x, torch.ceil(x), far


class Curves(nn.Module):
    """Further functions of one number."""

    def forward(self, x):
        size = torch.abs(x) + 0.5
        left = F.mish(x) + F.logsigmoid(x) + F.celu(x, 1.3) + F.softshrink(x, 0.3) + F.tanhshrink(x) + F.rrelu(x)
        right = torch.exp2(x) + torch.expm1(x) + torch.erfc(x) + 3.0**x + F.threshold(x, 0.2, 0.2)
        logs = torch.log2(size) + torch.log10(size) + torch.log1p(size) + torch.sqrt(size)
        return left, right, logs, F.log_softmax(x, -1)


class Products(nn.Module):
    """Products of matrices with a summand, of vectors, of elements with a summand; extremes, parts."""

    def forward(self, x, y):
        a, c = x[0], y[0]
        z = torch.addmm(a, a, c) + torch.mv(a, c[0]) + torch.outer(a[0], c[0])
        z = torch.lerp(torch.addcmul(z, a, c, value=0.5), c, 0.3)
        turned = torch.linalg.cross(x[:, :, :3], y[:, :, 3:])
        top = torch.maximum(torch.clamp(x, y - 0.5, y + 0.5), torch.tensor(0.1)).max(1)[0]
        low = x.amin((1, 2)) + x.mean((1, -1))
        both = torch.hstack([x, y]).repeat_interleave(2, dim=1)
        first, *_, last = y.unbind(1)
        z = z + torch.movedim(first[:, :, None] * last[:, None], 0, -1)[..., 0]
        return z, turned, top, low, both.to(torch.float32) + 1.0


class Windows(nn.Module):
    """Pools and convolutions whose windows follow from sizes or names, and their one-dimensional kin."""

    def __init__(self):
        super().__init__()
        self.same = nn.Conv2d(3, 4, 4, padding="same")
        self.up = nn.ConvTranspose1d(4, 4, 4, stride=2, padding=1)
        self.wide = nn.AdaptiveAvgPool2d((1, None))

    def forward(self, x):
        x = F.relu(self.same(x))
        line = self.up(self.wide(x).squeeze(2))
        line = F.interpolate(line, scale_factor=2.0, mode="linear", align_corners=False)
        return F.adaptive_max_pool2d(x, (2, 4)), F.adaptive_max_pool1d(line, 1), F.adaptive_avg_pool2d(x, (4, 2))


class Response(nn.Module):
    """A norm over neighbouring channels."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.LocalResponseNorm(3, alpha=0.5, k=2.0)

    def forward(self, x):
        return self.norm(F.relu(self.conv(x)))
