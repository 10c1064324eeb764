"""How endpoints, subgroups and units are written for readers; numbers are written by `core.number_words`.

In: the comparison dicts of docs/architecture.md. Out: text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engager.core import axis_of, condition_words, landmark, number
from engager.evidence import trial_endpoints


def endpoint_words(name: str) -> str:
    """An endpoint as a reader would say it."""
    known = trial_endpoints().get(name)
    return name.replace("_", " ").replace("grade3plus", "grade 3+") if known is None else known.words


def what(comparison: Mapping[str, Any]) -> str:
    """Endpoint and statistic of a comparison, e.g. ``OS, median`` or ``EFS at 6 months``."""
    words = endpoint_words(str(comparison["endpoint"]))
    months = comparison.get("time_months")
    match comparison["statistic"]:
        case "median":
            words = f"{words}, median"
        case "survival_at" | "cumulative_at" if months is not None:
            words = f"{words} at {landmark(float(months))}"
        case "curve" if months is not None:
            words = f"{words} curve, farthest at {landmark(float(months))}"
        case "hazard_ratio":
            words = f"{words}, hazard ratio"
        case "odds_ratio":
            words = f"{words}, odds ratio"
        case "difference":
            words = f"{words}, difference"
        case "follow_up_median":
            words = f"{words}, median follow-up"
    subgroup = comparison.get("subgroup")
    return f"{words} ({condition_words(str(subgroup))})" if subgroup else words


def simulated_words(simulated: Mapping[str, Any], statistic: str) -> str:
    """The simulated median, or why there is none; a time that is absent while its lower limit is known lies beyond
    the data."""
    median = simulated.get("median")
    if median is not None:
        return number(median, statistic)
    is_beyond = simulated.get("low") is not None and axis_of(statistic) == "months"
    return str(simulated.get("reason") or ("not reached" if is_beyond else number(None, statistic)))


def unit_words(unit: str) -> str:
    """A unit, or a sentence with units, with the signs that readers know, e.g. ``µg/m²/day``."""
    return re.sub(r"(?<![A-Za-z0-9-])m2(?![A-Za-z0-9-])", "m²", re.sub(r"(?<![A-Za-z0-9-])u(?=[gLlM]\b)", "µ", unit))
