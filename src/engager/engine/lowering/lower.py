"""From a model's formulas to straight-line arithmetic, with derivatives.

Each graph node becomes a `Dual`: an instruction and the instructions of its derivatives over the states (and
time), found node by node, so the Jacobian comes out sparse and shares every sub-expression with the rates.

Sums and products are gathered first, through nodes that nothing else uses: what depends on parameters alone
collects in one coefficient (computed once a course), like terms merge, and a chain of quotients keeps one
division, which value and derivative share.

In: `System`. Out: `Lowered`. Not here: scheduling, fusing, printing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from engager.core import Problem, UnsupportedModel
from engager.engine.lowering import functions as fn
from engager.engine.lowering.code import FIXED, Code, Ref
from engager.model import TIME, Node, System

_ADDITIVE = ("add", "sub", "neg")
_MULTIPLICATIVE = ("mul", "div", "neg")
#: whole exponents up to this size are multiplied out
_LARGEST_WHOLE = 16


@dataclass(frozen=True)
class Dual:
    """A value and its derivatives; `grad` maps a state's index (or the number of states: time) to a Ref."""

    ref: Ref
    grad: dict[int, Ref] = field(default_factory=dict)


@dataclass
class Lowered:
    """The rates of a system as instructions.

    Attributes
    ----------
    code : the store that all references below live in.
    rates : one per state.
    jacobian : (row, column) -> d rate[row] / d state[column], structurally nonzero entries only.
    over_time : row -> partial derivative over explicit time, nonzero entries only.
    """

    code: Code
    rates: list[Ref]
    jacobian: dict[tuple[int, int], Ref]
    over_time: dict[int, Ref]


def lower_rates(system: System) -> Lowered:
    """Rates and Jacobian of `system`.

    Raises
    ------
    UnsupportedModel
        For an operation that has no branch-free form (a factorial of something that moves).
    """
    work = _Lowering(system, system.rates, derivatives=True)
    duals = [work.dual(node) for node in system.rates]
    n = len(system.states)
    jacobian, over_time = {}, {}
    for row, dual in enumerate(duals):
        for column, ref in sorted(dual.grad.items()):
            if column == n:
                over_time[row] = ref
            else:
                jacobian[row, column] = ref
    return Lowered(work.code, [dual.ref for dual in duals], jacobian, over_time)


def lower_formulas(system: System, nodes: tuple[Node, ...]) -> tuple[Code, list[Ref]]:
    """Any formulas of `system` as instructions, without derivatives (initial values, outputs)."""
    work = _Lowering(system, nodes, derivatives=False)
    return work.code, [work.dual(node).ref for node in nodes]


@dataclass
class _Term:
    """coefficient * product of numerators / product of denominators."""

    coefficient: Ref
    over: list[Node]
    under: list[Node]


class _Lowering:
    def __init__(self, system: System, roots: tuple[Node, ...], derivatives: bool):
        self.graph = system.graph
        self.code = Code()
        self.derivatives = derivatives
        self.memo: dict[Node, Dual] = {}
        self.masks: dict[Node, Ref] = {}
        self.uses = Counter(roots)
        for node in self.graph.reachable(roots):
            self.uses.update(self.graph.entries[node].args)
        self.place: dict[str, tuple[str, int]] = {TIME: ("T", 0)}
        for kind, names in (("P", system.parameters), ("U", system.inputs), ("X", system.states)):
            self.place.update({name: (kind, i) for i, name in enumerate(names)})
        self.n = len(system.states)

    def dual(self, root: Node) -> Dual:
        """Value and derivatives of a node; arguments first, without recursion into the depth of the file."""
        stack = [root]
        while stack:
            node = stack[-1]
            if node in self.memo:
                stack.pop()
                continue
            missing = [arg for arg in self.graph.entries[node].args if arg not in self.memo]
            if missing:
                stack.extend(missing)
                continue
            self.memo[node] = self._lower(node)
            stack.pop()
        return self.memo[root]

    # ---- one node ----
    def _lower(self, node: Node) -> Dual:
        c, entry = self.code, self.graph.entries[node]
        op = entry.op
        if op == "const":
            return Dual(c.const(float(str(entry.value))))
        if op == "symbol":
            return self._symbol(str(entry.value))
        args = [self.memo[arg] for arg in entry.args]
        if op in _ADDITIVE:
            return self._sum(node)
        if op in _MULTIPLICATIVE:
            return self._product(self._gather(node, c.const(1.0)))
        if op == "pow":
            return self._pow(entry.args[1], *args)
        if op in _CHAIN:
            value, slope = _CHAIN[op](c, args[0].ref)
            return self._chain(value, (slope, args[0]))
        if op in _COMPARE:
            return Dual(self._number_of(self._mask(node)))
        if op == "select":
            mask = self._mask(entry.args[0])
            return self._either(mask, args[1], args[2])
        if op == "min":
            return self._either(c.lt(args[0].ref, args[1].ref), args[0], args[1])
        if op == "max":
            return self._either(c.lt(args[1].ref, args[0].ref), args[0], args[1])
        if op == "abs":
            a = args[0]
            flipped = self._chain(c.neg(a.ref), (c.const(-1.0), a))
            return Dual(c.abs(a.ref), self._either(c.lt(a.ref, c.const(0.0)), flipped, a).grad)
        if op == "floor":
            return Dual(c.floor(args[0].ref))
        if op == "ceil":
            return Dual(c.neg(c.floor(c.neg(args[0].ref))))
        if op == "rem":
            a, b = args
            value = fn.remainder(c, a.ref, b.ref)
            whole = c.div(c.sub(a.ref, value), b.ref)
            return self._chain(value, (c.const(1.0), a), (c.neg(whole), b))
        rule = "the compiled engine has no branch-free form of this function of something that is not a number"
        raise UnsupportedModel(Problem("model formula", op, rule, "Use backend='reference'."))

    def _symbol(self, name: str) -> Dual:
        kind, index = self.place[name]
        grad = {}
        if self.derivatives and kind in "XT":
            grad = {index if kind == "X" else self.n: self.code.const(1.0)}
        return Dual(self.code.load(kind, index), grad)

    def _chain(self, value: Ref, *parts: tuple[Ref, Dual]) -> Dual:
        """Chain rule: derivative = sum over arguments of slope * argument's derivative."""
        c = self.code
        grad: dict[int, Ref] = {}
        for slope, argument in parts:
            for k, d in argument.grad.items():
                step = c.mul(slope, d)
                grad[k] = c.add(grad[k], step) if k in grad else step
        return Dual(value, self._without_zeros(grad))

    def _without_zeros(self, grad: dict[int, Ref]) -> dict[int, Ref]:
        return {k: d for k, d in grad.items() if self.code.value(d) != 0.0}

    def _either(self, mask: Ref, a: Dual, b: Dual) -> Dual:
        c, zero = self.code, self.code.const(0.0)
        keys = sorted({*a.grad, *b.grad})
        grad = {k: c.select(mask, a.grad.get(k, zero), b.grad.get(k, zero)) for k in keys}
        return Dual(c.select(mask, a.ref, b.ref), self._without_zeros(grad))

    def _pow(self, exponent_node: Node, base: Dual, exponent: Dual) -> Dual:
        c = self.code
        power = self.graph.constant_value(exponent_node)
        if power is not None and power == int(power) and 0 < abs(power) <= _LARGEST_WHOLE:
            n = abs(int(power))
            below = fn.whole_power(c, base.ref, n - 1) if n > 1 else c.const(1.0)
            raised = self._chain(fn.whole_power(c, base.ref, n), (c.mul(c.const(n), below), base))
            return raised if power > 0 else self._quotient(Dual(c.const(1.0)), raised)
        if power == 0.5:
            value, slope = _sqrt(c, base.ref)
            return self._chain(value, (slope, base))
        both = fn.Power(c, base.ref, exponent.ref)
        parts = [(both.over_base(), base)]
        if exponent.grad:
            parts.append((both.over_exponent(), exponent))
        return self._chain(both.value, *parts)

    # ---- truth ----
    def _mask(self, node: Node) -> Ref:
        """The node as a mask. Arguments were lowered before, so this looks one level down only."""
        if node not in self.masks:
            self.masks[node] = self._new_mask(node)
        return self.masks[node]

    def _new_mask(self, node: Node) -> Ref:
        c, entry = self.code, self.graph.entries[node]
        if entry.op in ("lt", "le", "eq"):
            compare: Callable[[Ref, Ref], Ref] = getattr(c, entry.op)
            return compare(self.memo[entry.args[0]].ref, self.memo[entry.args[1]].ref)
        if entry.op == "and":
            return c.both(self._mask(entry.args[0]), self._mask(entry.args[1]))
        if entry.op == "or":
            return c.either(self._mask(entry.args[0]), self._mask(entry.args[1]))
        if entry.op == "not":
            return c.negate(self._mask(entry.args[0]))
        return c.ne(self.memo[node].ref, c.const(0.0))

    def _number_of(self, mask: Ref) -> Ref:
        return self.code.select(mask, self.code.const(1.0), self.code.const(0.0))

    # ---- sums and products ----
    def _fixed(self, node: Node) -> bool:
        return self.code.level[self.memo[node].ref] <= FIXED

    def _gather(self, node: Node, coefficient: Ref) -> _Term:
        """`coefficient * node` with its chain of products and quotients laid flat."""
        c = self.code
        term = _Term(coefficient, [], [])
        stack = [(node, False, True)]
        while stack:
            one, inverse, is_root = stack.pop()
            entry = self.graph.entries[one]
            opens = entry.op in _MULTIPLICATIVE and (is_root or self.uses[one] == 1)
            if not is_root and self._fixed(one):
                join = c.div if inverse else c.mul
                term.coefficient = join(term.coefficient, self.memo[one].ref)
            elif not opens:
                (term.under if inverse else term.over).append(one)
            elif entry.op == "neg":
                term.coefficient = c.neg(term.coefficient)
                stack.append((entry.args[0], inverse, False))
            else:
                turned = inverse != (entry.op == "div")
                stack.append((entry.args[1], turned, False))
                stack.append((entry.args[0], inverse, False))
        return term

    def _terms(self, node: Node) -> list[_Term]:
        """A sum laid flat; a coefficient is carried into a bracket that nothing else uses."""
        c = self.code
        terms: list[_Term] = []
        stack = [(node, c.const(1.0), True)]
        while stack:
            one, coefficient, is_root = stack.pop()
            entry = self.graph.entries[one]
            may_open = is_root or self.uses[one] == 1
            if not is_root and self._fixed(one):
                terms.append(_Term(c.mul(coefficient, self.memo[one].ref), [], []))
            elif may_open and entry.op == "neg":
                stack.append((entry.args[0], c.neg(coefficient), False))
            elif may_open and entry.op in ("add", "sub"):
                second = c.neg(coefficient) if entry.op == "sub" else coefficient
                stack.append((entry.args[1], second, False))
                stack.append((entry.args[0], coefficient, False))
            elif may_open and entry.op in _MULTIPLICATIVE:
                term = self._gather(one, coefficient)
                inner = term.over[0] if len(term.over) == 1 and not term.under else None
                if inner is not None and self.uses[inner] == 1 and self.graph.entries[inner].op in _ADDITIVE:
                    stack.append((inner, term.coefficient, False))
                else:
                    terms.append(term)
            else:
                terms.append(_Term(coefficient, [one], []))
        return terms

    def _sum(self, node: Node) -> Dual:
        c = self.code
        merged: dict[tuple[tuple[Node, ...], tuple[Node, ...]], _Term] = {}
        for term in self._terms(node):
            key = tuple(sorted(term.over)), tuple(sorted(term.under))
            if key in merged:
                merged[key].coefficient = c.add(merged[key].coefficient, term.coefficient)
            else:
                merged[key] = term
        fixed = merged.pop(((), ()), None)
        duals = [self._product(term) for term in merged.values()]
        total = Dual(fixed.coefficient) if fixed else Dual(c.const(0.0))
        one = c.const(1.0)
        for dual in duals:
            total = self._chain(c.add(total.ref, dual.ref), (one, total), (one, dual))
        return total

    def _product(self, term: _Term) -> Dual:
        """Coefficient first: a coefficient times a state has a fixed derivative."""
        over = self._multiply(Dual(term.coefficient), [self.memo[node] for node in term.over])
        if not term.under:
            return over
        under = [self.memo[node] for node in term.under]
        return self._quotient(over, self._multiply(under[0], under[1:]))

    def _multiply(self, first: Dual, rest: list[Dual]) -> Dual:
        total = first
        for dual in rest:
            total = self._chain(self.code.mul(total.ref, dual.ref), (dual.ref, total), (total.ref, dual))
        return total

    def _quotient(self, over: Dual, under: Dual) -> Dual:
        """(u / v)' = (u' - (u / v) v') / v, with 1 / v computed once."""
        c = self.code
        reciprocal = c.div(c.const(1.0), under.ref)
        value = c.mul(over.ref, reciprocal)
        slope = c.neg(c.mul(value, reciprocal))
        return self._chain(value, (reciprocal, over), (slope, under))


# ---- functions of one argument: (value, slope) ----
_Chain = Callable[[Code, Ref], tuple[Ref, Ref]]


def _sqrt(c: Code, a: Ref) -> tuple[Ref, Ref]:
    """The slope at 0, truly infinite, is taken as 0: a Jacobian needs a number."""
    value = c.sqrt(a)
    slope = c.select(c.eq(value, c.const(0.0)), c.const(0.0), c.div(c.const(0.5), value))
    return value, slope


def _exp(c: Code, a: Ref) -> tuple[Ref, Ref]:
    """The slope of what overflows counts as 0: a sigmoid 1 / (1 + exp(x)) is flat there; 0 * infinity would be NaN."""
    value = fn.exp(c, a)
    return value, c.select(c.lt(value, c.const(math.inf)), value, c.const(0.0))


def _log(c: Code, a: Ref) -> tuple[Ref, Ref]:
    return fn.log(c, a), c.div(c.const(1.0), a)


def _sin(c: Code, a: Ref) -> tuple[Ref, Ref]:
    return fn.sin_cos(c, a)


def _cos(c: Code, a: Ref) -> tuple[Ref, Ref]:
    sine, cosine = fn.sin_cos(c, a)
    return cosine, c.neg(sine)


def _tan(c: Code, a: Ref) -> tuple[Ref, Ref]:
    sine, cosine = fn.sin_cos(c, a)
    value = c.div(sine, cosine)
    return value, c.fma(value, value, c.const(1.0))


def _over_root(sign: float) -> _Chain:
    def slope(c: Code, a: Ref) -> tuple[Ref, Ref]:
        inner = c.mul(c.sub(c.const(1.0), a), c.add(c.const(1.0), a))
        value = fn.asin(c, a) if sign > 0 else fn.acos(c, a)
        return value, c.div(c.const(sign), c.sqrt(inner))

    return slope


def _atan(c: Code, a: Ref) -> tuple[Ref, Ref]:
    return fn.atan(c, a), c.div(c.const(1.0), c.fma(a, a, c.const(1.0)))


def _sinh(c: Code, a: Ref) -> tuple[Ref, Ref]:
    return fn.sinh(c, a), fn.cosh(c, a)


def _cosh(c: Code, a: Ref) -> tuple[Ref, Ref]:
    return fn.cosh(c, a), fn.sinh(c, a)


def _tanh(c: Code, a: Ref) -> tuple[Ref, Ref]:
    value = fn.tanh(c, a)
    return value, c.mul(c.sub(c.const(1.0), value), c.add(c.const(1.0), value))


def _asinh(c: Code, a: Ref) -> tuple[Ref, Ref]:
    return fn.asinh(c, a), c.div(c.const(1.0), c.sqrt(c.fma(a, a, c.const(1.0))))


def _acosh(c: Code, a: Ref) -> tuple[Ref, Ref]:
    inner = c.mul(c.sub(a, c.const(1.0)), c.add(a, c.const(1.0)))
    return fn.acosh(c, a), c.div(c.const(1.0), c.sqrt(inner))


def _atanh(c: Code, a: Ref) -> tuple[Ref, Ref]:
    inner = c.mul(c.sub(c.const(1.0), a), c.add(c.const(1.0), a))
    return fn.atanh(c, a), c.div(c.const(1.0), inner)


_CHAIN: dict[str, _Chain] = {
    "sqrt": _sqrt, "exp": _exp, "log": _log, "sin": _sin, "cos": _cos, "tan": _tan,
    "asin": _over_root(1.0), "acos": _over_root(-1.0), "atan": _atan,
    "sinh": _sinh, "cosh": _cosh, "tanh": _tanh, "asinh": _asinh, "acosh": _acosh, "atanh": _atanh,
}  # fmt: skip
_COMPARE = ("lt", "le", "eq", "and", "or", "not")
