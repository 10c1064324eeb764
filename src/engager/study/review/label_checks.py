"""What the label says of doses and rules, carried out by the regimens and rules that trials use.

In: nothing but the shipped catalogue. Out: one `Check` for each statement of the record that a trial acts on.
"""

from __future__ import annotations

import numpy as np

from engager.protocol import LABEL_RULES, Regimen, executable_regimen
from engager.study.review.result import Check

RECORD = "blincyto-smpc-2016"
# Body surface of the patients the label is tried on [m2].
_ADULT_M2, _CHILD_M2, _LARGE_CHILD_M2 = 1.88, 0.75, 1.4


def label_checks() -> tuple[Check, ...]:
    """Dose by weight band, steps, cycle lengths, premedication, holds and restarts."""
    adult, child = executable_regimen("blinatumomab"), executable_regimen("blinatumomab-under-45kg")
    mrd = executable_regimen("blinatumomab-mrd")
    return (
        _doses("45 kg or more, relapsed or refractory: days 1-7, 8-28 of cycle 1, later cycles, pause", adult, 70.0,
               _ADULT_M2, ((1, 7), (1, 8), (1, 28), (1, 29), (2, 1), (5, 28)), (9, 28, 28, 0, 28, 28), "S5"),
        _doses("continued therapy, cycles 6 to 9: 28 ug/day in 84-day cycles", adult, 70.0, _ADULT_M2,
               ((6, 1), (9, 28), (9, 29)), (28, 28, 0), "S5"),
        _number("cycle length, cycles 1 to 5 and 6 to 9 [days]", f"{adult.cycle_length(5)}, {adult.cycle_length(6)}",
                "42, 84", "S5"),
        _doses("under 45 kg, 0.75 m2: 5, then 15 ug/m2/day", child, 18.0, _CHILD_M2, ((1, 7), (1, 8), (2, 1)),
               (5 * _CHILD_M2, 15 * _CHILD_M2, 15 * _CHILD_M2), "S5"),
        _doses("under 45 kg, 1.4 m2: no more than 9 and 28 ug/day", child, 44.0, _LARGE_CHILD_M2, ((1, 7), (1, 8)),
               (min(5 * _LARGE_CHILD_M2, 9), min(15 * _LARGE_CHILD_M2, 28)), "S5"),
        _doses("MRD, 45 kg or more: 28 ug/day from day 1, no step", mrd, 70.0, _ADULT_M2, ((1, 1), (1, 28), (1, 29)),
               (28, 28, 0), "S5"),
        _number("MRD: cycles at most", str(mrd.cycles), "4", "S5"),
        _number("dexamethasone before the first dose, adults [mg]",
                f"{adult.premedication.dose_mg(np.array([_ADULT_M2]))[0]:g}", "20", "S5"),
        _number("dexamethasone before the first dose, child of 0.75 m2 [mg]",
                f"{child.premedication.dose_mg(np.array([_CHILD_M2]))[0]:g}", f"{5 * _CHILD_M2:g}", "S5"),
        *_rules(),
    )  # fmt: skip


def _doses(
    what: str, regimen: Regimen, weight_kg: float, bsa_m2: float, days: tuple[tuple[int, int], ...],
    published: tuple[float, ...], source: str,
) -> Check:  # fmt: skip
    given = [float(regimen.dose_at(cycle, day, [weight_kg], [bsa_m2])[0]) for cycle, day in days]
    on = ", ".join(f"cycle {cycle} day {day}" for cycle, day in days)
    return Check(
        what=f"{what} ({on})",
        published=", ".join(f"{dose:g}" for dose in published) + " ug/day",
        simulated=", ".join(f"{dose:g}" for dose in given) + " ug/day",
        inside=bool(np.allclose(given, published)),
        source=f"{RECORD}#{source}",
        rule="the same doses",
    )


def _number(what: str, simulated: str, published: str, source: str) -> Check:
    return Check(what, published, simulated, simulated == published, f"{RECORD}#{source}", "the same number")


def _rules() -> list[Check]:
    """Each rule of the record that trials carry out, beside the rule in force."""
    found = []
    wanted = (
        ("CRS", 3, "hold; dexamethasone 24 mg/day for 3 days; restart at the lowest dose, full dose after 7 days",
         "S9"),
        ("CRS", 4, "stop for good", "S9"),
        ("neurologic", 3, "hold until grade 1 or lower for 3 days; restart at the lowest dose, full dose after 7 days;"
         " stop if it recurs at that dose or takes more than 7 days", "S11"),
        ("neurologic", 4, "stop for good", "S11"),
    )  # fmt: skip
    for event, grade, published, source in wanted:
        rule = next(one for one in LABEL_RULES if one.event == event and grade in one.grade)
        if rule.action == "stop":
            words = "stop for good"
        else:
            words = "hold"
            if rule.min_hold_days:
                words += f" until grade {rule.resume_at_grade} or lower for {rule.min_hold_days:g} days"
            if rule.dexamethasone_mg_per_day:
                words += f"; dexamethasone {rule.dexamethasone_mg_per_day:g} mg/day for {rule.dexamethasone_days} days"
            words += f"; restart at the {rule.restart} dose, full dose after {rule.restart_days:g} days"
            if rule.stop_if_recurs:
                words += f"; stop if it recurs at that dose or takes more than {rule.max_hold_days:g} days"
        found.append(
            Check(f"{event} grade {grade}", published, words, words == published, f"{RECORD}#{source}", "the same rule")
        )
    return found
