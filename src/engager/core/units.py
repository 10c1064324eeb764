"""Units at the edges: text such as ``ug/m2/day`` becomes a factor to the package's own units.

Inside, numbers are bare and canonical: time in days, drug amount in ug, volume in L, cells as counts,
concentration in ug/L (= ng/mL). Names of raw arguments carry their unit (``dose_ug``).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from engager.core.errors import Problem, UnitError

_DEFINITIONS = (
    "cell = [cell_count]",
    "percent = 0.01",
    "year = 365.25 * day",
    "month = year / 12",
    "molecule = [molecule_count]",
)

# Between the units of the package's own files. Pint takes half a second to start, which every command that reads a
# model would pay; a test holds each of these equal, to the last bit, to what pint says.
_SAME = (
    "1", "1/day", "1/uL", "L", "cell", "cell/molecule", "day", "g/mol", "m2", "mg", "mg/m2", "molecule/cell", "nmol/L",
    "pg/day/cell", "ug/day", "year",
)  # fmt: skip
KNOWN = {(unit, unit): 1.0 for unit in _SAME} | {
    ("L/day", "L/h"): 0.041666666666666664,
    ("L/h", "L/day"): 24.0,
    ("kg/mol", "g/mol"): 1000.0,
    ("mL", "L"): 0.001,
    ("mL/h", "L/day"): 0.024,
    ("mL/m2", "L/m2"): 0.001,
    ("mL/m2/day", "L/m2/day"): 0.001,
    ("minute", "day"): 0.0006944444444444444,
    ("ng/mL", "ug/L"): 1.0000000000000002,
}


@cache
def registry() -> Any:
    """The one pint registry; a month is a twelfth of 365.25 days, cells are counted."""
    import pint

    ureg: Any = pint.UnitRegistry(cache_folder=None, on_redefinition="ignore")
    for definition in _DEFINITIONS:
        ureg.define(definition)
    return ureg


@cache
def factor(unit: str, to: str, where: str = "unit") -> float:
    """What a number in `unit` is multiplied by to be in `to`.

    Raises
    ------
    UnitError
        When `unit` is not a unit, or has another dimension than `to`.
    """
    known = KNOWN.get((unit, to))
    return _worked_out(unit, to, where) if known is None else known


def _worked_out(unit: str, to: str, where: str = "unit") -> float:
    import pint

    ureg = registry()
    try:
        return float(ureg.parse_expression(_readable(unit)).to(_readable(to)).magnitude)
    except pint.DimensionalityError:
        rule = f"must have the dimension of {to}"
    except Exception:
        rule = f"is not a unit this package can read (expected something like {to})"
    raise UnitError(Problem(where, unit, rule, "Units are written like ug/day, ug/m2/day, L/h, 1/day."))


def convert(value: float, unit: str, to: str, where: str = "value") -> float:
    """`value` in `unit`, expressed in `to`.

    Examples
    --------
    >>> from engager.core import convert
    >>> round(convert(2.22, "L/h", "L/day"), 2)
    53.28
    """
    return value * factor(unit, to, where)


def _readable(unit: str) -> str:
    """Spellings people use that pint does not know."""
    text = unit.strip().replace("µ", "u").replace("²", "2").replace("m2", "m**2").replace("cells", "cell")
    if text in ("", "-", "1"):
        return "dimensionless"
    return text.replace("%", "percent")
