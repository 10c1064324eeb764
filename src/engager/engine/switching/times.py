"""When the switches of one course change: the course is cut level by level into pieces in which nothing jumps.

Switches whose argument holds no other switch come first; between their switching times those of the next level see
smooth arguments, and so on. Where an argument is straight in time its crossing is one division; elsewhere it is
looked at on a grid, between and around whose points a sign that changes is found by bisection.

In: `Switched`, the numbers of one patient. Out: `Plan`. Not here: schedules and ensembles (`join`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engager.core import FloatArray, IntArray, Problem, UnsupportedModel
from engager.engine.instants import SAME_INSTANT, distinct_instants, snap
from engager.engine.switching.find import Switch, Switched
from engager.model import TIME, Node, evaluate_nodes

#: Points at which curved arguments are looked at, over the whole course and within one piece at least.
_POINTS, _FEWEST = 4096, 16
#: A course with more switching times than this is not one that steps could follow.
MAX_TIMES = 200_000
#: Turning points of curved formulas at which steps end; a formula that turns more often is seen without that.
_MAX_TURNS = 200
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Plan:
    """One course in pieces.

    Attributes
    ----------
    edges : array (piece + 1,): where each piece begins, and the end of the last.
    values : array (switch, piece): of each switch within each piece.
    """

    edges: FloatArray
    values: FloatArray


@dataclass(frozen=True)
class Stretch:
    """What holds from one action to the next, as arrays (stretch,) by name."""

    begins: FloatArray
    inputs: dict[str, FloatArray]
    clocks: dict[str, FloatArray]


def plan(switched: Switched, parameters: dict[str, float], stretch: Stretch, end: float) -> Plan:
    """The pieces of one course.

    Parameters
    ----------
    parameters : name -> value, of those that matter.
    stretch : inputs and clocks at the start of each stretch between actions.
    end : of the course.

    Raises
    ------
    UnsupportedModel
        When something switches more than `MAX_TIMES` times.
    """
    course = _Course(switched, parameters, stretch, end)
    for level in range(1 + max((switch.level for switch in switched.switches), default=-1)):
        found = [course.edges]
        for switch in switched.switches:
            if switch.level == level:
                found.append(course.crossings(switch))
        course.cut(np.concatenate(found))
    if switched.curves:
        course.cut(np.concatenate([course.edges, course.turns(switched.curves), course.folds(switched.folds)]))
    return Plan(course.edges, course.values)


class _Course:
    """The pieces found so far, and formulas evaluated within them."""

    def __init__(self, switched: Switched, parameters: dict[str, float], stretch: Stretch, end: float) -> None:
        self.switched, self.graph, self.parameters = switched, switched.graph, parameters
        self.stretch, self.end = stretch, end
        # rates of clocks depend on parameters and inputs only
        rates = evaluate_nodes(self.graph, list(switched.clocks.values()), {**parameters, **stretch.inputs})
        shape = stretch.begins.shape
        self.speed = {
            name: np.broadcast_to(rate, shape) for name, rate in zip(switched.clocks, rates, strict=True)
        }  # fmt: skip
        self.values = np.zeros((len(switched.switches), 0))
        self.cut(np.append(stretch.begins, end))

    def cut(self, times: FloatArray) -> None:
        """New pieces, and the switches' values in each."""
        inside = distinct_instants(times[(times >= self.stretch.begins[0]) & (times <= self.end)])
        # the end and the starts of stretches stay what they are to the last bit
        fixed = np.append(self.stretch.begins, self.end)
        self.edges = np.unique(np.concatenate([snap(inside, np.unique(fixed)), fixed]))
        if self.edges.size > MAX_TIMES:
            rule = f"switches more than {MAX_TIMES} times in this course"
            where = f"model {self.switched.system.id}"
            raise UnsupportedModel(Problem(where, "a formula of time", rule, "Simulate a shorter time."))
        if self.edges.size == 1:
            self.edges = np.append(self.edges, self.edges)
        self.of_stretch = np.searchsorted(self.stretch.begins, self.edges[:-1], side="right") - 1
        middle = 0.5 * (self.edges[:-1] + self.edges[1:])
        pieces = np.arange(middle.size)
        found = self._evaluate([switch.value for switch in self.switched.switches], pieces, middle, False)
        self.values = np.array(found).reshape(len(found), middle.size)

    def _evaluate(self, nodes: Sequence[Node], pieces: IntArray, times: FloatArray, at_rest: bool) -> list[FloatArray]:
        """Formulas at `times` that lie in `pieces`, with switches at rest in them; arrays like `times`."""
        stretch = self.of_stretch[pieces]
        values: dict[str, Any] = {TIME: times, **self.parameters}
        values |= {name: array[stretch] for name, array in self.stretch.inputs.items()}
        since = times - self.stretch.begins[stretch]
        for name, start in self.stretch.clocks.items():
            values[name] = start[stretch] + self.speed[name][stretch] * since
        if at_rest:
            values |= {switch.name: self.values[k][pieces] for k, switch in enumerate(self.switched.switches)}
        return [np.broadcast_to(one, times.shape) for one in evaluate_nodes(self.graph, nodes, values)]

    # ---- crossings ----
    def crossings(self, switch: Switch) -> FloatArray:
        """Times at which a switch may change."""
        return self._straight(switch) if switch.is_straight else self._curved(switch)

    def _straight(self, switch: Switch) -> FloatArray:
        left, right = self.edges[:-1], self.edges[1:]
        pieces = np.arange(left.size)
        argument, slope = self._evaluate([switch.argument, switch.slope], pieces, left, True)
        with np.errstate(all="ignore"):
            if not switch.is_whole:
                times = left - argument / slope
                return times[(times > left) & (times < right)]
            last = argument + slope * (right - left)
            low, high = np.floor(np.minimum(argument, last)) + 1, np.ceil(np.maximum(argument, last)) - 1
            count = np.where(np.isfinite(low) & np.isfinite(high) & (slope != 0), high - low + 1, 0)
            count = np.clip(count, 0, MAX_TIMES + 1).astype(np.int64)
            if count.sum() > MAX_TIMES:
                found: FloatArray = np.arange(MAX_TIMES + 1.0) / MAX_TIMES * (right[-1] - left[0]) + left[0]
                return found
            piece = np.repeat(pieces, count)
            whole = low[piece] + np.arange(piece.size) - np.repeat(np.cumsum(count) - count, count)
            more: FloatArray = left[piece] + (whole - argument[piece]) / slope[piece]
            return more

    def _curved(self, switch: Switch) -> FloatArray:
        return self._passed(switch.argument, switch.is_whole, *self._grid())

    def _passed(self, argument: Node, is_whole: bool, pieces: IntArray, times: FloatArray) -> FloatArray:
        """Times at which a formula changes its sign, or its whole part."""
        found = self._code(argument, is_whole, pieces, times)
        low, high = times[:, :-1].ravel(), times[:, 1:].ravel()
        piece = np.repeat(np.arange(len(times)), times.shape[1] - 1)
        before, after = found[:, :-1].ravel(), found[:, 1:].ravel()
        changes = before != after
        edges = [self._bisected(argument, is_whole, piece[changes], low[changes], high[changes], before[changes])]
        if not is_whole:
            edges.append(self._grazes(argument, pieces, times))
        return np.concatenate(edges)

    def _grid(self) -> tuple[IntArray, FloatArray]:
        """Arrays (piece, point): places within each piece, its ends a rounding inside."""
        n = max(_FEWEST, _POINTS // (self.edges.size - 1))
        left, right = self.edges[:-1, None], self.edges[1:, None]
        inset = SAME_INSTANT * np.maximum(np.abs(left), np.abs(right))
        share = np.linspace(0.0, 1.0, n + 1)[None, :]
        times = np.clip(left + share * (right - left), left + inset, np.maximum(right - inset, left + inset))
        return np.broadcast_to(np.arange(left.size)[:, None], times.shape), times

    def _code(self, argument: Node, is_whole: bool, pieces: IntArray, times: FloatArray) -> FloatArray:
        """What must not change: the side of a comparison, or the whole part."""
        values = self._evaluate([argument], pieces, times, True)[0]
        return np.nan_to_num(np.floor(values) if is_whole else np.sign(values), nan=-0.5)

    def _bisected(
        self, argument: Node, is_whole: bool, piece: IntArray, low: FloatArray, high: FloatArray, before: FloatArray
    ) -> FloatArray:  # fmt: skip
        """The first time after each `low` at which the code is no longer `before`, and later ones up to `high`."""
        found: list[FloatArray] = []
        end = high
        while low.size and sum(one.size for one in found) <= MAX_TIMES:  # more is refused by `cut`
            left, right = low, end
            for _ in range(60):
                middle = 0.5 * (left + right)
                same = self._code(argument, is_whole, piece, middle) == before
                left, right = np.where(same, middle, left), np.where(same, right, middle)
            found.append(right)
            before = self._code(argument, is_whole, piece, right)
            more = self._code(argument, is_whole, piece, end) != before
            piece, low, end, before = piece[more], right[more], end[more], before[more]
        return np.concatenate(found) if found else np.zeros(0)

    def _grazes(self, argument: Node, pieces: IntArray, times: FloatArray) -> FloatArray:
        """Pairs of crossings between points of the grid: where the argument comes near 0 and turns back."""
        values = self._evaluate([argument], pieces, times, True)[0]
        size = np.abs(values)
        same = (np.sign(values[:, :-2]) == np.sign(values[:, 1:-1])) & (
            np.sign(values[:, 1:-1]) == np.sign(values[:, 2:])
        )
        row, column = np.nonzero(same & (size[:, 1:-1] <= size[:, :-2]) & (size[:, 1:-1] <= size[:, 2:]))
        if not row.size:
            return np.zeros(0)
        low, high = times[row, column], times[row, column + 2]
        sign = np.sign(values[row, column + 1])
        turn = self._turn(argument, row, low, high, -sign)
        crosses = self._code(argument, False, row, turn) != sign
        row, low, high, turn, sign = (array[crosses] for array in (row, low, high, turn, sign))
        first = self._bisected(argument, False, row, low, turn, sign)
        turned = self._code(argument, False, row, turn)
        return np.concatenate([first, self._bisected(argument, False, row, turn, high, turned)])

    def _turn(
        self, node: Node, piece: IntArray, low: FloatArray, high: FloatArray, sign: FloatArray
    ) -> FloatArray:  # fmt: skip
        """Where ``sign * node`` is largest between `low` and `high`, by golden section."""
        for _ in range(48):
            width = high - low
            one, two = high - _GOLDEN * width, low + _GOLDEN * width
            first, second = (sign * self._evaluate([node], piece, at, True)[0] for at in (one, two))
            low, high = np.where(first < second, one, low), np.where(first < second, high, two)
        return 0.5 * (low + high)

    # ---- curves ----
    def turns(self, formulas: Sequence[Node]) -> FloatArray:
        """Times at which formulas turn back, or begin or end to be flat: a step that ends there missed no pulse."""
        pieces, times = self._grid()
        found = [np.zeros(0)]
        for formula in formulas:
            values = self._evaluate([formula], pieces, times, True)[0]
            with np.errstate(all="ignore"):
                rises, falls = values[:, 1:-1] - values[:, :-2], values[:, 2:] - values[:, 1:-1]
                row, column = np.nonzero((rises * falls < 0) | ((rises == 0) != (falls == 0)))
            if not 0 < row.size <= _MAX_TURNS:
                continue
            low, high = times[row, column], times[row, column + 2]
            way = np.sign(rises[row, column] - falls[row, column])
            found.append(self._turn(formula, row, low, high, way))
        return np.concatenate(found)

    def folds(self, formulas: Sequence[Node]) -> FloatArray:
        """Times at which formulas pass 0 or turn back; none of a formula that does so too often to follow."""
        pieces, times = self._grid()
        found = [self.turns(formulas)]
        for formula in formulas:
            passed = self._passed(formula, False, pieces, times)
            if passed.size <= _MAX_TURNS:
                found.append(passed)
        return np.concatenate(found)
