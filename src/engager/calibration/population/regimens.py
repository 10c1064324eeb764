"""Strength of chemotherapy regimens from their published remission rates, shrunk to their class.

Where a study of the regimen ships, its own patients are treated; other regimens are given to patients like TOWER's.
A regimen's strength is what its published remissions and the strengths of its class say together: binomial counts
about the simulated rate, the spread of log strength within the class and the effect of a study as the joint fit found
them. A rate of 12 patients moves a strength little, one of 300 decides it. Regimens whose strength the joint fit moved
keep what it found. Some rates are higher than any strength brings; those regimens say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from engager.analysis import estimate_endpoints, exact_interval
from engager.calibration.comparison.compare import request_of
from engager.calibration.population.fit import shipped_hierarchy
from engager.calibration.population.hierarchy import STRENGTH_RANGE
from engager.calibration.population.posterior import Posterior
from engager.calibration.population.regimen_evidence import RemissionRate, remission_rates
from engager.core import FloatArray, InputError, Problem, nearest, versions, write_whole
from engager.population import PopulationValues, ValueName
from engager.protocol import Protocol
from engager.trial import RegimenStrength, simulate_trial

Progress = Callable[[float], None]

# Four to a doubling, ends included.
STRENGTHS = 2.0 ** np.arange(np.log2(STRENGTH_RANGE[0]), np.log2(STRENGTH_RANGE[1]) + 0.25, 0.25)
# Simulated at every fourth, between by interpolation of the rate's logit.
_COARSE = 4
_FINE = np.linspace(np.log(STRENGTH_RANGE[0]), np.log(STRENGTH_RANGE[1]), 401)
_EFFECT = str(ValueName("trial_effect", "sensitivity"))
_SEED = 411
# Median of a half-normal spread, over its scale.
_HALF_NORMAL_MEDIAN = 0.674


def calibrate_regimens(
    posterior: Posterior,
    *,
    n_patients: int = 400,
    regimens: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Strengths of the regimens that have a published remission rate in relapsed disease.

    Parameters
    ----------
    posterior : of the population; its center is used, and the strengths it holds are kept.
    n_patients : patients per study and strength, the same people at each strength.
    regimens : ids to calibrate; None: all.

    Returns
    -------
    Mapping to be written as YAML: `regimens` by id, provenance.

    Raises
    ------
    InputError
        When a regimen has no published remission rate.
    """
    rates = remission_rates()
    if unknown := [slug for slug in regimens or () if slug not in rates]:
        rule = "must be a regimen with a published remission rate in relapsed disease"
        raise InputError([Problem("regimens", slug, rule, nearest(slug, rates)) for slug in unknown])
    center = posterior.center()
    chosen = sorted(regimens or rates)
    found: dict[str, dict[str, Any]] = {}
    for i, slug in enumerate(chosen):
        curve = StrengthCurve(rates[slug], center, n_patients)
        name = str(ValueName("strength", slug))
        if name in posterior.names:
            draws = posterior.draws[:, posterior.names.index(name)]
            strength = _kept(curve, draws)
        else:
            strength = _shrunk(curve, shipped_hierarchy().class_named(slug), posterior)
        found[slug] = {**asdict(strength), "records": list(strength.records), "studies": list(strength.studies)}
        if progress is not None:
            progress((i + 1) / len(chosen))
    return {
        "model": posterior.model,
        "patients": "those of the studies named; where none is, patients as in TOWER",
        "range": [float(STRENGTHS[0]), float(STRENGTHS[-1])],
        "n_patients": n_patients,
        "seed": _SEED,
        "versions": versions(),
        "regimens": found,
    }


def write_regimen_strengths(found: dict[str, Any], path: Path) -> None:
    """Write what `calibrate_regimens` found as the YAML file that ships with the trial layer."""
    head = "# Strength of chemotherapy regimens, written by `engager calibrate --targets regimens`; do not edit.\n"
    write_whole(path, head + yaml.safe_dump(found, sort_keys=False))


class StrengthCurve:
    """Expected remission rate against strength, simulated only where it is asked for.

    Parameters
    ----------
    rates : published rates; simulated ones are averaged with the published n as weights.
    center : population values. n_patients : per trial.
    """

    def __init__(self, rates: Sequence[RemissionRate], center: PopulationValues, n_patients: int):
        self.rates, self.center, self.n_patients = tuple(rates), center, n_patients
        self._known: dict[int, float] = {}

    @property
    def events(self) -> int:
        return sum(rate.events for rate in self.rates)

    @property
    def n(self) -> int:
        return sum(rate.n for rate in self.rates)

    def at(self, place: int) -> float:
        """Rate at `STRENGTHS[place]`."""
        if place not in self._known:
            self._known[place] = self.rate(float(STRENGTHS[place]))
        return self._known[place]

    def rate(self, strength: float) -> float:
        """Rate at any strength; always replicate 0, so the same people at each."""
        remissions = 0.0
        trials = {id(rate.trial): rate.trial for rate in self.rates}
        for key, trial in trials.items():
            own = [rate for rate in self.rates if id(rate.trial) == key]
            simulated = _simulated(trial, own, self.center | _strength(trial, strength), self.n_patients)
            remissions += float(sum(rate.n * share for rate, share in zip(own, simulated, strict=True)))
        return remissions / self.n

    def on(self, log_strength: FloatArray) -> FloatArray:
        """Rates at these logarithms of strengths, rising; simulated at `STRENGTHS` and interpolated between."""
        places = list(range(0, STRENGTHS.size, _COARSE))
        # half a patient keeps a rate of 0 or 1 on the scale
        simulated = np.array([self.at(place) for place in places])
        rate = np.clip(np.maximum.accumulate(simulated), 0.5 / self.n_patients, 1 - 0.5 / self.n_patients)
        logit = np.interp(log_strength, np.log(STRENGTHS[places]), np.log(rate / (1 - rate)))
        return np.asarray(1.0 / (1.0 + np.exp(-logit)))

    def reaches(self, rate: float) -> bool:
        """Whether some strength brings `rate`."""
        values = [self.at(place) for place in range(0, STRENGTHS.size, _COARSE)]
        return min(values) <= rate <= max(values)


def strength_posterior(
    rate: FloatArray, events: int, n: int, class_spread: float, effect_spread: float
) -> tuple[float, float, float, float]:
    """Median, 95 % interval and standard deviation of the logarithm, from counts and class.

    Parameters
    ----------
    rate : array (place,), expected remission rate at `_FINE`. events, n : published counts.
    class_spread : standard deviation of log strength within the class, about 1. effect_spread : of what studies differ
        in on the same scale, so that the patients of one study do not speak for all.
    """
    log_likelihood = events * np.log(rate) + (n - events) * np.log1p(-rate)
    likelihood = np.exp(log_likelihood - log_likelihood.max())
    if effect_spread > 0:
        kernel = np.exp(-0.5 * ((_FINE[:, None] - _FINE) / effect_spread) ** 2)
        likelihood = kernel @ likelihood / kernel.sum(axis=1)
    weight = likelihood * np.exp(-0.5 * (_FINE / class_spread) ** 2)
    weight /= weight.sum()
    cumulative = np.cumsum(weight)
    low, middle, high = np.exp(np.interp([0.025, 0.5, 0.975], cumulative, _FINE))
    mean = float(weight @ _FINE)
    return float(middle), float(low), float(high), float(np.sqrt(weight @ (_FINE - mean) ** 2))


def _shrunk(curve: StrengthCurve, group: str, posterior: Posterior) -> RegimenStrength:
    """Strength by its published counts, drawn to its class."""
    spreads = posterior.provenance.get("regimen_spread", {})
    spread = spreads.get(group, shipped_hierarchy().regimen_spread[group] * _HALF_NORMAL_MEDIAN)
    effect = 0.0
    if _EFFECT in posterior.names:
        effect = float(np.median(posterior.draws[:, posterior.names.index(_EFFECT)]))
    found = strength_posterior(curve.on(_FINE), curve.events, curve.n, spread, effect)
    middle, low, high = (round(value, 4) for value in found[:3])
    reached = curve.reaches((curve.events + 0.5) / (curve.n + 1))
    return replace(
        _described(curve, middle, low, high, reached, is_joint=False), sd_log=round(found[3], 4), group=group
    )


def _kept(curve: StrengthCurve, draws: FloatArray) -> RegimenStrength:
    """What the joint fit found; reached when its median brings a rate inside the published exact interval."""
    interval = exact_interval(curve.events, curve.n)
    low, middle, high = (float(round(value, 4)) for value in np.quantile(draws, [0.025, 0.5, 0.975]))
    is_reached = bool(interval.low <= curve.rate(middle) <= interval.high)
    return _described(curve, middle, low, high, is_reached, is_joint=True)


def _described(
    curve: StrengthCurve, middle: float, low: float, high: float, is_reached: bool, is_joint: bool
) -> RegimenStrength:
    return RegimenStrength(
        strength=middle,
        low=low,
        high=high,
        endpoint=", ".join(dict.fromkeys(rate.endpoint for rate in curve.rates)),
        events=curve.events,
        n=curve.n,
        records=tuple(dict.fromkeys(record for rate in curve.rates for record in rate.records)),
        is_reached=is_reached,
        studies=tuple(dict.fromkeys(rate.study for rate in curve.rates if rate.study)),
        is_joint=is_joint,
    )


def _strength(trial: Protocol, strength: float) -> PopulationValues:
    """The strength of the trial's only arm."""
    (arm,) = trial.arms.values()
    return PopulationValues(strength={arm.regimen.id: strength})


def _simulated(
    trial: Protocol, rates: Sequence[RemissionRate], settings: PopulationValues, n_patients: int
) -> list[float]:
    """The share in remission for each of the rates, 0 where nobody was counted."""
    sized = trial.model_copy(
        update={"arms": {name: arm.model_copy(update={"n": n_patients}) for name, arm in trial.arms.items()}}
    )
    data = simulate_trial(sized, replicates=[0], seed=_SEED, settings=lambda _: settings, n_sampled=0)
    requests = [request_of(rate.target.estimand, sized) for rate in rates]
    estimates = estimate_endpoints(data, requests, sized.population.setting).sort("request")
    found: list[float] = np.nan_to_num(estimates["value"].to_numpy().astype(float)).tolist()
    return found
