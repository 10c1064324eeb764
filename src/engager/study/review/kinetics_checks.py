"""Published kinetics beside the model's own, worked out from its parameters.

In: the shipped models. Out: `Check`s for references that print kinetics and no patients' outcomes.
"""

from __future__ import annotations

import math

from engager.evidence import record
from engager.model import load_model
from engager.study.review.result import Check

_HOURS = 24.0
# Roundly published ("about 2 h"): half above or below agrees.
_ROUND = 0.5
_TYPICAL_BSA_M2 = 1.9


def history_checks() -> tuple[Check, ...]:
    """Kinetics of blinatumomab as the historical review's entry prints them."""
    model = load_model("b-all")
    where = "nagorsen-2012"
    of_drug = {part: model.parameters[name].value for part, name in model.roles.kinetics.items()}
    clearance, volume = of_drug["clearance"], of_drug["volume"]
    half_life = math.log(2) * volume / clearance
    bsa_ref = of_drug["body_surface"]
    kilodaltons = of_drug["molar_mass"] / 1000.0
    level = 15 * bsa_ref / (clearance * _HOURS) * 1000.0
    ec90 = _quantity(where, "in vitro EC90 against leukaemia cell lines")
    low, high = _range(where, "mean clearance with creatinine clearance >= 30 mL/min")
    return (
        _about("half-life [h]", half_life, _quantity(where, "half-life"), where),
        _about("clearance [L/h]", clearance, _quantity(where, "clearance"), where),
        _about("volume of distribution [L]", volume, _quantity(where, "volume of distribution"), where),
        Check(
            "clearance within the means printed by kidney function [L/h]", f"{low:g} to {high:g}", f"{clearance:g}",
            low <= clearance <= high, f"{where}#S1", "within the printed range",
        ),
        Check(
            f"steady level at 15 ug/m2/day ({bsa_ref:g} m2) against the EC90 [pg/mL]",
            f"above {ec90:g}", f"{level:.0f}",
            level > ec90, f"{where}#S1", "above the printed EC90",
        ),
        _about("molecular weight [kDa]", kilodaltons, _quantity(where, "molecular weight"), where),
    )  # fmt: skip


def liposomal_vincristine_checks() -> tuple[Check, ...]:
    """Liposomal vincristine, one dose solved: the half-life of the course beside the one the record derives."""
    import numpy as np

    from engager.engine import OdeProblem, solve

    where = "silverman-2013"
    system = load_model("vsli").system
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    times = np.array([0.0, 3.0, 12.0]) / _HOURS
    # the size of the dose does not matter to a half-life: the model is linear
    dose_ug = _quantity(where, "maximum tolerated dose") * _TYPICAL_BSA_M2 * 1000.0
    solved = solve(OdeProblem(system, parameters, times, initial=np.array([[dose_ug]])))
    early, late = solved.values[0, 1:, system.index("drug")]
    half_life = float(math.log(2) * (times[2] - times[1]) * _HOURS / math.log(early / late))
    published = _quantity(where, "elimination half-life if one")
    return (
        Check(
            "half-life of the simulated course after 2.25 mg/m2 [h]", f"{published:g}", f"{half_life:.2f}",
            abs(half_life - published) <= 0.05 * published, f"{where}#S1",
            "within 5 %; both follow from the printed clearance and volume: the library is checked, not the drug",
        ),
    )  # fmt: skip


def _about(what: str, simulated: float, published: float, where: str) -> Check:
    inside = abs(simulated - published) <= _ROUND * published
    return Check(
        what, f"about {published:g}", f"{simulated:.3g}", inside, f"{where}#S1", "within half of a round figure"
    )


def _quantity(record_id: str, name: str) -> float:
    value = next(one.value for one in record(record_id).quantities if one.name.startswith(name))
    assert isinstance(value, int | float)  # the record is shipped and checked
    return float(value)


def _range(record_id: str, name: str) -> tuple[float, float]:
    found = next(one.value_range for one in record(record_id).quantities if one.name.startswith(name))
    assert found is not None
    return float(found[0]), float(found[1])
