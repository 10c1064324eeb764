"""The tables of a virtual trial, cut at the day the data would have been cut; their columns stand in `core.columns`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engager.core import DAYS_PER_MONTH, EVENTS, FAILED, KEY, OUTCOMES, TRAJECTORIES, VISITS, Column, FloatArray
from engager.model import DiseaseRoles, evaluate_outputs
from engager.protocol import Protocol
from engager.trial.course import VISIT_KINDS, Course
from engager.trial.recruit import covariate_frame

if TYPE_CHECKING:
    import polars as pl

# Days; far below what any rule or visit distinguishes, far above rounding of calendar days.
_MOMENT = 1e-6
# Of deaths, by their code; the disease goes by its own name in the tables (`cause_names`).
CAUSE_NAMES = ("", "leukemia", "infection", "transplant", "background", "toxicity")


@dataclass(frozen=True)
class TrialData:
    """What virtual trials recorded, as polars tables (columns in docs/architecture.md).

    Attributes
    ----------
    protocol : the study that was run.
    patients, visits, events, trajectories : keyed by (replicate, arm, patient).
    """

    protocol: Protocol
    patients: pl.DataFrame
    visits: pl.DataFrame
    events: pl.DataFrame
    trajectories: pl.DataFrame

    @property
    def n_failed(self) -> int:
        """Patients the solver could not follow to the end."""
        return int(self.patients["failed"].sum())

    @staticmethod
    def concatenate(parts: list[TrialData]) -> TrialData:
        """Tables of several calls (later replicates of the same study) as one call would have made them: by arm."""
        import polars as pl

        names = ("patients", "visits", "events", "trajectories")
        arms = parts[0].protocol.arm_ids
        stacked = {
            name: pl.concat([getattr(part, name).filter(pl.col("arm") == arm) for arm in arms for part in parts])
            for name in names
        }
        return TrialData(parts[0].protocol, **stacked)

    def only_patients(self) -> TrialData:
        """The patients table; the others without a row."""
        emptied = {name: getattr(self, name).clear() for name in ("visits", "events", "trajectories")}
        return replace(self, **emptied)


def cause_names(roles: DiseaseRoles) -> tuple[str, ...]:
    """What deaths of each code are called in the tables of patients with this disease."""
    return tuple(roles.disease if name == CAUSE_NAMES[1] else name for name in CAUSE_NAMES)


def assemble(protocol: Protocol, courses: Mapping[str, Course]) -> TrialData:
    """Tables of all arms, each patient seen only up to dropout, end of follow-up and data cut.

    Who would have entered only at the cut or later is in no table.
    """
    import polars as pl

    cut = _data_cut(protocol, courses)
    last_days = {arm: _last_day(course, cut) for arm, course in courses.items()}
    return TrialData(
        protocol,
        patients=pl.concat([_patients(arm, one, last_days[arm], protocol) for arm, one in courses.items()]),
        visits=pl.concat([_visits(arm, one, last_days[arm]) for arm, one in courses.items()]),
        events=pl.concat([_events(arm, one, last_days[arm]) for arm, one in courses.items()]),
        trajectories=pl.concat([_trajectories(arm, one, last_days[arm]) for arm, one in courses.items()]),
    )


def _data_cut(protocol: Protocol, courses: Mapping[str, Course]) -> dict[int, float]:
    """Calendar day of the data cut per replicate; infinite when there is none."""
    replicates = sorted({int(r) for course in courses.values() for r in np.unique(course.recruits.replicate)})
    rule = protocol.follow_up.data_cut
    if rule is None:
        return dict.fromkeys(replicates, np.inf)
    if rule.months is not None:
        return dict.fromkeys(replicates, rule.months * DAYS_PER_MONTH)
    cuts = {}
    for replicate in replicates:
        calendar = np.sort(np.concatenate([_calendar_deaths(course, replicate) for course in courses.values()]))
        n_deaths = int(rule.deaths or 0)
        # a moment after the death, so that rounding of its patient's own day does not lose it
        cuts[replicate] = float(calendar[n_deaths - 1]) + _MOMENT if calendar.size >= n_deaths else np.inf
    return cuts


def _calendar_deaths(course: Course, replicate: int) -> FloatArray:
    recruits = course.recruits
    seen = (recruits.replicate == replicate) & (course.death_day <= recruits.observable_day)
    found: FloatArray = (recruits.entry_day + course.death_day)[seen]
    return found


def _last_day(course: Course, cut: dict[int, float]) -> FloatArray:
    """Last day of observation, array (patient,); minus infinity of those who had not entered by the cut."""
    recruits = course.recruits
    calendar = np.array([cut[int(r)] for r in recruits.replicate])
    followed = np.where(course.is_failed, course.clock, np.inf)
    followed = np.minimum(recruits.observable_day, followed)
    until_cut = calendar - recruits.entry_day
    return np.where(until_cut > 0.0, np.minimum(followed, until_cut), -np.inf)


def _key(arm: str, course: Course, rows: NDArray[np.int64]) -> dict[str, Any]:
    import polars as pl

    recruits = course.recruits
    arms = pl.repeat(arm, rows.size, dtype=pl.String, eager=True)
    return {"replicate": recruits.replicate[rows], "arm": arms, "patient": recruits.number[rows]}


def _in_order(course: Course, rows: NDArray[np.int64], day: FloatArray) -> NDArray[np.int64]:
    """Order of entries by replicate, patient and day, those of one day as they came: array (entry,)."""
    recruits = course.recruits
    # NumPy sorts numbers this short by counting them
    rank = np.empty(course.n, dtype=np.uint16 if course.n <= 2**16 else np.int64)
    rank[np.lexsort((recruits.number, recruits.replicate))] = np.arange(course.n)
    whose = rank[rows]
    order: NDArray[np.int64] = np.argsort(whose, kind="stable")
    # a patient's entries mostly came by day
    whose, day_then = whose[order], day[order]
    if np.any((day_then[1:] < day_then[:-1]) & (whose[1:] == whose[:-1])):
        order = np.lexsort((day, rank[rows]))
    return order


def _frame(columns: Sequence[Column], values: Mapping[str, Any]) -> pl.DataFrame:
    """The columns of `engager.core` in their order and types, each from its values; NaN is null."""
    import polars as pl
    import polars.selectors as cs

    made = {one.name: _series(one, values[one.name]) for one in columns}
    return pl.DataFrame(made).with_columns(cs.float().fill_nan(None))


def _series(column: Column, values: Any) -> pl.Series:
    import polars as pl

    types = {"i32": pl.Int32, "f64": pl.Float64, "bool": pl.Boolean, "str": pl.String}
    return pl.Series(values, dtype=types[column.dtype])


def _words(names: Sequence[str], places: NDArray[Any]) -> pl.Series:
    """The name at each place; no text is made for each patient."""
    import polars as pl

    return pl.Series(names, dtype=pl.String).gather(places)


def _patients(arm: str, course: Course, last_day: FloatArray, protocol: Protocol) -> pl.DataFrame:
    import polars as pl

    recruits = course.recruits
    given = {
        "entry_month": recruits.entry_day / DAYS_PER_MONTH,
        "followup_day": last_day,
        "treated": recruits.is_treated,
        "start_day": np.where(recruits.is_treated, 0.0, np.nan),
        "treatment_end_day": course.treatment_end,
        "treatment_end_reason": course.end_reason,
        "n_cycles": np.where(recruits.is_treated, _cycles(course, protocol, arm), 0),
        "best_response": _words(course.response_names, course.best),
        "mrd_below_limit": course.mrd_log10 < np.log10(protocol.visits.mrd.limit),
        "later_lines": course.n_lines,
        "relapse_cd19": _words(("positive", "negative"), course.relapse_is_negative.astype(np.int64)),
        "relapse_site": _relapse_site(course),
        "death_cause": _words(cause_names(course.roles), course.death_cause),
        "crs_grade": _worst_seen(course, "crs", last_day),
        "neurologic_grade": _worst_seen(course, "neurologic", last_day),
    }
    values = {one.name: given.get(one.name, getattr(course, one.name, None)) for one in OUTCOMES}
    outcome = _frame(OUTCOMES, {one.name: _as_seen(one, values, course.death_day, last_day) for one in OUTCOMES})
    key = _frame((*KEY, FAILED), {**_key(arm, course, np.arange(course.n)), "failed": course.is_failed})
    covariates = covariate_frame(recruits.covariates)
    if "mrd_log10" in covariates.columns:
        # the outcome has this name; what patients came with is told apart
        covariates = covariates.rename({"mrd_log10": "entry_mrd_log10"})
    return pl.concat([key, covariates, outcome], how="horizontal").filter(last_day >= 0.0)


def _as_seen(column: Column, values: Mapping[str, Any], death_day: FloatArray, last_day: FloatArray) -> Any:
    """A column as far as it was observed: days up to the last one, and what is known only by a day with that day."""
    import polars as pl

    if not column.known_by:
        return values[column.name]
    day = values[column.known_by]
    # of two events on one day, the one of which the patient died is the last
    is_seen = (day <= last_day) & ~(day > death_day)
    if column.is_event_day:
        return np.where(is_seen, day, np.nan)
    found = _series(column, values[column.name])
    return found.zip_with(pl.Series(is_seen), pl.repeat(column.before, len(found), dtype=found.dtype, eager=True))


def _relapse_site(course: Course) -> pl.Series:
    sites = ("tumor", "tumor") if course.roles.is_nodal else ("marrow", "extramedullary")
    return _words(sites, course.relapse_is_extramedullary.astype(np.int64))


def _worst_seen(course: Course, event: str, last_day: FloatArray) -> NDArray[np.int64]:
    """Worst grade of the events of a kind that `_events` keeps; 0 without any: array (patient,)."""
    worst = np.zeros(course.n, dtype=np.int64)
    for rows, day, name, grade, _ in course.log:
        if name == event:
            seen = (day <= last_day[rows]) & ~(day > course.death_day[rows])
            np.maximum.at(worst, rows[seen], grade[seen])
    return worst


def _cycles(course: Course, protocol: Protocol, arm: str) -> NDArray[np.int64]:
    """Cycles begun: a cycle whose first day never came does not count."""
    begun = np.where(course.cycle_day > 1, course.cycle, course.cycle - 1)
    return np.clip(begun, 1, protocol.arms[arm].regimen.cycles)


def _visits(arm: str, course: Course, last_day: FloatArray) -> pl.DataFrame:
    made = {name: np.concatenate([visit[name] for visit in course.visits]) for name in course.visits[0]}
    kept = np.flatnonzero(made["day"] <= last_day[made["row"]])
    order = kept[_in_order(course, made["row"][kept], made["day"][kept])]
    seen = {name: column[order] for name, column in made.items()}
    return _frame(VISITS, {**seen, **_key(arm, course, seen["row"]), "kind": _words(VISIT_KINDS, seen["kind"])})


def _events(arm: str, course: Course, last_day: FloatArray) -> pl.DataFrame:
    nothing = (np.zeros(0, dtype=np.int64), np.zeros(0), "", np.zeros(0, dtype=np.int64), "")
    rows, days, names, grades, details = zip(nothing, *course.log, strict=True)
    entry = np.repeat(np.arange(len(rows)), [one.size for one in rows])
    row, day = np.concatenate(rows), np.concatenate(days)
    kept = np.flatnonzero((day <= last_day[row]) & ~(day > course.death_day[row]))
    order = kept[_in_order(course, row[kept], day[kept])]
    values = {
        "day": day[order],
        "event": _words(names, entry[order]),
        "grade": np.concatenate(grades)[order],
        "detail": _words(details, entry[order]),
    }
    return _frame(EVENTS, {**_key(arm, course, row[order]), **values})


def _trajectories(arm: str, course: Course, last_day: FloatArray) -> pl.DataFrame:
    system, available = course.system, course.roles.courses
    columns = (*TRAJECTORIES, *(Column(name, "f64", "of the model") for name in available))
    if not course.samples:
        empty = dict.fromkeys((one.name for one in columns), np.zeros(0))
        return _frame(columns, {**empty, **_key(arm, course, np.zeros(0, dtype=np.int64))})
    rows, days, values = (np.concatenate(column) for column in zip(*course.samples, strict=True))
    order = np.lexsort((days, rows))
    order = order[last_day[rows[order]] >= 0.0]
    rows, days, values = rows[order], days[order], values[order]
    parameters, inputs = course.recruits.parameters[rows], np.zeros((rows.size, len(system.inputs)))
    found = evaluate_outputs(system, list(available.values()), values[:, :-1], parameters, inputs)
    shown = {column: found[name] for column, name in available.items()}
    return _frame(columns, {**_key(arm, course, rows), "day": days, "dose_ug_per_day": values[:, -1], **shown})
