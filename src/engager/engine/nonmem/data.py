"""A NONMEM-style table of doses and observations becomes a `Problem`.

Understood: ID, TIME, EVID 0-4, AMT, RATE (0 bolus, > 0 infusion, -1 and -2: rate or duration is a
parameter), CMT, ADDL, II, SS 1 and 2, MDV, and columns named like parameters or inputs of the model. Rules
of interpretation follow the NONMEM help (data items EVID, RATE, SS): a steady-state dose with SS 1, and a
reset, cancel infusions and additional doses that are still to come.

Departures: a covariate holds from its row on (NONMEM looks back from the next row); a reset puts the states
to the model's own initial values, which need not be 0; TIME may not go back after a reset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engager.core import FloatArray, InputError, IntArray, Problem as Complaint, nearest
from engager.engine.nonmem.course import DoseCourse, Dosing
from engager.engine.nonmem.infusion import RATE_PREFIX, with_infusion_inputs
from engager.engine.nonmem.steady_state import Solver
from engager.engine.nonmem.table import DOSE, RESET_AND_DOSE, Record, read_records
from engager.engine.problem import Problem, Schedule, Trajectories
from engager.model import System, initial_states


@dataclass(frozen=True)
class NonmemData:
    """Everything a table says, ready to be joined with parameters.

    Attributes
    ----------
    system : the model, with an input ``rate_<state>`` for every state that the table infuses.
    ids : ID of each patient, in order of the file.
    save_times : array (time,): the union of all rows' times; the first is the earliest row of all.
    observations : per patient, array of places in `save_times` of its rows with EVID 0 and MDV 0.
    covariates : column -> array (patient,): value in the patient's first row that gives one; NaN without.
    """

    system: System
    ids: tuple[str, ...]
    save_times: FloatArray
    observations: tuple[IntArray, ...]
    covariates: dict[str, FloatArray]
    records: tuple[tuple[Record, ...], ...] = field(repr=False)
    dosing: Dosing = field(repr=False)

    def parameters(self) -> FloatArray:
        """Array (patient, parameter): the file's defaults, and covariates named like parameters."""
        names = self.system.parameters
        row = np.array([self.system.defaults.get(name, np.nan) for name in names], dtype=float)
        table = np.tile(row, (len(self.ids), 1))
        for k, name in enumerate(names):
            if name in self.covariates:
                given = self.covariates[name]
                table[:, k] = np.where(np.isnan(given), table[:, k], given)
        return table

    def problem(self, parameters: FloatArray | None = None, *, solver: Solver | None = None) -> Problem:
        """The ensemble to solve.

        Parameters
        ----------
        parameters : array (patient, parameter); default: `NonmemData.parameters`.
        solver : what finds steady states; default: the reference engine.

        Notes
        -----
        A patient whose steady state is not found gets NaN states at that dose, and so fails with a status.
        """
        table = self.parameters() if parameters is None else np.ascontiguousarray(parameters, dtype=float)
        system = self.system
        inputs = np.tile([system.defaults.get(name, 0.0) for name in system.inputs], (len(self.ids), 1))
        initial = initial_states(system, table, inputs)
        courses = [
            DoseCourse(self.dosing, table[i], inputs[i], initial[i], solver or _default_solver).expand(
                rows, float(self.save_times[0])
            )
            for i, rows in enumerate(self.records)
        ]
        counts = [len(course) for course in courses]
        flat = [action for course in courses for action in course]
        time, action, index, value = (
            np.array([one[k] for one in flat], dtype=float if k in (0, 3) else np.int64) for k in range(4)
        )
        schedule = Schedule(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), time, action, index, value)
        return Problem(system, table, self.save_times, inputs, None, schedule)

    def observed(self, solved: Trajectories, state: str) -> list[FloatArray]:
        """Per patient, the values of a state at that patient's observations."""
        values = solved.state(state)
        return [values[i, places] for i, places in enumerate(self.observations)]


def read_nonmem(
    source: str | Path,
    system: System,
    *,
    compartments: Mapping[int, str] | None = None,
    rates: Mapping[str, str] | None = None,
    durations: Mapping[str, str] | None = None,
    lags: Mapping[str, str] | None = None,
    bioavailability: Mapping[str, str] | None = None,
) -> NonmemData:
    """Read a NONMEM-style table.

    Parameters
    ----------
    source : a path, or the text itself (anything with a line break).
    system : the model that is dosed.
    compartments : number in CMT -> state; default: states in their order, from 1. CMT may also be a state's
        name.
    rates, durations : state -> parameter that is the rate (RATE -1) or duration (RATE -2) of its infusions;
        default: ``R<n>`` and ``D<n>`` for compartment n.
    lags, bioavailability : state -> parameter that delays its doses, or is the share that arrives.

    Raises
    ------
    InputError
        With every problem of the table, by line.
    """
    text, where = _text(source)
    records = read_records(text, where)
    places = compartments or {k + 1: name for k, name in enumerate(system.states)}
    maps = {"rates": rates, "durations": durations, "lags": lags, "bioavailability": bioavailability}
    resolver = _Resolver(system, places, {key: dict(value or {}) for key, value in maps.items()}, where)
    targets = resolver.check(records)
    infused = {targets[one.line] for one in records if one.rate}
    full = with_infusion_inputs(system, sorted(infused, key=system.index))
    dosing = Dosing(
        full, targets,
        {name: full.inputs.index(RATE_PREFIX + name) for name in infused},
        **{key: resolver.columns(key) for key in maps},
    )  # fmt: skip
    return _data(full, records, dosing, where)


def _default_solver(problem: Problem) -> Trajectories:
    from engager.engine.reference.backend import solve_reference

    return solve_reference(problem, rtol=1e-11, atol=1e-14)


def _text(source: str | Path) -> tuple[str, str]:
    if isinstance(source, str) and "\n" in source:
        return source, "table"
    path = Path(source)
    try:
        return path.read_text(encoding="utf-8"), path.name
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Complaint(str(path), str(error), "must be a readable text file")) from None


class _Resolver:
    """Which state and which parameters each row means."""

    def __init__(self, system: System, places: Mapping[int, str], maps: dict[str, dict[str, str]], where: str) -> None:
        self.system, self.places, self.maps, self.where = system, places, maps, where
        self.problems: list[Complaint] = []
        for key, named in maps.items():
            for state, parameter in named.items():
                self._must_be(key, state, system.states)
                self._must_be(key, parameter, system.parameters)
        for number, state in places.items():
            self._must_be(f"compartments[{number}]", state, system.states)

    def _must_be(self, key: str, name: str, known: tuple[str, ...]) -> None:
        if name not in known:
            kind = "state" if known is self.system.states else "parameter"
            self.problems.append(Complaint(key, name, f"must be a {kind}", nearest(name, known)))

    def check(self, records: list[Record]) -> dict[int, str]:
        """Line -> state of every dose."""
        targets = {}
        for one in records:
            if one.kind not in (DOSE, RESET_AND_DOSE):
                continue
            state = self._state(one)
            if state is None:
                continue
            targets[one.line] = state
            for rate, key, letter in ((-1, "rates", "R"), (-2, "durations", "D")):
                if one.rate == rate and state not in self.maps[key]:
                    self._by_number(one, state, key, letter)
        if self.problems:
            raise InputError(self.problems[:50])
        return targets

    def _state(self, one: Record) -> str | None:
        if one.compartment in self.system.states:
            return one.compartment
        try:
            number = int(float(one.compartment)) if one.compartment not in ("", ".", "0") else min(self.places)
        except (ValueError, OverflowError):
            number = -1
        if number in self.places:
            return self.places[number]
        rule = "CMT must be a state or one of " + ", ".join(str(key) for key in sorted(self.places)[:12])
        self.problems.append(Complaint(f"{self.where}: line {one.line}", one.compartment, rule))
        return None

    def _by_number(self, one: Record, state: str, key: str, letter: str) -> None:
        number = next(k for k, name in self.places.items() if name == state) if state in self.places.values() else 0
        name = f"{letter}{number}"
        if name in self.system.parameters:
            self.maps[key][state] = name
        else:
            rule = f"RATE {one.rate:g} needs a parameter {name} in the model"
            hint = f"Or name it: read_nonmem(..., {key}={{{state!r}: ...}})."
            self.problems.append(Complaint(f"{self.where}: line {one.line}", one.rate, rule, hint))

    def columns(self, key: str) -> dict[str, int]:
        """State -> place in the parameters."""
        return {state: self.system.parameters.index(name) for state, name in self.maps[key].items()}


def _data(system: System, records: list[Record], dosing: Dosing, where: str) -> NonmemData:
    by_patient: dict[str, list[Record]] = {}
    for one in records:
        by_patient.setdefault(one.patient, []).append(one)
    if not by_patient:
        raise InputError(Complaint(where, "no rows", "must have a row below the header"))
    times = np.unique(np.array([one.time for one in records]))
    if times.size == 1:
        times = np.array([times[0], times[0] + 1.0])
    _check_covariates(system, by_patient, where)
    names = sorted({name for one in records for name in one.covariates})
    covariates = {
        name: np.array([
            next((one.covariates[name] for one in rows if name in one.covariates), np.nan)
            for rows in by_patient.values()
        ])
        for name in names
    }  # fmt: skip
    observations = tuple(
        np.searchsorted(times, [one.time for one in rows if one.is_observed]).astype(np.int64)
        for rows in by_patient.values()
    )
    rows = tuple(tuple(rows) for rows in by_patient.values())
    return NonmemData(system, tuple(by_patient), times, observations, covariates, rows, dosing)


def _check_covariates(system: System, by_patient: Mapping[str, list[Record]], where: str) -> None:
    problems = []
    for rows in by_patient.values():
        first: dict[str, float] = {}
        for one in rows:
            for name, value in one.covariates.items():
                if name in system.parameters and first.setdefault(name, value) != value:
                    rule = f"parameter {name} changes within a patient"
                    hint = f"Read the model with inputs=[{name!r}] to let it change."
                    problems.append(Complaint(f"{where}: line {one.line}", value, rule, hint))
    if problems:
        raise InputError(problems[:50])
