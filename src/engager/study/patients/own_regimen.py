"""A regimen built from a few words: amounts by day, days on and off, cycles, a unit.

In: what a form or a script gives. Out: a `Regimen`, and the study file that holds it. What is wrong is told by the
reader of study files, so that a builder knows no rule that a file does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import yaml

from engager.core import InputError, Problem
from engager.protocol import Regimen, read_protocol

MAX_STEPS = 12
_NAME = "own-regimen"
_ROUTES = {"ug/day": "iv_continuous", "ug/m2/day": "iv_continuous"}
Steps = Literal["first", "every"]


@dataclass(frozen=True)
class OwnRegimen:
    """A regimen that somebody built.

    Attributes
    ----------
    regimen : ready to be given. study : text of a study file with one arm that gets it.
    """

    regimen: Regimen
    study: str


def own_regimen(
    steps: Sequence[tuple[float, int]],
    *,
    unit: str = "ug/day",
    days_on: int = 28,
    days_off: int = 14,
    cycles: int = 5,
    steps_in: Steps = "first",
    route: str | None = None,
    drug: str = "blinatumomab",
    dexamethasone_mg: float = 0.0,
) -> OwnRegimen:
    """Build a regimen.

    Parameters
    ----------
    steps : amount [`unit`] and the day of the cycle, from 1, on which it begins; in the order of the days.
    unit : ug/day or ug/m2/day for an infusion, ug or ug/m2 for an injection on each day.
    days_on, days_off : of a cycle, with and without drug.
    steps_in : ``first``: later cycles have the last amount throughout; ``every``: each cycle steps.
    route : None: an infusion for a rate, else subcutaneous.
    drug : an engager of the model.
    dexamethasone_mg : before the first dose of a cycle and before a step.

    Raises
    ------
    InputError
        With everything that is wrong.
    """
    _check(steps, days_on, days_off)
    lines = []
    for place, (amount, first) in enumerate(steps):
        last = steps[place + 1][1] - 1 if place + 1 < len(steps) else days_on
        days = f"{first}-{last}" if last > first else f"{first}"
        lines.append({"cycles": "1" if steps_in == "first" else "1+", "days": days, "amount": amount, "unit": unit})
    if steps_in == "first" and cycles > 1:
        lines.append({"cycles": "2+", "days": f"1-{days_on}", "amount": steps[-1][0], "unit": unit})
    content = {
        "study": _NAME,
        "version": 1,
        "simulated_only": True,
        "population": {"setting": "relapsed_refractory"},
        "arms": {
            _NAME: {
                "n": 100,
                "regimen": {
                    "drug": drug,
                    "route": route or _ROUTES.get(unit, "subcutaneous"),
                    "cycle_days": days_on + days_off,
                    "cycles": cycles,
                    "doses": lines,
                    "premedication": {"dexamethasone_mg": dexamethasone_mg},
                },
            }
        },
        "endpoints": [{"id": "CR"}, {"id": "OS"}],
    }
    text = yaml.safe_dump(content, sort_keys=False)
    arm = read_protocol(text, "the regimen").arms[_NAME]
    assert isinstance(arm.regimen, Regimen)  # written inline
    return OwnRegimen(arm.regimen, text)


def _check(steps: Sequence[tuple[float, int]], days_on: int, days_off: int) -> None:
    """What would build a file that says something else than was asked for."""
    problems = []
    if not 1 <= len(steps) <= MAX_STEPS:
        problems.append(Problem("steps", len(steps), f"must be 1 to {MAX_STEPS} amounts"))
    if days_on < 1:
        problems.append(Problem("days on", days_on, "must be 1 or more"))
    if days_off < 0:
        problems.append(Problem("days off", days_off, "must be 0 or more"))
    firsts = [first for _, first in steps]
    if firsts and firsts[0] != 1:
        problems.append(Problem("steps", firsts[0], "must begin on day 1 of the cycle"))
    if sorted(set(firsts)) != firsts:
        problems.append(Problem("steps", firsts, "must begin on later and later days"))
    if firsts and days_on >= 1 and firsts[-1] > days_on:
        problems.append(Problem("steps", firsts[-1], f"must begin within the {days_on} days on drug"))
    if problems:
        raise InputError(problems)
