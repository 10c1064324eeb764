"""Units of an SBML file as text that `engager.core.convert` can read, and back."""

from __future__ import annotations

from typing import Any

import libsbml

# spellings of SBML's base units that the unit registry knows under another name
_SPELLED = {"litre": "liter", "metre": "meter", "item": "count", "celsius": "degC"}
MAX_UNIT_TEXT = 200


def unit_texts(model: Any) -> dict[str, str]:
    """Unit id of the file -> text such as ``1e-06*gram/liter``; a definition without parts is left out."""
    return {
        definition.getId(): text
        for definition in model.getListOfUnitDefinitions()
        if (text := _definition_text(definition)) and len(text) <= MAX_UNIT_TEXT
    }


def _definition_text(definition: Any) -> str:
    above: list[str] = []
    below: list[str] = []
    scale = 1.0
    for unit in definition.getListOfUnits():
        exponent = unit.getExponentAsDouble()
        try:
            scale *= (unit.getMultiplier() * 10.0 ** unit.getScale()) ** exponent
        except (OverflowError, ZeroDivisionError):
            return ""
        kind = libsbml.UnitKind_toString(unit.getKind())
        if kind == "dimensionless" or exponent == 0:
            continue
        power = abs(exponent)
        shown = _SPELLED.get(kind, kind) + ("" if power == 1 else f"**{power:g}")
        (above if exponent > 0 else below).append(shown)
    factor = [] if scale == 1.0 else [repr(scale)]
    return "*".join(factor + above or ["1"]) + "".join("/" + part for part in below)
