"""How a number is written for readers, wherever it is printed: terminal, page, figure, document.

In: a value and the statistic that it is, or a share, or any quantity. Out: text. A missing limit and infinity read
"not reached" for times, and a dash otherwise.
"""

from __future__ import annotations

import math
from typing import Any

from engager.core.time import DAYS_PER_MONTH

_SHARES = ("proportion", "survival_at", "cumulative_at", "difference", "curve")
_TIMES = ("median", "follow_up_median")
DASH = "–"


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


def landmark(months: float) -> str:
    """A time at which something is read: ``18 months``, or ``100 days`` where no round number of months was meant."""
    days = months * DAYS_PER_MONTH
    rounded = round(months, 1)
    if abs(months - rounded) > 1e-3 and abs(days - round(days)) < 1e-3:
        return f"{days:.0f} days"
    return f"{rounded:g} months"


def interval(low: Any, high: Any, statistic: str) -> str:
    """Two limits, e.g. ``28.0 to 39.5``; empty when neither is known, or neither was reached."""
    if all(_unknown(one) or one == math.inf for one in (low, high)):
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


def whole_percent(share: float | None) -> str:
    """A share that is not known to a tenth of a percent, e.g. of a variance: ``34 %``."""
    return DASH if _unknown(share) else f"{round(100 * float(share or 0.0)) + 0:.0f} %"


def signed(difference: float, digits: int = 1) -> str:
    """A difference with its sign, e.g. ``+4.1``; one that rounds to nothing is ``+0.0``, never ``-0.0``."""
    return f"{round(difference, digits) + 0.0:+.{digits}f}"


def quantity(value: Any, unit: str = "") -> str:
    """A measured quantity to three digits, e.g. ``0.0123 nmol/L``; a dash for none."""
    if _unknown(value):
        return DASH
    return f"{float(value):.3g}" + (f" {unit}" if unit else "")
