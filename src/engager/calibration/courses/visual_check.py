"""Visual predictive check: observed percentiles beside what cohorts of the same size would show.

In: a within-patient fit. Out: numbers per quantity and time; `report` draws them. Simulated
cohorts have the published number of patients and reading errors; the bands are 95 % intervals of their percentiles.
Readings of unnamed patients are known above a floor only, so simulated ones below it are dropped alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engager.calibration.courses.cohort import RESOLUTION_PER_UL
from engager.calibration.courses.cohorts import N_COHORTS, cohorts_above
from engager.calibration.courses.cytokines import READING_ERROR
from engager.calibration.courses.fit import load_time_course_fit
from engager.calibration.courses.observations import Binned, Courses, Fact, load_observations
from engager.calibration.courses.settings import SETTINGS, observe
from engager.core import FloatArray, Stream
from engager.model import Model, load_model
from engager.population import PopulationValues

PERCENTILES = (25.0, 50.0, 75.0)
# Of unnamed patients a publication's figure shows every reading, so its ends are known and its quarters are not.
BIN_PERCENTILES = (0.0, 50.0, 100.0)
_LEVELS = (2.5, 97.5)
_STEADY_DAY = 6.0


@dataclass(frozen=True)
class PredictiveCheck:
    """One observation beside simulated cohorts.

    Attributes
    ----------
    days : array (time,).
    percentiles : of the readings at a time; 0 is the lowest and 100 the highest.
    observed : array (percentile, time).
    low, middle, high : array (percentile, time) of simulated cohorts: 2.5th, 50th and 97.5th percentile; NaN where
        most simulated cohorts show no reading above the floor.
    points : (days, values) of every published reading, for drawing; empty where only bins are known.
    floor : readings at or below it are known as such only (`is_dropped`: not at all); None: none.
    above_floor : array (time,), share of simulated readings above the floor; 1 without one.
    n_patients : in the published cohort, and in each simulated one. n : readings per time.
    n_simulated : virtual patients behind the bands; n_failed of them failed.
    doses : rates given one after the other while readings were taken, ug/day, or ug/m2/day when `per_m2`.
    """

    id: str
    use: str
    quantity: str
    unit: str
    doses: tuple[float, ...]
    per_m2: bool
    days: FloatArray
    percentiles: tuple[float, ...]
    observed: FloatArray
    low: FloatArray
    middle: FloatArray
    high: FloatArray
    points: tuple[FloatArray, FloatArray]
    floor: float | None
    is_dropped: bool
    above_floor: FloatArray
    n_patients: int
    n: NDArray[np.int64]
    n_simulated: int
    n_failed: int
    source: str
    note: str

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Array (percentile, time): the observed percentile lies in its band; no band holds nothing."""
        return (self.low <= self.observed) & (self.observed <= self.high)


@dataclass(frozen=True)
class LevelCheck:
    """A published mean and standard deviation of the drug's steady level beside virtual patients.

    Attributes
    ----------
    dose : ug/day, or ug/m2/day when `per_m2`.
    observed, observed_sd : between patients, as published.
    mean, sd : of the virtual patients. low, high : 2.5th and 97.5th percentile of them.
    """

    id: str
    use: str
    quantity: str
    unit: str
    dose: float
    per_m2: bool
    observed: float
    observed_sd: float
    mean: float
    sd: float
    low: float
    high: float
    n_simulated: int
    n_failed: int
    source: str


def predictive_check(
    seed: int = 1,
    *,
    n_patients: int = 1000,
    population: PopulationValues | None = None,
    model: Model | None = None,
) -> list[PredictiveCheck]:
    """Checks of the T-cell, B-cell and IL-6 observations, those held out included.

    Parameters
    ----------
    seed : fixes every draw.
    n_patients : virtual patients per setting.
    population : None: the within-patient calibration that ships.
    """
    data = load_observations()
    chosen = model or load_model("b-all")
    settings = PopulationValues.read(load_time_course_fit().population) if population is None else population
    stream = Stream(seed, "observations")
    numbers = np.arange(n_patients, dtype=np.int64)
    checks = [_of_courses(one, chosen, settings, stream, numbers) for one in data.courses.values()]
    return checks + [_of_bins(one, chosen, settings, stream, numbers) for one in data.binned.values()]


def level_check(
    seed: int = 1,
    *,
    n_patients: int = 1000,
    population: PopulationValues | None = None,
    model: Model | None = None,
) -> list[LevelCheck]:
    """Checks of every published steady level that has a spread between patients, by rising dose.

    Parameters
    ----------
    seed, n_patients, population : as for `predictive_check`.

    Notes
    -----
    A spread of readings holds the error of the assay too, which nobody printed; the simulated one does not.
    """
    chosen = model or load_model("b-all")
    settings = PopulationValues.read(load_time_course_fit().population) if population is None else population
    stream = Stream(seed, "observations")
    numbers = np.arange(n_patients, dtype=np.int64)
    facts = load_observations().facts.values()
    found = [_of_level(one, one.sd, chosen, settings, stream, numbers) for one in facts if one.sd is not None]
    return sorted(found, key=lambda one: one.dose)


def _of_level(
    one: Fact, sd: float, model: Model, settings: PopulationValues, stream: Stream, numbers: NDArray[np.int64]
) -> LevelCheck:
    setting = SETTINGS[one.setting]
    seen = observe(model, one.setting, [0.0, _STEADY_DAY], ["drug_pg_per_mL"], stream, numbers, settings)
    levels = seen.at("drug_pg_per_mL", _STEADY_DAY)
    levels = levels[np.isfinite(levels)]
    low, high = np.percentile(levels, _LEVELS)
    return LevelCheck(
        id=one.id,
        use=one.use,
        quantity=one.quantity,
        unit=one.unit,
        dose=float(setting.doses[0][1]),
        per_m2=setting.per_m2,
        observed=one.observed,
        observed_sd=sd,
        mean=float(np.mean(levels)),
        sd=float(np.std(levels, ddof=1)),
        low=float(low),
        high=float(high),
        n_simulated=numbers.size,
        n_failed=seen.n_failed,
        source=one.source,
    )


def _of_courses(
    one: Courses, model: Model, settings: PopulationValues, stream: Stream, numbers: NDArray[np.int64]
) -> PredictiveCheck:
    seen = observe(model, one.setting, one.time_days, [one.quantity], stream, numbers, settings)
    errors = load_time_course_fit().errors
    z = stream.of(f"reading/{one.id}").normal(numbers, one.time_days.size)
    true = np.maximum(seen[one.quantity], 0)
    if one.floor is None:
        read = np.exp(np.log(true + RESOLUTION_PER_UL) + errors["cd8_log"] * z) - RESOLUTION_PER_UL
        read = np.maximum(read, 0)
    else:
        read = np.maximum(true * np.exp(errors["b_log"] * z), one.floor)
    n = len(one.patients)
    bands = [_bands(read[:, k], n, stream, f"{one.id}/{k}") for k in range(one.time_days.size)]
    low, middle, high = (np.stack([band[i] for band in bands], axis=1) for i in range(3))
    times = np.tile(one.time_days, len(one.patients))
    return PredictiveCheck(
        id=one.id,
        use=one.use,
        quantity=one.quantity,
        unit=one.unit,
        doses=_doses(one.setting, float(one.time_days[-1])),
        per_m2=SETTINGS[one.setting].per_m2,
        days=one.time_days,
        percentiles=PERCENTILES,
        observed=np.percentile(one.values, PERCENTILES, axis=0),
        low=low,
        middle=middle,
        high=high,
        points=(times, one.values.ravel()),
        floor=one.floor,
        is_dropped=False,
        above_floor=_share_above(read, one.floor),
        n_patients=n,
        n=np.full(one.time_days.size, len(one.patients)),
        n_simulated=numbers.size,
        n_failed=seen.n_failed,
        source=one.source,
        note=one.note,
    )


def _of_bins(
    one: Binned, model: Model, settings: PopulationValues, stream: Stream, numbers: NDArray[np.int64]
) -> PredictiveCheck:
    times = [np.linspace(bin.from_day, bin.to_day, 9) for bin in one.bins]
    days = np.unique(np.concatenate([[0.0], *times]))
    seen = observe(model, one.setting, days, [one.quantity], stream, numbers, settings)
    low, middle, high = (np.full((len(BIN_PERCENTILES), len(one.bins)), np.nan) for _ in range(3))
    above = np.zeros(len(one.bins))
    for k, (bin, when) in enumerate(zip(one.bins, times, strict=True)):
        true = np.maximum(seen[one.quantity][:, np.searchsorted(days, when)], 1e-9)
        z = stream.of(f"reading/{one.id}/{k}").normal(numbers, when.size)
        read = true * np.exp(READING_ERROR * z.reshape(true.shape))
        above[k] = _share_above(read.reshape(-1, 1), one.floor)[0]
        cohorts = cohorts_above(read, one.floor, bin.n, one.n_patients, stream.of(f"cohort/{one.id}/{k}"))
        if len(cohorts) > N_COHORTS / 2:
            shown = np.array([np.percentile(read, BIN_PERCENTILES) for read in cohorts])
            low[:, k], middle[:, k], high[:, k] = np.percentile(shown, (_LEVELS[0], 50.0, _LEVELS[1]), axis=0)
    return PredictiveCheck(
        id=one.id,
        use=one.use,
        quantity=one.quantity,
        unit=one.unit,
        doses=_doses(one.setting, float(days[-1])),
        per_m2=SETTINGS[one.setting].per_m2,
        days=np.array([bin.day for bin in one.bins]),
        percentiles=BIN_PERCENTILES,
        observed=np.array([(bin.lowest, bin.median, bin.highest) for bin in one.bins]).T,
        low=low,
        middle=middle,
        high=high,
        points=(np.zeros(0), np.zeros(0)),
        floor=one.floor,
        is_dropped=True,
        above_floor=above,
        n_patients=one.n_patients,
        n=np.array([bin.n for bin in one.bins]),
        n_simulated=numbers.size,
        n_failed=seen.n_failed,
        source=one.source,
        note=one.note,
    )


def _doses(setting: str, last_day: float) -> tuple[float, ...]:
    return tuple(float(rate) for day, rate in SETTINGS[setting].doses if rate > 0 and day < last_day)


def _share_above(read: FloatArray, floor: float | None) -> FloatArray:
    """Array (time,) of the share of readings, array (patient, time), above the floor."""
    if floor is None:
        return np.ones(read.shape[1])
    return np.array([np.mean(column[np.isfinite(column)] > floor) for column in read.T])


def _bands(values: FloatArray, n: int, stream: Stream, purpose: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Percentiles that cohorts of n show: low, middle, high, each array (percentile,)."""
    finite = values[np.isfinite(values)]
    u = stream.of(f"cohort/{purpose}").uniform(np.arange(N_COHORTS, dtype=np.int64), n).reshape(N_COHORTS, n)
    drawn = finite[np.minimum((u * finite.size).astype(np.int64), finite.size - 1)]
    shown = np.percentile(drawn, PERCENTILES, axis=1)
    low, middle, high = np.percentile(shown, (_LEVELS[0], 50.0, _LEVELS[1]), axis=1)
    return low, middle, high
