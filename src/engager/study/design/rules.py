"""The rules by which a design of one size is judged: when it looks, at what, and against which bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from engager.analysis import (
    ShareCounts,
    TimeSums,
    TwoStage,
    efficacy_bounds,
    fisher_mid_z,
    fisher_z,
    probability_median_longer,
    probability_share_better,
    responders_needed,
    score_z,
    simon_design,
    single_arm_characteristics,
)
from engager.core import FloatArray, InputError, Problem
from engager.evidence import HistoricalMedian, HistoricalPrior
from engager.protocol import DesignBlock, Protocol

Prior = HistoricalPrior | HistoricalMedian
# True shares at which a single arm that counts responders is worked out exactly, the null share besides.
_SHARES = tuple(k / 100 for k in range(101))
SCALES = {"exact": "responders", "simon": "responders", "bayesian": "probability"}


@dataclass(frozen=True)
class Rules:
    """Looks and bounds of a design of one size.

    Attributes
    ----------
    test : log_rank, score, fisher, exact, simon or bayesian.
    scale : of the bounds: ``z``, ``responders`` or ``probability``.
    information : fractions of the final information, by look.
    patients_by_look, events_by_look : in each analysis; patients for a yes/no endpoint, events for a time.
    upper, lower : success at or above, futility at or below, by look.
    """

    test: str
    scale: str
    information: tuple[float, ...]
    patients_by_look: tuple[int, ...]
    events_by_look: tuple[int, ...]
    upper: FloatArray
    lower: FloatArray

    def looks(self) -> list[dict[str, Any]]:
        """Each look as a mapping; None where there is no bound."""
        found = []
        for k, fraction in enumerate(self.information):
            last = k == len(self.information) - 1
            found.append(
                {
                    "look": k + 1,
                    "information": fraction,
                    "patients": self.patients_by_look[k] if self.patients_by_look else None,
                    "events": self.events_by_look[k] if self.events_by_look else None,
                    "success_from": _finite(self.upper[k]),
                    "futility_to": None if last else _finite(self.lower[k]),
                }
            )
        return found


def two_stages(design: DesignBlock) -> TwoStage:
    """The two stages of a Simon design, as given or searched for."""
    simon, null_share = design.simon, design.null_share
    assert simon is not None  # checked when the file was read
    assert null_share is not None
    if simon.is_given:
        return TwoStage(int(simon.r1 or 0), int(simon.n1 or 0), int(simon.r or 0), int(simon.n or 0))
    return simon_design(null_share, simon.alternative_share or 1.0, design.alpha, simon.power, simon.choose)


def rules_of(protocol: Protocol, n_patients: int, n_study: int, stages: TwoStage | None) -> Rules:
    """The rules of one size.

    Parameters
    ----------
    n_patients : of this size, all arms. n_study : of the study as written, which the events in the file belong to.
    stages : of a Simon design.
    """
    design = protocol.design
    assert design is not None  # checked when the design was asked for
    test = design.test_of(protocol.arms)
    scale = SCALES.get(test, "z")
    if stages is not None:
        upper, lower = np.array([np.inf, stages.r + 1.0]), np.array([float(stages.r1), -np.inf])
        return Rules(test, scale, (stages.n1 / stages.n, 1.0), (stages.n1, stages.n), (), upper, lower)
    events = design.events_at(n_patients, n_study)
    patients: tuple[int, ...] = ()
    if not design.is_time_to_event:
        patients = tuple(max(1, round(n_patients * fraction)) for fraction in design.fractions)
    planned = events or patients or (1,)
    if any(later <= earlier for earlier, later in pairwise(planned)):
        rule = f"is too few for {len(planned)} looks, which would come at {', '.join(map(str, planned))}"
        raise InputError(Problem("design.patients", n_patients, rule, "Fewer looks, or more patients."))
    # Rounded counts give the information that is really there.
    information = tuple(count / planned[-1] for count in planned)
    lower = np.array([*(design.futility or [-np.inf] * (len(information) - 1)), -np.inf])
    if test == "exact":
        upper = np.array([float(responders_needed(n_patients, design.null_share or 0.0, design.alpha))])
    elif test == "bayesian":
        upper = np.full(len(information), design.threshold)
    else:
        upper = efficacy_bounds(information, design.alpha, design.spending)
    return Rules(test, scale, information, patients, events, upper, lower)


def share_statistic(design: DesignBlock, test: str, prior: Prior | None) -> Callable[[ShareCounts], FloatArray]:
    """What is worked out from counts at a look."""

    def bayesian(counts: ShareCounts) -> FloatArray:
        total = counts.total()
        assert isinstance(prior, HistoricalPrior)
        return probability_share_better(
            total.events, total.n, design.treatment_prior, prior.prior, total.control_events, total.control_n,
            design.margin,
        )  # fmt: skip

    choices: dict[str, Callable[[ShareCounts], FloatArray]] = {
        "score": lambda counts: score_z(*counts),
        "fisher": lambda counts: fisher_z(*(part.astype(int) for part in counts.total())),
        "bayesian": bayesian,
    }
    return choices.get(test, lambda counts: counts.total().events)


def futility_statistic(test: str) -> Callable[[ShareCounts], FloatArray] | None:
    """What bounds of futility are held against, where it is not the statistic of the test itself."""
    if test != "fisher":
        return None
    return lambda counts: fisher_mid_z(*(part.astype(int) for part in counts.total()))


def time_statistic(design: DesignBlock, test: str, prior: Prior | None) -> Callable[[TimeSums], FloatArray] | None:
    """What is worked out from times at a look; None for the log-rank test."""
    if test != "bayesian":
        return None
    assert isinstance(prior, HistoricalMedian)
    mixture = prior.prior
    return lambda sums: probability_median_longer(
        sums.log_median, sums.events, mixture, np.nan_to_num(sums.control_log_median), sums.control_events, design.ratio
    )


def exact_curve(design: DesignBlock, rules: Rules, prior: Prior | None) -> list[dict[str, float]]:
    """Chance of success of a single arm that counts responders, worked out exactly over true shares."""
    success, futility = rules.upper, rules.lower
    if rules.test == "bayesian":
        success, futility = _as_responders(design, rules, prior)
    found = []
    for share in sorted({*_SHARES, *([design.null_share] if design.null_share is not None else [])}):
        exact = single_arm_characteristics(rules.patients_by_look, success.tolist(), futility.tolist(), share)
        found.append(
            {
                "share": share,
                "success": float(exact.success.sum()),
                "stopped_early": float((exact.success + exact.futility)[:-1].sum()),
                "expected_patients": exact.expected_patients,
            }
        )
    return found


def _as_responders(design: DesignBlock, rules: Rules, prior: Prior | None) -> tuple[FloatArray, FloatArray]:
    """Bounds of a posterior probability as numbers of responders: it rises with each responder."""
    assert isinstance(prior, HistoricalPrior)
    success, futility = [], []
    for n, upper, lower in zip(rules.patients_by_look, rules.upper, rules.lower, strict=True):
        sure = probability_share_better(np.arange(n + 1), n, design.treatment_prior, prior.prior, margin=design.margin)
        success.append(float(np.argmax(sure >= upper)) if np.any(sure >= upper) else np.inf)
        futility.append(float(np.flatnonzero(sure <= lower)[-1]) if np.any(sure <= lower) else -np.inf)
    return np.array(success), np.array(futility)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
