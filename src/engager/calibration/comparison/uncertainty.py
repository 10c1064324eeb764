"""Three uncertainties of a simulated figure, kept apart: patients, parameters, Monte Carlo.

In: one estimate per replicate, each replicate its own draw of the posterior. Out: how much of the scatter comes
from patients being a sample, how much from population values (what the fit left unsure, and what trials differ in
beyond the description of their patients), and how far the reported median and interval would move if other
replicates were run. The first two describe the figure, the third only
this computation: it shrinks with more replicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from engager.analysis import SCALE_BY_STATISTIC, order_statistics
from engager.calibration.comparison.compare import TargetEstimates, compare, target_estimates
from engager.core import FloatArray, Stream
from engager.trial import TrialData

if TYPE_CHECKING:
    import polars as pl


_Z = 1.959964
_RESAMPLES = 200
# Of each end of a 95 % interval.
_TAIL = (1.0 - 0.95) / 2.0
# Fewer replicates with a standard error of their own say nothing about where the scatter comes from.
_FEWEST = 5


@dataclass(frozen=True)
class Uncertainty:
    """Where the scatter of one figure comes from.

    Attributes
    ----------
    between_patients, parameters, total : standard deviations over replicates, on `scale`; NaN when too few
        replicates gave a finite estimate with a standard error.
    monte_carlo : standard errors of the reported median, lower and upper end, in the figure's own unit.
    scale : ``share`` (as it is) or ``log`` (medians and ratios; 0.1 is about 10 %).
    n_replicates : with a finite estimate.
    """

    between_patients: float
    parameters: float
    total: float
    monte_carlo: tuple[float, float, float]
    scale: str
    n_replicates: int

    @property
    def parameter_share(self) -> float:
        """Share of the variance that the population values account for."""
        return self.parameters**2 / self.total**2 if self.total > 0 else float("nan")

    def as_json(self) -> dict[str, Any]:
        """As runs and validations write it; None where it cannot be told."""
        numbers = {
            "between_patients": self.between_patients,
            "parameters": self.parameters,
            "total": self.total,
            "parameter_share": self.parameter_share,
        }
        ends = dict(zip(("median", "low", "high"), self.monte_carlo, strict=True))
        return {
            "scale": self.scale,
            **{name: _known(value) for name, value in numbers.items()},
            "monte_carlo": {name: _known(value) for name, value in ends.items()},
            "n_replicates": self.n_replicates,
        }


def split_uncertainty(
    values: ArrayLike,
    standard_errors: ArrayLike,
    stream: Stream,
    statistic: str = "proportion",
    fixed_values: ArrayLike | None = None,
) -> Uncertainty:
    """Split the scatter of a figure over replicates.

    Parameters
    ----------
    values : array (replicate,), every replicate with its own population values.
    standard_errors : array (replicate,), each replicate's own sampling error, on the log scale for medians and
        ratios. NaN: not estimable.
    stream : keys the resampling behind the Monte Carlo errors.
    fixed_values : array (replicate,), the figure when all replicates share the same population values (run with
        ``--parameters center``). Given, its variance is the sampling variance, without any formula.

    Notes
    -----
    Variance between replicates = mean sampling variance within a replicate + variance between population values
    (law of total variance). The second is a difference, so it is cut at zero when patients explain it all.
    """
    scale = "log" if SCALE_BY_STATISTIC.get(statistic) == "log" else "share"
    found = _on(scale, values)
    usable = np.isfinite(found)
    total = float(np.var(found[usable], ddof=1)) if usable.sum() >= _FEWEST else np.nan
    if fixed_values is not None:
        fixed = _on(scale, fixed_values)
        fixed = fixed[np.isfinite(fixed)]
        within = float(np.var(fixed, ddof=1)) if fixed.size >= _FEWEST else np.nan
    else:
        errors = np.asarray(standard_errors, dtype=float)[usable]
        errors = errors[np.isfinite(errors)]
        within = float(np.mean(errors**2)) if errors.size >= max(_FEWEST, usable.sum() // 2) else np.nan
    between = max(total - within, 0.0) if np.isfinite(total) and np.isfinite(within) else np.nan
    return Uncertainty(
        between_patients=float(np.sqrt(within)),
        parameters=float(np.sqrt(between)),
        total=float(np.sqrt(total)),
        monte_carlo=_monte_carlo(np.asarray(values, dtype=float), stream),
        scale=scale,
        n_replicates=int(usable.sum()),
    )


def uncertainties(data: TrialData, seed: int = 1, estimated: TargetEstimates | None = None) -> list[Uncertainty]:
    """The split for every target of a study that virtual trials answer, in the order of `compare`; of a curve for
    the printed point that `compare` shows.

    Parameters
    ----------
    data : all replicates, each simulated with its own draw of the posterior.
    seed : of the resampling.
    estimated : `target_estimates` of them, for a caller who compares besides.
    """
    import polars as pl

    protocol = data.protocol
    estimates, places = estimated = estimated or target_estimates(data)
    shown = compare(data, estimated) if any(target.is_curve for target, _ in places) else []
    found = []
    for i, (target, chosen) in enumerate(places):
        rows = estimates.filter(pl.col("request").is_in(chosen))
        if target.is_curve:
            rows = rows.filter(pl.col("time_months") == shown[i].time_months)
        stream = Stream(seed, f"uncertainty/{protocol.study}/{i}")
        values = rows["value"].to_numpy().astype(float)
        found.append(split_uncertainty(values, _standard_errors(rows, target.statistic), stream, target.statistic))
    return found


def _standard_errors(rows: pl.DataFrame, statistic: str) -> FloatArray:
    """Each replicate's own sampling error: binomial for a share, from the 95 % limits for the rest."""
    columns: dict[str, Any] = {name: rows[name].to_numpy().astype(float) for name in ("value", "low", "high", "n")}
    with np.errstate(divide="ignore", invalid="ignore"):
        if statistic == "proportion":
            found: FloatArray = np.sqrt(columns["value"] * (1.0 - columns["value"]) / columns["n"])
            return found
        scale = "log" if SCALE_BY_STATISTIC.get(statistic) == "log" else "share"
        width = _on(scale, columns["high"]) - _on(scale, columns["low"])
    return np.where(np.isfinite(width), width / (2 * _Z), np.nan)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _on(scale: str, values: ArrayLike) -> FloatArray:
    given = np.asarray(values, dtype=float)
    if scale == "share":
        return given
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = np.log(given)
        return found


def _monte_carlo(values: FloatArray, stream: Stream) -> tuple[float, float, float]:
    """Bootstrap standard errors of median and interval ends; NaN when one of them is not reached."""
    known = values[~np.isnan(values)]
    if known.size < _FEWEST:
        return (np.nan, np.nan, np.nan)
    picks = stream.of("monte-carlo").uniform(np.arange(_RESAMPLES), known.size).reshape(_RESAMPLES, -1)
    resampled = np.sort(known[(picks * known.size).astype(np.int64)], axis=1)
    # median and ends of a 95 % prediction interval, as `prediction_interval` finds them in each
    ends = [order_statistics(resampled, probability) for probability in (0.5, _TAIL, 1.0 - _TAIL)]
    spread = [float(np.std(end, ddof=1)) if np.isfinite(end).all() else float("nan") for end in ends]
    return spread[0], spread[1], spread[2]
