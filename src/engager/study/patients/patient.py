"""One virtual patient under a planned regimen: the model's courses, hour by hour.

In: a regimen, and what is known of the patient. Out: courses to draw or to tabulate. The doses are given as
planned: no visit decides, nothing is held. A trial (`run_study`) does what the protocol would have done.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engager.core import (
    COVARIATES,
    PATIENT_DAYS,
    FloatArray,
    InputError,
    Problem,
    Stream,
    covariate_words,
    nearest,
    problems_of,
    write_whole,
    writing_to,
)
from engager.engine import OdeProblem, Status, solve
from engager.model import Model, evaluate_outputs, initial_states, load_model
from engager.population import Patients, PopulationValues, sample_patients, spread
from engager.protocol import PopulationBlock, Regimen, broken_rule_of
from engager.report import DailyCourse, PatientContent, PatientCourses, patient_figure, render_patient
from engager.study.parameters import population_parameters
from engager.study.patients.looks import COURSES
from engager.study.run.content import planned_doses
from engager.trial import planned_actions, quantile_of

MAX_DAYS = 3650.0
FIGURES = (".png", ".svg", ".pdf", ".html")
_HOURS = 24
# A typical adult, for a patient of whom nothing is said.
_TYPICAL = {one.name: one.typical for one in COVARIATES if one.typical is not None}
# Covariates that are worked out from others.
_FOLLOWS = {"bsa_m2": "weight_kg and height_cm", "population_mortality": "age_years and female"}
# Relative difference of two courses that is the solver's own (its relative tolerance is finer).
_SOLVER_NOISE = 1e-4
# Times at which courses are compared, so that ten years of hours need no memory for each change.
_MOST_COMPARED = 2000


@dataclass(frozen=True)
class VirtualPatient:
    """Courses of one patient.

    Attributes
    ----------
    regimen : what was given.
    covariates : of the patient, by name.
    days : array (time,) [day from the first dose].
    columns : array (time,) by column of a trial's trajectories; cells, or the unit in the name.
    notes : changes that lie beyond what the model was made for, or that move none of the courses.
    parameters : of the model, as this patient has them [model units].
    """

    regimen: Regimen
    covariates: dict[str, float]
    days: FloatArray
    columns: dict[str, FloatArray]
    notes: tuple[str, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)

    def courses(self) -> PatientCourses:
        """What the figure needs."""
        n_cycles = self.regimen.cycles
        starts = [float(self.regimen.cycle_start(cycle)) for cycle in range(1, n_cycles + 1)]
        last = float(self.days[-1])
        band = int(self.regimen.band_of(np.array([self.covariates["weight_kg"]]))[0])
        doses = [dose for dose in planned_doses(self.regimen, n_cycles, band) if dose.start_day < last]
        courses = {
            one.label: DailyCourse(
                self.days, self.columns[one.column] * one.scale, one.unit, one.panel, True, one.floor, one.limits
            )
            for one in COURSES
            if one.column in self.columns
        }
        return PatientCourses(courses, doses, [start for start in starts if start < last])


def simulate_patient(
    regimen: Regimen,
    *,
    days: float = PATIENT_DAYS,
    changes: Mapping[str, float] | None = None,
    model: str = "b-all",
    seed: int | None = None,
    parameters: str = "center",
) -> VirtualPatient:
    """Follow one virtual patient.

    Parameters
    ----------
    regimen : given as planned.
    days : how long, > 0.
    changes : covariates (``age_years``, ``marrow_blasts_percent``, ...) or model parameters, the latter in the
        unit of the model's table.
    model : id.
    seed : None for the typical patient; a number for one drawn at random from adults like TOWER's.
    parameters : as for `run_study`.

    Raises
    ------
    InputError
        When a name is no covariate and no parameter, or a number is out of range; all together.
    """
    loaded = load_model(model)
    asked = dict(changes or {})
    covariates, values = sort_out(loaded, asked, days)
    base = population_parameters(model, seed or 0, parameters).settings(0)

    def drawn(left_out: str | None = None) -> Patients:
        """The patient, with one of the changes left out."""
        kept = {name: value for name, value in covariates.items() if name != left_out}
        own = {name: value for name, value in values.items() if name != left_out}
        return draw_patients_of(loaded, kept, base | PopulationValues(typical=own), set(own), seed)

    patient = drawn()
    times = np.arange(0.0, round(days * _HOURS) + 1) / _HOURS
    found, is_failed = courses_of(loaded, regimen, [patient], times)
    columns = {name: one[0] for name, one in found.items()}
    if is_failed[0]:
        raise InputError(Problem("patient", _told(patient), "cannot be followed to the end by the solver"))
    notes = _beyond_range(loaded, asked)
    same = _without_effect(loaded, regimen, patient, {name: drawn(name) for name in asked}, times, columns)
    notes += [f"{name} = {asked[name]:g} changes none of the courses" for name in same]
    numbers = dict(zip(loaded.system.parameters, patient.parameters[0].tolist(), strict=True))
    return VirtualPatient(regimen, _told(patient), times, columns, tuple(notes), numbers)


def _without_effect(
    model: Model,
    regimen: Regimen,
    patient: Patients,
    without: Mapping[str, Patients],
    times: FloatArray,
    columns: Mapping[str, FloatArray],
) -> list[str]:
    """The changes without which the patient has the same courses; all are followed in one go."""
    changed = {name: one for name, one in without.items() if _is_changed(patient, one)}
    told = [name for name in without if name not in changed]
    if changed:
        step = max(1, times.size // _MOST_COMPARED)
        found, _ = courses_of(model, regimen, list(changed.values()), times[::step])
        for i, name in enumerate(changed):
            if _same({one: column[::step] for one, column in columns.items()}, {k: v[i] for k, v in found.items()}):
                told.append(name)
    return told


def courses_of(
    model: Model, regimen: Regimen, groups: Sequence[Patients], times: FloatArray
) -> tuple[dict[str, FloatArray], NDArray[np.bool_]]:
    """Columns of patients under the doses as planned: arrays (patient, time), all groups one after the other.

    The second: array (patient,), whom the solver could not follow to the end; those have NaN from then on.
    """
    parameters = np.concatenate([one.parameters for one in groups])
    weight_kg, bsa_m2 = (np.concatenate([one.covariates[name] for one in groups]) for name in ("weight_kg", "bsa_m2"))
    system = model.system
    inputs = np.zeros((len(parameters), len(system.inputs)))
    solved = solve(
        OdeProblem(
            system=system,
            parameters=parameters,
            save_times=times,
            inputs=inputs,
            initial=initial_states(system, parameters),
            schedule=planned_actions(regimen, weight_kg, bsa_m2, float(times[-1]), model),
        )
    )
    offered = model.roles.courses
    found = evaluate_outputs(system, list(offered.values()), solved.values, parameters, inputs)
    return {column: found[name] for column, name in offered.items()}, solved.status != Status.DONE


def _told(patient: Patients) -> dict[str, float]:
    return {name: float(value[0]) for name, value in patient.covariates.items()}


def _is_changed(patient: Patients, without: Patients) -> bool:
    """Whether anything that a course is made from differs."""
    sizes = ("weight_kg", "bsa_m2")  # by which doses go
    same_size = all(np.array_equal(patient.covariates[one], without.covariates[one]) for one in sizes)
    return not (same_size and np.array_equal(patient.parameters, without.parameters, equal_nan=True))


def _same(columns: Mapping[str, FloatArray], others: Mapping[str, FloatArray]) -> bool:
    """Whether courses agree but for the tolerance of the solver."""
    return all(
        np.allclose(column, others[name], rtol=_SOLVER_NOISE, atol=_SOLVER_NOISE * np.abs(column).max(), equal_nan=True)
        for name, column in columns.items()
    )


def _beyond_range(model: Model, changes: Mapping[str, float]) -> list[str]:
    """Values outside what parameters are thought to be, or what the covariates of adults in trials are."""
    spreads = PopulationBlock.model_validate({}).spreads()
    found = []
    for name, value in changes.items():
        if name in model.parameters:
            row = model.parameters[name]
            if row.is_share and value in (0.0, 1.0):  # of one patient: has it, or has it not
                continue
            low, high, unit, of = row.low, row.high, f" {row.unit}", "thought possible"
        else:
            low, high = getattr(spreads.get(name), "range", None) or (None, None)
            unit, of = "", "of the adults that the model was fitted to"
        if low is not None and high is not None and not low <= value <= high:
            found.append(f"{name} = {value:g} lies outside {low:g} to {high:g}{unit}, the range {of}")
    return found


def check_figure_path(out: Path, also: tuple[str, ...] = ()) -> None:
    """Refuse a place where no figure can be written, or where something stands already.

    Parameters
    ----------
    also : endings that are taken besides those of figures.

    Raises
    ------
    InputError
        With everything that is wrong.
    """
    problems = []
    endings = (*FIGURES, *also)
    if out.suffix.lower() not in endings:
        problems.append(Problem("--out", out, f"must end in {', '.join(endings)}"))
    problems += problems_of("--out", out, is_new=True)
    if problems:
        raise InputError(problems)


def draw_patients(patients: Mapping[str, VirtualPatient], out: Path, title: str) -> Path:
    """Draw one patient under one regimen, or under several laid over each other.

    Parameters
    ----------
    patients : by regimen name.
    out : ends in ``.png``, ``.svg``, ``.pdf`` or ``.html``.
    title : above the figure.
    """
    check_figure_path(out)
    with writing_to("--out", out):
        if out.suffix.lower() == ".html":
            write_whole(out, _page(patients, title))
        else:
            courses = {name: patient.courses() for name, patient in patients.items()}
            figure = patient_figure(courses if len(courses) > 1 else next(iter(courses.values())), title=title)
            image = io.BytesIO()
            figure.savefig(image, format=out.suffix[1:].lower(), dpi=160)  # a tight box would draw everything twice
            write_whole(out, image.getvalue())
    return out


def _page(patients: Mapping[str, VirtualPatient], title: str) -> str:
    notes = [note if len(patients) == 1 else f"{name}: {note}" for name, one in patients.items() for note in one.notes]
    who = next(iter(patients.values())).covariates
    regimens = {name: patient.courses() for name, patient in patients.items()}
    return render_patient(PatientContent(title, _traits(who), notes, regimens))


# Said in the sentence on the patient, or worth saying only where it is so.
_TOLD_APART = ("female", "age_years", "weight_kg", "height_cm", "bsa_m2")
_WHERE_SO = ("in_remission", "untreated")


def _traits(who: Mapping[str, float]) -> list[str]:
    """The patient at entry in words, e.g. ``Man, age 37 years, weight 75 kg, height 172 cm``."""
    sized = [covariate_words(name, who[name]) for name in ("age_years", "weight_kg", "height_cm") if name in who]
    first = ", ".join(["Woman" if who.get("female") else "Man", *sized])
    others = [
        covariate_words(name, value)
        for name, value in who.items()
        if name not in _TOLD_APART and (value or name not in _WHERE_SO)
    ]
    return [first, *others]


def sort_out(model: Model, changes: dict[str, float], days: float) -> tuple[dict[str, float], dict[str, float]]:
    """Changes as covariates and as population values (model units)."""
    problems = []
    if not 0 < days <= MAX_DAYS:
        problems.append(Problem("--days", days, f"must be above 0 and at most {MAX_DAYS:g}"))
    kinds = {**PopulationBlock.model_validate({}).covariates(), "cd8_per_uL": "number"}
    given = {*_TYPICAL, *changes, *_FOLLOWS}
    tied = model.roles.fixed_by.items()
    fixed = {parameter: covariate for covariate, parameters in tied if covariate in given for parameter in parameters}
    covariates: dict[str, float] = {}
    values: dict[str, float] = {}
    for name, value in changes.items():
        if name in kinds and name != "bsa_m2":
            if (problem := _impossible(name, value, kinds[name])) is not None:
                problems.append(problem)
            covariates[name] = value
        elif name in fixed:
            covariate = fixed[name]
            rule = f"has no effect: it follows from {_FOLLOWS.get(covariate, covariate)}"
            problems.append(Problem(f"--set {name}", value, rule, f"Set {_FOLLOWS.get(covariate, covariate)} instead."))
        elif name in model.parameters:
            row = model.parameters[name]
            if value < 0 <= min(row.value, 0.0 if row.low is None else row.low):
                problems.append(Problem(f"--set {name}", value, f"must be 0 or more [{row.unit}]: {row.meaning}"))
            values[name] = value * (row.model_value / row.value if row.value else 1.0)
        else:
            hint = nearest(name, [*kinds, *model.parameters])
            problems.append(Problem(f"--set {name}", value, "must be a covariate or a parameter", hint))
    if problems:
        raise InputError(problems)
    return covariates, values


def _impossible(name: str, value: float, kind: str) -> Problem | None:
    if kind == "yes_no":
        is_fine = value in (0.0, 1.0)
        return None if is_fine else Problem(f"--set {name}", value, "must be 0 or 1")
    written = int(value) if kind == "category" else value
    rule = broken_rule_of(name, written)
    return None if rule is None else Problem(f"--set {name}", value, *rule)


def draw_patients_of(
    model: Model,
    covariates: Mapping[str, float],
    population: PopulationValues,
    given: set[str],
    seed: int | None,
    n: int = 1,
) -> Patients:
    """The typical patient, or the first `n` of a seed's stream; covariates and `given` parameters do not vary."""
    if seed is None:
        spreads = {name: spread.constant(value) for name, value in {**_TYPICAL, **covariates}.items()}
        settings = population.without_spread(model.parameters)
    else:
        block = PopulationBlock.model_validate({})
        spreads = {name: quantile_of(one) for name, one in block.spreads().items()}
        spreads |= {name: spread.constant(value) for name, value in covariates.items()}
        settings = population.without_spread(given)
    return sample_patients(model, spreads, Stream(seed or 0, "patient"), np.arange(n), population=settings)
