"""Expected scales of every observer, from plain numpy (and torch.ao where it defines the same).

The formulas are those of horizon.md 6.1 to 6.4, written here without looking at the Rust. The data come from a small
generator that Rust repeats bit for bit, so that only results are stored: testdata/observer/expected.json.
"""

import json
import pathlib

import numpy as np
import torch

F = np.float32
OUT = pathlib.Path(__file__).resolve().parents[1] / "observer" / "expected.json"
BATCHES = [(2, 3, 40), (2, 3, 50), (1, 3, 64)]


class Uniform:
    """A 64-bit linear congruential generator; 24 bits make a float."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return float(self.state >> 40) / 2**24


def normal(uniform):
    total = 0.0
    for _ in range(12):
        total += uniform()
    return total - 6.0


DISTRIBUTIONS = {
    "normal": lambda u: normal(u),
    "uniform": lambda u: u() * 4.0 - 1.0,
    "long_tail": lambda u: normal(u) / (u() + 0.01),
    "bimodal": lambda u: normal(u) * 0.05 + (-1.0 if u() < 0.5 else 3.0),
    "relu": lambda u: max(normal(u), 0.0),
    "negative": lambda u: -u() - 0.25,
    "constant": lambda u: 0.7,
    "zero": lambda u: 0.0,
    "tiny": lambda u: normal(u) * 1e-7,
    "outlier": None,
}


def data(name, seed):
    batches = []
    uniform = Uniform(seed)
    for shape in BATCHES:
        n = int(np.prod(shape))
        if name == "outlier":
            values = [normal(uniform) for _ in range(n)]
            values[n // 2] = 100.0
        else:
            values = [DISTRIBUTIONS[name](uniform) for _ in range(n)]
        batches.append(np.array(values, dtype=np.float64).astype(F).reshape(shape))
    return batches


def scale_of(lo, hi, grid):
    qmin, qmax, _, power = grid
    amplitude = np.maximum(np.maximum(-lo, hi), F(0))
    s = np.maximum(amplitude / F((qmax - qmin) / 2), F(2.0**-23))
    if power:
        s = F(1) / F(2) ** np.clip(np.floor(-np.log2(s.astype(np.float64)).astype(F)), 1, 14).astype(F)
    return s.astype(F)


def fake_quant(x, s, grid):
    qmin, qmax, bpu_round, _ = grid
    q = x / s
    q = np.floor(q + F(0.5)) if bpu_round else np.round(q)
    return np.clip(q, F(qmin), F(qmax)).astype(F) * s


def error(x, s, grid):
    d = (fake_quant(x, s, grid) - x).astype(np.float64)
    return float(np.sum(d * d))


def min_max(x, grid, **_):
    return x.min(), x.max()


def percentile(x, grid, percentile=99.99, bins=2048):
    lo, hi = x.min(), x.max()
    return inside(x, lo, hi, percentile / 100.0, bins)[:2]


def inside(x, lo, hi, share, bins):
    a = max(-lo, hi)
    if a == 0:
        return lo, hi, 0
    magnitude = np.abs(x).ravel()
    index = np.minimum((magnitude * F(bins) / a).astype(np.int64), bins - 1)
    cumulative = np.cumsum(np.bincount(index, minlength=bins))
    i = int(np.argmax(cumulative >= share * magnitude.size))
    v = (F(i) + F(0.5)) * a / F(bins)
    return max(lo, -v), min(hi, v), i


def mix(x, grid):
    lo, hi = x.min(), x.max()
    best, least, seen = None, np.inf, set()
    for share in [0.999, 0.9995, 0.9999, 0.99993, 0.99995, 0.99997, 0.99999, 0.999995, 0.999999]:
        l, h, i = inside(x, lo, hi, share, 2048)
        if i in seen:
            continue
        seen.add(i)
        e = error(x, scale_of(l, h, grid), grid)
        if e < least:
            best, least = (l, h), e
    return best


def mse(x, grid, stride=1):
    lo, hi = x.min(), x.max()
    errors = []
    for i in range(0, 95, stride):
        f = F(1 - 0.01 * i)
        errors.append(error(x, scale_of(lo * f, hi * f, grid), grid))
    index = max(i for i, e in enumerate(errors) if e == min(errors))
    f = F(1 - 0.01 * index)
    return lo * f, hi * f


def clip_std(x, grid, std_scale=3.0):
    t = torch.from_numpy(x)
    mean, std = t.double().mean().float().numpy(), t.double().std().float().numpy()
    k = F(std_scale)
    return max(x.min(), mean - k * std), min(x.max(), mean + k * std)


def kl_threshold(counts, edges, nbins):
    bins = counts.astype(np.float64)
    bins[0] = bins[1]
    divergences = []
    for i in range(128, len(bins) + 1):
        p = bins[:i].copy()
        p[-1] += bins[i:].sum()
        groups = np.arange(i) * nbins // i
        q = np.zeros(i)
        for g in np.unique(groups):
            members = (groups == g) & (bins[:i] > 0)
            if members.any():
                q[members] = bins[:i][members].sum() / members.sum()
        if p.sum() != 0:
            p /= p.sum()
        if q.sum() != 0:
            q /= q.sum()
        q += 1e-10
        filled = p > 0
        divergences.append(float(np.sum(p[filled] * np.log(p[filled] / q[filled]))))
    sums = [sum(divergences[w : w + 9]) for w in range(len(divergences) - 10)]
    # Logarithms differ in the last bit between libraries: sums that close are equal.
    index = max(i for i, s in enumerate(sums) if s <= min(sums) + 1e-12 * (1 + abs(min(sums))))
    return edges[index + 128 + 4]


class Kl:
    """The histogram of torch.histc, kept over `update_interval` batches."""

    def __init__(self, grid, bins=512, update_interval=1):
        self.nbins, self.bins, self.interval = -grid[0], bins, update_interval
        self.counts, self.seen = None, 0

    def __call__(self, x):
        x = torch.from_numpy(np.abs(x))
        top = x.max()
        if self.counts is None:
            if top == 0:
                self.seen += 1
                if self.seen < self.interval:
                    return None
                self.seen = 0
                return F(0), F(0)
            self.edges = torch.linspace(0, top.item(), self.bins + 1)
            self.counts = torch.histc(x, bins=self.bins, min=0, max=top.item())
        else:
            if top > self.edges[-1]:
                width = self.edges[1] - self.edges[0]
                n = int((top / width).ceil())
                self.edges = torch.arange(0, (top + width).item(), width.item())
                # The float width may give an edge too many.
                self.edges = self.edges[: n + 1]
            n = len(self.edges) - 1
            new = torch.histc(x, bins=n, min=0, max=self.edges[-1].item())
            new[: len(self.counts)] += self.counts
            self.counts = new
        self.seen += 1
        if self.seen < self.interval:
            return None
        t = kl_threshold(self.counts.numpy(), self.edges.numpy(), self.nbins)
        self.counts, self.seen = None, 0
        return -t, t


def run(kind, batches, grid, c=0.01, per_channel=False, **params):
    """min, max and scale after all batches."""
    lo = hi = None
    kl = Kl(grid, **params) if kind == "kl" else None
    for x in batches:
        xs = [x[:, ch].ravel() for ch in range(x.shape[1])] if per_channel else [x.ravel()]
        if kind == "kl":
            found = kl(xs[0])
            if found is None:
                continue
            found = [found]
        elif kind in ("clip", "running_min_max"):
            found = [min_max(x, grid) for x in xs]
        else:
            found = [globals()[kind](x, grid, **params) for x in xs]
        l = np.array([f[0] for f in found], dtype=F)
        h = np.array([f[1] for f in found], dtype=F)
        if kind == "running_min_max":
            lo, hi = (l, h) if lo is None else (np.minimum(lo, l), np.maximum(hi, h))
        elif lo is None or c == 1.0:
            lo, hi = l, h
        else:
            lo, hi = lo + F(c) * (l - lo), hi + F(c) * (h - hi)
        if kind == "clip":
            lo, hi = np.maximum(lo, F(params["xmin"])), np.minimum(hi, F(params["xmax"]))
    if lo is None:
        return [], [], np.array([1.0], dtype=F)
    return lo, hi, scale_of(lo, hi, grid)


INT8 = (-128, 127, False, False)
INT16 = (-32768, 32767, False, False)
CASES = [
    ("min_max", INT8, 0.01, False, {}),
    ("min_max", INT16, 0.3, False, {}),
    ("min_max", INT8, 0.0, True, {}),
    ("min_max", INT8, 1.0, True, {}),
    ("min_max", (-128, 127, False, True), 0.5, False, {}),
    ("running_min_max", INT8, 0.01, False, {}),
    ("running_min_max", INT8, 0.01, True, {}),
    ("percentile", INT8, 0.01, False, {"percentile": 99.99, "bins": 2048}),
    ("percentile", INT8, 0.1, False, {"percentile": 97.5, "bins": 100}),
    ("mse", INT8, 0.01, False, {"stride": 1}),
    ("mse", (-128, 127, True, False), 0.1, False, {"stride": 7}),
    ("mse", INT8, 0.5, True, {"stride": 1}),
    ("mse", INT16, 0.5, False, {"stride": 1}),
    ("mse", (-128, 127, False, True), 0.5, False, {"stride": 1}),
    ("kl", INT8, 0.01, False, {"bins": 512, "update_interval": 1}),
    ("kl", INT8, 0.01, False, {"bins": 300, "update_interval": 3}),
    ("kl", INT8, 0.01, False, {"bins": 300, "update_interval": 4}),
    ("kl", INT16, 0.1, False, {"bins": 512, "update_interval": 2}),
    ("mix", INT8, 0.01, False, {}),
    ("clip", INT8, 1.0, False, {"xmin": -1.0, "xmax": 1.0}),
    ("clip", INT8, 0.25, True, {"xmin": -0.5, "xmax": 2.0}),
    ("clip_std", INT8, 0.01, False, {"std_scale": 3.0}),
    ("clip_std", INT8, 0.5, False, {"std_scale": 1.5}),
]


def torch_ao(name, batches):
    """torch.ao's observers, where they define the same: symmetric, -128 to 127."""
    from torch.ao.quantization import observer as ao

    found = {}
    args = dict(dtype=torch.qint8, quant_min=-128, quant_max=127)
    tensor = dict(args, qscheme=torch.per_tensor_symmetric)
    channel = dict(args, qscheme=torch.per_channel_symmetric, ch_axis=1)
    for key, it in [
        ("MinMaxObserver", ao.MinMaxObserver(**tensor)),
        ("MovingAverageMinMaxObserver", ao.MovingAverageMinMaxObserver(averaging_constant=0.01, **tensor)),
        ("PerChannelMinMaxObserver", ao.PerChannelMinMaxObserver(**channel)),
        ("MovingAveragePerChannelMinMaxObserver", ao.MovingAveragePerChannelMinMaxObserver(averaging_constant=0.01, **channel)),
    ]:
        for x in batches:
            it(torch.from_numpy(x))
        scale, _ = it.calculate_qparams()
        found[key] = numbers(scale.numpy())
    return found


def numbers(values):
    return [float(v) for v in np.atleast_1d(values)]


def main():
    expected = []
    for seed, name in enumerate(DISTRIBUTIONS, 1):
        batches = data(name, seed)
        cases = []
        for kind, grid, c, per_channel, params in CASES:
            lo, hi, s = run(kind, batches, grid, c, per_channel, **params)
            cases.append(
                {
                    "observer": kind,
                    "quant_min": grid[0],
                    "quant_max": grid[1],
                    "is_bpu_round": grid[2],
                    "is_power_of_two": grid[3],
                    "averaging_constant": c,
                    "ch_axis": 1 if per_channel else -1,
                    "parameters": params,
                    "min_val": numbers(lo),
                    "max_val": numbers(hi),
                    "scale": numbers(s),
                }
            )
        first = [float(v) for v in batches[0].ravel()[:3]]
        expected.append({"name": name, "seed": seed, "first": first, "cases": cases, "torch_ao": torch_ao(name, batches)})
    OUT.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(it) for it in expected)
    OUT.write_text(f'{{"torch": "{torch.__version__}", "batches": {json.dumps(BATCHES)}, "distributions": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
