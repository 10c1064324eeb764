"""The tables of a virtual trial, cut at the day the data would have been cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engager.core import DAYS_PER_MONTH, FloatArray
from engager.model import evaluate_outputs
from engager.protocol import Protocol
from engager.trial.course import NO_RESPONSE, Course
from engager.trial.recruit import covariate_frame

if TYPE_CHECKING:
    import polars as pl

# Days; far below what any rule or visit distinguishes, far above rounding of calendar days.
_MOMENT = 1e-6
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


def assemble(protocol: Protocol, courses: Mapping[str, Course]) -> TrialData:
    """Tables of all arms, each patient seen only up to dropout, end of follow-up and data cut."""
    import polars as pl

    cut = _data_cut(protocol, courses)
    last_days = {arm: _last_day(course, cut) for arm, course in courses.items()}
    return TrialData(
        protocol,
        patients=pl.concat([_patients(arm, one, last_days[arm], protocol) for arm, one in courses.items()]),
        visits=pl.concat([_visits(arm, one, last_days[arm]) for arm, one in courses.items()]),
        events=pl.concat([_events(arm, one, last_days[arm]) for arm, one in courses.items()]),
        trajectories=pl.concat([_trajectories(arm, one) for arm, one in courses.items()]),
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
    recruits = course.recruits
    # Nothing is planned after a death: a transplant due later in the same week did not happen.
    course.hsct_day[course.hsct_day > course.death_day] = np.nan
    calendar = np.array([cut[int(r)] for r in recruits.replicate])
    followed = np.where(course.is_failed, course.clock, np.inf)
    followed = np.minimum(recruits.observable_day, followed)
    return np.minimum(followed, np.maximum(calendar - recruits.entry_day, 0.0))


def _key(arm: str, course: Course, rows: NDArray[np.int64]) -> dict[str, object]:
    import polars as pl

    recruits = course.recruits
    return {
        "replicate": pl.Series(recruits.replicate[rows], dtype=pl.Int32),
        "arm": pl.Series([arm] * rows.size, dtype=pl.String),
        "patient": pl.Series(recruits.number[rows], dtype=pl.Int32),
    }


def _patients(arm: str, course: Course, last_day: FloatArray, protocol: Protocol) -> pl.DataFrame:
    import polars as pl

    recruits = course.recruits
    rows = np.arange(course.n)

    def seen(day: FloatArray) -> FloatArray:
        # of two events on one day, the one of which the patient died is the last
        return np.where((day <= last_day) & ~(day > course.death_day), day, np.nan)

    response_day, relapse_day = seen(course.response_day), seen(course.relapse_day)
    death_day, hsct_day, mrd_day = seen(course.death_day), seen(course.hsct_day), seen(course.mrd_day)
    best = np.where(np.isnan(response_day), NO_RESPONSE, course.best)
    has_mrd = ~np.isnan(mrd_day)
    limit = np.log10(protocol.visits.mrd.limit)
    relapsed, died = ~np.isnan(relapse_day), ~np.isnan(death_day)
    crs_day, neurologic_day = seen(course.crs_day), seen(course.neurologic_day)
    outcome = pl.DataFrame(
        {
            "entry_month": recruits.entry_day / DAYS_PER_MONTH,
            "followup_day": last_day,
            "treated": recruits.is_treated,
            "start_day": np.where(recruits.is_treated, 0.0, np.nan),
            "treatment_end_day": seen(course.treatment_end),
            "treatment_end_reason": pl.Series(
                _or_null(course.end_reason, ~np.isnan(seen(course.treatment_end))), dtype=pl.String
            ),
            "n_cycles": pl.Series(np.where(recruits.is_treated, _cycles(course, protocol, arm), 0), dtype=pl.Int32),
            "best_response": pl.Series([course.response_names[int(k)] for k in best], dtype=pl.String),
            "response_day": response_day,
            "response_cycle": pl.Series(_or_null(course.response_cycle, ~np.isnan(response_day)), dtype=pl.Int32),
            "crh_day": seen(course.crh_day),
            "cr_day": seen(course.cr_day),
            "mrd_day": mrd_day,
            "mrd_log10": np.where(has_mrd, course.mrd_log10, np.nan),
            "mrd_below_limit": pl.Series(_or_null(course.mrd_log10 < limit, has_mrd), dtype=pl.Boolean),
            "mrd_undetectable": pl.Series(_or_null(course.mrd_undetectable, has_mrd), dtype=pl.Boolean),
            "mrd_first_day": seen(course.mrd_first_day),
            "mrd_response_day": seen(course.mrd_response_day),
            "mrd_undetectable_day": seen(course.mrd_undetectable_day),
            "hsct_day": hsct_day,
            "hsct_in_response": pl.Series(_or_null(course.hsct_in_response, ~np.isnan(hsct_day)), dtype=pl.Boolean),
            "later_lines": pl.Series(course.later_line, dtype=pl.Int32),
            "later_therapy_day": seen(np.where(np.isinf(course.later_therapy_day), np.nan, course.later_therapy_day)),
            "progression_day": seen(course.progression_day),
            "b_depleted_day": seen(course.b_depleted_day),
            "il6_high_day": seen(course.il6_high_day),
            "relapse_day": relapse_day,
            "relapse_cd19": pl.Series(
                _or_null(np.where(course.relapse_is_negative, "negative", "positive"), relapsed), dtype=pl.String
            ),
            "relapse_site": pl.Series(
                _or_null(_relapse_site(course), relapsed),
                dtype=pl.String,
            ),
            "death_day": death_day,
            "death_cause": pl.Series(_or_null(np.array(CAUSE_NAMES)[course.death_cause], died), dtype=pl.String),
            "crs_grade": pl.Series(_worst_seen(course, "crs", last_day), dtype=pl.Int32),
            "crs_day": crs_day,
            "neurologic_grade": pl.Series(_worst_seen(course, "neurologic", last_day), dtype=pl.Int32),
            "neurologic_day": neurologic_day,
        }
    )
    frame = pl.DataFrame({**_key(arm, course, rows), "failed": course.is_failed})
    covariates = covariate_frame(recruits.covariates)
    if "mrd_log10" in covariates.columns:
        # the outcome has this name; what patients came with is told apart
        covariates = covariates.rename({"mrd_log10": "entry_mrd_log10"})
    return pl.concat([frame, covariates, _nan_to_null(outcome)], how="horizontal")


def _relapse_site(course: Course) -> NDArray[np.str_]:
    if course.roles.is_nodal:
        return np.full(course.n, "tumor")
    return np.where(course.relapse_is_extramedullary, "extramedullary", "marrow")


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
    import polars as pl

    columns = {name: np.concatenate([visit[name] for visit in course.visits]) for name in course.visits[0]}
    rows = columns.pop("row")
    frame = pl.DataFrame(
        {
            **_key(arm, course, rows),
            "day": columns["day"],
            "cycle": pl.Series(columns["cycle"], dtype=pl.Int32),
            "cycle_day": pl.Series(columns["cycle_day"], dtype=pl.Int32),
            "kind": pl.Series(columns["kind"].tolist(), dtype=pl.String),
            **{
                name: columns[name]
                for name in (
                    "marrow_blasts_percent", "tumor_percent", "anc_per_uL", "platelets_per_uL", "b_per_uL",
                    "il6_pg_per_mL", "mrd_log10", "dose_ug_per_day", "on_treatment",
                )
            },
        }
    )  # fmt: skip
    kept = columns["day"] <= last_day[rows]
    return _nan_to_null(frame.filter(pl.Series(kept))).sort("replicate", "patient", "day", maintain_order=True)


def _events(arm: str, course: Course, last_day: FloatArray) -> pl.DataFrame:
    import polars as pl

    if course.log:
        rows = np.concatenate([entry[0] for entry in course.log])
        day = np.concatenate([entry[1] for entry in course.log])
        names = [entry[2] for entry in course.log for _ in range(entry[0].size)]
        grade = np.concatenate([entry[3] for entry in course.log])
        detail = [str(entry[4]) for entry in course.log for _ in range(entry[0].size)]
    else:
        rows, day, names, grade, detail = np.zeros(0, dtype=np.int64), np.zeros(0), [], np.zeros(0), []
    frame = pl.DataFrame(
        {
            **_key(arm, course, rows),
            "day": day,
            "event": pl.Series(names, dtype=pl.String),
            "grade": pl.Series(grade, dtype=pl.Int32),
            "detail": pl.Series(detail, dtype=pl.String),
        }
    )
    kept = day <= last_day[rows] if rows.size else np.zeros(0, dtype=bool)
    kept &= ~(day > course.death_day[rows]) if rows.size else kept
    return frame.filter(pl.Series(kept, dtype=pl.Boolean)).sort("replicate", "patient", "day", maintain_order=True)


def _trajectories(arm: str, course: Course) -> pl.DataFrame:
    import polars as pl

    system = course.system
    available = course.roles.courses
    if not course.samples:
        empty = np.zeros(0)
        key = _key(arm, course, np.zeros(0, dtype=np.int64))
        return pl.DataFrame({**key, "day": empty, "dose_ug_per_day": empty, **dict.fromkeys(available, empty)})
    rows, days, values = (np.concatenate(column) for column in zip(*course.samples, strict=True))
    order = np.lexsort((days, rows))
    rows, days, values = rows[order], days[order], values[order]
    found = evaluate_outputs(
        system,
        list(available.values()),
        values[:, :-1],
        course.recruits.parameters[rows],
        np.zeros((rows.size, len(system.inputs))),
    )
    frame = pl.DataFrame(
        {
            **_key(arm, course, rows),
            "day": days,
            "dose_ug_per_day": values[:, -1],
            **{column: found[name] for column, name in available.items()},
        }
    )
    return _nan_to_null(frame)


def _or_null(values: NDArray[Any], present: NDArray[np.bool_]) -> list[object]:
    return [value if keep else None for value, keep in zip(values.tolist(), present, strict=True)]


def _nan_to_null(frame: pl.DataFrame) -> pl.DataFrame:
    import polars.selectors as cs

    return frame.with_columns(cs.float().fill_nan(None))
