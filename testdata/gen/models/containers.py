"""Lists, dicts, tuples and strings."""
import math
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from common import fixture

from . import script

X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]])


class ListOps(nn.Module):
    def forward(self, a: List[int]) -> Tuple[List[List[int]], List[int], List[bool]]:
        b = a.copy()
        b.append(5)
        b.extend([7, 6])
        b.insert(1, 100)
        popped = b.pop()
        first = b.pop(0)
        b.remove(7)
        b.reverse()
        c = b + [1] * 3
        c += [9]
        c[0] = 42
        c[-1] += 1
        del c[1]
        d = sorted(c)
        e = c.copy()
        e.sort(reverse=True)
        c.sort()
        f = c[1:4]
        g = c[::2]
        h = c[-2:]
        c[0] = 79
        c[1] = 77
        x, y, z = [1, 2, 3]
        b.clear()
        lists = [a, b, c, d, e, f, g, h, [x, y, z], list(range(3)), list(d)]
        return lists, [popped, first, c.index(79), c.count(1), len(c), max(c), min(c), sum(c)], [3 in c, 77 in c, c == d, c != d, any([False, True]), all([True, False])]


@fixture
def list_ops():
    """every method of List[int], slices, del, +=, comparison"""
    return script(ListOps(), [3, 1, 2])


class ListComprehension(nn.Module):
    def forward(self, xs: List[Tensor], n: int) -> Tuple[List[Tensor], List[int], List[List[int]], List[Tuple[int, str]]]:
        a = [x * 2 for x in xs]
        b = [i * i for i in range(n)]
        c = [[j for j in range(i)] for i in range(3)]
        d = [(len(s), s) for s in ["a", "bb"]]
        e = [float(i) + 0.5 for i in b]
        return a, b + [int(v) for v in e], c, d


@fixture
def list_comprehension():
    """list comprehensions, nested"""
    return script(ListComprehension(), [X, -X], 4)


class ListOfTensors(nn.Module):
    def forward(self, xs: List[Tensor]) -> Tuple[Tensor, List[Tensor]]:
        ys = xs[1:] + xs[:1]
        ys.append(xs[0] + ys[0])
        ys[0] = ys[0] * 2
        ys[1].add_(1)
        a, b, c = ys
        z = torch.stack(ys, dim=0).sum(0) + torch.cat([a, b, c], dim=0).sum()
        return z, ys


@fixture
def list_of_tensors():
    """lists of tensors: an in-place op on an element is seen by the caller's list"""
    return script(ListOfTensors(), [X, X + 1])


class ListAliasing(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, List[int], List[int], List[List[int]]]:
        a = [1, 2]
        b = a
        b.append(3)
        nested = [a, a]
        nested[0].append(4)
        c = a[:]
        c.append(5)
        return x + len(a), b, c, nested


@fixture
def list_aliasing():
    """two names of one list, a list held twice by another"""
    return script(ListAliasing(), X)


class OtherLists(nn.Module):
    def forward(self) -> Tuple[List[float], List[str], List[bool], List[Optional[int]], List[Tuple[str, int]], List[Dict[str, int]]]:
        f = [2.5, -1.0, 0.5]
        f.sort()
        s = ["b", "a", "c"]
        s.sort(reverse=True)
        flags = [True] * 2
        flags.append(False)
        o: List[Optional[int]] = [1, None]
        o.append(None)
        t = [("x", 1), ("a", 2)]
        t.sort()
        d = [{"k": 1}, {"m": 2}]
        return f, s, flags, o, t, d


@fixture
def list_other_types():
    """lists of float, str, bool, Optional, tuple and dict; no input at all"""
    return script(OtherLists())


class DictOps(nn.Module):
    def forward(self, d: Dict[str, int]) -> Tuple[Dict[str, int], List[str], List[int], List[int], Dict[str, int]]:
        e = d.copy()
        e["new"] = 5
        e["a"] += 10
        e.update({"z": 26, "a": 1})
        popped = e.pop("b")
        default = e.pop("nope", -1)
        got = e.get("nope", 7)
        e.setdefault("s", 3)
        e.setdefault("s", 4)
        del e["z"]
        n = 0
        for k in e:
            n += len(k)
        for k, v in e.items():
            n += v
        last = {"x": 1}.popitem()
        f = {k: v * 2 for k, v in e.items()}
        g = dict(f)
        g.clear()
        return e, list(e.keys()), list(e.values()), [popped, default, got, n, len(e), last[1], len(g), int("a" in e), int("q" not in e)], f


@fixture
def dict_ops():
    """every method of Dict[str, int], comprehension, iteration in insertion order"""
    return script(DictOps(), {"b": 2, "a": 1})


class DictKeys(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Dict[int, str], Dict[float, int], Dict[bool, int], Dict[int, List[int]], int]:
        a = {3: "c", 1: "a"}
        a[2] = "b"
        b = {0.5: 1, 1.5: 2}
        c = {True: 1}
        c[False] = 0
        d: Dict[int, List[int]] = {}
        for i in range(6):
            k = i % 3
            if k not in d:
                d[k] = torch.jit.annotate(List[int], [])
            d[k].append(i)
        return a, b, c, d, len(a)


@fixture
def dict_keys():
    """dicts with int, float and bool keys"""
    return script(DictKeys(), X)


class DictOfTensors(nn.Module):
    def forward(self, d: Dict[str, Tensor]) -> Dict[str, Tensor]:
        out: Dict[str, Tensor] = {}
        for k, v in d.items():
            out[k + "_out"] = v + 1
        out["sum"] = torch.stack(list(d.values())).sum(0)
        if "b" in d:
            out["b"] = d["b"]
            out["b"] += 1
        return out


@fixture
def dict_of_tensors():
    """dict input and dict output, an in-place op on an input's value"""
    return script(DictOfTensors(), {"a": X, "b": X * 2})


class MissingKey(nn.Module):
    def forward(self, d: Dict[str, Tensor], key: str) -> Tensor:
        return d[key]


@fixture
def dict_missing_key():
    """the stored input raises: a key that is not there"""
    return script(MissingKey(), {"a": X}, "b", calls=[("forward", ({"a": X}, "a"))])


class IndexOutOfRange(nn.Module):
    def forward(self, xs: List[int], i: int) -> int:
        return xs[i]


@fixture
def list_index_out_of_range():
    """runs, then raises: an index past the end, from both sides"""
    return script(IndexOutOfRange(), [1, 2], -1, calls=[("forward", ([1, 2], 2)), ("forward", ([1, 2], -3))])


class TupleOps(nn.Module):
    def forward(self, t: Tuple[int, Tensor, str]) -> Tuple[Tensor, Tuple[int, str], Tuple[Tensor, str], bool, Tuple[int]]:
        a, b, c = t
        u = (a + 1, c + "!")
        v = t[1:]
        w = (1, (2, (3, b)))
        x = w[1][1][1] + w[1][0]
        single = (a,)
        eq = u[0] == a + 1 and u[1] != c
        n = len(t) + len(single)
        for e in (1, 2, 3):
            n += e
        return x * n, u, v, eq, single


@fixture
def tuple_ops():
    """tuples: unpacking, slices, nesting, unrolled iteration"""
    return script(TupleOps(), (3, X, "s"))


class StringOps(nn.Module):
    def forward(self, s: str, n: int) -> Tuple[List[str], List[int], List[bool], List[List[str]]]:
        strs = [s.upper(), s.lower(), s.capitalize(), s.title(), s.swapcase(), s.strip(), s.lstrip(), s.rstrip("d "), s.replace("o", "0"), s + "!" + s, s[1:4], s[-1], s[0], s[::2] if n > 5 else s[2:], "-".join([s, "x"]), s.center(20, "*"), s.ljust(15), s.rjust(15), s.zfill(15), s.expandtabs(), str(n), str(2.5), str(True), str([1, 2]), hex(n), bin(n), oct(n), chr(65 + n)]
        ints = [len(s), s.find("o"), s.rfind("o"), s.index("l"), s.count("l"), ord(s[1]), int("12"), s.find("zz")]
        bools = [s.startswith(" h"), s.endswith("d"), s.isdigit(), s.isalpha(), "wor" in s, s == "x", s < "z", s.isupper(), s.islower(), s.isspace(), "12".isnumeric() if n < 0 else "12".isdecimal()]
        return strs, ints, bools, [s.split(" "), s.split(), "a,b,,c".split(",", 2), "l1\nl2".splitlines(), list("ab"), list(s.partition("o")), list("a.b.c".rpartition("."))]


@fixture
def string_ops():
    """every method of str"""
    return script(StringOps(), " hello world", 3)


class StringFormat(nn.Module):
    def forward(self, x: Tensor, n: int, f: float) -> List[str]:
        return ["{} and {}".format(n, f), "%d %s %f" % (n, "s", f), f"{n}:{f}", "{}{}".format("a", [1, 2]), "%s" % n, "{} {}".format(True, None), "{}".format({"k": 1}), "shape {}".format(x.shape), "100%% %i" % n]


@fixture
def string_format():
    """format, percent, f-strings of every kind of value"""
    return script(StringFormat(), X, 3, 2.5)


class StringConstants(nn.Module):
    def forward(self) -> List[str]:
        return ["", "a'b\"c", "tab\t nl\n bel\a \x7f esc\x1b bs\b ff\f vt\v", "back\\slash \\n", "nul\0nul", "caf\u00e9", "\u4f60\u597d", "\U0001f600", "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong", "octal \0011", "'''", '"""', "{}", "%d", "#comment", "    "]


@fixture
def string_constants():
    """string literals: escapes, control characters, non-ASCII, long"""
    return script(StringConstants())


class NonAsciiContainers(nn.Module):
    def forward(self, key: str) -> Tuple[Dict[str, int], List[str], bool]:
        d = {"\u00fc": 1, "plain": 2}
        l = ["\u00e9t\u00e9", "winter"]
        return d, l, key in d


@fixture
def string_nonascii_containers():
    """containers of non-ASCII strings, which go to constants.pkl"""
    return script(NonAsciiContainers(), "\u00fc")


class Literals(nn.Module):
    def forward(self) -> Tuple[List[float], List[int], List[complex]]:
        fs = [float("inf"), -math.inf, math.nan, 1e100, 0.1, 1e-7, -0.0, 3.0, 2.5e17, 1.5e300, 5e-324, 123456789.123456789, 1.0 / 3.0, 1e22, -2.5, 100000.0, 1234567.0, 1e5, 0.00001]
        ns = [0, -2, 123456789012345678, 9223372036854775807, -9223372036854775807, 0x1F, 1000000]
        return fs, ns, [1j, complex(0.0, 1.5), 2 - 3.5j, -1j, complex(math.inf, -0.0)]


@fixture
def literals():
    """int, float and complex literals at their limits"""
    return script(Literals())


class WholeFloats(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, float]:
        n = x.to(torch.int64)
        return n * 1e15, float(n.size(0)) + 1e15


@fixture
def literals_whole_floats():
    """1e15 is printed without dot or exponent by torch and comes back as an int: what loads is not what was scripted"""
    return script(WholeFloats(), X)


class WholeFloatList(nn.Module):
    def forward(self) -> List[float]:
        return [0.5, 1e15, 1e16]


@fixture
def literals_whole_floats_refused():
    """a float list with 1e16, printed as an int, so torch refuses its own file"""
    return script(WholeFloatList(), runs=False, why_not="torch prints 1e16 without a dot and then reads an int")


class LiteralContainers(nn.Module):
    def forward(self, flag: bool) -> Tuple[Tuple[int, float, str, bool, List[int], Dict[str, int]], List[float], Dict[int, int], Tuple[int], List[Tuple[int, Optional[str]]]]:
        xs: List[float] = []
        d: Dict[int, int] = {}
        t = (1, 2.5, "s", True, [1, 2], {"a": 1})
        o: List[Tuple[int, Optional[str]]] = [(1, None), (2, "b")]
        if flag:
            xs.append(1.0)
            d[1] = 2
        return t, xs, d, (1,), o


@fixture
def literal_containers():
    """constant containers, empty annotated ones, Optional elements"""
    return script(LiteralContainers(), True, calls=[("forward", (False,))])


class ToList(nn.Module):
    def forward(self, x: Tensor, n: Tensor) -> Tuple[List[List[float]], List[int], float, int, bool, List[bool]]:
        a: List[List[float]] = x.tolist()
        b: List[int] = n.tolist()
        c = float(x.sum().item())
        e: List[bool] = (n > 1).tolist()
        return a, b, c, int(n[0]), bool(n[1]), e


@fixture
def tolist_item():
    """.tolist() to annotated lists, .item(), conversions of tensors"""
    return script(ToList(), X, torch.tensor([3, 0, 2]))


class FromPython(nn.Module):
    def forward(self, n: int, f: float) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        a = torch.tensor([[1.5, f], [2.0, 3.0]])
        b = torch.tensor([n, 2, 3])
        c = torch.tensor(f)
        d = torch.tensor([True, False])
        e = torch.as_tensor([n, n + 1], dtype=torch.float64)
        return a, b, c, d, e


@fixture
def tensor_from_lists():
    """torch.tensor and as_tensor of nested lists and scalars"""
    return script(FromPython(), 4, 0.25)
