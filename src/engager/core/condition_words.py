"""How a condition over covariates is said to readers, e.g. ``age 26 to below 36 years, no earlier transplant``.

In: the text of a condition. Out: words. What each covariate is called is said in `covariates`; a column that is none
keeps its name. Text that is no condition, such as a published subgroup, is returned as it is.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from engager.core.condition import condition_tree, plain_value
from engager.core.covariates import COVARIATES, Covariate
from engager.core.errors import InputError

_SIGN = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.In: "in"}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LINES = {0: "before any salvage", 1: "first salvage", 2: "second salvage", 3: "third salvage"}


@dataclass(frozen=True)
class _Bound:
    """A column against a plain value: its name, the sign, the value."""

    name: str
    sign: str
    value: Any


def condition_words(text: str) -> str:
    """A condition as people write it.

    Examples
    --------
    >>> from engager.core import condition_words
    >>> condition_words("marrow_blasts_percent >= 50 and not prior_hsct")
    'marrow blasts 50 % or more, no earlier transplant'
    """
    try:
        tree = condition_tree(text)
    except InputError:
        return text
    return _question(tree)


def covariate_words(name: str, value: float) -> str:
    """What one covariate says of a patient, e.g. ``marrow blasts 80 %`` or ``no earlier transplant``."""
    known = _covariate(name)
    is_yes_no = known is not None and known.kind == "yes_no"
    return _said(_Bound(name, "==", bool(value) if is_yes_no else float(f"{value:.3g}")))


def _question(node: ast.expr) -> str:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return ", ".join(_parts(node.values))
    if isinstance(node, ast.BoolOp):
        return " or ".join(_grouped(part) for part in node.values)
    if isinstance(node, ast.UnaryOp):
        inner = node.operand
        return _yes_no(inner.id, False) if isinstance(inner, ast.Name) else f"not ({_question(inner)})"
    if isinstance(node, ast.Name):
        return _yes_no(node.id, True)
    return ", ".join(_parts([node]))


def _grouped(node: ast.expr) -> str:
    words = _question(node)
    return f"({words})" if ", " in words else words


def _parts(nodes: list[ast.expr]) -> list[str]:
    """What holds together, one phrase each; two limits of one column are one range."""
    said: list[str] = []
    open_ends: dict[str, tuple[int, _Bound]] = {}
    for node in nodes:
        bounds = _bounds(node)
        if bounds is None:
            said.append(f"({_question(node)})" if isinstance(node, ast.BoolOp) else _written(node))
            continue
        for bound in bounds:
            place, first = open_ends.pop(bound.name, (0, None))
            if first is not None and first.sign[0] + bound.sign[0] in ("><", "<>"):
                low, high = (first, bound) if first.sign[0] == ">" else (bound, first)
                said[place] = _range(low, high)
                continue
            if bound.sign[0] in "<>":
                open_ends[bound.name] = (len(said), bound)
            said.append(_said(bound))
    return said


def _bounds(node: ast.expr) -> list[_Bound] | None:
    """The limits that a comparison sets; None when it is no comparison of columns with plain values."""
    if not isinstance(node, ast.Compare):
        return None
    found, left = [], node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        sign = _SIGN.get(type(operator), "")
        if _is_column(left) and isinstance(right, ast.List | ast.Tuple) and sign == "in":
            found.append(_Bound(left.id, sign, [plain_value(one) for one in right.elts]))  # type: ignore[attr-defined]
        elif sign and _is_column(left) and _is_value(right):
            found.append(_Bound(left.id, sign, plain_value(right)))  # type: ignore[attr-defined]
        elif sign and _is_value(left) and _is_column(right):
            found.append(_Bound(right.id, _TURNED.get(sign, sign), plain_value(left)))  # type: ignore[attr-defined]
        else:
            return None
        left = right
    return found


def _is_column(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.lower() not in ("true", "false")


def _is_value(node: ast.expr) -> bool:
    return not _is_column(node) and isinstance(node, ast.Constant | ast.UnaryOp | ast.Name)


def _said(bound: _Bound) -> str:
    if isinstance(bound.value, bool):
        return _yes_no(bound.name, bound.value == (bound.sign == "=="))
    if bound.name == "salvage_line" and (line := _salvage(bound)):
        return line
    noun, unit = _noun(bound.name)
    if bound.sign == "in":
        return f"{noun} {' or '.join(_written_value(one) for one in bound.value)}"
    amount = _amount(bound.value, unit)
    return {
        "<": f"{noun} below {amount}",
        "<=": f"{noun} up to {amount}",
        ">": f"{noun} above {amount}",
        ">=": f"{noun} {amount} or more",
        "==": f"{noun} {amount}",
        "!=": f"{noun} other than {amount}",
    }[bound.sign]


def _range(low: _Bound, high: _Bound) -> str:
    noun, unit = _noun(low.name)
    start = "above " if low.sign == ">" else ""
    joined = "to below" if high.sign == "<" else "to"
    return f"{noun} {start}{_written_value(low.value)} {joined} {_amount(high.value, unit)}"


def _salvage(bound: _Bound) -> str:
    """A salvage line in words, where it is a line that has a name."""
    line = bound.value + 1 if bound.sign == ">" else bound.value
    if bound.sign == "==":
        return _LINES.get(line, "")
    return f"{_LINES[line]} or later" if bound.sign in (">", ">=") and line in (1, 2, 3) else ""


def _amount(value: Any, unit: str) -> str:
    own = unit.removesuffix("s") if value == 1 else unit
    return f"{_written_value(value)} {own}".strip()


def _written_value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _yes_no(name: str, answer: bool) -> str:
    known = _covariate(name)
    if known is not None and known.spoken and known.kind == "yes_no":
        return known.spoken[0 if answer else 1]
    return ("" if answer else "not ") + name.replace("_", " ")


def _noun(name: str) -> tuple[str, str]:
    """What a quantity is called, and its unit."""
    known = _covariate(name)
    return known.spoken if known is not None and known.spoken else (name.replace("_", " "), "")


def _covariate(name: str) -> Covariate | None:
    return next((one for one in COVARIATES if name in (one.name, one.in_table)), None)


def _written(node: ast.expr) -> str:
    if isinstance(node, ast.Compare):
        text = ast.unparse(node).replace(">=", "≥").replace("<=", "≤").replace("==", "=")
        return text.replace("_", " ")
    return _question(node)
