"""Joins switching times with the schedule of an ensemble: what a solver gets has smooth rates between actions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engager.core import FloatArray, IntArray
from engager.engine.problem import Action, OdeProblem, Schedule, Trajectories, with_own_rows
from engager.engine.switching.find import Switched, switched
from engager.engine.switching.times import Plan, Stretch, plan
from engager.model import System, initial_states


def with_switches(problem: OdeProblem) -> OdeProblem:
    """The same ensemble with every jump that can be known beforehand as an action; itself when there is none.

    Raises
    ------
    UnsupportedModel
        When something switches more often than steps could follow.
    """
    found = switched(problem.system)
    return problem if found is None else _Joiner(with_own_rows(problem), found).join()


def switching_times(problem: OdeProblem) -> list[list[float]]:
    """Per patient, the times at which formulas of time jump or bend, in order; empty where there are none."""
    found = switched(problem.system)
    if found is None:
        return [[]] * problem.n
    return [np.unique(one.time).tolist() for one in _Joiner(with_own_rows(problem), found).plans()[1]]


def without_switches(result: Trajectories, system: System) -> Trajectories:
    """The answer in terms of the system that was asked for."""
    if result.system is system:
        return result
    return replace(result, system=system, inputs=np.ascontiguousarray(result.inputs[:, : len(system.inputs)]))


@dataclass(frozen=True)
class _Extra:
    """Actions to add for one course."""

    time: FloatArray
    action: IntArray
    index: IntArray
    value: FloatArray


class _Joiner:
    def __init__(self, problem: OdeProblem, found: Switched) -> None:
        self.problem, self.found, self.system = problem, found, problem.system
        self.n = problem.parameters.shape[0]
        self.schedule = problem.schedule or Schedule.empty(self.n)
        times = np.asarray(problem.save_times, dtype=float)
        self.begins, self.ends = (np.broadcast_to(times[..., k], (self.n,)) for k in (0, -1))
        self.parameters = [k for k, name in enumerate(self.system.parameters) if name in found.symbols]
        self.inputs = [k for k, name in enumerate(self.system.inputs) if name in found.symbols]
        self.clocks = [self.system.index(name) for name in found.clocks]
        self.start = self._starting_inputs()
        self.initial = self._initial()

    def _starting_inputs(self) -> FloatArray:
        if self.problem.inputs is not None:
            return np.asarray(self.problem.inputs, dtype=float)
        row = [self.system.defaults.get(name, 0.0) for name in self.system.inputs]
        return np.tile(np.array(row, dtype=float), (self.n, 1))

    def _initial(self) -> FloatArray:
        if not self.clocks:
            return np.zeros((self.n, len(self.system.states)))
        given = self.problem.initial
        return initial_states(self.system, self.problem.parameters, self.start) if given is None else given

    def join(self) -> OdeProblem:
        """The ensemble over the smooth system."""
        first, extras = self.plans()
        inputs = np.hstack([self.start, first])
        return replace(self.problem, system=self.found.system, inputs=inputs, schedule=self._merged(extras))

    def plans(self) -> tuple[FloatArray, list[_Extra]]:
        """Switches at the start, array (patient, switch), and actions per patient; equal courses are planned once."""
        known: dict[tuple[object, ...], tuple[FloatArray, _Extra]] = {}
        all_acts, places = self._acts()
        first = np.zeros((self.n, len(self.found.switches)))
        extras: list[_Extra] = []
        for i in range(self.n):
            acts = all_acts[places[i] : places[i + 1]]
            key = (
                self.problem.parameters[i, self.parameters].tobytes(), self.start[i, self.inputs].tobytes(),
                self.initial[i, self.clocks].tobytes(), acts.tobytes(), self.begins[i], self.ends[i],
            )  # fmt: skip
            if key not in known:
                known[key] = self._planned(i, acts)
            first[i], extra = known[key]
            extras.append(extra)
        return first, extras

    def _acts(self) -> tuple[FloatArray, IntArray]:
        """Actions that matter to switching times as rows (time, action, index, value), and where patients begin."""
        own = self.schedule
        on_input = (own.action == Action.SET_INPUT) & np.isin(own.index, self.inputs)
        on_clock = (own.action < Action.SET_INPUT) & np.isin(own.index, self.clocks)
        matters = on_input | on_clock | (own.action == Action.RESET)
        patient = np.repeat(np.arange(self.n), np.diff(own.offsets))
        within = (own.time >= self.begins[patient]) & (own.time <= self.ends[patient])
        rows = np.flatnonzero(matters & within)
        columns = [own.time, own.action, own.index, own.value]
        acts = np.array([column[rows].astype(float) for column in columns]).reshape(4, -1).T
        return np.ascontiguousarray(acts), np.searchsorted(rows, own.offsets).astype(np.int64)

    # ---- one course ----

    def _planned(self, patient: int, acts: FloatArray) -> tuple[FloatArray, _Extra]:
        parameters = {
            self.system.parameters[k]: float(self.problem.parameters[patient, k]) for k in self.parameters
        }  # fmt: skip
        stretch = self._stretches(patient, acts, parameters)
        course = plan(self.found, parameters, stretch, float(self.ends[patient]))
        resets = np.unique(acts[acts[:, 1] == Action.RESET, 0])
        return course.values[:, 0] if len(course.values) else np.zeros(0), self._extra(course, resets)

    def _stretches(self, patient: int, acts: FloatArray, parameters: dict[str, float]) -> Stretch:
        """Inputs and clocks at the start and after each instant with actions that matter."""
        inputs = {k: float(self.start[patient, k]) for k in self.inputs}
        clocks = {k: float(self.initial[patient, k]) for k in self.clocks}
        rates = list(self.found.clocks.values())
        begins, given, started = [float(self.begins[patient])], [dict(inputs)], [dict(clocks)]
        for time, kind, place, value in acts:
            if time > begins[-1]:
                named = {self.system.inputs[k]: one for k, one in inputs.items()}
                speed = self.found.graph.evaluate(rates, {**parameters, **named})
                clocks = {k: one + v * (time - begins[-1]) for (k, one), v in zip(clocks.items(), speed, strict=True)}
                begins.append(float(time))
                given.append({})
                started.append({})
            k = int(place)
            if kind == Action.SET_INPUT:
                inputs[k] = float(value)
            elif kind == Action.ADD_TO_STATE:
                clocks[k] += float(value)
            elif kind == Action.SET_STATE:
                clocks[k] = float(value)
            elif kind == Action.MULTIPLY_STATE:
                clocks[k] *= float(value)
            else:
                inputs = dict.fromkeys(inputs, 0.0)
                clocks = {one: float(self.initial[patient, one]) for one in clocks}
            given[-1], started[-1] = dict(inputs), dict(clocks)
        return Stretch(
            np.array(begins),
            {self.system.inputs[k]: np.array([one[k] for one in given]) for k in self.inputs},
            {self.system.states[k]: np.array([one[k] for one in started]) for k in self.clocks},
        )

    def _extra(self, course: Plan, resets: FloatArray) -> _Extra:
        """Every change of a switch, all of them after a reset, and a mark where steps must end all the same."""
        begins, values = course.edges[:-1], course.values
        place = len(self.system.inputs)
        was_reset = np.isin(begins, resets)
        changed = np.zeros(values.shape, dtype=bool)
        if values.size:
            changed[:, 1:] = values[:, 1:] != values[:, :-1]
            changed |= was_reset[None, :]
        switch, piece = np.nonzero(changed)
        bare = np.flatnonzero(~changed.any(axis=0) & (np.arange(begins.size) > 0))
        # a state times 1 stays what it is; the instant ends a step
        time = np.concatenate([begins[piece], begins[bare]])
        return _Extra(
            time,
            np.concatenate(
                [np.full(piece.size, int(Action.SET_INPUT)), np.full(bare.size, int(Action.MULTIPLY_STATE))]
            ),
            np.concatenate([place + switch, np.zeros(bare.size, dtype=np.int64)]).astype(np.int64),
            np.concatenate([values[switch, piece], np.ones(bare.size)]),
        )

    # ---- all courses ----
    def _merged(self, extras: list[_Extra]) -> Schedule:
        """One schedule; at one instant the file's and the caller's actions come first."""
        own, counts = self.schedule, np.array([one.time.size for one in extras], dtype=np.int64)
        patient = np.concatenate(
            [np.repeat(np.arange(self.n), np.diff(own.offsets)), np.repeat(np.arange(self.n), counts)]
        )
        columns = {
            name: np.concatenate([getattr(own, name), *(getattr(one, name) for one in extras)])
            for name in ("time", "action", "index", "value")
        }  # fmt: skip
        added = np.concatenate([np.zeros(own.time.size), np.ones(int(counts.sum()))])
        order = np.lexsort((added, columns["time"], patient))
        offsets = np.concatenate([[0], np.cumsum(np.diff(own.offsets) + counts)]).astype(np.int64)
        return Schedule(
            offsets, columns["time"][order], columns["action"][order].astype(np.int64),
            columns["index"][order].astype(np.int64), columns["value"][order],
        )  # fmt: skip
