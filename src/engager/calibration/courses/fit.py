"""The within-patient calibration: T cells, B cells and IL-6 over time, with the spread between patients.

In two stages. CD8 and B-cell courses of 19 known patients give typical values and spreads by SAEM
(`time_courses_saem`, `time_courses_cohort`). IL-6 readings of unnamed patients then give its release
(`time_courses_cytokines`). Clearance is held at the published population estimate. Out: a file of point
estimates, standard errors, correlations and provenance whose `population` goes to `sample_patients`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from engager.calibration.courses.cohort import cohort_likelihood
from engager.calibration.courses.cytokines import fit_il6
from engager.calibration.courses.information import Marginal, covariance_at, marginal_around, maximize, profile_interval
from engager.calibration.courses.observations import Observations, load_observations
from engager.calibration.courses.plan import course_plan
from engager.calibration.courses.saem import Effect, Saem, fit_saem
from engager.core import FloatArray, InputError, Problem, Stream, versions, write_whole
from engager.model import Model, load_model
from engager.population import PopulationValues, ValueName

FILE = "time-course-fit.yaml"


@dataclass(frozen=True)
class TimeCourseFit:
    """What the courses say.

    Attributes
    ----------
    population : population values by written name.
    standard_errors : of the logarithm, by the same names, with what the data do not pin down (None) held.
    profiles : 95 % intervals by profiled likelihood, low and high; None: beyond a factor of 4.5 or a bound.
    correlations : between estimates, for pairs beyond 0.7 either way.
    individual : array (patient, effect) of conditional means of the log-parameters; shrinkage per effect.
    errors : sizes of the error models. log_likelihood : marginal, cells; and of the IL-6 readings.
    provenance : seed, iterations, hashes, versions.
    """

    population: dict[str, float]
    standard_errors: dict[str, float | None]
    profiles: dict[str, list[float | None]]
    correlations: dict[str, float]
    shrinkage: dict[str, float]
    errors: dict[str, float]
    log_likelihood: dict[str, float]
    held: dict[str, str]
    provenance: dict[str, Any]

    @property
    def values(self) -> dict[str, float]:
        """Typical values alone, for `Model.with_values`."""
        return dict(PopulationValues.read(self.population).typical)


def calibrate_time_courses(
    seed: int = 1,
    *,
    model: Model | None = None,
    observations: Observations | None = None,
    n_burn: int = 250,
    n_smooth: int = 200,
    n_final: int = 300,
    n_chains: int = 4,
    n_importance: int = 8000,
    n_il6_patients: int = 300,
    n_il6_evaluations: int = 450,
    with_profiles: bool = True,
    progress: Callable[[float], None] | None = None,
) -> TimeCourseFit:
    """Fit the ALL model to the time courses marked for fitting.

    Parameters
    ----------
    seed : fixes every draw; the same seed gives the same fit.
    n_burn, n_smooth, n_final, n_chains : iterations and chains of SAEM.
    n_importance : draws per patient behind the marginal likelihood, its maximum and curvature.
    n_il6_patients : virtual patients behind the IL-6 likelihood.
    n_il6_evaluations : most evaluations of that likelihood in search of its maximum.
    with_profiles : also profile the likelihood of each estimate, which takes half of the time.
    progress : called with the finished share, 0 to 1.

    Returns
    -------
    TimeCourseFit

    Notes
    -----
    Two to four minutes on two cores with the default numbers.
    """
    chosen = model or load_model("b-all")
    data = observations or load_observations()
    cd8, b = data.courses["OBS-T1"], data.courses["OBS-B1"]
    plan = course_plan()
    effects = [_effect(chosen, name) for name in plan.effects]
    likelihood = cohort_likelihood(chosen, list(plan.effects), cd8, b)
    stream = Stream(seed, "time-courses")
    fit = fit_saem(
        effects, likelihood, stream, n_burn=n_burn, n_smooth=n_smooth, n_final=n_final, n_chains=n_chains,
        progress=None if progress is None else lambda share: progress(0.8 * share),
    )  # fmt: skip
    marginal = marginal_around(fit, likelihood, stream, n_importance)
    best = maximize(marginal)
    typical, spreads = marginal.split(best)
    population: dict[str, float] = {}
    for one, mu, omega in zip(effects, typical, spreads, strict=True):
        population[one.name] = float(np.exp(mu))
        population[str(ValueName("spread", one.name))] = float(omega)
    profiles = _profiles(marginal, best) if with_profiles else {}
    covariance = covariance_at(marginal, best, _is_pinned(marginal, profiles))
    cells = PopulationValues.read(population)
    il6 = fit_il6(
        chosen,
        data.binned["OBS-IL6a"],
        cells,
        stream.of("IL-6"),
        n_il6_patients,
        n_il6_evaluations,
    )
    population |= il6.point
    if progress is not None:
        progress(1.0)
    return TimeCourseFit(
        population=population,
        standard_errors=dict(zip(marginal.labels, _roots(covariance), strict=True))
        | dict(zip(il6.point, _roots(il6.covariance), strict=True)),
        profiles=profiles,
        correlations=_correlations(covariance, marginal.labels),
        shrinkage=_shrinkage(fit),
        errors={"cd8_log": float(fit.errors[0]), "b_log": float(fit.errors[1])},
        log_likelihood={
            "cells": marginal.log_likelihood(best),
            "il6": il6.log_likelihood,
        },
        held={**{one.name: one.why_fixed for one in effects if one.why_fixed}, **plan.held},
        provenance={
            "model": chosen.id,
            "model_hash": chosen.hash,
            "method": "SAEM, then maximum of the importance-sampled likelihood; IL-6: likelihood of order statistics",
            "seed": seed,
            "iterations": {"burn": n_burn, "smooth": n_smooth, "final": n_final, "chains": n_chains},
            "importance_draws": n_importance,
            "fewest_effective_draws": {
                "at the end of SAEM": round(marginal.effective_draws(marginal.start), 1),
                "at the maximum": round(marginal.effective_draws(best), 1),
            },
            "il6_patients": n_il6_patients,
            "il6_evaluations": il6.n_evaluations,
            "versions": versions(),
        },
    )


def write_time_course_fit(fit: TimeCourseFit, path: str | Path) -> None:
    """Write a fit as YAML; numbers keep six digits, more than their standard errors are worth."""
    content = {
        "population": {name: _rounded(value) for name, value in fit.population.items()},
        "standard_errors_log": {
            name: None if value is None else _rounded(value) for name, value in fit.standard_errors.items()
        },
        "profile_95": {
            name: [None if end is None else _rounded(end) for end in ends] for name, ends in fit.profiles.items()
        },
        "correlations_beyond_0.7": {name: _rounded(value) for name, value in fit.correlations.items()},
        "shrinkage": {name: _rounded(value) for name, value in fit.shrinkage.items()},
        "errors": {name: _rounded(value) for name, value in fit.errors.items()},
        "log_likelihood": {name: _rounded(value) for name, value in fit.log_likelihood.items()},
        "held": fit.held,
        "provenance": fit.provenance,
    }
    head = (
        "# Within-patient calibration of b-all, written by `calibrate_time_courses`; do not edit.\n"
        "# Typical values in model units, `.sd` between-patient standard deviations of the logarithm;\n"
        "# standard errors are of the logarithm, null where the data do not pin a number down.\n"
    )
    write_whole(Path(path), head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))


@cache
def load_time_course_fit(path: str | Path | None = None) -> TimeCourseFit:
    """A fit from a file; None: the one that ships.

    Raises
    ------
    InputError
        When there is no such file or it is no fit.
    """
    file = Path(path) if path else Path(str(resources.files("engager.calibration") / "data" / FILE))
    if not file.is_file():
        raise InputError(Problem("time-course fit", file, "must be a file", "Run `calibrate_time_courses`."))
    content = yaml.safe_load(file.read_text())
    if not isinstance(content, dict) or "population" not in content:
        raise InputError(Problem(file.name, type(content).__name__, "must hold `population`"))
    return TimeCourseFit(
        population={name: float(value) for name, value in content["population"].items()},
        standard_errors=content.get("standard_errors_log", {}),
        profiles=content.get("profile_95", {}),
        correlations=content.get("correlations_beyond_0.7", {}),
        shrinkage=content.get("shrinkage", {}),
        errors=content.get("errors", {}),
        log_likelihood=content.get("log_likelihood", {}),
        held=content.get("held", {}),
        provenance=content.get("provenance", {}),
    )


def _effect(model: Model, name: str) -> Effect:
    planned = course_plan().effects[name]
    row = model.parameters[name]
    low = row.low * row.to_model if row.low else 0.0
    high = row.high * row.to_model if row.high else np.inf
    start = course_plan().starts.get(name, row.model_value)
    with np.errstate(divide="ignore"):
        return Effect(
            name, float(np.log(start)), planned.spread, planned.typical, planned.spread_too,
            float(np.log(low)), float(np.log(high)), planned.why,
        )  # fmt: skip


def _roots(covariance: FloatArray) -> list[float | None]:
    return [float(np.sqrt(x)) if np.isfinite(x) and x > 0 else None for x in np.diag(covariance)]


def _profiles(marginal: Marginal, best: FloatArray) -> dict[str, list[float | None]]:
    """95 % intervals from the profiled likelihood, in model units or as a spread."""
    found = {}
    for place, label in enumerate(marginal.labels):
        ends = profile_interval(marginal, best, place)
        found[label] = [None if end is None else float(np.exp(end)) for end in ends]
    return found


def _is_pinned(marginal: Marginal, profiles: dict[str, list[float | None]]) -> NDArray[np.bool_] | None:
    """Entries whose profile ends on both sides; the others are held while the curvature is taken."""
    if not profiles:
        return None
    return np.array([None not in profiles[label] for label in marginal.labels])


def _correlations(covariance: FloatArray, labels: tuple[str, ...]) -> dict[str, float]:
    size = np.sqrt(np.abs(np.diag(covariance)))
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = covariance / np.outer(size, size)
    found = {}
    for i, a in enumerate(labels):
        for j, b in enumerate(labels[:i]):
            if np.isfinite(matrix[i, j]) and abs(matrix[i, j]) > 0.7:
                found[f"{b} ~ {a}"] = float(matrix[i, j])
    return found


def _shrinkage(fit: Saem) -> dict[str, float]:
    """1 - sd of individual estimates over the spread: 1 means the courses say nothing of an individual."""
    means = fit.draws.mean(axis=0)
    return {one.name: float(1 - means[:, j].std() / fit.omega[j]) for j, one in enumerate(fit.effects)}


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
