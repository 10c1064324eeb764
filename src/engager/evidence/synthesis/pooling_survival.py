"""Survival at a landmark, pooled over trials.

Worked on -log(-log S), where a survival estimate scatters evenly and stays between 0 and 1: inverse variance, REML,
Hartung-Knapp. The error of a study is that of its printed interval or standard error; where only n was printed, that
of n patients followed to the landmark without loss: the error of S is then sqrt(S (1 - S) / n). Loss before the
landmark makes that too small, so such studies weigh a little too much; they are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from engager.core import FloatArray
from engager.evidence.records.intervals import exact_interval, standard_error_from_interval
from engager.evidence.synthesis.pooled import Pooled
from engager.evidence.synthesis.pooling_parts import (
    check_grouping,
    interval_remarks,
    inverse_variance,
    known_covariates,
    regression_on,
    subgroup_estimates,
    weights_of,
    where_from,
)
from engager.evidence.synthesis.selection import Selection, Study

_HALF_EVENT = 0.5


def pool_survival(
    selection: Selection,
    time_months: float,
    by: str | None = None,
    covariates: Sequence[str] = (),
    level: float = 0.95,
) -> Pooled:
    """Pool survival at a landmark.

    Parameters
    ----------
    selection : from `select` with statistic ``survival_at`` and the same `time_months`.
    time_months : the landmark.
    by, covariates, level : as in `pool_medians`; slopes are on -log(-log S), above 0 is better survival.
    """
    check_grouping(by)
    known_covariates(covariates)
    studies = [study for study in selection.studies if _can_be_weighed(study)]
    withheld = [study for study in selection.studies if not _can_be_weighed(study)]
    reason = "neither an interval nor the number of patients in the record"
    left_out = (*selection.left_out, *(f"{study.record}/{study.arm}: {reason}" for study in withheld))
    effect = np.array([_effect(study) for study in studies])
    error = np.array([_standard_error(study) for study in studies])
    variance = error**2

    def fit(rows: Any, method: str = "reml") -> Any:
        return inverse_variance(effect[rows], variance[rows], method, level, survival_of)

    every = np.ones(len(studies), dtype=bool)
    estimate = fit(every)
    groups, p = subgroup_estimates(studies, by, fit, effect, variance)
    from_n = [study.label for study in studies if not _has_interval(study) and not study.outcome.se]
    said = [f"the error is that of n patients without loss to follow-up: {'; '.join(from_n)}"] if from_n else []
    return Pooled(
        endpoint=selection.endpoint,
        statistic="survival_at",
        time_months=time_months,
        level=level,
        estimate=estimate,
        others=(fit(every, "common"),),
        rows=_rows(studies, effect, error, weights_of(effect, variance, estimate), level),
        n_patients=sum(study.outcome.n or 0 for study in studies) or None,
        events=None,
        leave_one_out=tuple(
            (study.label, fit(rows))
            for study, rows in zip(studies, ~np.eye(len(studies), dtype=bool), strict=True)
            if len(studies) > 2
        ),
        subgroups=groups,
        subgroup_p=p,
        regressions=tuple(
            regression_on(name, studies, effect, variance, level) for name in known_covariates(covariates)
        ),
        left_out=left_out,
        remarks=(*selection.remarks, *said, *interval_remarks(len(studies), estimate)),
    )


def survival_of(effect: ArrayLike) -> FloatArray:
    """Survival from -log(-log S); rises with it."""
    return np.asarray(np.exp(-np.exp(-np.asarray(effect, dtype=float))))


def _effect(study: Study) -> float:
    return float(-np.log(-np.log(_share(study))))


def _share(study: Study) -> float:
    """Survival, half an event away from none and from everybody."""
    value, n = float(study.outcome.value or 0.0), study.outcome.n
    room = _HALF_EVENT / n if n else 1e-3
    return min(max(value, room), 1 - room)


def _standard_error(study: Study) -> float:
    outcome = study.outcome
    if _has_interval(study):
        low, high = (float(-np.log(-np.log(bound))) for bound in (outcome.low, outcome.high) if bound is not None)
        return standard_error_from_interval(low, high, outcome.level)
    share = _share(study)
    if outcome.se:
        return float(outcome.se / (share * -np.log(share)))
    assert outcome.n
    return float(np.sqrt((1 - share) / (outcome.n * share)) / -np.log(share))


def _has_interval(study: Study) -> bool:
    low, high = study.outcome.low, study.outcome.high
    return low is not None and high is not None and 0 < low < high < 1


def _can_be_weighed(study: Study) -> bool:
    return _has_interval(study) or bool(study.outcome.se or study.outcome.n)


def _rows(
    studies: Sequence[Study], effect: FloatArray, error: FloatArray, weights: FloatArray | None, level: float
) -> tuple[dict[str, Any], ...]:
    critical = float(ndtri(0.5 + level / 2))
    rows = []
    for index, study in enumerate(studies):
        outcome, printed = study.outcome, _has_interval(study)
        low, high = survival_of(effect[index] + critical * error[index] * np.array([-1.0, 1.0]))
        if outcome.n and _share(study) != outcome.value:
            # All or none alive: the error half an event away would leave the study's own value out.
            low, high = exact_interval(round((outcome.value or 0.0) * outcome.n), outcome.n, level)
        rows.append(
            {
                **where_from(study),
                "events": None,
                "n": outcome.n,
                "value": outcome.value,
                "low": outcome.low if printed else float(low),
                "high": outcome.high if printed else float(high),
                "level": outcome.level if printed else level,
                "is_exact": not printed,
                "weight": None if weights is None else float(weights[index]),
            }
        )
    return tuple(rows)
