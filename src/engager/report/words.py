"""How numbers and endpoints are written for readers.

In: the comparison dicts of docs/architecture.md. Out: text. A missing limit and infinity read
"not reached" for times, and a dash otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from engager.evidence import trial_endpoints

_SHARES = ("proportion", "survival_at", "cumulative_at", "difference", "curve")
_TIMES = ("median", "follow_up_median")
DASH = "–"


def endpoint_words(name: str) -> str:
    """An endpoint as a reader would say it."""
    known = trial_endpoints().get(name)
    return name.replace("_", " ") if known is None else known.words


def what(comparison: Mapping[str, Any]) -> str:
    """Endpoint and statistic of a comparison, e.g. ``OS, median`` or ``EFS at 6 months``."""
    words = endpoint_words(str(comparison["endpoint"]))
    months = comparison.get("time_months")
    match comparison["statistic"]:
        case "median":
            words = f"{words}, median"
        case "survival_at" | "cumulative_at" if months is not None:
            words = f"{words} at {_short(float(months))} months"
        case "curve" if months is not None:
            words = f"{words} curve, farthest at {_short(round(float(months), 1))} months"
        case "hazard_ratio":
            words = f"{words}, hazard ratio"
        case "odds_ratio":
            words = f"{words}, odds ratio"
        case "difference":
            words = f"{words}, difference"
        case "follow_up_median":
            words = f"{words}, median follow-up"
    subgroup = comparison.get("subgroup")
    return f"{words} ({_condition_words(str(subgroup))})" if subgroup else words


def _condition_words(text: str) -> str:
    """A condition as a reader would write it, e.g. ``marrow blasts percent ≥ 50``."""
    return text.replace(">=", "≥").replace("<=", "≤").replace("==", "=").replace("_", " ")


def unit_words(unit: str) -> str:
    """A unit with its micro sign, e.g. ``µg/day``."""
    return re.sub(r"(?<![A-Za-z])u(?=[gLlM])", "µ", unit)


def axis_of(statistic: str) -> str:
    """The scale a statistic belongs on: ``%``, ``months``, ``hazard ratio`` or ``odds ratio``."""
    if statistic in _SHARES:
        return "%"
    if statistic == "odds_ratio":
        return "odds ratio"
    return "months" if statistic in _TIMES else "hazard ratio"


def number(value: Any, statistic: str, unit: bool = True) -> str:
    """One value, e.g. ``33.6 %``, ``7.7 months``, ``0.71``."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return DASH
    axis = axis_of(statistic)
    if math.isinf(value):
        return "not reached" if axis == "months" else "∞"
    if axis == "%":
        text, tail = _percent(100.0 * value), " %"
    elif axis == "months":
        text, tail = f"{value:.1f}", " months"
    else:
        text, tail = f"{value:.2f}", ""
    return text + tail if unit else text


def interval(low: Any, high: Any, statistic: str) -> str:
    """Two limits, e.g. ``28.0 to 39.5``; empty when neither is known."""
    if _unknown(low) and _unknown(high):
        return ""
    return f"{_limit(low, statistic)} to {_limit(high, statistic)}"


def figure(value: Any, low: Any, high: Any, statistic: str, reason: str = "") -> str:
    """A value with its interval, e.g. ``33.6 % (28.0 to 39.5)``; a time that lies beyond the data was not reached.

    Parameters
    ----------
    reason : why there is no value, where that is known.
    """
    if _unknown(value) and not _unknown(low) and axis_of(statistic) == "months":
        value = math.inf
    if _unknown(value) and reason:
        return reason
    limits = interval(low, high, statistic)
    return number(value, statistic) + (f" ({limits})" if limits else "")


def _limit(value: Any, statistic: str) -> str:
    """A limit that is absent beside one that is known was not reached."""
    if _unknown(value):
        return "not reached" if axis_of(statistic) == "months" else DASH
    return number(value, statistic, unit=False)


def _unknown(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _percent(value: float) -> str:
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:g}"
