"""Elimination of the sparse matrix c*I - J in a fixed order, written out as instructions.

Pivots stay on the diagonal, in the order of least fill (Markowitz), found once per model. No exchange of rows
happens while running: every patient of a model runs the same instructions. Pivots are watched instead
(`eliminate` returns the smallest, as a share of c); a step whose matrix eliminates badly is repeated shorter,
which makes the diagonal dominate. The share does not depend on the units of the states.
"""

from __future__ import annotations

from dataclasses import dataclass

from engager.engine.lowering.code import Code, Ref

Place = tuple[int, int]


@dataclass(frozen=True)
class Pattern:
    """Where the factors have entries, and in which order pivots are taken."""

    n: int
    order: tuple[int, ...]
    entries: tuple[Place, ...]

    @property
    def number(self) -> dict[Place, int]:
        """Place of each entry in the array of factors."""
        return {place: k for k, place in enumerate(self.entries)}


def order_pivots(n: int, jacobian: set[Place]) -> Pattern:
    """Markowitz order on the diagonal of an n x n pattern, ties to the lower index, and the fill it makes."""
    rows = {i: {i} for i in range(n)}
    columns = {i: {i} for i in range(n)}
    for i, j in jacobian:
        rows[i].add(j)
        columns[j].add(i)
    filled = {(i, j) for i in rows for j in rows[i]}
    left = set(range(n))
    order = []
    while left:
        pivot = min(left, key=lambda p: ((len(rows[p]) - 1) * (len(columns[p]) - 1), len(columns[p]), p))
        left.remove(pivot)
        order.append(pivot)
        below, right = columns[pivot] - {pivot}, rows[pivot] - {pivot}
        for i in below:
            rows[i] |= right
            rows[i].discard(pivot)
            filled |= {(i, j) for j in right}
        for j in right:
            columns[j] |= below
            columns[j].discard(pivot)
    rank = {p: k for k, p in enumerate(order)}
    entries = sorted(filled, key=lambda place: (min(rank[place[0]], rank[place[1]]), place))
    return Pattern(n, tuple(order), tuple(entries))


def eliminate(c: Code, pattern: Pattern, shift: Ref, jacobian: dict[Place, Ref]) -> tuple[list[Ref], Ref]:
    """Factors of shift*I - J, one Ref per `pattern.entries`, and the smallest pivot divided by shift.

    Stored are the columns as they stand when their pivot is taken, reciprocals of pivots on the diagonal, and
    the rows times that reciprocal: substitution is then one multiply-add per entry off the diagonal.
    """
    zero = c.const(0.0)
    a: dict[Place, Ref] = {}
    for place in pattern.entries:
        minus = c.neg(jacobian[place]) if place in jacobian else zero
        a[place] = c.add(shift, minus) if place[0] == place[1] else minus
    known = set(pattern.entries)
    result: dict[Place, Ref] = {}
    smallest: Ref | None = None
    for k, p in enumerate(pattern.order):
        later = pattern.order[k + 1 :]
        size = c.abs(a[p, p])
        smallest = size if smallest is None else c.min(size, smallest)
        reciprocal = c.div(c.const(1.0), a[p, p])
        result[p, p] = reciprocal
        right = [j for j in later if (p, j) in known]
        for j in right:
            result[p, j] = c.mul(a[p, j], reciprocal)
        for i in later:
            if (i, p) in known:
                result[i, p] = a[i, p]
                for j in right:
                    a[i, j] = c.sub(a[i, j], c.mul(a[i, p], result[p, j]))
    share = c.const(1.0) if smallest is None else c.div(smallest, shift)
    return [result[place] for place in pattern.entries], share


def substitute(c: Code, pattern: Pattern, factors: list[Ref], right_side: list[Ref]) -> list[Ref]:
    """The solution for one right side, column by column so that neighboring updates do not wait on each other."""
    number = pattern.number
    b = list(right_side)
    for k, p in enumerate(pattern.order):
        b[p] = c.mul(b[p], factors[number[p, p]])
        for i in pattern.order[k + 1 :]:
            if (i, p) in number:
                b[i] = c.sub(b[i], c.mul(factors[number[i, p]], b[p]))
    for k in range(pattern.n - 1, -1, -1):
        p = pattern.order[k]
        for i in pattern.order[:k]:
            if (i, p) in number:
                b[i] = c.sub(b[i], c.mul(factors[number[i, p]], b[p]))
    return b
