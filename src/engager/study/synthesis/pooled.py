"""Which statistic of an endpoint is pooled, over which studies; what a default chose is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from engager.core import InputError, Problem, remembered

if TYPE_CHECKING:
    from engager.evidence import Pooled, Selection


def pooled_endpoint(
    endpoint: str,
    filters: Mapping[str, Any],
    statistic: str | None = None,
    method: str = "glmm",
    by: str | None = None,
    covariates: Sequence[str] | None = None,
    level: float = 0.95,
    months: float | None = None,
) -> Pooled:
    """Pool what was published of an endpoint; the statistic that fits it is chosen where none is asked for.

    What was pooled once is kept on disk, since reading it takes less than loading what pools.

    Parameters
    ----------
    filters : of `engager.evidence.select`: ``regimens``, ``drug_class``, ``setting`` and so on.
    statistic : proportion, median, survival_at or hazard_ratio.
    method : of shares: glmm, reml or common.
    by, covariates : subgroups and meta-regression.
    level : of the intervals.
    months : landmark of survival.

    Raises
    ------
    InputError
        When nothing was published that fits, or the arguments do not belong together.
    """
    asked = (endpoint, sorted(filters.items()), statistic, method, by, covariates, level, months)
    return remembered(
        "pooled",
        (asked, version("scipy")),
        lambda: _pooled(endpoint, filters, statistic, method, by, covariates, level, months),
    )


def _pooled(
    endpoint: str,
    filters: Mapping[str, Any],
    statistic: str | None,
    method: str,
    by: str | None,
    covariates: Sequence[str] | None,
    level: float,
    months: float | None,
) -> Pooled:
    from engager.evidence import (
        POOLED_CLASS,
        known_endpoint,
        pool_hazard_ratios,
        pool_medians,
        pool_proportions,
        pool_survival,
        select,
        with_defaults,
    )

    if not 0 < level < 1:
        raise InputError(Problem("--level", level, "must be in 0 to 1, both excluded", "0.95 is usual."))
    is_time = known_endpoint(endpoint, "--endpoint").kind == "time_to_event"
    what = statistic or ("survival_at" if months is not None else "median" if is_time else "proportion")
    if what == "survival_at" and (months is None or not months > 0):
        raise InputError(Problem("--at", months, "must give the landmark in months, above 0", "E.g. --at 12."))
    if what != "survival_at" and months is not None:
        raise InputError(Problem("--at", months, f"belongs to survival_at, not to {what}", "Leave one of the two out."))
    if what == "hazard_ratio":
        return pool_hazard_ratios(endpoint, filters["year"], level)
    if what not in ("proportion", "median", "survival_at"):
        rule = "must be proportion, median, survival_at or hazard_ratio"
        raise InputError(Problem("--statistic", what, rule))
    filters, told = with_defaults(filters, POOLED_CLASS)
    selection = chosen_by_default(told, lambda: select(endpoint, statistic=what, time_months=months, **filters))
    if months is not None:
        return pool_survival(selection, months, by, covariates or (), level)
    if what == "median":
        return pool_medians(selection, by, covariates or (), level)
    return pool_proportions(selection, method, by, covariates or (), level)


def chosen_by_default(told: tuple[str, ...], choose: Callable[[], Selection]) -> Selection:
    """A selection whose remarks begin with what the defaults chose; when nothing is found, the error says so."""
    try:
        selection = choose()
    except InputError as error:
        if not told:
            raise
        problems = [
            Problem(one.where, one.value, one.rule, "; ".join((*told, *filter(None, [one.next_step]))))
            for one in error.problems
        ]
        raise InputError(problems) from None
    return replace(selection, remarks=(*told, *selection.remarks))
