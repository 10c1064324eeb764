"""Unit text as an SBML unit definition: the parts of SBML's own units that it comes to."""

from __future__ import annotations

import re

from engager.core import DAYS_PER_MONTH, DAYS_PER_YEAR

# name -> (SBML base unit, how many of it); prefixes are added below
_PLAIN = {
    "g": ("gram", 1.0), "gram": ("gram", 1.0), "kilogram": ("kilogram", 1.0), "mol": ("mole", 1.0),
    "mole": ("mole", 1.0), "M": ("mole", 1.0), "L": ("litre", 1.0), "l": ("litre", 1.0), "liter": ("litre",
    1.0), "litre": ("litre", 1.0), "m": ("metre", 1.0), "meter": ("metre", 1.0), "metre": ("metre", 1.0),
    "s": ("second", 1.0), "second": ("second", 1.0), "min": ("second", 60.0), "minute": ("second", 60.0),
    "h": ("second", 3600.0), "hour": ("second", 3600.0), "day": ("second", 86400.0), "d": ("second",
    86400.0), "week": ("second", 604800.0), "month": ("second", 86400.0 * DAYS_PER_MONTH), "year": ("second",
    86400.0 * DAYS_PER_YEAR), "cell": ("item", 1.0), "cells": ("item", 1.0), "count": ("item", 1.0), "item":
    ("item", 1.0), "molecule": ("item", 1.0), "percent": ("dimensionless", 0.01), "%": ("dimensionless",
    0.01), "dimensionless": ("dimensionless", 1.0), "kelvin": ("kelvin", 1.0), "joule": ("joule", 1.0),
    "newton": ("newton", 1.0), "watt": ("watt", 1.0), "pascal": ("pascal", 1.0), "volt": ("volt", 1.0),
    "ampere": ("ampere", 1.0), "coulomb": ("coulomb", 1.0), "hertz": ("hertz", 1.0), "katal": ("katal",
    1.0),
}  # fmt: skip
_PREFIXES = {"k": 1e3, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_PREFIXED = ("g", "mol", "L", "m", "s", "M")

Part = tuple[str, float]


def unit_parts(text: str) -> tuple[float, list[Part]] | None:
    """Factor and (base unit, exponent) of a unit text such as ``ug/m**2/day``; None when it cannot be read."""
    factor, exponents = 1.0, dict[str, float]()
    sign = 1.0
    spelled = text.replace("µ", "u").replace("²", "2").replace("m2", "m**2").replace("m3", "m**3")
    for piece in re.split(r"((?<!\*)\*(?!\*)|/)", spelled.replace(" ", "") or "dimensionless"):
        if piece in ("*", "/"):
            sign = 1.0 if piece == "*" else -1.0
            continue
        name, _, power = piece.partition("**")
        try:
            exponent = sign * float(power or 1)
        except ValueError:
            return None
        found = _unit(name)
        if found is None:
            return None
        kind, size = found
        factor *= size**exponent
        if kind != "dimensionless":
            exponents[kind] = exponents.get(kind, 0.0) + exponent
            if name == "M" or (name.endswith("M") and len(name) == 2):  # molar
                exponents["litre"] = exponents.get("litre", 0.0) - exponent
    return factor, [(kind, exponent) for kind, exponent in exponents.items() if exponent]


def _unit(name: str) -> tuple[str, float] | None:
    if name in _PLAIN:
        return _PLAIN[name]
    if len(name) > 1 and name[0] in _PREFIXES and name[1:] in _PREFIXED:
        kind, size = _PLAIN[name[1:]]
        return kind, size * _PREFIXES[name[0]]
    try:
        return "dimensionless", float(name)
    except ValueError:
        return None


def is_substance(text: str) -> bool:
    """Whether a unit counts or weighs a substance, as a species' amount must."""
    parts = unit_parts(text)
    return parts is not None and parts[1] in (
        [],
        [("mole", 1.0)],
        [("item", 1.0)],
        [("gram", 1.0)],
        [("kilogram", 1.0)],
    )


def unit_definition(identifier: str, text: str) -> str | None:
    """``<unitDefinition>``, the factor kept as a dimensionless multiplier; None for text of another kind."""
    parts = unit_parts(text)
    if parts is None:
        return None
    factor, bases = parts
    units = "".join(
        f'<unit kind="{kind}" exponent="{exponent!r}" scale="0" multiplier="1"/>' for kind, exponent in bases
    )
    if factor != 1.0 or not bases:
        units += f'<unit kind="dimensionless" exponent="1" scale="0" multiplier="{factor!r}"/>'
    return f'<unitDefinition id="{identifier}"><listOfUnits>{units}</listOfUnits></unitDefinition>'
