"""Elementary functions written out in IEEE operations, branch-free, so that they run in lanes.

Polynomials are near-minimax (Chebyshev interpolation in 60 digits, then rounded); the bound beside each is
that of the polynomial. Measured errors are in `tests/unit/engine/test_functions.py`: exp, log and sqrt-like
functions a few units in the last place, pow about |exponent * log2(base)| units more.
Arguments of sin, cos and tan above 2**30 in size give NaN: the reduction would have no digits left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engager.engine.lowering.code import Code, Ref

_LOG2_E, _LOG2_E_REST = 1.4426950408889634, 2.0355273740931033e-17
_LN_2, _LN_2_REST = 0.6931471805599453, 2.3190468138462996e-17
_HALF_PI, _HALF_PI_REST = 1.5707963267948966, 6.123233995736766e-17
# 2**52 + 2**51: adding it leaves the nearest integer in the low bits of the sum
_ROUND = 6755399441055744.0
# the same, with the bias of a double's exponent added on
_ROUND_BIASED = _ROUND + 1023.0

# (2**f - 1) / f for |f| <= 1/2; 1.3e-17
_EXP2 = (
    0.6931471805599453, 0.24022650695910097, 0.0555041086648216, 0.009618129107606888, 0.0013333558146416936,
    0.0001540353044173605, 1.525273382983612e-05, 1.321544258792169e-06, 1.0178062445845774e-07,
    7.072585949269223e-09, 4.4549605981865186e-10,
)  # fmt: skip
# log2((1 + s) / (1 - s)) / s as a polynomial in s*s, for m = (1 + s) / (1 - s) in [sqrt(1/2), sqrt(2)); 5e-16
_LOG2 = (
    2.885390081777927, 0.9617966939243335, 0.5770780172467822, 0.4121984019742357, 0.3206163935263423,
    0.26144407006393944, 0.2429183013526297,
)  # fmt: skip
# atan(t) / t in t*t, |t| <= tan(pi/8); 1.3e-18
_ATAN = (
    1.0, -0.3333333333333312, 0.19999999999940837, -0.14285714279244968, 0.11111110744657099,
    -0.09090896801472813, 0.07692045194561481, -0.06662950246036792, 0.05846866752275139,
    -0.05035049795312439, 0.03796390316111083, -0.017803896394812564,
)  # fmt: skip
# sin(r) / r and cos(r) in r*r, |r| <= pi/4; 3e-18 and 3e-20
_SIN = (
    1.0, -0.16666666666666616, 0.008333333333320297, -0.0001984126982859984, 2.755731335888172e-06,
    -2.5050714198795763e-08, 1.5894573136298841e-10,
)  # fmt: skip
_COS = (
    1.0, -0.5, 0.04166666666666645, -0.0013888888888860956, 2.4801587283810357e-05, -2.7557313079436857e-07,
    2.087558003775504e-09, -1.1353262834133352e-11,
)  # fmt: skip


def polynomial(c: Code, x: Ref, coefficients: Sequence[float]) -> Ref:
    """Even and odd terms by Horner's rule apart: half the length of the dependency chain for one product."""
    square = c.mul(x, x)
    halves = []
    for start in (0, 1):
        part = [c.const(value) for value in coefficients[start::2]]
        total = part[-1]
        for value in reversed(part[:-1]):
            total = c.fma(total, square, value)
        halves.append(total)
    return c.fma(halves[1], x, halves[0])


def exp2_minus_1(c: Code, y: Ref, rest: Ref | None = None) -> tuple[Ref, Ref]:
    """2**n and 2**(y + rest - n) - 1 with n the integer nearest to y; y is held in [-1023, 1024].

    Above, n = 1024 and 2**n is infinite; below, 2**n is 0. NaN stays NaN.
    """
    y = c.select(c.lt(y, c.const(-1023.0)), c.const(-1023.0), y)
    y = c.select(c.lt(c.const(1024.0), y), c.const(1024.0), y)
    shifted = c.add(y, c.const(_ROUND_BIASED))
    f = c.sub(y, c.sub(shifted, c.const(_ROUND_BIASED)))
    if rest is not None:
        f = c.add(f, rest)
    scale = c.float(c.integer("shl", c.bits(shifted), 52))
    return scale, c.mul(f, polynomial(c, f, _EXP2))


def exp2(c: Code, y: Ref) -> Ref:
    """2**y."""
    scale, part = exp2_minus_1(c, y)
    return c.mul(c.add(part, c.const(1.0)), scale)


def _in_base_2(c: Code, x: Ref) -> tuple[Ref, Ref]:
    """x / ln 2 as a rounded product and what the rounding lost; the loss is dropped where it cannot matter."""
    head = c.mul(x, c.const(_LOG2_E))
    lost = c.fma(x, c.const(_LOG2_E), c.neg(head))
    rest = c.fma(x, c.const(_LOG2_E_REST), lost)
    # an infinite x would make inf - inf here
    small = c.lt(c.abs(x), c.const(2000.0))
    return head, c.select(small, rest, c.const(0.0))


def exp(c: Code, x: Ref) -> Ref:
    """e**x; 0 below -709, infinite above 709."""
    scale, part = exp2_minus_1(c, *_in_base_2(c, x))
    return c.mul(c.add(part, c.const(1.0)), scale)


def expm1(c: Code, x: Ref) -> Ref:
    """e**x - 1, accurate near 0."""
    scale, part = exp2_minus_1(c, *_in_base_2(c, x))
    near = c.fma(scale, part, c.sub(scale, c.const(1.0)))
    # above, 2**n can be infinite, and infinity - infinity would follow
    return c.select(c.lt(x, c.const(700.0)), near, c.mul(c.add(part, c.const(1.0)), scale))


def log2(c: Code, x: Ref) -> Ref:
    """Logarithm to base 2 of x > 0, denormals taken as about 2**-1023; anything for x <= 0 (callers select)."""
    raw = c.bits(x)
    # taking off sqrt(1/2) leaves m in [sqrt(1/2), sqrt(2)), so that s is small and k*1 + s*P never cancels
    k = c.integer("ashr", c.integer("isub", raw, c.iconst(0x3FE6A09E667F3BCD)), 52)
    m = c.float(c.integer("isub", raw, c.integer("shl", k, 52)))
    # the integer k as a double: put k + 4096 in the low bits of 2**52
    biased = c.integer("iadd", k, c.iconst(0x4330000000000000 + 4096))
    exponent = c.sub(c.float(biased), c.const(2.0**52 + 4096.0))
    s = c.div(c.sub(m, c.const(1.0)), c.add(m, c.const(1.0)))
    return c.fma(s, polynomial(c, c.mul(s, s), _LOG2), exponent)


def log(c: Code, x: Ref) -> Ref:
    """Natural logarithm; -inf at 0, NaN below."""
    normal = c.mul(log2(c, x), c.const(_LN_2))
    above = c.select(c.lt(x, c.const(math.inf)), normal, x)  # inf and NaN map to themselves
    at_zero = c.select(c.eq(x, c.const(0.0)), c.const(-math.inf), above)
    return c.select(c.lt(x, c.const(0.0)), c.const(math.nan), at_zero)


def log1p(c: Code, u: Ref) -> Ref:
    """log(1 + u), accurate near 0."""
    w = c.add(c.const(1.0), u)
    error = c.sub(u, c.sub(w, c.const(1.0)))
    corrected = c.add(log(c, w), c.div(error, w))
    return c.select(c.lt(c.abs(u), c.const(1e15)), corrected, log(c, w))


class Power:
    """base**exponent and its derivative over the base, sharing one logarithm and one exponential.

    Built on base**(exponent - 1). As C's pow: 0**0 is 1, 0**negative is infinite, a negative base needs a
    whole exponent and is NaN otherwise. The derivative at base 0 is taken as 0 for exponents below 1, where
    it is truly infinite: a Jacobian needs a number. What depends on the exponent alone is computed once a
    course when the exponent is a parameter. NaN stays NaN; an infinite base with a negative exponent is NaN.
    """

    def __init__(self, c: Code, base: Ref, exponent: Ref):
        self.c, self.base, self.exponent = c, base, exponent
        zero, one = c.const(0.0), c.const(1.0)
        lower = c.sub(exponent, one)
        size = c.abs(base)
        self.at_zero = c.eq(base, zero)
        self.below = c.lt(base, zero)
        whole = c.eq(c.floor(exponent), exponent)
        half = c.mul(exponent, c.const(0.5))
        odd = c.ne(c.floor(half), half)
        sign = c.select(whole, c.select(odd, c.const(-1.0), one), c.const(math.nan))
        self.magnitude = exp2(c, c.mul(lower, log2(c, size)))
        # |b|**(e-1) carries the sign of b**(e-1), which is that of b**e times that of b
        signed = c.select(self.below, c.mul(c.neg(sign), self.magnitude), self.magnitude)
        zero_lower = c.select(c.eq(lower, zero), one, zero)
        self.lower_power = c.select(self.at_zero, zero_lower, signed)
        jump = c.select(c.lt(zero, exponent), zero, c.select(c.eq(exponent, zero), one, c.const(math.inf)))
        self.value = c.select(self.at_zero, jump, c.mul(base, self.lower_power))

    def over_base(self) -> Ref:
        return self.c.mul(self.exponent, self.lower_power)

    def over_exponent(self) -> Ref:
        """value * ln(base); 0 where base is 0."""
        c = self.c
        ln = c.mul(log2(c, c.abs(self.base)), c.const(_LN_2))
        return c.select(self.at_zero, c.const(0.0), c.mul(self.value, ln))


def whole_power(c: Code, base: Ref, n: int) -> Ref:
    """base**n for a whole n > 0 by repeated squaring."""
    result: Ref | None = None
    square = base
    while True:
        if n & 1:
            result = square if result is None else c.mul(result, square)
        n >>= 1
        if not n:
            assert result is not None
            return result
        square = c.mul(square, square)


def tanh(c: Code, x: Ref) -> Ref:
    e = expm1(c, c.mul(c.const(2.0), c.abs(x)))
    size = c.sub(c.const(1.0), c.div(c.const(2.0), c.add(e, c.const(2.0))))
    near = c.div(e, c.add(e, c.const(2.0)))  # no cancellation for small x, inf/inf for large
    return _with_sign(c, c.select(c.lt(e, c.const(1.0)), near, size), x)


def sinh(c: Code, x: Ref) -> Ref:
    e = expm1(c, c.abs(x))
    size = c.mul(c.const(0.5), c.add(e, c.div(e, c.add(e, c.const(1.0)))))
    return _with_sign(c, c.select(c.lt(e, c.const(math.inf)), size, e), x)


def cosh(c: Code, x: Ref) -> Ref:
    e = exp(c, c.abs(x))
    return c.mul(c.const(0.5), c.add(e, c.div(c.const(1.0), e)))


def asinh(c: Code, x: Ref) -> Ref:
    a = c.abs(x)
    root = c.sqrt(c.fma(a, a, c.const(1.0)))
    u = c.add(a, c.div(c.mul(a, a), c.add(root, c.const(1.0))))
    large = c.add(log(c, a), c.const(_LN_2))
    return _with_sign(c, c.select(c.lt(a, c.const(1e150)), log1p(c, u), large), x)


def acosh(c: Code, x: Ref) -> Ref:
    t = c.sub(x, c.const(1.0))
    u = c.add(t, c.sqrt(c.mul(t, c.add(t, c.const(2.0)))))
    large = c.add(log(c, x), c.const(_LN_2))
    return c.select(c.lt(c.const(1e150), x), large, log1p(c, u))


def atanh(c: Code, x: Ref) -> Ref:
    a = c.abs(x)
    ratio = c.div(c.mul(c.const(2.0), a), c.sub(c.const(1.0), a))
    return _with_sign(c, c.mul(c.const(0.5), log1p(c, ratio)), x)


def atan(c: Code, x: Ref) -> Ref:
    """Folds |x| into [0, tan(pi/8)] by the reciprocal and by the angle pi/4."""
    a, one = c.abs(x), c.const(1.0)
    outer = c.lt(one, a)
    inner = c.select(outer, c.div(one, a), a)
    upper = c.lt(c.const(0.41421356237309503), inner)
    t = c.select(upper, c.div(c.sub(inner, one), c.add(inner, one)), inner)
    base = c.mul(t, polynomial(c, c.mul(t, t), _ATAN))
    angle = c.select(upper, c.add(c.const(_HALF_PI / 2), base), base)
    folded = c.select(outer, c.sub(c.const(_HALF_PI), angle), angle)
    return _with_sign(c, folded, x)


def asin(c: Code, x: Ref) -> Ref:
    rest = c.sqrt(c.mul(c.sub(c.const(1.0), x), c.add(c.const(1.0), x)))
    return c.mul(c.const(2.0), atan(c, c.div(x, c.add(c.const(1.0), rest))))


def acos(c: Code, x: Ref) -> Ref:
    ratio = c.div(c.sub(c.const(1.0), x), c.add(c.const(1.0), x))
    return c.mul(c.const(2.0), atan(c, c.sqrt(ratio)))


def sin_cos(c: Code, x: Ref) -> tuple[Ref, Ref]:
    """Reduced by multiples of pi/2 held in two doubles; NaN above 2**30."""
    x = c.select(c.lt(c.abs(x), c.const(2.0**30)), x, c.const(math.nan))
    shifted = c.fma(x, c.const(2 / math.pi), c.const(_ROUND))
    n = c.sub(shifted, c.const(_ROUND))
    head = c.fma(n, c.const(-_HALF_PI), x)
    r = c.fma(n, c.const(-_HALF_PI_REST), head)
    z = c.mul(r, r)
    s = c.mul(r, polynomial(c, z, _SIN))
    k = polynomial(c, z, _COS)
    quadrant = c.bits(shifted)
    swapped = _bit(c, quadrant, 0)
    sine, cosine = c.select(swapped, k, s), c.select(swapped, s, k)
    # the sine is negative in quadrants 2 and 3, the cosine in 1 and 2
    sine = c.select(_bit(c, quadrant, 1), c.neg(sine), sine)
    turned = _bit(c, c.integer("iadd", quadrant, c.iconst(1)), 1)
    return sine, c.select(turned, c.neg(cosine), cosine)


def remainder(c: Code, a: Ref, b: Ref) -> Ref:
    """a - b * trunc(a / b), with the sign of a; exact while |a / b| < 2**52."""
    quotient = c.floor(c.abs(c.div(a, b)))
    size = c.fma(c.neg(quotient), c.abs(b), c.abs(a))
    # the rounded quotient can be one too large
    size = c.select(c.lt(size, c.const(0.0)), c.add(size, c.abs(b)), size)
    return _with_sign(c, size, a)


def _with_sign(c: Code, size: Ref, of: Ref) -> Ref:
    return c.select(c.lt(of, c.const(0.0)), c.neg(size), size)


def _bit(c: Code, word: Ref, place: int) -> Ref:
    """Mask: is this bit of the integer set? Read as the lowest bit of a double with exponent 0."""
    chosen = c.integer("iand", c.integer("lshr", word, place), c.iconst(1))
    # 1 or 2 as doubles 2**-1022-free: move the bit to the place that turns 1.0 into 1.5
    flagged = c.float(c.integer("ior", c.integer("shl", chosen, 51), c.iconst(0x3FF0000000000000)))
    return c.lt(c.const(1.25), flagged)
