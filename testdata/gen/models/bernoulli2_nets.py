"""Float models of nothing but what horizon.md 8.3 lists for bernoulli2, so that every operator has an int8 form."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.ao.nn.quantized import FloatFunctional
from torch.ao.quantization import DeQuantStub, QuantStub


class Layers(nn.Module):
    """Convolutions with every fusion, deconvolution, a batch norm alone, pooling, resizing."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.left, self.right = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.dilated = nn.Sequential(nn.Conv2d(8, 8, 3, padding=2, dilation=2), nn.ReLU6())
        self.add, self.add_relu = FloatFunctional(), FloatFunctional()
        self.alone = nn.BatchNorm2d(8)
        self.up = nn.Sequential(nn.ConvTranspose2d(8, 6, 3, 2, 1, output_padding=1, groups=2), nn.BatchNorm2d(6), nn.ReLU())
        self.maximum = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.mean = nn.AvgPool2d(3, 2, 1)
        self.adaptive = nn.AdaptiveAvgPool2d((2, 4))
        self.larger = nn.UpsamplingNearest2d(scale_factor=2)
        self.head = nn.Conv2d(6, 5, 1)

    def forward(self, x):
        x = self.stem(self.quant(x))
        x = F.relu(self.add_relu.add(x, self.left(x)))
        x = self.add.add(self.right(x), x)
        x = self.up(self.alone(self.dilated(x)))
        x = torch.cat([self.maximum(x)[:, :, :8, :8], self.mean(x)], dim=1)[:, 3:9]
        x = F.interpolate(self.larger(x), scale_factor=1.5, mode="bilinear", align_corners=False, recompute_scale_factor=True)
        x = F.interpolate(x, size=(8, 8), mode="bilinear", align_corners=False)
        return self.dequant(self.head(self.adaptive(x)))


class Arithmetic(nn.Module):
    """add, mul, a product with numbers of either sign, cat, sum, mean, maximum, minimum, a square."""

    def __init__(self):
        super().__init__()
        self.quantx, self.quanty, self.dequant = QuantStub(), QuantStub(), DeQuantStub()
        self.f = nn.ModuleList([FloatFunctional() for _ in range(7)])

    def forward(self, x, y):
        x, y = self.quantx(x), self.quanty(y)
        a = self.f[0].add(x, y)
        b = self.f[1].mul(a, y)
        c = self.f[2].mul_scalar(b, 0.3)
        d = self.f[3].mul_scalar(a, -1.7)
        e = self.f[4].cat([torch.maximum(c, x), torch.minimum(d, y), a], dim=1)
        e = torch.pow(e, 2)
        s = torch.sum(e, dim=1, keepdim=True)
        m = torch.mean(e, dim=3, keepdim=True)
        return self.dequant(self.f[5].add(s, m)), self.dequant(self.f[6].add_scalar(e, 0.25))


class Tables(nn.Module):
    """Functions of one number as tables of 256, and prelu."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.sigmoid, self.tanh, self.silu = nn.Sigmoid(), nn.Tanh(), nn.SiLU()
        self.one, self.each = nn.PReLU(), nn.PReLU(6, init=0.4)
        self.cat = FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        squashed = self.tanh(x)
        bent = [self.sigmoid(x), squashed, self.silu(x), torch.exp(squashed), self.one(x), self.each(x)]
        return self.dequant(self.cat.cat(bent, dim=1))


class Shapes(nn.Module):
    """What moves, cuts, orders or compares integers."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.shuffle = nn.ChannelShuffle(2)
        self.mean = nn.AvgPool2d(1)

    def forward(self, x):
        x = self.quant(x)
        y = self.shuffle(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2))
        y = F.pad(y, [1, 2, 0, 1], value=0.3)
        a, b = y.split([3, 5], dim=1)
        a, b = torch.clamp(a[:, :, ::2, 1:], -0.7, 0.9), torch.abs(b[:, 1:4, ::2, 1:])
        z = F.pad(torch.maximum(a, b), [1, 1, 1, 1], mode="replicate").permute(0, 2, 3, 1)
        top, where = torch.max(y, 1, keepdim=True)
        n, h, w, c = z.shape
        flat = z.reshape(n, h * w, c).transpose(1, 2).reshape(n, c * h * w)
        first = torch.argmax(F.relu(x), 1, keepdim=True)
        return self.dequant(flat), self.dequant(top), where, first, torch.gt(a, b), torch.le(self.mean(a), b)


class Product(nn.Module):
    """A matrix product, which plugin and front end round differently."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.matmul = FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        return self.dequant(torch.matmul(x, x.transpose(2, 3)))
