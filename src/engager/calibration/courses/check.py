"""Each published observation beside what virtual patients of the same kind show.

Courses and bins are compared as a cohort of as many patients as published would show them: simulated cohorts give
an interval of the median, with the reading error of the fit. Single facts are compared with the bounds that their
file gives, on a larger number of virtual patients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from engager.calibration.courses.cohort import RESOLUTION_PER_UL
from engager.calibration.courses.cohorts import one_reading_each, readings_above
from engager.calibration.courses.cytokines import READING_ERROR
from engager.calibration.courses.fit import load_time_course_fit
from engager.calibration.courses.observations import Binned, Courses, Fact, Observations, load_observations
from engager.calibration.courses.settings import Seen, observe
from engager.core import FloatArray, Stream
from engager.model import Model, load_model
from engager.population import PopulationValues

Row = dict[str, object]

_OUTPUTS = (
    "cd8_per_uL", "b_per_uL", "il6_pg_per_mL", "drug_pg_per_mL", "blood_resting", "blood_activated",
    "marrow_T_activated", "marrow_T_exhausted", "marrow_T_resting",
)  # fmt: skip
_HOURS = np.array([0, 1, 2, 4, 6, 9, 12, 18, 24]) / 24
_FINE = np.linspace(0, 3, 49)


def validate_observations(
    seed: int = 1,
    *,
    n_patients: int = 400,
    population: PopulationValues | None = None,
    model: Model | None = None,
    observations: Observations | None = None,
) -> list[Row]:
    """Compare every observation with virtual patients.

    Parameters
    ----------
    seed : fixes every draw.
    n_patients : virtual patients per setting.
    population : typical values and spreads; None: those of the within-patient calibration that ships.

    Returns
    -------
    One dict per comparison: ``id``, ``use`` (``fit`` or ``check``), ``quantity``, ``unit``, ``observed`` (as
    published), ``simulated``, ``low``, ``high``, ``inside``, ``n_observed``, ``n_simulated``, ``n_failed``,
    ``source``. For courses and bins `low` and `high` are the 95 % interval of what a simulated cohort of the
    published size (as many patients) shows, and `inside` says whether the published number lies within. For
    single facts they bound what agrees with the publication, and `inside` says whether the simulated number does.
    """
    data = observations or load_observations()
    world = World(
        model or load_model("b-all"),
        PopulationValues.read(load_time_course_fit().population) if population is None else population,
        Stream(seed, "observations"),
        n_patients,
    )
    rows: list[Row] = []
    for courses in data.courses.values():
        rows += _course_rows(courses, world)
    for binned in data.binned.values():
        rows += _bin_rows(binned, world)
    rows += [_fact_row(fact, world) for fact in data.facts.values()]
    return rows


class World:
    """Virtual patients of every setting, simulated when first asked for."""

    def __init__(self, model: Model, population: PopulationValues, stream: Stream, n_patients: int):
        self.model, self.population, self.stream = model, population, stream
        self.numbers = np.arange(n_patients, dtype=np.int64)
        self._seen: dict[str, Seen] = {}

    def of(self, setting: str) -> Seen:
        """Courses of one setting on a grid fine at the start, at dose steps and at cycle 2."""
        if setting not in self._seen:
            self._seen[setting] = observe(
                self.model, setting, self._days, _OUTPUTS, self.stream, self.numbers, self.population
            )
        return self._seen[setting]

    @cached_property
    def _days(self) -> FloatArray:
        parts: list[FloatArray] = [
            _FINE, 7 + _FINE, 14 + _FINE, 42 + _FINE, np.arange(50).astype(np.float64),
            np.array([0.0416, 0.083, 0.25, 0.5, 6.95, 13.95, 27.95, 41.95]),
        ]  # fmt: skip
        days: FloatArray = np.unique(np.round(np.concatenate(parts), 6))
        return days


# ---------------------------------------------------------------------------------------- courses and bins
def _course_rows(courses: Courses, world: World) -> Iterator[Row]:
    seen = world.of(courses.setting)
    true = np.stack([seen.at(courses.quantity, day) for day in courses.time_days], axis=1)
    errors = load_time_course_fit().errors
    n = len(courses.patients)
    z = world.stream.of(f"reading/{courses.id}").normal(world.numbers, courses.time_days.size)
    if courses.floor is None:
        read = np.exp(np.log(np.maximum(true, 0) + RESOLUTION_PER_UL) + errors["cd8_log"] * z) - RESOLUTION_PER_UL
        summary: Callable[..., float] = np.median
        what, unit = "median", courses.unit
    else:
        read = np.maximum(true, 1e-9) * np.exp(errors["b_log"] * z)
        summary = _share_at_or_below(courses.floor)
        what, unit = f"share at or below {courses.floor:g}", "1"
    for k, day in enumerate(courses.time_days):
        low, high, middle = one_reading_each(read[:, k], n, summary, world.stream.of(f"cohort/{courses.id}/{k}"))
        observed = float(summary(courses.values[:, k]))
        yield {
            "id": f"{courses.id}/day {day:g}",
            "use": courses.use,
            "quantity": f"{what} of {courses.quantity} on day {day:g}",
            "unit": unit,
            "observed": observed,
            "simulated": middle,
            "low": low,
            "high": high,
            "inside": bool(low <= observed <= high),
            "n_observed": n,
            "n_simulated": world.numbers.size,
            "n_failed": seen.n_failed,
            "source": courses.source,
        }


def _bin_rows(binned: Binned, world: World) -> Iterator[Row]:
    seen = world.of(binned.setting)
    for k, one in enumerate(binned.bins):
        true = seen.between(binned.quantity, one.from_day, one.to_day)
        z = world.stream.of(f"reading/{binned.id}/{k}").normal(world.numbers, true.shape[1])
        read = np.maximum(true, 1e-9) * np.exp(READING_ERROR * z.reshape(true.shape))
        low, high, middle = readings_above(
            read, binned.floor, one.n, binned.n_patients, world.stream.of(f"cohort/{binned.id}/{k}")
        )
        yield {
            "id": f"{binned.id}/day {one.from_day:g}-{one.to_day:g}",
            "use": binned.use,
            "quantity": f"median of readings of {binned.quantity} above {binned.floor:g}",
            "unit": binned.unit,
            "observed": one.median,
            "simulated": middle,
            "low": low,
            "high": high,
            "inside": bool(low <= one.median <= high),
            "n_observed": one.n,
            "n_simulated": world.numbers.size,
            "n_failed": seen.n_failed,
            "source": binned.source,
        }


def _share_at_or_below(floor: float) -> Callable[..., float]:
    return lambda values: float(np.mean(values <= floor))


# ---------------------------------------------------------------------------------------- single facts
def _fact_row(fact: Fact, world: World) -> Row:
    simulated = float(_MEASURES[fact.measure](world, fact.setting))
    return {
        "id": fact.id,
        "use": fact.use,
        "quantity": fact.quantity,
        "unit": fact.unit,
        "observed": fact.observed,
        "simulated": simulated,
        "low": fact.low,
        "high": fact.high,
        "inside": bool(fact.low <= simulated <= fact.high),
        "n_observed": None,
        "n_simulated": world.numbers.size,
        "n_failed": world.of(fact.setting).n_failed,
        "source": fact.source,
    }


def _mean_level(world: World, setting: str) -> float:
    return float(np.nanmean(world.of(setting).at("drug_pg_per_mL", 6)))


def _share_nadir_before_day_1(world: World, setting: str) -> float:
    seen = world.of(setting)
    first = seen.days <= 28
    lowest = seen.days[first][np.nanargmin(seen["cd8_per_uL"][:, first], axis=1)]
    return float(np.mean(lowest <= 1.0))


def _mean_highest_fold(world: World, setting: str) -> float:
    seen = world.of(setting)
    fold = seen.between("cd8_per_uL", 1, 21) / seen.at("cd8_per_uL", 0)[:, None]
    return float(np.nanmean(np.nanmax(fold, axis=1)))


def _activated_share(world: World, setting: str) -> float:
    seen = world.of(setting)
    active, resting = seen.at("blood_activated", 1), seen.at("blood_resting", 1)
    return float(np.nanmedian(active / (active + resting)))


def _fall_at_step(world: World, setting: str) -> float:
    seen = world.of(setting)
    lowest = np.nanmin(seen.between("cd8_per_uL", 7, 8), axis=1)
    return float(np.nanmedian(lowest / seen.at("cd8_per_uL", 6.95)))


def _share_b_at(limit: float, day: float, *, above: bool) -> Callable[[World, str], float]:
    def measure(world: World, setting: str) -> float:
        b = world.of(setting).at("b_per_uL", day)
        return float(np.mean(b > limit) if above else np.mean(b <= limit))

    return measure


def _median_b_after_break(world: World, setting: str) -> float:
    return float(np.nanmedian(world.of(setting).at("b_per_uL", 41.95)))


def _peak(world: World, setting: str, first: float, last: float) -> FloatArray:
    found: FloatArray = np.nanmax(world.of(setting).between("il6_pg_per_mL", first, last), axis=1)
    return found


def _share_il6_early(world: World, setting: str) -> float:
    seen = world.of(setting)
    at = seen.days[np.nanargmax(seen["il6_pg_per_mL"], axis=1)]
    return float(np.mean(at <= 1.0))


def _il6_day_3(world: World, setting: str) -> float:
    return float(np.nanmedian(world.of(setting).at("il6_pg_per_mL", 3) / _peak(world, setting, 0, 3)))


def _il6_step(world: World, setting: str) -> float:
    return float(np.nanmedian(_peak(world, setting, 7, 10) / _peak(world, setting, 0, 3)))


def _il6_60_over_5(world: World, setting: str) -> float:
    return float(np.nanmedian(_peak(world, setting, 0, 3)) / np.nanmedian(_peak(world, "lymphoma_steps", 0, 3)))


def _il6_cycle_2(world: World, setting: str) -> float:
    return float(np.nanmedian(_peak(world, setting, 42, 45)))


def _function(seen: Seen, day: float) -> FloatArray:
    """Share of T cells that met targets and are not exhausted."""
    active, exhausted = seen.at("marrow_T_activated", day), seen.at("marrow_T_exhausted", day)
    resting = seen.at("marrow_T_resting", day)
    return (active + resting) / (active + exhausted + resting)


def _function_late(world: World, setting: str) -> float:
    seen = world.of(setting)
    return float(np.nanmedian(_function(seen, 28) / _function(seen, 7)))


def _function_after_break(world: World, setting: str) -> float:
    before, after = world.of(setting), world.of("culture_with_break")
    return float(np.nanmedian(_function(after, 14) / _function(before, 7)))


_MEASURES: dict[str, Callable[[World, str], float]] = {
    "mean_level_9": _mean_level,
    "mean_level_28": _mean_level,
    "share_nadir_before_day_1": _share_nadir_before_day_1,
    "mean_highest_fold_day_14_21": _mean_highest_fold,
    "activated_share_day_1": _activated_share,
    "fall_at_step": _fall_at_step,
    "share_b_below_10": _share_b_at(10.0, 7.0, above=False),
    "median_b_after_break": _median_b_after_break,
    "share_b_left_at_low_dose": _share_b_at(10.0, 7.0, above=True),
    "share_il6_peak_before_day_1": _share_il6_early,
    "median_il6_day_3_over_peak": _il6_day_3,
    "median_il6_step_over_first": _il6_step,
    "il6_peak_60_over_5": _il6_60_over_5,
    "median_il6_cycle_2": _il6_cycle_2,
    "function_day_28_over_7": _function_late,
    "function_after_break_over_7": _function_after_break,
}
