"""What the engine is asked and what it answers; the same for every backend.

    OdeProblem (system, parameters, initial, schedule, save_times) -> solve -> Trajectories

Arrays are float64 and C-contiguous. The patient axis comes first everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np

from engager.core import FloatArray, IntArray
from engager.model import System

#: Stops that one problem may have: room for their limits is kept in every lane.
MAX_STOPS = 8


class Status(IntEnum):
    """How one patient's integration ended."""

    DONE = 0
    STEP_LIMIT = 1
    STEP_TOO_SMALL = 2
    NOT_FINITE = 3


class Action(IntEnum):
    """What a schedule may do to a patient at an instant."""

    ADD_TO_STATE = 0
    SET_STATE = 1
    MULTIPLY_STATE = 2
    SET_INPUT = 3
    RESET = 4  # all states back to their values at the start, inputs to zero


@dataclass(frozen=True)
class Schedule:
    """Actions of all patients, grouped by patient and sorted by time within each.

    Attributes
    ----------
    offsets : array (patient + 1,); patient i owns actions offsets[i] to offsets[i + 1].
    time : array (action,) [the model's time unit].
    action : array (action,) of `Action`.
    index : array (action,): which state or input.
    value : array (action,): amount, value or factor.

    Notes
    -----
    Actions at one instant happen in the order given, and before a save at that instant (saved courses
    are right-continuous). Actions before the first save time are ignored, later than the last likewise.
    """

    offsets: IntArray
    time: FloatArray
    action: IntArray
    index: IntArray
    value: FloatArray

    @classmethod
    def empty(cls, n_patients: int) -> Schedule:
        """Nothing happens to anyone."""
        none = np.zeros(0)
        whole = np.zeros(0, dtype=np.int64)
        return cls(np.zeros(n_patients + 1, dtype=np.int64), none, whole, whole, none)

    @classmethod
    def same_for_all(cls, n_patients: int, actions: list[tuple[float, Action, int, float]]) -> Schedule:
        """One list of (time, action, index, value) for every patient."""
        ordered = sorted(actions, key=lambda one: one[0])
        offsets = np.arange(n_patients + 1, dtype=np.int64) * len(ordered)
        columns = list(zip(*ordered, strict=True)) if ordered else [(), (), (), ()]
        time, action, index, value = (np.array(column, dtype=float) for column in columns)
        return cls(
            offsets,
            np.tile(time, n_patients),
            np.tile(action, n_patients).astype(np.int64),
            np.tile(index, n_patients).astype(np.int64),
            np.tile(value, n_patients),
        )


@dataclass(frozen=True)
class Stops:
    """Sums of states at which a patient's course ends early, each patient at limits of its own.

    Attributes
    ----------
    weights : array (stop, state): the sum that is watched, at most `MAX_STOPS` of them.
    limits : array (patient, stop): the course ends when the sum rises to this; infinite: never.

    Notes
    -----
    The instant is found within the step, on the method's own continuous solution, so it depends on no save time. A
    limit that a patient has reached at the start, or reaches by an action, ends the course there. A sum that passes
    its limit and falls back within one step is not seen: watch what only grows, or what passes slowly.
    """

    weights: FloatArray
    limits: FloatArray


@dataclass(frozen=True)
class OdeProblem:
    """One ensemble to solve.

    Attributes
    ----------
    system : the equations.
    parameters : array (patient, parameter), in the order of ``system.parameters``.
    save_times : array (time,), increasing; the first is the start of the integration. Or array (patient, time), every
        patient's own, where times may also stand still.
    inputs : array (patient, input) at the start, in the order of ``system.inputs``.
    initial : array (patient, state) at the start, or None for the model's own initial values.
    schedule : doses and other actions, or None.
    first_step : array (patient,): a step length to begin with (0: choose), or None. Handing back
        ``Trajectories.last_step`` lets a course be solved in pieces at no cost.
    stops : what ends a course early, or None.
    rows : array (patient,): the row of `parameters` and of `initial` that holds each patient, so that some of many are
        solved without copies of both; None: patient k is row k. All other arrays have one row a patient either way.
    in_place : the states at the end are written over `initial`, NaN of patients that failed, and the `values` of the
        answer hold only the saves between start and end. For many short stretches, each going on where the last ended.
    """

    system: System
    parameters: FloatArray
    save_times: FloatArray
    inputs: FloatArray | None = None
    initial: FloatArray | None = None
    schedule: Schedule | None = None
    first_step: FloatArray | None = None
    stops: Stops | None = None
    rows: IntArray | None = None
    in_place: bool = False

    @property
    def n(self) -> int:
        """How many patients there are."""
        return self.parameters.shape[0] if self.rows is None else self.rows.size

    def times_of(self, patient: int) -> FloatArray:
        """One patient's save times: array (time,)."""
        return self.save_times if self.save_times.ndim == 1 else self.save_times[patient]


def with_own_rows(problem: OdeProblem) -> OdeProblem:
    """The same problem with patient k in row k of every array; itself when it is so already, else not in place."""
    if problem.rows is None:
        return problem
    initial = None if problem.initial is None else problem.initial[problem.rows]
    return replace(problem, parameters=problem.parameters[problem.rows], initial=initial, rows=None, in_place=False)


def chosen_patients(problem: OdeProblem, places: IntArray) -> OdeProblem:
    """The part of a problem that concerns some patients, in the order given; a copy, so not in place."""
    own_rows = places if problem.rows is None else problem.rows[places]

    def part(array: FloatArray | None, places: IntArray = places) -> FloatArray | None:
        return None if array is None else array[places]

    own, stops = problem.schedule, problem.stops
    if own is not None:
        counts = np.diff(own.offsets)[places]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - own.offsets[places], counts)
        own = Schedule(offsets, own.time[rows], own.action[rows], own.index[rows], own.value[rows])
    return replace(
        problem, parameters=problem.parameters[own_rows], inputs=part(problem.inputs),
        initial=part(problem.initial, own_rows), first_step=part(problem.first_step), schedule=own,
        save_times=problem.save_times if problem.save_times.ndim == 1 else problem.save_times[places],
        stops=None if stops is None else Stops(stops.weights, stops.limits[places]),
        rows=None, in_place=False,
    )  # fmt: skip


def joined_problems(parts: Sequence[OdeProblem]) -> OdeProblem:
    """The patients of several problems as one, part after part.

    Parameters
    ----------
    parts : at least one; of one system, with the same optional arrays, every patient's own save times, as many in each
        part, one row a patient, and the same sums watched.
    """
    first = parts[0]

    def joined(name: str) -> FloatArray | None:
        arrays = [getattr(one, name) for one in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    schedule = stops = None
    if first.schedule is not None:
        own = [one.schedule for one in parts if one.schedule is not None]
        counts = np.concatenate([np.diff(one.offsets) for one in own])
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        names = ("time", "action", "index", "value")
        schedule = Schedule(offsets, *(np.concatenate([getattr(one, name) for one in own]) for name in names))
    if first.stops is not None:
        limits = np.concatenate([one.stops.limits for one in parts if one.stops is not None])
        stops = Stops(first.stops.weights, limits)
    each = ("parameters", "save_times", "inputs", "initial", "first_step")
    return replace(first, **{name: joined(name) for name in each}, schedule=schedule, stops=stops)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Trajectories:
    """What became of every patient.

    Attributes
    ----------
    time : array (time,), or (patient, time) as asked.
    values : array (patient, time, state); NaN from the moment a patient failed; where a course was stopped, all later
        saves hold the states at the stop. Of a problem solved in place: array (patient, time - 2, state),
        without those at the start and at the end; 0 where a row is filled up with its end.
    status : array (patient,) of `Status`.
    last_step : array (patient,): the step the solver would take next.
    inputs : array (patient, input) at the end, after all actions up to the last save time.
    n_steps : array (patient,): accepted steps; n_rejected likewise.
    stopped : array (patient,): which stop ended the course, -1 when none did.
    end_time : array (patient,): where the course ended: at the stop, else at the last save time.
    """

    system: System
    time: FloatArray
    values: FloatArray
    status: IntArray
    last_step: FloatArray
    inputs: FloatArray
    n_steps: IntArray
    n_rejected: IntArray
    stopped: IntArray
    end_time: FloatArray
    info: dict[str, float] = field(default_factory=dict)

    @property
    def n_failed(self) -> int:
        """How many patients did not reach the last save time."""
        return int(np.count_nonzero(self.status))

    def state(self, name: str) -> FloatArray:
        """Array (patient, time) of one state."""
        return self.values[:, :, self.system.index(name)]
