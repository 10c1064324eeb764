"""Whether predictions are good enough: bands set before a fit, by class of endpoint and for engagers alone.

In: comparisons of many studies. Out: one `Band` each, met or not. A band over everything hides what cancels: older
salvage series died sooner than predicted, later ones later, and their mean was right. So survival is also judged by its
standardized distance, for engagers and between eras; there a figure that two reports print of the same patients counts
once, since it would pull a mean twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from engager.analysis import SCALE_BY_STATISTIC
from engager.calibration.comparison.compare import Comparison
from engager.calibration.comparison.validation import width_ratio
from engager.evidence import trial_endpoints

# Series that began before are older; about when reduced-intensity transplants and antibodies came.
ERA_SPLIT_YEAR = 2003
_Z = 1.959964
_GROUPS = ("response", "mrd", "os", "rfs", "toxicity", "transplant")
_CLASSES = {group: tuple(name for name, one in trial_endpoints().items() if one.group == group) for group in _GROUPS}
_WORDS = {
    "fit_inside": "fitted figures inside, share",
    "check_inside": "checked figures inside, share",
    "response_inside": "remission figures inside, share",
    "mrd_inside": "MRD figures inside, share",
    "os_inside": "overall survival figures inside, share",
    "rfs_inside": "relapse-free and event-free survival, duration of remission: inside, share",
    "toxicity_inside": "toxicity and early deaths inside, share",
    "transplant_inside": "transplant figures inside, share",
    "engager_inside": "figures of engager arms inside, share",
    "median_width_ratio": "width of prediction over published interval, median",
    "response_width_ratio": "width of prediction over published interval, median of remissions",
    "engager_os_distance": "overall survival on engagers: mean standardized distance from prediction, either way",
    "os_era_difference": (
        f"overall survival of series of relapsed disease before and from {ERA_SPLIT_YEAR}: difference of mean"
        " standardized distances, in its standard errors"
    ),
}


@dataclass(frozen=True)
class Band:
    """One acceptance band.

    Attributes
    ----------
    name, words : what is judged. limit : set before the fit. is_most : the limit is a most, else a least.
    found : None when nothing could be judged. inside, n : of a share, the counts; else None and how many were judged.
    """

    name: str
    words: str
    limit: float
    is_most: bool
    found: float | None
    n: int
    inside: int | None = None

    @property
    def is_met(self) -> bool | None:
        """None when nothing could be judged."""
        if self.found is None:
            return None
        return bool(self.found <= self.limit if self.is_most else self.found >= self.limit)


def accept(
    comparisons: Sequence[Comparison],
    limits: Mapping[str, float],
    *,
    start_year: Mapping[str, int] | None = None,
    engager_arms: frozenset[tuple[str, str]] = frozenset(),
) -> list[Band]:
    """Judge comparisons by bands.

    Parameters
    ----------
    limits : name of a band -> its limit.
    start_year : of each study. engager_arms : (study, arm) of those that give an engager.
    """
    years = start_year or {}
    groups: dict[str, Callable[[Comparison], bool]] = {
        "fit": lambda one: one.use == "fit",
        "check": lambda one: one.use == "check",
        "engager": lambda one: (one.study, one.arm) in engager_arms,
        **{name: partial(_is_of, names) for name, names in _CLASSES.items()},
    }
    found = []
    for name, limit in limits.items():
        words = _WORDS.get(name, name)
        group = groups.get(name.split("_")[0])
        if name.endswith("_inside") and group is not None:
            judged = [bool(one.is_inside) for one in comparisons if group(one) and one.is_inside is not None]
            share = sum(judged) / len(judged) if judged else None
            found.append(Band(name, words, limit, False, share, len(judged), sum(judged)))
        elif name.endswith("_width_ratio"):
            chosen = [one for one in comparisons if name.startswith("median") or (group is not None and group(one))]
            ratios = [ratio for one in chosen if (ratio := width_ratio(one)) is not None]
            found.append(Band(name, words, limit, True, float(np.median(ratios)) if ratios else None, len(ratios)))
        elif name == "engager_os_distance":
            away = _distances(one for one in _each_once(comparisons) if one.endpoint == "OS" and groups["engager"](one))
            found.append(Band(name, words, limit, True, abs(float(np.mean(away))) if len(away) else None, len(away)))
        elif name == "os_era_difference":
            found.append(_era_band(name, words, limit, comparisons, years))
    return found


def standardized_distance(comparison: Comparison) -> float | None:
    """Published minus predicted over the predictive standard deviation, on the figure's scale; None: not to be told."""
    ends = (comparison.published, comparison.median, comparison.low, comparison.high)
    statistic = "survival_at" if comparison.statistic == "curve" else comparison.statistic
    published, median, low, high = (_on_scale(value, statistic) for value in ends)
    if published is None or median is None or low is None:
        return None
    spread = (high - low) / (2 * _Z) if high is not None else (median - low) / _Z
    return float((published - median) / spread) if spread > 0 else None


def _each_once(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """One comparison for each arm, endpoint, statistic, time and subgroup: the fitted one where there is one."""
    kept: dict[tuple[object, ...], Comparison] = {}
    for one in comparisons:
        what = (one.study, one.arm, one.endpoint, one.statistic, one.time_months, one.subgroup)
        if what not in kept or (one.use == "fit" and kept[what].use != "fit"):
            kept[what] = one
    return list(kept.values())


def _is_of(endpoints: Sequence[str], comparison: Comparison) -> bool:
    return comparison.endpoint in endpoints


def _distances(comparisons: Iterable[Comparison]) -> list[float]:
    return [away for one in comparisons if (away := standardized_distance(one)) is not None]


def _era_band(name: str, words: str, limit: float, comparisons: Sequence[Comparison], years: Mapping[str, int]) -> Band:
    survival = [
        one for one in _each_once(comparisons) if one.endpoint == "OS" and one.study in years and " vs " not in one.arm
    ]
    early = _distances(one for one in survival if years[one.study] < ERA_SPLIT_YEAR)
    late = _distances(one for one in survival if years[one.study] >= ERA_SPLIT_YEAR)
    n = len(early) + len(late)
    if min(len(early), len(late)) < 2:
        return Band(name, words, limit, True, None, n)
    error = np.sqrt(np.var(early, ddof=1) / len(early) + np.var(late, ddof=1) / len(late))
    if error == 0:  # nothing scatters, so no difference has a size
        return Band(name, words, limit, True, None, n)
    return Band(name, words, limit, True, abs(float((np.mean(late) - np.mean(early)) / error)), n)


def _on_scale(value: float | None, statistic: str) -> float | None:
    if value is None:
        return None
    scale = SCALE_BY_STATISTIC.get(statistic, "identity")
    if scale in ("logit", "cloglog"):
        share = min(max(value, 0.005), 0.995)
        return float(np.log(share / (1 - share)))
    return float(np.log(max(value, 1e-3))) if scale == "log" else float(value)
