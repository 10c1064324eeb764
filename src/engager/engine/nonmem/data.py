"""A NONMEM-style table of doses and observations becomes an `OdeProblem`.

Understood: ID, TIME, EVID 0-4, AMT, RATE (0 bolus, > 0 infusion, -1 and -2: rate or duration is a
parameter), DUR (duration of an infusion), CMT, ADDL, II, SS 1 and 2, MDV, and columns named like parameters or inputs
of the model, in upper or lower case; other columns are told in `NonmemData.notes`. Parameters ``F<n>``, ``ALAG<n>``,
``R<n>`` and ``D<n>`` (or ``F_<state>`` and so on) are what they are in NONMEM. Rules of interpretation follow the
NONMEM help (data items EVID, RATE, SS): rows of one time act in the order of the file, after additional doses; a
steady-state dose with SS 1, and a reset, cancel infusions and additional doses that are still to come.

Departures: a covariate holds from its row on (NONMEM looks back from the next row); a reset puts the states
to the model's own initial values, which need not be 0; TIME may not go back after a reset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from engager.core import FloatArray, InputError, IntArray, Problem, nearest, read_at_most
from engager.engine.nonmem.course import DoseCourse, Dosing
from engager.engine.nonmem.infusion import RATE_PREFIX, with_infusion_inputs
from engager.engine.nonmem.steady_state import Solver
from engager.engine.nonmem.table import (
    DOSE,
    KNOWN,
    OTHER,
    RESET_AND_DOSE,
    Record,
    columns_of,
    in_file_order,
    read_records,
)
from engager.engine.problem import OdeProblem, Schedule, Trajectories
from engager.model import System, initial_states

_MOST_BYTES = 500_000_000


@dataclass(frozen=True)
class NonmemData:
    """Everything a table says, ready to be joined with parameters.

    Attributes
    ----------
    system : the model, with an input ``rate_<state>`` for every state that the table infuses.
    ids : ID of each patient, in order of the file.
    save_times : array (time,): the union of the times at which rows act (`Record.at`), from the earliest of all on.
    shown_times : array (time,): the times in the file that these stand for.
    notes : what the reader of the table should know, e.g. which columns are not used.
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
    shown_times: FloatArray = field(repr=False)
    notes: tuple[str, ...] = ()

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

    def problem(self, parameters: FloatArray | None = None, *, solver: Solver | None = None) -> OdeProblem:
        """The ensemble to solve; see `planned`."""
        return self.planned(parameters, solver=solver)[0]

    def planned(
        self,
        parameters: FloatArray | None = None,
        *,
        inputs: FloatArray | None = None,
        initial: FloatArray | None = None,
        solver: Solver | None = None,
    ) -> tuple[OdeProblem, tuple[str, ...]]:
        """The ensemble to solve, and what the reader should know of single doses.

        Parameters
        ----------
        parameters : array (patient, parameter); default: `NonmemData.parameters`.
        inputs, initial : arrays (patient, input) and (patient, state) at the start; default: the model's own.
        solver : what finds steady states; default: the reference engine.

        Notes
        -----
        A patient whose steady state is not found gets NaN states at that dose, and so fails with a status; the note
        names patient, line, dose and reason.
        """
        table = self.parameters() if parameters is None else np.ascontiguousarray(parameters, dtype=float)
        system, n = self.system, len(self.ids)
        if inputs is None:
            inputs = np.tile([system.defaults.get(name, 0.0) for name in system.inputs], (n, 1))
        start = initial_states(system, table, inputs) if initial is None else initial
        courses, notes = [], []
        for i, rows in enumerate(self.records):
            course = DoseCourse(self.dosing, table[i], inputs[i], start[i], solver or _default_solver)
            courses.append(course.expand(rows, float(self.save_times[0])))
            notes += course.notes
        counts = [len(course) for course in courses]
        flat = [action for course in courses for action in course]
        time, action, index, value = (
            np.array([one[k] for one in flat], dtype=float if k in (0, 3) else np.int64) for k in range(4)
        )
        schedule = Schedule(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), time, action, index, value)
        return OdeProblem(system, table, self.save_times, inputs, initial, schedule), tuple(notes)

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
    compartments : number in CMT -> state; default: states in their order, from 1, less those that nothing but events
        changes (parameters in truth, unless they are species). CMT may also be a state's name.
    rates, durations : state -> parameter that is the rate (RATE -1) or duration (RATE -2) of its infusions;
        default: ``R<n>`` and ``D<n>`` for compartment n, or ``R_<state>`` and ``D_<state>``.
    lags, bioavailability : state -> parameter that delays its doses, or is the share that arrives; default: ``ALAG<n>``
        and ``F<n>``, or ``ALAG_<state>`` and ``F_<state>``, where the model has them and its rates do not use them.

    Raises
    ------
    InputError
        With every problem of the table, by line.
    """
    text, where = _text(source)
    columns = columns_of(text, where)
    records = read_records(text, where, _meaning(columns, system, where))
    places = compartments or dict(enumerate(_compartments(system), start=1))
    maps = {"rates": rates, "durations": durations, "lags": lags, "bioavailability": bioavailability}
    resolver = _Resolver(system, places, {key: dict(value or {}) for key, value in maps.items()}, where)
    targets = resolver.check(records)
    infused = {targets[one.line] for one in records if one.rate or one.duration}
    full = with_infusion_inputs(system, sorted(infused, key=system.index))
    dosing = Dosing(
        full, targets,
        {name: full.inputs.index(RATE_PREFIX + name) for name in infused},
        **resolver.maps,
    )  # fmt: skip
    return _data(full, records, dosing, where, (*resolver.notes, *_unused(columns, full, where)))


def _compartments(system: System) -> list[str]:
    """States that a number in CMT may mean, in their order."""
    parameters = _moved_by_events_alone(system)
    return [name for name in system.states if name not in parameters or f"[{name}]" in system.outputs]


def _moved_by_events_alone(system: System) -> set[str]:
    moved = {name for event in system.events for name, _ in event.assignments}
    rates = zip(system.states, system.rates, strict=True)
    return {name for name, rate in rates if name in moved and system.graph.constant_value(rate) == 0.0}


def _meaning(columns: list[str], system: System, where: str) -> dict[str, str]:
    """Column -> the parameter or input that it gives; InputError where two give the same."""
    known = {*system.parameters, *system.inputs}
    named = [(name, column_of(name, known)) for name in columns if name not in KNOWN]
    found = {name: meant for name, meant in named if meant is not None}
    twice = [name for name, meant in found.items() if list(found.values()).count(meant) > 1]
    if twice:
        rule = f"must give {found[twice[0]]} of the model once"
        raise InputError(Problem(f"{where}: line 1", ", ".join(twice), rule, "Keep one of these columns."))
    return found


def _unused(columns: list[str], system: System, where: str) -> list[str]:
    """Columns that change nothing, in one note."""
    known = {*system.parameters, *system.inputs}
    names = [name for name in columns if name == "DV" or (name not in KNOWN and column_of(name, known) is None)]
    return [f"{where}: not used: {', '.join(names)}"] if names else []


def column_of(name: str, known: Iterable[str]) -> str | None:
    """The parameter or input that a column is named like: exactly, or else alone in upper and lower case."""
    names = set(known)
    if name in names:
        return name
    alike = [one for one in names if one.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _default_solver(problem: OdeProblem) -> Trajectories:
    from engager.engine.reference.backend import solve_reference

    return solve_reference(problem, rtol=1e-11)


def _text(source: str | Path) -> tuple[str, str]:
    if isinstance(source, str) and "\n" in source:
        return source, "table"
    path = Path(source)
    try:
        text = read_at_most(path, _MOST_BYTES).decode("utf-8")
        return text.replace("\r\n", "\n").replace("\r", "\n"), path.name
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(path), str(error), "must be a readable text file")) from None


class _Resolver:
    """Which state and which parameters each row means."""

    def __init__(self, system: System, places: Mapping[int, str], maps: dict[str, dict[str, str]], where: str) -> None:
        self.system, self.places, self.maps, self.where = system, places, maps, where
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.in_rates = system.graph.symbols(system.rates)
        for key, named in maps.items():
            for state, parameter in named.items():
                self._must_be(key, state, system.states)
                self._must_be(key, parameter, (*system.parameters, *system.inputs))
        for number, state in places.items():
            self._must_be(f"compartments[{number}]", state, system.states)

    def _must_be(self, key: str, name: str, known: tuple[str, ...]) -> None:
        if name not in known:
            kind = "state" if known is self.system.states else "parameter"
            self.problems.append(Problem(key, name, f"must be a {kind}", nearest(name, known)))

    def check(self, records: list[Record]) -> dict[int, str]:
        """Line -> state of every dose."""
        targets = {}
        for one in records:
            if one.kind not in (DOSE, RESET_AND_DOSE):
                if one.kind == OTHER and one.compartment.startswith("-"):
                    rule = "turns a compartment off, which is not done here"
                    self.problems.append(Problem(f"{self.where}: line {one.line}", one.compartment, rule))
                continue
            state = self._state(one)
            if state is None:
                continue
            targets[one.line] = state
            for rate, key, letter in ((-1, "rates", "R"), (-2, "durations", "D")):
                if one.rate == rate and state not in self.maps[key]:
                    self._needed(one, state, key, letter)
        for state in dict.fromkeys(targets.values()):
            for key, letter in (("lags", "ALAG"), ("bioavailability", "F")):
                if state not in self.maps[key]:
                    self._offered(state, key, letter)
        if self.problems:
            raise InputError(self.problems[:50])
        return targets

    def _state(self, one: Record) -> str | None:
        if one.compartment in self.system.states:
            return one.compartment
        try:
            written = float(one.compartment) if one.compartment not in ("", ".", "0") else min(self.places)
            number = int(written) if written == int(written) else -1
        except (ValueError, OverflowError):
            number = -1
        if number in self.places:
            return self.places[number]
        rule = "CMT must be a state or one of " + ", ".join(str(key) for key in sorted(self.places)[:12])
        self.problems.append(Problem(f"{self.where}: line {one.line}", one.compartment, rule))
        return None

    def _named(self, state: str, letter: str) -> str | None:
        """The quantity ``<letter><n>`` or ``<letter>_<state>`` of a state, if the model has one."""
        system = self.system
        numbers = [str(k) for k, name in self.places.items() if name == state]
        known = {*system.parameters, *system.inputs, *system.outputs, *_moved_by_events_alone(system)}
        for ending in (*numbers, f"_{state}"):
            name = column_of(letter + ending, known)
            if name is not None:
                return name
        return None

    def _needed(self, one: Record, state: str, key: str, letter: str) -> None:
        number = next((k for k, name in self.places.items() if name == state), 0)
        name = self._named(state, letter)
        if name is not None and self._is_known_beforehand(name):
            self.maps[key][state] = name
            return
        rule = f"RATE {one.rate:g} needs a parameter {letter}{number} in the model"
        hint = f"Or name it: read_nonmem(..., {key}={{{state!r}: ...}})."
        self.problems.append(Problem(f"{self.where}: line {one.line}", one.rate, rule, hint))

    def _offered(self, state: str, key: str, letter: str) -> None:
        """A lag or share that the model names as NONMEM does."""
        name = self._named(state, letter)
        if name is None:
            return
        if name in self.in_rates:
            self.notes.append(f"{name} stands in the model's equations, so doses into {state} do not use it ({key})")
        elif not self._is_known_beforehand(name):
            rule = f"is taken for the {key} of {state}, and may depend on parameters and inputs only"
            self.problems.append(Problem(f"{self.where}: {name}", name, rule, "Give it another name."))
        else:
            self.maps[key][state] = name

    def _is_known_beforehand(self, name: str) -> bool:
        system = self.system
        fixed = {*system.parameters, *system.inputs}
        return name in fixed or (name in system.outputs and system.graph.symbols([system.outputs[name]]) <= fixed)


def _data(
    system: System, records: list[Record], dosing: Dosing, where: str, notes: tuple[str, ...]
) -> NonmemData:  # fmt: skip
    by_patient: dict[str, list[Record]] = {}
    known = {*system.parameters, *system.inputs}
    for one in records:
        meant = {column_of(name, known) or name: value for name, value in one.covariates.items()}
        by_patient.setdefault(one.patient, []).append(replace(one, covariates=meant))
    if not by_patient:
        raise InputError(Problem(where, "no rows", "must have a row below the header"))
    by_patient = {name: in_file_order(rows) for name, rows in by_patient.items()}
    records = [one for rows in by_patient.values() for one in rows]
    times, first = np.unique(np.array([one.at for one in records]), return_index=True)
    shown = np.array([records[k].time for k in first])
    if times.size == 1:
        times = np.array([times[0], times[0] + 1.0])
        shown = times
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
        np.searchsorted(times, [one.at for one in rows if one.is_observed]).astype(np.int64)
        for rows in by_patient.values()
    )
    rows = tuple(tuple(rows) for rows in by_patient.values())
    return NonmemData(system, tuple(by_patient), times, observations, covariates, rows, dosing, shown, notes)


def _check_covariates(system: System, by_patient: Mapping[str, list[Record]], where: str) -> None:
    problems = []
    for rows in by_patient.values():
        first: dict[str, float] = {}
        for one in rows:
            for name, value in one.covariates.items():
                if name in system.parameters and first.setdefault(name, value) != value:
                    rule = f"parameter {name} changes within a patient"
                    hint = f"Read the model with inputs=[{name!r}] to let it change."
                    problems.append(Problem(f"{where}: line {one.line}", value, rule, hint))
    if problems:
        raise InputError(problems[:50])
