"""Float models for quantisation: the guide's example, and one net for each thing that fusing must get right."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.ao.nn.quantized import FloatFunctional
from torch.ao.quantization import DeQuantStub, QuantStub


class Interpolate(nn.Module):
    """The plugin's `nn.Interpolate`, which is `F.interpolate` as a module."""

    def __init__(self, scale_factor: float):
        super().__init__()
        self.scale_factor = scale_factor

    def forward(self, x):
        return F.interpolate(x, scale_factor=self.scale_factor, mode="bilinear", align_corners=False, recompute_scale_factor=True)


class GuideNet(nn.Module):
    """The guide's example network. `Softmax` says its dimension, which the guide leaves to torch's old default; resizes
    are bilinear, without aligned corners, which the compiler refuses: so the last is no `UpsamplingBilinear2d`."""

    def __init__(self):
        super().__init__()
        self.quant_stubx = QuantStub()
        self.quant_stuby = QuantStub()
        self.unused = nn.ReLU()
        self.mul_op = FloatFunctional()
        self.cat_op = FloatFunctional()
        self.add_op = FloatFunctional()
        self.quantized_ops = nn.Sequential(
            nn.ReLU(),
            nn.Sigmoid(),
            nn.Softmax(dim=1),
            nn.SiLU(),
            Interpolate(2.0),
            Interpolate(2.3),
            nn.AvgPool2d(kernel_size=4),
            nn.Upsample(scale_factor=1.3, mode="bilinear"),
            nn.Upsample(scale_factor=0.7, mode="bilinear"),
        )
        self.dequant_stub = DeQuantStub()

    def forward(self, x, y):
        x = self.quant_stubx(x)
        y = self.quant_stuby(y)
        y = self.add_op.add(x, y)
        x = self.cat_op.cat([x, y], 1)
        x = self.cat_op.cat([x, y], dim=1)
        a, b = x.split(15, dim=1)
        x = self.mul_op.mul(a, b)
        x = self.quantized_ops(x)
        return self.dequant_stub(x)


def conv_bn(channels, out, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(channels, out, 3, stride, 1, groups=groups, bias=False), nn.BatchNorm2d(out))


class Fusion(nn.Module):
    """Every order of horizon.md 8.1, with relu and relu6, add on either side, transposed and grouped."""

    def __init__(self):
        super().__init__()
        self.bn_relu = nn.Sequential(*conv_bn(3, 8), nn.ReLU())
        self.bn_add_relu = conv_bn(8, 8)
        self.add_left = nn.Conv2d(8, 8, 1)
        self.bn_relu6 = nn.Sequential(*conv_bn(8, 8, groups=4), nn.ReLU6())
        self.up = nn.Sequential(nn.ConvTranspose2d(8, 6, 2, 2, groups=2), nn.BatchNorm2d(6), nn.ReLU())
        self.alone = nn.BatchNorm2d(6)
        self.fc_bn = nn.Sequential(nn.Linear(6, 10), nn.BatchNorm1d(10), nn.ReLU())
        self.fc_add = nn.Linear(10, 10)
        self.last = nn.Linear(10, 4)

    def forward(self, x):
        x = self.bn_relu(x)
        x = F.relu(x + self.bn_add_relu(x))
        x = self.add_left(x) + x
        x = self.bn_relu6(x)
        x = self.alone(self.up(x))
        x = self.fc_bn(x.mean([2, 3]))
        x = self.fc_add(x) + x
        return self.last(x)


class Shared(nn.Module):
    """One convolution called twice, one relu called three times."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        a = self.relu(self.conv(x))
        b = self.relu(self.bn(self.conv(a)))
        return self.relu(a - b)


class Gates(nn.Module):
    """The step of an LSTM: gates written in place to the parts of one tensor."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(6, 4)

    def forward(self, x, h, c):
        h, c = self.cell(x, (h, c))
        return h, c


class Recurrent(nn.Module):
    """Recurrent layers: several, both ways, batch first or not, with and without biases, from zeros and given states."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(8, 5)
        self.rnn = nn.RNN(5, 4, batch_first=True, bias=False)
        self.relu = nn.RNN(4, 4, nonlinearity="relu", bidirectional=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x, h):
        y, (_, c) = self.lstm(x)
        y, h = self.gru(y.transpose(0, 1), h)
        y, last = self.rnn(y.transpose(0, 1))
        y, _ = self.relu(y.transpose(0, 1))
        return self.head(y), h, c, last


class Steps(nn.Module):
    """A layer called twice, on other data and from its own last states, and cells in a loop."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 4)
        self.cell = nn.GRUCell(4, 4)

    def forward(self, x, h, c):
        y, (h, c) = self.lstm(x, (h, c))
        z, (h, c) = self.lstm(x * 0.5, (h, c))
        h = h[0]
        for t in range(3):
            h = self.cell(z[t], h)
        return y + z, h, c


class Functional(nn.Module):
    """Operators without modules: scalars on either side, products, means, halves, a channel shuffle."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 8) / 3)
        self.scale = nn.Parameter(torch.rand(1, 4, 1, 1) + 0.5)

    def forward(self, x, y):
        z = (1 - x) * 2 + y / 4 - 0.5
        z = z * self.scale
        a, b = z.chunk(2, dim=1)
        z = torch.cat([torch.maximum(a, b), torch.minimum(a, b)], dim=1)
        n, c, h, w = z.shape
        z = z.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        z = F.hardtanh(F.pad(z, [1, 1, 1, 1]), -1.0, 1.0)
        z = F.max_pool2d(z, 2)
        flat = z.flatten(2)
        scores = torch.bmm(flat, flat.transpose(1, 2)).sum(1, keepdim=True) + flat.mean(2).unsqueeze(1)
        return F.gelu(torch.matmul(scores, torch.ones(4, 8))) @ self.weight.t(), z


class Activations(nn.Module):
    """Functions of one number, glu, prelu, softmax, layer norm, attention."""

    def __init__(self):
        super().__init__()
        self.prelu = nn.PReLU(8)
        self.norm = nn.LayerNorm(8)
        self.act = nn.ModuleList(
            [nn.Tanh(), nn.ELU(0.7), nn.LeakyReLU(0.2), nn.Hardswish(), nn.Hardsigmoid(), nn.Softplus(), nn.SELU(), nn.GELU(approximate="tanh")]
        )
        self.attention = nn.Linear(8, 24)

    def forward(self, x):
        for act in self.act:
            x = act(x)
        x = self.norm(self.prelu(x.transpose(1, 2)).transpose(1, 2))
        q, k, v = self.attention(x).chunk(3, dim=-1)
        x = F.scaled_dot_product_attention(q, k, v)
        x = F.glu(torch.stack([x, torch.exp(x.clamp(max=1.0))], dim=-1).flatten(-2), dim=-1)
        return F.log_softmax(torch.sqrt(torch.reciprocal(x * x + 1.0)), dim=-1)


class Leftover(nn.Module):
    """Operators without a quantised function between convolutions."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 1)
        self.norm = nn.GroupNorm(2, 4)
        self.conv2 = nn.Conv2d(4, 4, 1)
        self.conv3 = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = self.conv2(self.norm(self.conv1(x)))
        return self.conv3(torch.cumsum(x, 1)), torch.argmax(x, 1), F.adaptive_avg_pool2d(x, 3)


class Volume(nn.Module):
    """Three-dimensional convolution, a named list of outputs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(2, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm3d(4)
        self.head = nn.Conv3d(4, 2, 1)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        return {"features": x, "head": self.head(x)}


class Sampled(nn.Module):
    """A grid sample whose grid is an input, and pixel shuffle."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x, grid):
        x = F.grid_sample(self.conv(x), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return F.pixel_shuffle(x, 2)


class Norms(nn.Module):
    """Norms over groups, instances and several dimensions; a norm behind a linear with two readers."""

    def __init__(self):
        super().__init__()
        self.group = nn.GroupNorm(2, 4)
        self.instance = nn.InstanceNorm2d(4, affine=True)
        self.layer = nn.LayerNorm([6, 6])
        self.line = nn.InstanceNorm1d(4)
        self.fc = nn.Linear(4, 4)
        self.rows = nn.BatchNorm1d(4)

    def forward(self, x):
        x = self.instance(torch.relu(self.group(x)))
        x = self.line(self.layer(x).flatten(2))
        x = self.fc(x.mean(2))
        return self.rows(x) + x


class Line(nn.Module):
    """One-dimensional convolution, norm and pools, and a linear of rows."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 8, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm1d(8)
        self.grouped = nn.Conv1d(8, 8, 3, dilation=2, padding=2, groups=4)
        self.rows = nn.Linear(8, 6)
        self.act = nn.Hardswish()

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.bn(self.conv(x))), 2)
        x = F.avg_pool1d(self.grouped(x), 3, 1, 1)
        x = F.leaky_relu(self.act(self.rows(x.transpose(1, 2))), 0.1)
        return F.adaptive_avg_pool1d(x.transpose(1, 2), 1).squeeze(2)


class Transformed(nn.Module):
    """A spatial transformer: the network says how its input is turned, and samples it."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.turn = nn.Linear(4, 6)
        self.turn.bias.data = torch.tensor([1.0, 0.1, 0.0, -0.1, 0.9, 0.1])
        self.head = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        theta = self.turn(self.features(x).flatten(1)).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        return self.head(F.grid_sample(x, grid, padding_mode="border", align_corners=False))


class Classes(nn.Module):
    """A softmax over the channels of an image, and one over a row."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, padding=1)

    def forward(self, x):
        x = self.conv(x)
        return F.softmax(x, 1), torch.softmax(x.mean([2, 3]), -1)


class Attention(nn.Module):
    """Attention as torch scripts it, with its branches on dimensions, in a class whose methods call their object `m`."""

    def __init__(m):
        super().__init__()
        m.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        m.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        m.last = nn.Linear(8, 4)

    def forward(m, x):
        y, _ = m.attention(x, x, x, need_weights=False)
        return m.last(m.layer(x + y))


class Encoder(nn.Module):
    """Encoders as torch writes them, norms behind and before, and attention whose shares are wanted."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.before = nn.TransformerEncoderLayer(8, 2, 12, activation="gelu", batch_first=True, norm_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.last = nn.Linear(8, 4)

    def forward(self, x):
        x = self.before(self.encoder(x))
        y, shares = self.attention(x, x, x)
        return self.last(y), shares


class Decoder(nn.Module):
    """Attention to another sequence, with batches in the second dimension."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerDecoderLayer(8, 2, 12)

    def forward(self, x, memory):
        return self.layer(x, memory)


class Dispatched(nn.Module):
    """Operators on the integers: magnitudes, the largest, shuffles, gathers."""

    def forward(self, x):
        x = F.channel_shuffle(torch.abs(x), 2)
        values, indices = torch.topk(x, 2, dim=1)
        picked = torch.gather(x, 1, indices)
        x = torch.cat([values, picked], 1)
        return F.hardsigmoid(x) - x
