"""The parameters of a model as plain rows: value, unit, spread, source or assumption, prior beside posterior."""

from __future__ import annotations

from functools import cache
from math import exp, sqrt
from typing import Any

from engager.calibration import assess_identifiability, shipped_posterior
from engager.model import Parameter, load_model


@cache
def model_table(model: str = "b-all") -> tuple[dict[str, Any], ...]:
    """Every parameter of a model, in the order of its table.

    Returns
    -------
    Rows ``name, value, unit, meaning, spread, prior, posterior, learned, source, assumed, fitted``, in words. `spread`
    is that between patients: the coefficient of variation, or the factor of one standard deviation where that is large.
    `prior` is the range that holds nearly all of the prior, `posterior` the median with the interval that holds 90 % of
    the draws, both of the typical value. `learned` is the share by which the fit made the prior narrower; empty where a
    parameter was not fitted.
    """
    loaded = load_model(model)
    posterior = shipped_posterior(model)
    informed = {}
    if posterior is not None:
        informed = {one.name: one for one in assess_identifiability(posterior, loaded).unknowns}
    rows = []
    for row in loaded.parameters.values():
        scale = row.to_model or 1.0
        fit = informed.get(row.name)
        rows.append(
            {
                "name": row.name,
                "value": f"{row.value:.4g}",
                "unit": row.unit,
                "meaning": row.meaning,
                "spread": _spread(row.sd_log),
                "prior": _range(row),
                "posterior": ""
                if fit is None
                else f"{fit.median / scale:.3g} ({fit.lower / scale:.3g} to {fit.upper / scale:.3g})",
                "learned": "" if fit is None else f"{100 * max(0.0, 1 - fit.contraction):.0f} % narrower",
                "source": row.source or "",
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
    return f"{row.low:.3g} to {row.high:.3g}"
