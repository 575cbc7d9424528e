"""Common architectures at small width, for images and video."""
from typing import List

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn(i: int, o: int, k: int = 3, stride: int = 1, groups: int = 1, act: bool = True) -> nn.Sequential:
    layers: List[nn.Module] = [nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if act else nn.Sequential(*layers)


class Residual(nn.Module):
    def __init__(self, i: int, o: int, stride: int = 1):
        super().__init__()
        self.body = nn.Sequential(conv_bn(i, o, 3, stride), conv_bn(o, o, 3, act=False))
        self.short = nn.Identity() if i == o and stride == 1 else conv_bn(i, o, 1, stride, act=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        y += self.short(x)
        return F.relu(y, inplace=True)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, 6, 3, 2), nn.MaxPool2d(3, 2, 1))
        self.layers = nn.Sequential(Residual(6, 6), Residual(6, 8, 2), Residual(8, 8))
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(self.stem(x))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Inverted(nn.Module):
    def __init__(self, i: int, o: int, stride: int, expand: int):
        super().__init__()
        h = i * expand
        self.conv = nn.Sequential(nn.Conv2d(i, h, 1, bias=False), nn.BatchNorm2d(h), nn.ReLU6(True), nn.Conv2d(h, h, 3, stride, 1, groups=h, bias=False), nn.BatchNorm2d(h), nn.ReLU6(True), nn.Conv2d(h, o, 1, bias=False), nn.BatchNorm2d(o))
        self.residual = stride == 1 and i == o

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv_bn(3, 4, 3, 2), Inverted(4, 4, 1, 2), Inverted(4, 6, 2, 3), Inverted(6, 6, 1, 3))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(6, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean([2, 3]))


class InceptionBlock(nn.Module):
    def __init__(self, i: int):
        super().__init__()
        self.one, self.three = conv_bn(i, 3, 1), nn.Sequential(conv_bn(i, 2, 1), conv_bn(2, 4, 3))
        self.five, self.pool = nn.Sequential(conv_bn(i, 2, 1), conv_bn(2, 2, 5)), nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv_bn(i, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.a, self.b, self.fc = conv_bn(3, 4, 3, 2), InceptionBlock(4), InceptionBlock(11), nn.Linear(11, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(self.b(F.max_pool2d(self.a(self.stem(x)), 2)), 4)
        return self.fc(x.flatten(1))


class DenseLayer(nn.Module):
    def __init__(self, i: int, growth: int):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(i), nn.Conv2d(i, growth, 3, padding=1, bias=False)

    def forward(self, features: List[Tensor]) -> Tensor:
        return self.conv(F.relu(self.norm(torch.cat(features, 1))))


class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 2, 1)
        self.block = nn.ModuleList([DenseLayer(4 + 3 * i, 3) for i in range(3)])
        self.transition = nn.Sequential(nn.BatchNorm2d(13), nn.ReLU(), nn.Conv2d(13, 6, 1), nn.AvgPool2d(2))
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        features = [self.stem(x)]
        for layer in self.block:
            features.append(layer(features))
        return self.fc(self.transition(torch.cat(features, 1)).amax([2, 3]))


class Aspp(nn.Module):
    def __init__(self, i: int, o: int):
        super().__init__()
        self.branches = nn.ModuleList([nn.Conv2d(i, o, 1), nn.Conv2d(i, o, 3, padding=2, dilation=2), nn.Conv2d(i, o, 3, padding=3, dilation=3)])
        self.pool, self.project = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(i, o, 1), nn.ReLU()), nn.Conv2d(4 * o, o, 1)

    def forward(self, x: Tensor) -> Tensor:
        outs: List[Tensor] = []
        for b in self.branches:
            outs.append(b(x))
        outs.append(F.interpolate(self.pool(x), size=x.shape[-2:], mode="bilinear", align_corners=False))
        return self.project(torch.cat(outs, 1))


class Segmentation(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.aspp, self.head = nn.Sequential(conv_bn(3, 4, 3, 2), conv_bn(4, 6, 3, 2)), Aspp(6, 4), nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.head(self.aspp(self.backbone(x)))
        return F.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.d1, self.d2, self.mid = conv_bn(3, 4), conv_bn(4, 6), conv_bn(6, 8)
        self.u2, self.c2 = nn.ConvTranspose2d(8, 6, 2, 2), conv_bn(12, 6)
        self.u1, self.c1, self.out = nn.Upsample(scale_factor=2, mode="nearest"), conv_bn(10, 4), nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        y = self.c2(torch.cat([self.u2(m), b], 1))
        return torch.sigmoid(self.out(self.c1(torch.cat([self.u1(y), a], 1))))


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.fc1, self.fc2 = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.hardswish(self.bn(self.conv(x)))
        s = F.adaptive_avg_pool2d(y, 1)
        return y * F.hardsigmoid(self.fc2(F.relu(self.fc1(s))))


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    n, c, h, w = x.size()
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)


class ShuffleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8, 3, 2)
        self.branch = nn.Sequential(conv_bn(4, 4, 1), conv_bn(4, 4, 3, groups=4, act=False), conv_bn(4, 4, 1))
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for _ in range(2):
            a, b = x.chunk(2, dim=1)
            x = channel_shuffle(torch.cat((a, self.branch(b)), dim=1), 2)
        return self.fc(x.mean([2, 3]))


class Fpn(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.c3 = conv_bn(3, 4, 3, 2), conv_bn(4, 6, 3, 2), conv_bn(6, 8, 3, 2)
        self.lateral = nn.ModuleList([nn.Conv2d(c, 4, 1) for c in (4, 6, 8)])
        self.smooth = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1) for _ in range(3)])

    def forward(self, x: Tensor) -> List[Tensor]:
        a = self.c1(x)
        b = self.c2(a)
        maps = [a, b, self.c3(b)]
        laterals: List[Tensor] = []
        for i, l in enumerate(self.lateral):
            laterals.append(l(maps[i]))
        for i in range(2, 0, -1):
            laterals[i - 1] = laterals[i - 1] + F.interpolate(laterals[i], scale_factor=2.0, mode="nearest")
        outs: List[Tensor] = []
        for i, s in enumerate(self.smooth):
            outs.append(s(laterals[i]))
        return outs


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.ConvTranspose2d(6, 8, 4, 1, 0, bias=False), nn.BatchNorm2d(8), nn.ReLU(True), nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.LeakyReLU(0.2, True), nn.ConvTranspose2d(4, 3, 4, 2, 1), nn.Tanh()
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z[:, :, None, None])


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ELU(), nn.Flatten(), nn.Linear(64, 6))
        self.dec = nn.Sequential(nn.Linear(6, 64), nn.ELU(), nn.Unflatten(1, (4, 4, 4)), nn.ConvTranspose2d(4, 1, 2, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.dec(self.enc(x))


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 4))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        x, y = self.encoder(a), self.encoder(b)
        return F.cosine_similarity(x, y) - F.pairwise_distance(x, y)


class Video(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(3, 4, 3, (1, 2, 2), 1), nn.BatchNorm3d(4), nn.ReLU(True), nn.Conv3d(4, 6, (3, 1, 1), padding=(1, 0, 0)), nn.MaxPool3d(2), nn.AdaptiveAvgPool3d(1), nn.Flatten())
        self.fc = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(x))


class SuperResolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.act, self.conv2, self.shuffle = nn.Conv2d(1, 6, 5, padding=2), nn.PReLU(6), nn.Conv2d(6, 4, 3, padding=1), nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(self.conv2(self.act(self.conv1(x)))) + F.interpolate(x, scale_factor=2.0, mode="bicubic", align_corners=False)


class Crnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(conv_bn(1, 4), nn.MaxPool2d(2), conv_bn(4, 6), nn.MaxPool2d((2, 1)))
        self.rnn, self.fc = nn.LSTM(12, 5, bidirectional=True), nn.Linear(10, 7)

    def forward(self, x: Tensor) -> Tensor:
        f = self.cnn(x)
        n, c, h, w = f.shape
        y, _ = self.rnn(f.permute(3, 0, 1, 2).reshape(w, n, c * h))
        return F.log_softmax(self.fc(y), dim=2)


class RepVgg(nn.Module):
    def __init__(self):
        super().__init__()
        self.three, self.one, self.bn = conv_bn(4, 4, 3, act=False), conv_bn(4, 4, 1, act=False), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.three(x) + self.one(x) + self.bn(x))


class CspYolo(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 1), conv_bn(4, 4)
        self.stem, self.head = nn.Conv2d(12, 8, 3, padding=1), nn.Conv2d(8, 2 * 7, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.register_buffer("anchors", torch.tensor([[10.0, 13.0], [33.0, 23.0]]))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)
        x = F.silu(self.stem(x))
        p = self.pool(self.c(F.silu(self.a(x))))
        y = self.head(torch.cat([p, self.b(x)], 1))
        n, _, h, w = y.shape
        y = y.view(n, 2, 7, h, w).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
        grid = torch.stack(torch.meshgrid([torch.arange(w), torch.arange(h)], indexing="xy"), 2).float()
        xy = (y[..., 0:2] * 2 - 0.5 + grid) * 8
        wh = (y[..., 2:4] * 2) ** 2 * self.anchors.view(1, 2, 1, 1, 2)
        return torch.cat([xy, wh, y[..., 4:]], -1).view(n, -1, 7)
