"""The parameters of a model as plain rows: value, unit, spread, source or assumption, prior beside posterior."""

from __future__ import annotations

from functools import cache
from math import exp, log, sqrt
from typing import Any

import numpy as np

from engager.calibration import shipped_posterior
from engager.evidence import load_records
from engager.model import Parameter, load_model

# Median, and the ends of the interval that holds 90 %.
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_QUANTILES = (0.05, 0.5, 0.95)


@cache
def model_table(model: str = "b-all") -> tuple[dict[str, Any], ...]:
    """Every parameter of a model, in the order of its table.

    Returns
    -------
    Rows ``name, value, unit, meaning, spread, prior, posterior, learned, source, citation, record, assumed, fitted``,
    in words.
    `spread` is that between patients: the coefficient of variation, or the factor of one standard deviation where that
    is large.
    `prior` is the range that holds nearly all of the prior, `posterior` the median with the interval that holds 90 % of
    the draws, both of the typical value. `learned` says how much of the prior's range that interval spans; empty where
    a parameter was not fitted. `citation` is what stands behind the key `source`; `record` tells whether that key is a
    record of the evidence.
    """
    loaded = load_model(model)
    posterior = shipped_posterior(model)
    drawn = {}
    if posterior is not None:
        drawn = {name: np.quantile(posterior.draws[:, k], _QUANTILES) for k, name in enumerate(posterior.names)}
    records = load_records()
    rows = []
    for row in loaded.parameters.values():
        fit = drawn.get(row.name)
        low, median, high = (float("nan"),) * 3 if fit is None else (fit / row.to_model).tolist()
        rows.append(
            {
                "name": row.name,
                "value": _plain(row.value, 4),
                "unit": row.unit,
                "meaning": row.meaning,
                "spread": _spread(row.sd_log),
                "prior": _range(row),
                "posterior": "" if fit is None else f"{_plain(median)} ({_plain(low)} to {_plain(high)})",
                "learned": "" if fit is None else _learned(row, low, high),
                "source": row.source or "",
                "citation": loaded.sources.get(row.source or "", ""),
                "record": (row.source or "") in records,
                "assumed": row.assumed or "",
                "fitted": row.is_fitted,
            }
        )
    return tuple(rows)


def _spread(sd_log: float) -> str:
    """Of a log-normal, in words."""
    if not sd_log:
        return ""
    return f"{100 * sqrt(exp(sd_log**2) - 1):.0f} %" if sd_log <= 1 else f"factor {exp(sd_log):.2g}"


def _range(row: Parameter) -> str:
    if row.low is None or row.high is None:
        return ""
    return f"{_plain(row.low)} to {_plain(row.high)}"


def _plain(value: float, digits: int = 3) -> str:
    """A number as a reader writes it, e.g. ``0.35``, ``22 000``, ``8 × 10¹¹``."""
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text
    if 1e3 <= abs(value) < 1e6:
        return f"{float(text):,.0f}".replace(",", "\u202f")
    mantissa, power = text.split("e")
    return f"{mantissa} × 10{str(int(power)).translate(_POWERS)}"


def _learned(row: Parameter, low: float, high: float) -> str:
    """How much of the prior's range the posterior spans, on the scale that the fit moves on."""
    if row.low is None or row.high is None:
        return ""
    is_log = row.low > 0
    width = log(high / low) / log(row.high / row.low) if is_log else (high - low) / (row.high - row.low)
    return f"{100 * width:.0f} % of that range"
