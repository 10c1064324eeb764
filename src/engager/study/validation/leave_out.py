"""Each study predicted by a fit that did not see it, or saw only what was published before.

In: studies of the fit. Out: a `LeftOut` for each: its figures beside predictions from the other studies. The fit is
made again without the study's figures, under the emulator that the whole fit left behind
(`calibration.FittedEmulator`): the emulator knows the simulator, not what was published. Not here: the fit, and the
comparison with the whole posterior (`validate`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from engager.analysis import AT_ONE_TIME, LEAST_TOLD
from engager.calibration import (
    FittedEmulator,
    Posterior,
    data_points,
    members_without,
    plan_behind,
    simulated_points,
    target_estimates,
)
from engager.core import DASH, FloatArray, InputError, Problem, figure as figure_words, nearest, number, usable_cpus
from engager.population import Settings
from engager.protocol import Protocol, shipped_protocol
from engager.report import use_words, what
from engager.study.plain_json import plain_json
from engager.trial import simulate_trial

Progress = Callable[[str, float], None]

EACH = "each"
# Draws used, each with one virtual trial of every study.
MOST_DRAWS = 300
_POINT_TRIALS = 100
_AT = np.array([0.025, 0.5, 0.975])
_UNTOLD = "too few trials tell it"


@dataclass(frozen=True)
class Figure:
    """One figure of a study that was left out.

    Attributes
    ----------
    name : arm and outcome, in words. use : ``fit`` or ``check``.
    published : the value. low, median, high : predicted; infinite: not reached; NaN where too few trials tell it.
    """

    name: str
    use: str | None
    endpoint: str
    statistic: str
    published: float
    low: float
    median: float
    high: float

    @property
    def is_inside(self) -> bool | None:
        """Whether the published value lies within the interval; None where there is no prediction."""
        return None if np.isnan(self.median) else bool(self.low <= self.published <= self.high)


@dataclass(frozen=True)
class LeftOut:
    """A study predicted without itself.

    Attributes
    ----------
    study : its id. year : of publication. without : ids of the studies taken out of the fit. figures : predicted.
    log_score : log density of its fitted figures under the prediction; point_score : under the center of the whole
        posterior, without any doubt about parameters.
    """

    study: str
    year: int
    without: tuple[str, ...]
    figures: tuple[Figure, ...]
    log_score: float
    point_score: float

    def as_json(self) -> dict[str, Any]:
        """What ``engager validate --leave-out --json`` prints."""
        figures = [
            {**{key: getattr(one, key) for key in ("name", "use", "published", "low", "median", "high")},
             "inside": one.is_inside}
            for one in self.figures
        ]  # fmt: skip
        found: dict[str, Any] = plain_json(
            {
                "study": self.study, "year": self.year, "without": list(self.without),
                "log_score": self.log_score, "point_log_score": self.point_score,
                "figures": figures,
            }
        )  # fmt: skip
        return found


@dataclass(frozen=True)
class _Simulated:
    """Virtual trials of one study at each draw."""

    study: Protocol
    year: int
    points: FloatArray
    observed: FloatArray
    center: FloatArray
    figures: tuple[tuple[Figure, FloatArray], ...]


def leave_out(
    posterior: Posterior,
    emulator: FittedEmulator,
    names: Sequence[str],
    *,
    seed: int = 1,
    draws: int = MOST_DRAWS,
    in_order: bool = False,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> list[LeftOut]:
    """Predict studies of the fit without themselves.

    Parameters
    ----------
    posterior, emulator : of one fit.
    names : ids of studies, or `EACH` for all of the fit.
    draws : of each fit without a study.
    in_order : also without every study published in the same year or later.

    Raises
    ------
    InputError
        For a study that was not fitted, and for an emulator of other studies.
    """
    fitted = list(posterior.provenance["studies"])
    problems = [
        Problem("--leave-out", name, "must be a study of the fit", nearest(name, fitted) or f"Or {EACH}.")
        for name in names
        if name != EACH and name not in fitted
    ]
    if problems:
        raise InputError(problems)
    chosen = [name for name in fitted if EACH in names or name in names]
    years = {name: _year(shipped_protocol(name)) for name in fitted}
    plan = plan_behind(posterior)
    found = []
    for k, name in enumerate(sorted(chosen, key=lambda one: years[one])):
        if progress is not None:
            progress(f"without {name}", k / len(chosen))
        gone = tuple(other for other in fitted if other == name or (in_order and years[other] >= years[name]))
        settings = plan.settings(members_without(plan, emulator, gone, draws, n_threads or usable_cpus()), name)
        held = _simulate(posterior, shipped_protocol(name), settings.__getitem__, draws, seed, n_threads)
        found.append(_predicted(held, gone))
    return found


def _simulate(
    posterior: Posterior, study: Protocol, settings: Settings, n: int, seed: int, n_threads: int | None
) -> _Simulated:
    points = data_points(study)
    data = simulate_trial(
        study, replicates=range(n), seed=seed, settings=settings, n_sampled=0, n_threads=n_threads, only_patients=True
    )
    middle = posterior.center()
    center = simulate_trial(
        study, replicates=range(_POINT_TRIALS), seed=seed + 1, settings=lambda _: middle, n_sampled=0,
        n_threads=n_threads, only_patients=True,
    )  # fmt: skip
    observed = np.array([point.value for point in points])
    simulated = simulated_points(data, points).values
    estimates, places = target_estimates(data)
    figures = []
    for target, requests in places:
        for place, (months, published) in zip(requests, _published(target, study), strict=True):
            values = estimates.filter(pl.col("request") == place).sort("replicate")["value"].to_numpy().astype(float)
            figures.append((_asked(target, study, months, published), values))
    return _Simulated(study, _year(study), simulated, observed, simulated_points(center, points).values, tuple(figures))


def _predicted(held: _Simulated, gone: tuple[str, ...]) -> LeftOut:
    figures = []
    for asked, values in held.figures:
        # a time that is not reached is later than all that are; what could not be estimated is not counted
        known = values[~np.isnan(values)]
        # trials that watch somebody until a late time are no fair sample of all (`prediction_interval`)
        least = LEAST_TOLD * values.size if asked.statistic in AT_ONE_TIME else 1
        is_told = known.size > 0 and known.size >= least
        low, median, high = np.quantile(known, _AT, method="inverted_cdf") if is_told else [np.nan] * 3
        figures.append(replace(asked, low=float(low), median=float(median), high=float(high)))
    return LeftOut(
        study=held.study.study,
        year=held.year,
        without=gone,
        figures=tuple(figures),
        log_score=_log_density(held.points, held.observed),
        point_score=_log_density(held.center, held.observed),
    )


def _log_density(simulated: FloatArray, observed: FloatArray) -> float:
    """Of the figures one by one under normal predictions: sum of log densities."""
    mean, variance = np.nanmean(simulated, axis=0), np.nanvar(simulated, axis=0)
    return float(np.sum(-0.5 * np.log(2 * np.pi * variance) - (observed - mean) ** 2 / (2 * variance)))


def _asked(target: Any, study: Protocol, months: float | None, published: float) -> Figure:
    """A published figure, not yet predicted."""
    statistic = "survival_at" if target.is_curve else target.statistic
    words = what(
        {"endpoint": target.endpoint, "statistic": statistic, "time_months": months, "subgroup": target.subgroup}
    )
    name = f"{study.arm_of(target)}: {words}"
    return Figure(name, target.use, target.endpoint, statistic, published, np.nan, np.nan, np.nan)


def _published(target: Any, study: Protocol) -> list[tuple[float | None, float]]:
    """What was printed, point by point for a curve, each with its time in months."""
    if target.is_curve:
        curve = target.curve.until(max(study.follow_up.months, float(target.curve.time_months[0])))
        return [(float(month), float(value)) for month, value in zip(curve.time_months, curve.survival, strict=True)]
    return [(target.at_months or None, float(target.published))]


def _year(study: Protocol) -> int:
    from engager.evidence import record

    return int(record(study.record).citation.year) if study.record else study.follow_up.start_year


def left_out_text(rows: Sequence[LeftOut], words: str) -> str:
    """A section of the validation document.

    Parameters
    ----------
    words : what was left out, as the start of a sentence.
    """
    of_survival = _judged(figure for one in rows for figure in one.figures if figure.endpoint == "OS")
    lines = [
        f"{words} The fit was made again without it, under the emulator of the whole fit. Scores: log density of the"
        " study's fitted figures, by the prediction and by the center of the whole posterior alone. Overall survival:"
        f" {sum(of_survival)} of {len(of_survival)} figures inside.",
        "",
        "| study | year | fitted inside | checked inside | score | center's score |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in rows:
        counts = []
        for use in ("fit", "check"):
            own = _judged(figure for figure in one.figures if figure.use == use)
            counts.append(f"{sum(own)} of {len(own)}")
        lines.append(
            f"| {one.study} | {one.year} | {counts[0]} | {counts[1]} | {one.log_score:.1f} | {one.point_score:.1f} |"
        )
    lines += ["", "| study | use | figure | published | predicted | inside |", "| --- | --- | --- | --- | --- | --- |"]
    for one in rows:
        for figure in one.figures:
            inside = {True: "yes", False: "**no**", None: DASH}[figure.is_inside]
            lines.append(
                f"| {one.study} | {use_words({'use': figure.use})} | {figure.name} |"
                f" {number(figure.published, figure.statistic)} |"
                f" {figure_words(figure.median, figure.low, figure.high, figure.statistic, _UNTOLD)} | {inside} |"
            )
    return "\n".join(lines)


def _judged(figures: Iterable[Figure]) -> list[bool]:
    """Which of those that have a prediction lie within it."""
    return [one.is_inside for one in figures if one.is_inside is not None]
