"""Every published figure of several studies beside its prediction: fitted and only checked ones apart.

In: studies. Out: a `Validation`. Nothing is written; a single study with its report is `run_study`'s work.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engager.calibration import Comparison, compare, published_interval
from engager.core import InputError, Problem
from engager.study.folder import plain_json
from engager.study.parameters import population_parameters
from engager.trial import Protocol, TrialData, shipped_protocol, shipped_protocols, simulate_trial

DEFAULT_REPLICATES = 40
_PATIENTS_AT_ONCE = 8000
_ON_LOG_SCALE = ("median", "hazard_ratio", "odds_ratio")


@dataclass(frozen=True)
class Validation:
    """What validating found.

    Attributes
    ----------
    comparisons : of all studies; `use` is ``fit`` or ``check``.
    not_simulated : targets that no virtual trial answers, in words.
    n_failed : patients the solver could not follow.
    """

    comparisons: tuple[Comparison, ...]
    not_simulated: tuple[str, ...]
    n_failed: int

    def inside(self, use: str) -> tuple[int, int]:
        """How many figures of a use lie inside, and how many could be judged."""
        judged = [one.is_inside for one in self.comparisons if one.use == use and one.is_inside is not None]
        return sum(judged), len(judged)

    @property
    def width_ratio(self) -> float | None:
        """Median over figures of the prediction interval's width beside the published interval's.

        Ratios and times are compared on the log scale. None when no figure has both intervals.
        """
        ratios = [ratio for one in self.comparisons if (ratio := _width_ratio(one)) is not None]
        return float(np.median(ratios)) if ratios else None

    def as_json(self) -> dict[str, Any]:
        """What ``engager validate --json`` prints."""
        counts = {use: dict(zip(("inside", "of"), self.inside(use), strict=True)) for use in ("fit", "check")}
        return plain_json(
            {
                "targets": [one.as_json() for one in self.comparisons],
                "counts": counts,
                "median_width_ratio": self.width_ratio,
                "not_simulated": list(self.not_simulated),
                "n_failed": self.n_failed,
            }
        )


def studies_with_targets() -> list[Protocol]:
    """The shipped studies that have something to be compared with."""
    return [study for study in map(shipped_protocol, shipped_protocols()) if study.targets]


def validate_studies(
    studies: Sequence[Protocol],
    *,
    replicates: int = DEFAULT_REPLICATES,
    seed: int = 1,
    parameters: str = "posterior",
    n_threads: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Validation:
    """Simulate studies and compare each with its targets.

    Parameters
    ----------
    studies : a target that does not say its `use` only checks.
    replicates : virtual trials of each; 95 % intervals need about 40.
    parameters : as for `run_study`.
    progress : told a study's id and the finished share of everything.

    Raises
    ------
    InputError
        When a study has no targets, or a number is out of range.
    """
    problems = [
        Problem(study.study, "no targets", "needs `targets` to be compared with", "Add them, or use engager trial run.")
        for study in studies
        if not study.targets
    ]
    if replicates < 1:
        problems.append(Problem("--replicates", replicates, "must be at least 1"))
    if seed < 0:
        problems.append(Problem("--seed", seed, "must be a whole number from 0"))
    if problems:
        raise InputError(problems)
    comparisons: list[Comparison] = []
    n_failed = 0
    total = float(sum(study.n_patients for study in studies))
    done = 0.0
    for study in studies:

        def tell(share: float, study: Protocol = study, before: float = done) -> None:
            if progress is not None:
                progress(study.study, (before + share * study.n_patients) / total)

        data = _simulate(study, replicates, seed, parameters, n_threads, tell)
        comparisons += compare(data)
        n_failed += data.n_failed
        done += study.n_patients
    unanswered = tuple(
        f"{study.study}: {target.endpoint} ({target.statistic})"
        for study in studies
        for target in study.targets
        if not target.is_simulated
    )
    return Validation(tuple(_with_use(one) for one in comparisons), unanswered, n_failed)


def _simulate(
    study: Protocol,
    replicates: int,
    seed: int,
    parameters: str,
    n_threads: int | None,
    tell: Callable[[float], None],
) -> TrialData:
    """All replicates of one study, in pieces that bound memory."""
    values = population_parameters(study.model, seed, parameters)
    size = max(1, _PATIENTS_AT_ONCE // study.n_patients)
    parts = []
    for first in range(0, replicates, size):
        chosen = range(first, min(first + size, replicates))

        def part(share: float, chosen: range = chosen) -> None:
            tell((chosen.start + share * len(chosen)) / replicates)

        parts.append(
            simulate_trial(
                study,
                replicates=chosen,
                seed=seed,
                n_threads=n_threads,
                progress=part,
                settings=values.settings,
                n_sampled=0,
            )
        )
    return TrialData.concatenate(parts)


def _with_use(comparison: Comparison) -> Comparison:
    from dataclasses import replace

    return comparison if comparison.use else replace(comparison, use="check")


def _width_ratio(one: Comparison) -> float | None:
    low, high = published_interval(one)
    published = _width(low, high, one.statistic)
    simulated = _width(one.low, one.high, one.statistic)
    return None if not published or simulated is None else simulated / published


def _width(low: float | None, high: float | None, statistic: str) -> float | None:
    if low is None or high is None:
        return None
    if statistic in _ON_LOG_SCALE:
        return math.log(high / low) if low > 0 else None
    return high - low
