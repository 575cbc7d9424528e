"""Common architectures at small width, for sequences, tokens and boxes."""
import math
from typing import Dict, List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TextTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(20, 8)
        self.register_buffer("pos", torch.sin(torch.arange(40.0)).reshape(5, 8))
        self.layers = nn.ModuleList([nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=i == 1) for i in range(2)])
        self.fc = nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.emb(tokens) * math.sqrt(8.0) + self.pos[: tokens.size(1)]
        for layer in self.layers:
            x = layer(x)
        return self.fc(x[:, 0])


class SelfAttention(nn.Module):
    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.scale = (dim // heads) ** -0.5

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q @ k.transpose(-2, -1) * self.scale).softmax(-1)
        return self.proj((a @ v).transpose(1, 2).reshape(b, n, c))


class Block(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.n1, self.attn, self.n2 = nn.LayerNorm(dim), SelfAttention(dim, 2), nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.n1(x))
        return x + self.mlp(self.n2(x))


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, 4)
        self.cls, self.pos = nn.Parameter(torch.randn(1, 1, 8)), nn.Parameter(torch.randn(1, 17, 8))
        self.blocks, self.norm, self.head = nn.Sequential(Block(8), Block(8)), nn.LayerNorm(8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.size(0), -1, -1), x], 1) + self.pos
        return self.head(self.norm(self.blocks(x))[:, 0])


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.n1, self.n2 = nn.Conv2d(3, 6, 4, 4), nn.LayerNorm(6), nn.LayerNorm(6)
        self.tokens, self.channels = nn.Sequential(nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 16)), nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 6))

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = x + self.tokens(self.n1(x).transpose(1, 2)).transpose(1, 2)
        return (x + self.channels(self.n2(x))).mean(1)


class WindowAttention(nn.Module):
    def __init__(self, dim: int, window: int):
        super().__init__()
        self.window, self.attn = window, SelfAttention(dim, 2)
        self.bias = nn.Parameter(torch.zeros(window * window, dim))

    def forward(self, x: Tensor, shift: int) -> Tensor:
        b, h, w, c = x.shape
        s = self.window
        if shift > 0:
            x = torch.roll(x, shifts=(-shift, -shift), dims=(1, 2))
        x = x.view(b, h // s, s, w // s, s, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, s * s, c)
        x = self.attn(x + self.bias)
        x = x.view(b, h // s, w // s, s, s, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        if shift > 0:
            x = torch.roll(x, shifts=(shift, shift), dims=(1, 2))
        return x


class Swin(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.a, self.b = nn.Conv2d(3, 4, 2, 2), WindowAttention(4, 2), WindowAttention(4, 2)
        self.merge, self.norm = nn.Linear(16, 8, bias=False), nn.LayerNorm(16)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).permute(0, 2, 3, 1)
        x = x + self.a(x, 0)
        x = x + self.b(x, 1)
        x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
        return self.merge(self.norm(x)).mean([1, 2])


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.lstm, self.out = nn.Embedding(12, 6), nn.LSTM(6, 6, num_layers=2, batch_first=True), nn.Linear(6, 12)
        self.out.weight = self.emb.weight

    def forward(self, tokens: Tensor) -> Tuple[Tensor, Tensor]:
        y, (h, _) = self.lstm(self.emb(tokens))
        return self.out(y), h


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    lt, rb = torch.max(a[:, None, :2], b[:, :2]), torch.min(a[:, None, 2:], b[:, 2:])
    wh = (rb - lt).clamp(min=0)
    inter = wh[:, :, 0] * wh[:, :, 1]
    area_a, area_b = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1]), (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    return inter / (area_a[:, None] + area_b - inter)


def plain_nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    order = torch.argsort(scores, descending=True)
    keep: List[int] = []
    while order.numel() > 0:
        i = int(order[0])
        keep.append(i)
        if order.numel() == 1:
            break
        rest = order[1:]
        iou = box_iou(boxes[i].unsqueeze(0), boxes[rest])[0]
        order = rest[iou <= threshold]
    return torch.tensor(keep, dtype=torch.int64)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 6, 3, 4, 1), nn.ReLU(), nn.Conv2d(6, 6, 3, 2, 1), nn.ReLU())
        self.cls, self.reg = nn.Conv2d(6, 3, 1), nn.Conv2d(6, 12, 1)
        self.sizes = [8.0, 12.0, 20.0]

    def anchors(self, h: int, w: int, stride: int) -> Tensor:
        ys = torch.arange(h).float() * stride
        xs = torch.arange(w).float() * stride
        gy, gx = torch.meshgrid([ys, xs], indexing="ij")
        out: List[Tensor] = []
        for s in self.sizes:
            out.append(torch.stack([gx - s / 2, gy - s / 2, gx + s / 2, gy + s / 2], -1))
        return torch.stack(out, 2).reshape(-1, 4)

    def decode(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        f = self.backbone(x)
        n, _, h, w = f.shape
        scores = self.cls(f).permute(0, 2, 3, 1).reshape(n, -1).sigmoid()
        deltas = self.reg(f).view(n, 3, 4, h, w).permute(0, 3, 4, 1, 2).reshape(n, -1, 4)
        return scores, self.anchors(h, w, 8).unsqueeze(0) + deltas

    def forward(self, x: Tensor, threshold: float = 0.5) -> List[Dict[str, Tensor]]:
        scores, boxes = self.decode(x)
        results: List[Dict[str, Tensor]] = []
        for i in range(x.size(0)):
            keep = torch.where(scores[i] > 0.45)[0]
            b, s = boxes[i][keep], scores[i][keep]
            if b.numel() > 0:
                kept = plain_nms(b, s, threshold)
                b, s = b[kept], s[kept]
            results.append({"boxes": b, "scores": s})
        return results


class NmsDetector(Detector):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        scores, boxes = self.decode(x)
        kept = torch.ops.torchvision.nms(boxes[0], scores[0], 0.5)
        return boxes[0][kept], scores[0][kept]


class Wavenet(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.out = nn.Conv1d(1, 4, 1), nn.Conv1d(4, 2, 1)
        self.filters = nn.ModuleList([nn.Conv1d(4, 4, 2, dilation=2**i) for i in range(3)])
        self.gates = nn.ModuleList([nn.Conv1d(4, 4, 2, dilation=2**i) for i in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.inp(x)
        skip = torch.zeros_like(x)
        for i, (f, g) in enumerate(zip(self.filters, self.gates)):
            p = F.pad(x, [1 << i, 0])
            y = torch.tanh(f(p)) * torch.sigmoid(g(p))
            skip = skip + y
            x = x + y
        return self.out(F.relu(skip))


class GraphNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        for i in range(2):
            h = self.a(x) if i == 0 else self.b(x)
            agg = torch.zeros_like(h).index_add(0, edges[1], h[edges[0]])
            x = F.relu(h + agg)
        return x


class MixtureOfExperts(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.experts = nn.Linear(4, 3), nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        w = self.gate(x).softmax(-1)
        best = w.argmax(-1)
        out = torch.zeros_like(x)
        for i, e in enumerate(self.experts):
            rows = torch.where(best == i)[0]
            if rows.numel() > 0:
                out[rows] = e(x[rows]) * w[rows, i].unsqueeze(1)
        return out
