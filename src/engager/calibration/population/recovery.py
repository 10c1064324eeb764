"""Does the fit find what made its data? Simulation-based calibration on the simulator itself.

In: a plan of small size, of shipped studies. For each of several truths, drawn from the prior, the studies are
simulated once at their published size; their figures take the place of the published ones, and the whole fit is run on
them. If the fit is right, the rank of a truth among its posterior's draws is uniform, and 90 % intervals cover it nine
times in ten. The same holds for figures of a new trial of each study. Out: one `Recovered` per truth, kept in a folder,
so that a stopped run goes on.

References
----------
Talts, Betancourt, Simpson, Vehtari & Gelman 2018, "Validating Bayesian inference algorithms with simulation-based
calibration", arXiv:1804.06788.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from engager.analysis import estimate_endpoints
from engager.calibration.comparison.compare import request_of
from engager.calibration.population.fit import FitPlan, fit_draws, points_of, trials_of_members
from engager.core import FloatArray, digest_object, write_whole
from engager.protocol import Protocol, Target, shipped_protocol
from engager.trial import TrialData, simulate_trial

Progress = Callable[[str, float], None]

# Truths are draws of the prior that no fit holds: their seeds begin here.
_FIRST_TRUTH = 900_001
# Trials of the truth: the first gives the data, the second is predicted.
_DATA, _NEW = 0, 1
_TIMED = ("median", "survival_at")


@dataclass(frozen=True)
class Recovered:
    """One truth and what the fit to its data says.

    Attributes
    ----------
    names, figures : of the unknowns and of the figures of a new trial.
    rank_of_unknown, rank_of_figure : share of the posterior's draws, and of their trials, below the truth; -1: a figure
        that the new trial could not give.
    """

    names: tuple[str, ...]
    rank_of_unknown: tuple[float, ...]
    figures: tuple[str, ...]
    rank_of_figure: tuple[float, ...]


def recover(
    plan: FitPlan,
    truths: int,
    *,
    work: Path | None = None,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> list[Recovered]:
    """Fit synthetic data of several truths.

    Parameters
    ----------
    plan : of what size; its studies may not hold curves of records, whose points cannot be replaced.
    work : folder with a file for each truth that is done.

    Notes
    -----
    The prior is the same for every truth, so what its draws predict is simulated once.
    """
    plan = replace(plan, studies=tuple(_with_plain_targets(study, None) for study in plan.studies))
    first: list[TrialData] = []
    found = []
    for number in range(truths):
        kept = _file(plan, work, number)
        if kept is not None and kept.is_file():
            found.append(Recovered(**{key: tuple(value) for key, value in json.loads(kept.read_text()).items()}))
            continue
        if not first:
            first = list(trials_of_members(plan, plan.prior(plan.members), 0, progress, n_threads))
        if progress is not None:
            progress(f"truth {number + 1} of {truths}", number / truths)
        found.append(_one(plan, number, first, n_threads))
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_whole(kept, json.dumps(asdict(found[-1])))
    return found


def coverage(ranks: FloatArray, level: float = 0.9) -> float:
    """Share of ranks within the central interval; ranks below 0 are not counted."""
    known = ranks[ranks >= 0]
    edge = (1 - level) / 2
    return float(np.mean((known >= edge) & (known <= 1 - edge)))


def _one(plan: FitPlan, number: int, first: Sequence[TrialData], n_threads: int | None) -> Recovered:
    truth = replace(plan, seed=_FIRST_TRUTH + number).prior(1)
    synthetic, observed_new = [], []
    for study in plan.studies:
        requests = [request_of(target.estimand, study) for target in study.targets]
        settings = plan.settings(truth, study.study)[0]
        whole = study.with_patients(shipped_protocol(study.study).n_patients)
        by_trial = []
        for trial, one in ((_DATA, whole), (_NEW, study)):
            own = {trial: settings}
            data = simulate_trial(
                one, replicates=[trial], seed=_FIRST_TRUTH + number, settings=own.__getitem__, n_sampled=0,
                n_threads=n_threads, only_patients=True,
            )  # fmt: skip
            rows = estimate_endpoints(data, requests, study.population.setting).sort("request")
            by_trial.append(rows["value"].to_numpy().astype(float))
        synthetic.append(_with_plain_targets(study, by_trial[0]))
        observed_new += _figures_of(study, by_trial[1])
    fitted = replace(plan, studies=tuple(synthetic))
    members = fit_draws(fitted, n_threads=n_threads, first=points_of(fitted, first)).members
    predicted = _figures_of_members(fitted, members, n_threads)
    ranks = [_rank(value, column) for (_, value), column in zip(observed_new, predicted.T, strict=True)]
    return Recovered(
        names=tuple(one.name for one in plan.unknowns),
        rank_of_unknown=tuple(float(rank) for rank in np.mean(members < truth, axis=0)),
        figures=tuple(name for name, _ in observed_new),
        rank_of_figure=tuple(ranks),
    )


def _rank(value: float, column: FloatArray) -> float:
    """Share of values below, and half of those that are equal; -1 when there is nothing to compare."""
    known = column[np.isfinite(column)]
    if not np.isfinite(value) or not known.size:
        return -1.0
    return float(np.mean(known < value) + 0.5 * np.mean(known == value))


def _figures_of(study: Protocol, values: FloatArray) -> list[tuple[str, float]]:
    return [
        (f"{study.study} {study.arm_of(target)} {target.endpoint}", float(value))
        for target, value in zip(study.targets, values, strict=True)
    ]


def _figures_of_members(plan: FitPlan, members: FloatArray, n_threads: int | None) -> FloatArray:
    """Figures of a trial for each member: array (member, figure)."""
    columns = []
    for study in plan.studies:
        settings = plan.settings(members, study.study)
        data = simulate_trial(
            study, replicates=range(len(members)), seed=plan.seed + 77, settings=settings.__getitem__, n_sampled=0,
            n_threads=n_threads, only_patients=True,
        )  # fmt: skip
        requests = [request_of(target.estimand, study) for target in study.targets]
        rows = estimate_endpoints(data, requests, study.population.setting)
        for k in range(len(requests)):
            own = rows.filter(pl.col("request") == k).sort("replicate")
            columns.append(own["value"].to_numpy().astype(float))
    return np.stack(columns, axis=1)


def _with_plain_targets(study: Protocol, values: FloatArray | None) -> Protocol:
    """The fitted targets of a study as shares and landmarks, with the values of a trial where given."""
    kept = [one for one in study.targets if one.use == "fit" and one.is_simulated and not one.is_curve]
    kept = [one for one in kept if not one.measure]
    if values is not None:
        kept = list(study.targets)
    targets = []
    for k, target in enumerate(kept):
        value = None if values is None else float(values[k])
        targets.append(_plain(target, value))
    return study.model_copy(update={"targets": tuple(targets)})


def _plain(target: Target, value: float | None) -> Target:
    """A share, or a landmark at the time of a median, without a printed interval."""
    n = target.n or 60
    raw = {
        "arm": target.arm, "endpoint": target.endpoint, "n": n, "subgroup": target.subgroup, "use": "fit",
        "among": target.among, "window_weeks": target.window_weeks, "window_cycles": target.window_cycles,
    }  # fmt: skip
    if target.statistic in _TIMED:
        months = target.published if target.statistic == "median" else target.at_months
        share = 0.5 if target.statistic == "median" else target.published
        share = share if value is None else value
        raw |= {"statistic": "survival_at", "time_months": months, "value": _inner(share, n)}
    elif target.statistic == "cumulative_at":
        share = target.published if value is None else value
        raw |= {"statistic": "cumulative_at", "time_months": target.at_months, "value": _inner(share, n)}
    else:
        share = target.published if value is None or np.isnan(value) else value
        raw |= {"proportion": share}
    return Target.model_validate({key: one for key, one in raw.items() if one is not None})


def _inner(share: float, n: int) -> float:
    """A share that is neither none nor all; half a patient of n."""
    return float(np.clip(0.5 if np.isnan(share) else share, 0.5 / n, 1 - 0.5 / n))


def _file(plan: FitPlan, work: Path | None, number: int) -> Path | None:
    if work is None:
        return None
    return work / f"truth-{digest_object([plan.identity()])[:12]}-{number:03d}.json"


def rank_counts(ranks: Sequence[float], bins: int = 5) -> list[int]:
    """How many ranks fall into each of equal bins; ranks below 0 are left out."""
    known = np.array([rank for rank in ranks if rank >= 0])
    return [int(count) for count in np.histogram(known, bins=bins, range=(0.0, 1.0))[0]]
