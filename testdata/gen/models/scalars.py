"""Arithmetic on int, float and complex."""
import cmath
import math
from typing import List, Tuple

from torch import nn

from common import fixture

from . import script


class ScalarMath(nn.Module):
    def forward(self, a: int, b: int, f: float, g: float) -> Tuple[List[int], List[float], List[bool]]:
        ints = [a + b, a - b, a * b, a // b, a % b, -a // b, -a % b, a & b, a | b, a ^ b, a << 2, a >> 1, abs(-a), max(a, b), min(a, b), int(f), divmod(a, b)[0], divmod(-a, b)[1], int("42"), ord("z"), len(hex(a))]
        floats = [a / b, a ** 2, f / g, f // g, f % g, f ** g, float(a), abs(-f), max(f, g), min(f, g), -f, f + a, a * g, float("2.5"), pow(f, 2.0), round(f)]
        return ints, floats, [a < b, f >= g, a == b, a != b, f <= a, bool(a), not bool(f)]


@fixture
def scalar_arithmetic():
    """int and float arithmetic, comparisons, conversions, divmod, shifts"""
    return script(ScalarMath(), 17, 5, 7.5, 2.0, calls=[("forward", (5, -3, -7.25, 0.5))])


class MathModule(nn.Module):
    def forward(self, f: float, n: int) -> Tuple[List[float], List[int], List[bool]]:
        fs = [math.sqrt(f), math.exp(f), math.log(f), math.log10(f), math.log1p(f), math.sin(f), math.cos(f), math.tan(f), math.atan2(f, 2.0), math.pow(f, 3.0), math.fabs(-f), math.fmod(f, 2.0), math.copysign(f, -1.0), math.degrees(f), math.radians(f), math.erf(f), math.gamma(f), math.lgamma(f), math.tanh(f), math.asinh(f), math.expm1(f), math.ldexp(f, 3), math.pi, math.e, math.modf(f)[0], math.frexp(f)[0]]
        return fs, [math.floor(f), math.ceil(f), math.gcd(n, 12), math.factorial(n)], [math.isnan(f), math.isinf(f), math.isfinite(f)]


@fixture
def scalar_math_module():
    """functions of Python's math on scalars"""
    return script(MathModule(), 2.75, 8)


class ComplexScalars(nn.Module):
    def forward(self, a: complex, b: float) -> Tuple[List[complex], float, float]:
        return [a + b, a * a, a / (1 + 2j), a - 1, -a, complex(b, 2.0), cmath.exp(a), cmath.sqrt(a)], abs(a), abs(-a)


@fixture
def scalar_complex():
    """complex arithmetic and cmath"""
    return script(ComplexScalars(), 1.5 - 2j, 0.5)
