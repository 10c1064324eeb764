"""What a meta-analysis gives back: the pooled value or why there is none, the studies, and what was left
out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """A pooled value, or why there is none.

    Attributes
    ----------
    method : glmm, reml or common.
    value, low, high : of the mean; a share is a fraction, a median is in months.
    prediction_low, prediction_high : where the true value of a new study would lie, at the same level.
    tau2, tau2_low, tau2_high : variance between studies on the working scale (logit or log).
    i2, q, q_p : share of variation between studies; heterogeneity statistic and p value.
    failure : why the model could not be fitted; then every number is None.
    note : what was done to the interval, where it is not the usual one.
    """

    method: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    prediction_low: float | None = None
    prediction_high: float | None = None
    tau2: float | None = None
    tau2_low: float | None = None
    tau2_high: float | None = None
    i2: float | None = None
    q: float | None = None
    q_p: float | None = None
    failure: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Regression:
    """A covariate's effect on the working scale (logit or log), and who had it."""

    covariate: str
    slope: float | None
    low: float | None
    high: float | None
    p: float | None
    tau2: float | None
    n_studies: int
    without: tuple[str, ...]
    failure: str | None = None


@dataclass(frozen=True)
class Pooled:
    """A meta-analysis.

    Attributes
    ----------
    endpoint, statistic, level : what was pooled. time_months : the landmark, of survival.
    estimate : by the method asked for; `others`: by the other methods, as a check.
    rows : one mapping per study: label, record, arm, reference, year, events, n, value, low, high, is_exact
        (interval computed here because none is in the record), weight.
    n_patients, events : sums over studies (None where there are none).
    leave_one_out : label of the study left out and the estimate without it.
    subgroups : name and estimate of each group; `subgroup_p` tests whether they differ.
    regressions : one per covariate asked for.
    left_out, remarks : from the selection.
    """

    endpoint: str
    statistic: str
    level: float
    estimate: Estimate
    others: tuple[Estimate, ...]
    rows: tuple[dict[str, Any], ...]
    n_patients: int | None
    events: int | None
    leave_one_out: tuple[tuple[str, Estimate], ...] = ()
    subgroups: tuple[tuple[str, Estimate, int], ...] = ()
    subgroup_p: float | None = None
    regressions: tuple[Regression, ...] = ()
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = field(default=())
    time_months: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The result as a JSON-like mapping."""
        content = asdict(self)
        content["leave_one_out"] = [{"without": name, **asdict(fit)} for name, fit in self.leave_one_out]
        content["subgroups"] = [{"group": g, "n_studies": n, **asdict(fit)} for g, fit, n in self.subgroups]
        return content
