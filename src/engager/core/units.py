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
