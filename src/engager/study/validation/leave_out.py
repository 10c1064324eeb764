"""Each study predicted by a fit that did not see it, or saw only what was published before.

In: studies of the fit. Out: a `LeftOut` for each: its figures beside predictions from the other studies, and what the
answer rests on. With the folder of the fit, the fit is made again without the study's figures from the portions kept
there (`calibration.members_without`). Without it, the posterior is reweighted (`calibration.without`); where too few
draws are left, the row says so. Not here: the fit, and the comparison with the whole posterior (`validate`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engager.calibration import (
    FitPlan,
    Posterior,
    SimulatedPoints,
    Weights,
    data_points,
    kept_portions,
    likelihood_of_study,
    members_without,
    shipped_plan,
    simulated_points,
    target_estimates,
    weighted_quantiles,
    without,
)
from engager.core import FloatArray, InputError, Problem, nearest
from engager.population import Settings
from engager.protocol import Protocol, shipped_protocol
from engager.study.plain_json import plain_json
from engager.trial import simulate_trial

Progress = Callable[[str, float], None]

EACH = "each"
# Draws used, each with one virtual trial of every study.
MOST_DRAWS = 300
_POINT_TRIALS = 100
_AT = np.array([0.025, 0.5, 0.975])


@dataclass(frozen=True)
class Figure:
    """One figure of a study that was left out.

    Attributes
    ----------
    name : arm, endpoint, statistic. use : ``fit`` or ``check``.
    published : the value. low, median, high : predicted; infinite: not reached.
    """

    name: str
    use: str | None
    endpoint: str
    published: float
    low: float
    median: float
    high: float

    @property
    def is_inside(self) -> bool:
        return bool(self.low <= self.published <= self.high)


@dataclass(frozen=True)
class LeftOut:
    """A study predicted without itself.

    Attributes
    ----------
    study : its id. year : of publication. without : ids of the studies taken out of the fit.
    weights : of the draws; None: of a fit without those studies, whose draws count alike. figures : predicted.
    log_score : log density of its fitted figures under the prediction; point_score : under the center of the whole
        posterior, without any doubt about parameters.
    """

    study: str
    year: int
    without: tuple[str, ...]
    weights: Weights | None
    figures: tuple[Figure, ...]
    log_score: float
    point_score: float

    @property
    def is_trusted(self) -> bool:
        """Whether enough draws carry the answer."""
        return self.weights is None or self.weights.is_trusted

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
                "method": "fit" if self.weights is None else "weights",
                "effective_draws": None if self.weights is None else self.weights.effective,
                "tail": None if self.weights is None else self.weights.tail,
                "trusted": self.is_trusted, "log_score": self.log_score, "point_log_score": self.point_score,
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
    figures: tuple[tuple[str, str | None, str, float, FloatArray], ...]


def leave_out(
    posterior: Posterior,
    names: Sequence[str],
    *,
    seed: int = 1,
    draws: int = MOST_DRAWS,
    in_order: bool = False,
    work: Path | None = None,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> list[LeftOut]:
    """Predict studies of the fit without themselves.

    Parameters
    ----------
    names : ids of studies, or `EACH` for all of the fit.
    draws : of the posterior to use, at most all.
    in_order : also without every study published in the same year or later; by weights all studies of the fit are then
        simulated.
    work : folder in which the fit behind the posterior kept its portions; None: by weights.

    Raises
    ------
    InputError
        For a study that was not fitted, and for a folder of another fit.
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
    without_too = {
        name: tuple(other for other in fitted if other == name or (in_order and years[other] >= years[name]))
        for name in chosen
    }
    n = min(draws, len(posterior.draws))
    if work is not None:
        plan, kept = _fit_in(work, posterior)

    def settings_of(name: str) -> Settings:
        if work is None:
            return posterior.settings(seed, in_order=True)
        return plan.settings(members_without(plan, kept, without_too[name]), name).__getitem__

    needed = fitted if in_order and work is None else chosen
    held = {}
    for k, name in enumerate(needed):
        if progress is not None:
            progress(f"without {name}", k / len(needed))
        held[name] = _simulate(posterior, shipped_protocol(name), settings_of(name), n, seed, n_threads)
    likelihood = {}
    if work is None:
        known = _unbounded(posterior, n)
        likelihood = {name: likelihood_of_study(known, one.points, one.observed) for name, one in held.items()}
    found = []
    for name in sorted(chosen, key=lambda one: years[one]):
        gone, weights = without_too[name], None
        if work is None:
            weights = without(np.sum([likelihood[one] for one in gone], axis=0))
        found.append(_predicted(held[name], gone, weights))
    return found


def _fit_in(work: Path, posterior: Posterior) -> tuple[FitPlan, list[tuple[FloatArray, SimulatedPoints]]]:
    """The plan of the fit behind a posterior, and the portions that its folder keeps."""
    made = posterior.provenance
    plan = shipped_plan(made["members"], made["portions"], made["seed"])
    plan = plan.with_studies([shipped_protocol(name).with_patients(n) for name, n in made["studies"].items()])
    kept = kept_portions(work)
    names = plan.hierarchy.population_names(plan.unknowns)
    is_same = plan.model.hash == posterior.model_hash and names == tuple(posterior.names)
    sizes = [(*members.shape, simulated.values.shape[1]) for members, simulated in kept]
    n_data = sum(len(own) for own in plan.points)
    if not is_same or sizes != [(plan.members, len(plan.unknowns), n_data)] * plan.portions:
        rule = "must hold the fit behind these parameters"
        raise InputError(Problem("--work", str(work), rule, "Give --parameters the posterior that was made there."))
    return plan, kept


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
        label = f"{study.arm_of(target)} {target.endpoint} {target.statistic}"
        for place, (at, published) in zip(requests, _published(target, study), strict=True):
            values = estimates.filter(pl.col("request") == place).sort("replicate")["value"].to_numpy().astype(float)
            group = f", {target.subgroup}" if target.subgroup else ""
            figures.append((f"{label}{at}{group}", target.use, target.endpoint, published, values))
    return _Simulated(study, _year(study), simulated, observed, simulated_points(center, points).values, tuple(figures))


def _predicted(held: _Simulated, gone: tuple[str, ...], weights: Weights | None) -> LeftOut:
    figures = []
    n = len(held.points)
    weight = np.full(n, 1.0 / n) if weights is None else weights.weight
    for name, use, endpoint, published, values in held.figures:
        low, median, high = weighted_quantiles(values, weight, _AT)
        figures.append(Figure(name, use, endpoint, published, float(low), float(median), float(high)))
    equal = np.full(len(held.center), 1.0 / len(held.center))
    return LeftOut(
        study=held.study.study,
        year=held.year,
        without=gone,
        weights=weights,
        figures=tuple(figures),
        log_score=_log_density(held.points, weight, held.observed),
        point_score=_log_density(held.center, equal, held.observed),
    )


def _log_density(simulated: FloatArray, weight: FloatArray, observed: FloatArray) -> float:
    """Of the figures one by one under normal predictions: sum of log densities."""
    known = np.where(np.isnan(simulated), np.nanmean(simulated, axis=0), simulated)
    mean = weight @ known
    variance = weight @ (known - mean) ** 2
    return float(np.sum(-0.5 * np.log(2 * np.pi * variance) - (observed - mean) ** 2 / (2 * variance)))


def _unbounded(posterior: Posterior, n: int) -> FloatArray:
    """Draws on scales where they spread about evenly: the logarithm of what is positive."""
    draws = posterior.draws[:n]
    positive = (draws > 0).all(axis=0)
    return np.where(positive, np.log(np.where(positive, draws, 1.0)), draws)


def _published(target: Any, study: Protocol) -> list[tuple[str, float]]:
    """What was printed, point by point for a curve, each with the words of its time."""
    if target.is_curve:
        curve = target.curve.until(max(study.follow_up.months, float(target.curve.time_months[0])))
        return [
            (f" at {month:.3g} months", float(value))
            for month, value in zip(curve.time_months, curve.survival, strict=True)
        ]
    at = f" at {target.at_months:.3g} months" if target.at_months else ""
    return [(at, float(target.published))]


def _year(study: Protocol) -> int:
    from engager.evidence import record

    return int(record(study.record).citation.year) if study.record else study.follow_up.start_year


def left_out_text(rows: Sequence[LeftOut], words: str) -> str:
    """A section of the validation document.

    Parameters
    ----------
    words : what was left out, as the start of a sentence.
    """
    is_refit = all(one.weights is None for one in rows)
    how = (
        "The fit was made again without it, from what each portion of the whole fit simulated, carried on linearly."
        if is_refit
        else "Draws: effective number after reweighting, and the shape of the tail of the weights; fewer than 50 or a"
        " tail above 0.7 cannot be trusted, and only another fit would tell."
    )
    of_survival = [figure.is_inside for one in rows for figure in one.figures if figure.endpoint == "OS"]
    lines = [
        f"{words} {how} Scores: log density of the study's fitted figures, by the prediction and by the center of the"
        f" whole posterior alone. Overall survival: {sum(of_survival)} of {len(of_survival)} figures inside.",
        "",
        f"| study | year |{'' if is_refit else ' draws | tail | trusted |'} fitted inside | checked inside | score |"
        " center's score |",
        "| --- | --- |" + " --- |" * (4 if is_refit else 7),
    ]
    for one in rows:
        counts = []
        for use in ("fit", "check"):
            own = [figure.is_inside for figure in one.figures if figure.use == use]
            counts.append(f"{sum(own)} of {len(own)}")
        weights = ""
        if one.weights is not None:
            trusted = "yes" if one.is_trusted else "**no**"
            weights = f" {one.weights.effective:.0f} | {one.weights.tail:.2f} | {trusted} |"
        lines.append(
            f"| {one.study} | {one.year} |{weights} {counts[0]} | {counts[1]} | {one.log_score:.1f} |"
            f" {one.point_score:.1f} |"
        )
    lines += ["", "| study | use | figure | published | predicted | inside |", "| --- | --- | --- | --- | --- | --- |"]
    for one in rows:
        for figure in one.figures:
            ends = [f"{value:.3g}" if np.isfinite(value) else "not reached"
                    for value in (figure.median, figure.low, figure.high)]  # fmt: skip
            inside = "yes" if figure.is_inside else "**no**"
            lines.append(
                f"| {one.study} | {figure.use or ''} | {figure.name} | {figure.published:.3g} |"
                f" {ends[0]} ({ends[1]} to {ends[2]}) | {inside} |"
            )
    return "\n".join(lines)
