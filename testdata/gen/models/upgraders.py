"""Files with old version numbers: each operator whose meaning or signature has changed since."""
import re
from typing import List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import edit
from common import fixture

from . import script

INTS = torch.tensor([7, -7, 8, -1])
FLOATS = torch.tensor([1.5, -2.5, 3.0, 0.5])


class DivTensor(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tuple[Tensor, Tensor]:
        return torch.div(a, b), b.div(2.0) if b.is_floating_point() else b


def div_calls():
    return [("forward", (INTS, FLOATS)), ("forward", (FLOATS, FLOATS + 1)), ("forward", (INTS, INTS - 20))]


@fixture
def upgrade_div_tensor():
    """version 3: div of two integer tensors truncates"""
    return script(DivTensor(), INTS, torch.tensor([2, 2, 3, 2]), calls=div_calls(), edit=edit.as_version(3))


class DivInPlace(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        a = a.clone()
        a.div_(b)
        return a


@fixture
def upgrade_div_inplace():
    """version 3: div_ of two integer tensors truncates"""
    return script(DivInPlace(), INTS, torch.tensor([2, 2, 3, 2]), calls=[("forward", (FLOATS, INTS))], edit=edit.as_version(3))


class DivScalar(nn.Module):
    def forward(self, a: Tensor, k: int, f: float) -> Tuple[Tensor, Tensor, Tensor]:
        return torch.div(a, k), torch.div(a, f), torch.div(a, 2)


@fixture
def upgrade_div_scalar():
    """version 3: div of an integer tensor by an int truncates, by a float does not"""
    return script(DivScalar(), INTS, 3, 2.0, calls=[("forward", (FLOATS, 3, 2.0))], edit=edit.as_version(3))


class DivScalarInPlace(nn.Module):
    def forward(self, a: Tensor, k: int) -> Tensor:
        a = a.clone()
        a.div_(k)
        return a


@fixture
def upgrade_div_scalar_inplace():
    """version 3: div_ of an integer tensor by an int truncates"""
    return script(DivScalarInPlace(), INTS, 3, calls=[("forward", (FLOATS, 3))], edit=edit.as_version(3))


class DivOut(nn.Module):
    def forward(self, a: Tensor, b: Tensor, as_float: bool) -> Tensor:
        out = torch.zeros_like(a, dtype=torch.float32) if as_float else torch.zeros_like(a)
        torch.div(a, b, out=out)
        return out


@fixture
def upgrade_div_out():
    """version 3: div with out= truncates unless out is floating"""
    return script(DivOut(), INTS, torch.tensor([2, 2, 3, 2]), False, calls=[("forward", (INTS, torch.tensor([2, 2, 3, 2]), True))], edit=edit.as_version(3))


class DivMode(nn.Module):
    def forward(self, a: Tensor, b: Tensor, k: int) -> List[Tensor]:
        c = a.clone()
        c.div_(b, rounding_mode="trunc")
        d = a.clone()
        d.div_(k, rounding_mode="floor")
        e = torch.zeros_like(a)
        torch.div(a, b, rounding_mode="floor", out=e)
        return [torch.div(a, b, rounding_mode="trunc"), torch.div(a, k, rounding_mode="floor"), c, d, e]


@fixture
def upgrade_div_mode():
    """version 3: div with a rounding mode is unchanged"""
    return script(DivMode(), INTS, torch.tensor([2, 2, 3, 2]), 2, edit=edit.as_version(3))


@fixture
def upgrade_div_not_needed():
    """the same source as upgrade_div_tensor at version 4: true division"""
    return script(DivTensor(), INTS, torch.tensor([2, 2, 3, 2]), calls=div_calls(), edit=edit.as_version(4))


class DivControl(nn.Module):
    def forward(self, a: Tensor, n: int) -> Tensor:
        for i in range(n):
            if i % 2 == 0:
                a = torch.div(a, i + 1)
            else:
                a = a + self.half(a)
        return a

    def half(self, a: Tensor) -> Tensor:
        return torch.div(a, 2)


@fixture
def upgrade_div_in_blocks():
    """version 3: div inside a loop, a branch and a called method"""
    return script(DivControl(), INTS * 100, 4, calls=[("forward", (FLOATS, 4))], edit=edit.as_version(3))


class Full(nn.Module):
    def forward(self, n: int) -> List[Tensor]:
        out = torch.zeros(2)
        torch.full([2], n, out=out)
        return [torch.full([2], n), torch.full([2], 1.5), torch.full([2], True), torch.full([2], n, dtype=torch.int64), torch.full([2], True, dtype=torch.bool), out]


@fixture
def upgrade_full():
    """version 4: full with an int or bool fill and no dtype gives float"""
    return script(Full(), 3, edit=edit.as_version(4))


@fixture
def upgrade_full_version_3():
    """the same at version 3"""
    return script(Full(), 3, edit=edit.as_version(3))


def without_steps(source: str) -> str:
    return re.sub(r"(torch\.(?:lin|log)space\([^,()]+, [^,()]+), 100", r"\1", source)


class Linspace(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        out = torch.zeros(100)
        torch.linspace(0, 2, 100, out=out)
        return torch.linspace(0, 1, 100), torch.linspace(0, 1, 5), out


@fixture
def upgrade_linspace():
    """version 7: linspace without steps means 100"""
    return script(Linspace(), FLOATS, edit=edit.as_version(7, without_steps))


def none_steps(source: str) -> str:
    return re.sub(r"(torch\.(?:lin|log)space\([^,()]+, [^,()]+), 100", r"\1, None", source)


@fixture
def upgrade_linspace_none():
    """version 7: linspace with steps None means 100"""
    return script(Linspace(), FLOATS, edit=edit.as_version(7, none_steps))


class Logspace(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        out = torch.zeros(100)
        torch.logspace(0, 2, 100, out=out)
        return torch.logspace(0, 1, 100), torch.logspace(0, 1, 5, 2.0), out


@fixture
def upgrade_logspace():
    """version 8: logspace without steps means 100"""
    return script(Logspace(), FLOATS, edit=edit.as_version(8, without_steps))


class Gelu(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        out = torch.zeros_like(x)
        torch._C._nn.gelu(x, out=out)
        return F.gelu(x), out


@fixture
def upgrade_gelu():
    """version 9: gelu without approximate"""
    return script(Gelu(), FLOATS, edit=edit.as_version(9))


class Everything(nn.Module):
    def forward(self, a: Tensor) -> List[Tensor]:
        return [torch.div(a, 2), torch.full([2], 3), torch.linspace(0, 1, 100), torch.logspace(0, 1, 100), F.gelu(a.float())]


@fixture
def upgrade_everything():
    """version 3: every changed operator in one method"""
    return script(Everything(), INTS, edit=edit.as_version(3, without_steps))


class Simple(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)
        self.sizes = torch.jit.Attribute([1, 2], List[int])

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.fc(x)) + len(self.sizes)


@fixture
def version_1_op_version_set():
    """version 1 with `op_version_set` and `import` lines in its sources"""
    return script(Simple(), FLOATS, edit=edit.as_version(1, lambda s: "op_version_set = 1\nimport __torch__.torch.nn.modules.linear\n" + s))


@fixture
def version_2():
    """version 2, where container tags come from the attributes' types"""
    return script(Simple(), FLOATS, edit=edit.as_version(2))


@fixture
def version_5():
    """version 5, the last in a record named `version`"""
    return script(Simple(), FLOATS, edit=edit.as_version(5))


@fixture
def version_6():
    """version 6, the first in a record named `.data/version`"""
    return script(Simple(), FLOATS, edit=edit.as_version(6))


def both(records):
    return [r for r in records if r[0] != ".data/serialization_id"] + [(".data/version", b"9\n")]


@fixture
def version_both_records():
    """a `version` record of 3 and a `.data/version` of 9, which wins"""
    return script(Simple(), FLOATS, edit=edit.change_records(both))


def minimal(records):
    return [r for r in records if r[0] == "version" or r[0].endswith((".py", ".pkl")) or r[0].startswith(("data/", "constants/"))]


@fixture
def records_minimal():
    """no debug records, no byte order, no serialisation id; ordinary zip headers"""
    return script(Simple(), FLOATS, edit=edit.change_records(minimal))


HAND_WRITTEN = """class M(Module):
  training : bool
  def forward(self: __torch__.M,
    x: Tensor) -> Tensor:
    # a comment
    y = -x ** 2 + 3 * x // 2
    z = y if bool(torch.gt(torch.sum(x), 0)) else x
    w = [i * 2 for i in [1, 2, 3]]
    t = (1, 2.5, "a" 'b')
    if not len(w) == 3 and True or False:
      z += 1
    elif t[0] == 1:
      z -= \\
        .5
    else:
      raise AssertionError("no")
    n = 0
    for i in range(10):
      if i == 3:
        continue
      n += i
      if i > 5: break
    while n > 20: n = n - 1
    del w[0]
    assert len(w) == 2, "two are left"
    return z[0:2] + n + (~(x > 1)).sum() + 0x1F + 1e1
"""


def hand_written(path: str) -> None:
    one_line_ifs = HAND_WRITTEN.replace("      if i > 5: break\n", "      if i > 5:\n        break\n").replace("    while n > 20: n = n - 1\n", "    while n > 20:\n      n = n - 1\n")
    empty = b"\x80\x02)."
    data = b"\x80\x02c__torch__\nM\n)\x81}(X\x08\x00\x00\x00training\x89ub."
    edit.write(path, "A", [("version", b"3\n"), ("data.pkl", data), ("constants.pkl", empty), ("code/__torch__.py", one_line_ifs.encode())])


@fixture
def hand_written_sugar():
    """a file written by hand: operators, elif, break, comprehension, augmented assignment, what torch accepts and never writes"""
    return script(Simple(), FLOATS, edit=hand_written)
