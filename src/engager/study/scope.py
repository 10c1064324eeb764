"""What of a study lies outside what was fitted: setting, age, drug, route, dose, schedule, comparator.

In: a `Protocol`. Out: sentences. The extent of the fit is read from the studies of its plan, and moves
with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from engager.calibration import fit_defaults
from engager.core import COVARIATES, remembered
from engager.protocol import Protocol, Regimen, shipped_design
from engager.study.notes import FEW_PATIENTS, patients_behind

# Doses per m2 and flat ones are compared in a typical adult; beyond the fitted ones by more than this share is outside.
_TOLERANCE = 0.1
_AGE_LIMIT = re.compile(r"^\s*age_years\s*(>=|>|<=|<)\s*(\d+(?:\.\d+)?)\s*$")
_WORDS = {"iv_continuous": "continuous infusion", "iv_bolus": "bolus", "subcutaneous": "subcutaneous injection"}
_ENDS_OF_SD = 2.0


@dataclass(frozen=True)
class FittedScope:
    """What the studies of the fit span.

    Attributes
    ----------
    model : id of the disease model.
    ages : youngest and oldest [years] by setting.
    engager_settings : settings in which an engager was given.
    drugs, routes : of the engager arms.
    doses : lowest and highest of the engager arms in a typical adult [ug/day or ug].
    cycle_totals : least and most that they give in a cycle, in a typical adult [ug].
    schedules : days with drug in a cycle and days of the cycle, of the engager arms. cycles : the most there are.
    comparators : regimens of chemotherapy by setting.
    """

    model: str
    ages: dict[str, tuple[float, float]]
    engager_settings: frozenset[str]
    drugs: frozenset[str]
    routes: frozenset[str]
    doses: tuple[float, float]
    cycle_totals: tuple[float, float]
    schedules: frozenset[tuple[int, int]]
    cycles: int
    comparators: dict[str, frozenset[str]]


@cache
def fitted_scope() -> FittedScope:
    """What the studies of the fit that ships span: the same for every run, so it is kept between them."""
    return remembered("scope", None, _scope)


def _scope() -> FittedScope:
    plan = fit_defaults()
    studies = [shipped_design(study) for study in plan["studies"]]
    ages: dict[str, tuple[float, float]] = {}
    comparators: dict[str, frozenset[str]] = {}
    engagers, engager_settings = [], set()
    for study in studies:
        setting, (low, high) = study.population.setting, _ages(study)
        held = ages.get(setting, (low, high))
        ages[setting] = (min(held[0], low), max(held[1], high))
        regimens = [arm.regimen for arm in study.arms.values()]
        given = frozenset(one.id for one in regimens if one.is_chemotherapy)
        comparators[setting] = comparators.get(setting, frozenset()) | given
        own = [one for one in regimens if not one.is_chemotherapy]
        engagers += own
        if own:
            engager_settings.add(setting)
    doses = [dose for one in engagers for dose in _doses(one)]
    return FittedScope(
        model=plan["model"],
        ages=ages,
        engager_settings=frozenset(engager_settings),
        drugs=frozenset(one.drug for one in engagers),
        routes=frozenset(one.route for one in engagers),
        doses=(min(doses), max(doses)),
        cycle_totals=_span((total, total) for one in engagers for total in _cycle_totals(one)),
        schedules=frozenset(_schedule(one) for one in engagers),
        cycles=max(one.cycles for one in engagers),
        comparators=comparators,
    )


def outside_fit(protocol: Protocol) -> list[str]:
    """What of a study lies outside what was fitted, a sentence each; empty when nothing does."""
    scope, setting = fitted_scope(), protocol.population.setting
    if protocol.model.id != scope.model:
        return [f"Model: {protocol.model} was never fitted; only {scope.model} was."]
    found = []
    if protocol.model.variant is not None:
        found.append(
            f"Disease: the variant {protocol.model.variant} was never fitted to a trial; everything it does not set is"
            " taken from leukemia."
        )
    if protocol.population.lineage is not None and protocol.population.lineage.share > 0:
        found.append("Lineage: disease of T lineage was not fitted; only that of B lineage was.")
    if setting not in scope.ages:
        found.append(f"Setting: {_plain(setting)} was not fitted; {_list(map(_plain, scope.ages))} were.")
    elif setting not in scope.engager_settings and any(
        not arm.regimen.is_chemotherapy for arm in protocol.arms.values()
    ):
        fitted = _list(map(_plain, scope.engager_settings))
        found.append(f"Setting: {_plain(setting)} was not fitted with an engager; {fitted} were.")
    low, high = scope.ages.get(setting) or _span(scope.ages.values())
    youngest, oldest = _ages(protocol)
    if youngest < low or oldest > high:
        found.append(
            f"Age: patients of {youngest:g} to {oldest:g} years; those of the fitted studies are {low:g} to {high:g}."
        )
    for arm_id, arm in protocol.arms.items():
        if arm.regimen.is_chemotherapy:
            if arm.regimen.id not in scope.comparators.get(setting, frozenset()):
                n = patients_behind(arm.regimen)
                rests = f"; its strength rests on {'only ' if n < FEW_PATIENTS else ''}{n} patients" if n else ""
                found.append(f"Comparator ({arm_id}): {arm.regimen.id} was not fitted in {_plain(setting)}{rests}.")
        else:
            found += [f"{what} ({arm_id}): {text}." for what, text in _engager(arm.regimen, scope)]
    return found


def _engager(regimen: Regimen, scope: FittedScope) -> list[tuple[str, str]]:
    found = []
    if regimen.drug not in scope.drugs:
        found.append(("Drug", f"{regimen.drug} was not fitted; {_list(scope.drugs)} was"))
    if regimen.route not in scope.routes:
        fitted = _list(_WORDS[route] for route in scope.routes)
        found.append(("Route", f"{_WORDS[regimen.route]} was not fitted; {fitted} was"))
        # one injection is no rate; what a cycle adds up to can be compared
        given, fit, unit = _cycle_totals(regimen), scope.cycle_totals, "ug a cycle"
    else:
        given, fit, unit = _doses(regimen), scope.doses, "ug/day"
    lowest, highest = min(given), max(given)
    if lowest < fit[0] * (1 - _TOLERANCE) or highest > fit[1] * (1 + _TOLERANCE):
        amounts = _amount(lowest) if lowest == highest else f"{_amount(lowest)} to {_amount(highest)}"
        found.append(
            (
                "Dose",
                f"{amounts} {unit} in a typical adult; the fitted studies gave {_amount(fit[0])} to {_amount(fit[1])}"
                f" {unit}",
            )
        )
    if (schedule := _schedule(regimen)) not in scope.schedules:
        fitted = _list(f"{days} of {length}" for days, length in sorted(scope.schedules))
        found.append(("Schedule", f"drug on {schedule[0]} of {schedule[1]} days was not fitted; {fitted} was"))
    if regimen.cycles > scope.cycles:
        found.append(("Schedule", f"{regimen.cycles} cycles; the fitted studies gave at most {scope.cycles}"))
    return found


def _ages(protocol: Protocol) -> tuple[float, float]:
    """Youngest and oldest who can enter [years]: of the distribution, cut where eligibility cuts it plainly."""
    spread: Any = protocol.population.age_years
    if hasattr(spread, "value"):
        low = high = float(spread.value)
    elif hasattr(spread, "edges"):
        low, high = _span([edge for edge, share in zip(spread.edges, spread.shares, strict=True) if share])
    elif spread.range is not None:
        low, high = spread.range
    else:
        low, high = max(0.0, spread.mean - _ENDS_OF_SD * spread.sd), spread.mean + _ENDS_OF_SD * spread.sd
    for condition in protocol.eligibility:
        if limit := _AGE_LIMIT.match(condition):
            if limit[1].startswith(">"):
                low = max(low, float(limit[2]))
            else:
                high = min(high, float(limit[2]))
    return low, high


def _doses(regimen: Regimen) -> list[float]:
    """Amounts in a typical adult [ug/day or ug]."""
    segments = [one for cycle in range(1, regimen.cycles + 1) for one in regimen.segments(cycle)]
    return [float(one.amount_for(_typical_bsa_m2())) for one in segments]


def _cycle_totals(regimen: Regimen) -> list[float]:
    """What each cycle adds up to in a typical adult [ug]."""
    bsa_m2 = _typical_bsa_m2()
    cycles = [regimen.segments(cycle) for cycle in range(1, regimen.cycles + 1)]
    return [
        sum(float(one.amount_for(bsa_m2)) * (one.last_day - one.first_day + 1) for one in segments)
        for segments in cycles
        if segments
    ]


def _typical_bsa_m2() -> float:
    typical = {one.name: one.typical for one in COVARIATES if one.typical is not None}
    return float(np.sqrt(typical["weight_kg"] * typical["height_cm"] / 3600.0))


def _amount(value: float) -> str:
    return f"{float(f'{value:.3g}'):,g}"


def _schedule(regimen: Regimen) -> tuple[int, int]:
    """Days with drug in the first cycle, and days of the cycle."""
    return sum(one.last_day - one.first_day + 1 for one in regimen.segments(1)), regimen.cycle_length(1)


def _span(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    lows, highs = zip(*pairs, strict=True)
    return min(lows), max(highs)


_SETTINGS = {
    "relapsed_refractory": "relapsed or refractory disease",
    "mrd_positive": "MRD-positive remission",
    "untreated": "untreated disease",
}


def _plain(setting: str) -> str:
    return _SETTINGS.get(setting, setting.replace("_", " "))


def _list(words: Iterable[str]) -> str:
    *others, last = sorted(words)
    return f"{', '.join(others)} and {last}" if others else last
