"""Conditions over named columns, such as ``age_years >= 65 and not prior_hsct``, read safely.

In: one line of text from a study file or an option. Out: a `Condition` that can be asked of a table.
Only comparisons, ``and``/``or``/``not``, ``in`` a list, arithmetic and plain values are read; nothing
is ever executed as Python.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engager.core.errors import InputError, Problem, nearest

if TYPE_CHECKING:
    import polars as pl

MAX_LENGTH = 500
_WORDS = {"true": True, "false": False}
# CPython 3.11 counts the depth of a tree once for all threads: two that build trees at once end in a mismatch.
_PARSING = threading.Lock()
_HOW = 'Conditions are written like "age_years >= 65 and prior_hsct" or "salvage_line in [1, 2]".'


class _Refused(Exception):
    """A construct that is not read; the message is the rule it breaks."""


@dataclass(frozen=True)
class Condition:
    """A yes/no question about each row of a table.

    Attributes
    ----------
    text : as it was written.
    columns : names it asks for.

    Notes
    -----
    A missing value (null or NaN) makes a comparison unknown; a row whose answer is unknown is not taken.
    """

    text: str
    columns: frozenset[str]
    _tree: ast.expr = field(repr=False, compare=False)

    @property
    def expression(self) -> pl.Expr:
        """The question as a polars expression; null where the answer is unknown."""
        return _translate(self._tree)

    def holds(self, table: pl.DataFrame) -> pl.Series:
        """For each row, whether the condition is met.

        Raises
        ------
        InputError
            When a column is absent, or text is compared with a number.
        """
        import polars as pl
        import polars.selectors as cs

        absent = sorted(self.columns - set(table.columns))
        if absent:
            raise InputError([_unknown(self.text, name, table.columns, "condition") for name in absent])
        if not self.columns:
            return pl.Series([True] * table.height).rename("holds")
        asked = table.select(sorted(self.columns)).with_columns(cs.float().fill_nan(None))
        try:
            answer = asked.select(self.expression.alias("holds"))["holds"]
        except (pl.exceptions.PolarsError, TypeError) as error:
            reason = str(error).splitlines()[0]
            rule = f"must compare like with like ({reason})"
            raise InputError(Problem("condition", self.text, rule, _HOW)) from error
        if answer.dtype != pl.Boolean:
            raise InputError(Problem("condition", self.text, "must be a yes/no question", _HOW))
        return answer.fill_null(False)


def parse_condition(text: str, columns: Iterable[str] | None = None, where: str = "condition") -> Condition:
    """Read a condition.

    Parameters
    ----------
    text : e.g. ``marrow_blasts_percent >= 50``.
    columns : names that may be asked for; None accepts any name and checks it against the table later.
    where : file and key, for messages.

    Raises
    ------
    InputError
        When the text cannot be read, holds anything but comparisons of columns and values, or asks for an
        unknown column; all unknown columns are named together.

    Examples
    --------
    >>> from engager.core import parse_condition
    >>> sorted(parse_condition("age_years >= 18 and prior_hsct").columns)
    ['age_years', 'prior_hsct']
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(Problem(where, text, "must be a condition written as text", _HOW))
    if len(text) > MAX_LENGTH:
        raise InputError(Problem(where, text, f"must have at most {MAX_LENGTH} characters", _HOW))
    try:
        with _PARSING:
            tree = ast.parse(text.strip(), mode="eval").body
        names = _names_of_question(tree)
    except _Refused as refused:
        raise InputError(Problem(where, text, str(refused), _HOW)) from None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(Problem(where, text, "is not a condition that can be read", _HOW)) from None
    if columns is not None:
        known = list(columns)
        unknown = sorted(names - set(known))
        if unknown:
            raise InputError([_unknown(text, name, known, where) for name in unknown])
    if not names:
        raise InputError(Problem(where, text, "must ask for at least one column", _HOW))
    return Condition(text=text, columns=names, _tree=tree)


def condition_tree(text: str) -> ast.expr:
    """The syntax tree of a condition that has passed the checks, for `condition_words`.

    Raises
    ------
    InputError
        As `parse_condition`.
    """
    return parse_condition(text)._tree


def _unknown(text: str, name: str, known: Iterable[str], where: str) -> Problem:
    return Problem(where, text, f"asks for {name!r}, which is not a covariate", nearest(name, known))


def _names_of_question(node: ast.expr) -> frozenset[str]:
    """Names in a yes/no question; refuses anything that is not one."""
    if isinstance(node, ast.BoolOp):
        return frozenset().union(*(_names_of_question(part) for part in node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _names_of_question(node.operand)
    if isinstance(node, ast.Compare):
        return _names_of_comparison(node)
    if isinstance(node, ast.Name) and node.id.lower() not in _WORDS:
        return frozenset([node.id])
    raise _Refused(f"may hold comparisons, and, or, not, and yes/no columns, but not {_called(node)}")


def _names_of_comparison(node: ast.Compare) -> frozenset[str]:
    names = _names_of_value(node.left)
    for operator, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, ast.In | ast.NotIn):
            if not isinstance(right, ast.List | ast.Tuple) or not all(_is_plain(one) for one in right.elts):
                raise _Refused("needs a list of plain values after 'in'")
        elif isinstance(operator, ast.Is | ast.IsNot):
            raise _Refused("compares with ==, !=, <, <=, >, >= or in, not with 'is'")
        else:
            names |= _names_of_value(right)
    return names


def _names_of_value(node: ast.expr) -> frozenset[str]:
    if isinstance(node, ast.Name):
        return frozenset() if node.id.lower() in _WORDS else frozenset([node.id])
    if _is_plain(node):
        return frozenset()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        return _names_of_value(node.left) | _names_of_value(node.right)
    raise _Refused(f"compares columns and plain values, but not {_called(node)}")


def _is_plain(node: ast.expr) -> bool:
    """Numbers, text and true/false."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return isinstance(node.operand, ast.Constant) and type(node.operand.value) in (int, float)
    if isinstance(node, ast.Name):
        return node.id.lower() in _WORDS
    return isinstance(node, ast.Constant) and type(node.value) in (int, float, str, bool)


def _called(node: ast.expr) -> str:
    return {
        "Call": "a function call",
        "Attribute": "an attribute",
        "Subscript": "an index",
        "Lambda": "a function",
        "Constant": "a bare value",
    }.get(type(node).__name__, f"this construct ({type(node).__name__})")


def plain_value(node: ast.expr) -> Any:
    """The value of a node that is plain: a number, text, or true and false."""
    if isinstance(node, ast.UnaryOp):
        return -plain_value(node.operand)
    if isinstance(node, ast.Name):
        return _WORDS[node.id.lower()]
    assert isinstance(node, ast.Constant)
    return node.value


def _translate(node: ast.expr) -> pl.Expr:
    """The polars expression of a tree that has passed the checks above."""
    import polars as pl

    if isinstance(node, ast.BoolOp):
        parts = [_translate(part) for part in node.values]
        whole = parts[0]
        for part in parts[1:]:
            whole = whole & part if isinstance(node.op, ast.And) else whole | part
        return whole
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_translate(node.operand)
    if isinstance(node, ast.Compare):
        whole = pl.lit(True)
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            whole = whole & _compare(operator, left, right)
            left = right
        return whole
    if _is_plain(node):
        return pl.lit(plain_value(node))
    if isinstance(node, ast.BinOp):
        return _arithmetic(node)
    assert isinstance(node, ast.Name)
    return pl.col(node.id)


def _compare(operator: ast.cmpop, left_node: ast.expr, right_node: ast.expr) -> pl.Expr:
    left = _translate(left_node)
    if isinstance(operator, ast.In | ast.NotIn):
        assert isinstance(right_node, ast.List | ast.Tuple)
        member = left.is_in([plain_value(one) for one in right_node.elts])
        return member if isinstance(operator, ast.In) else ~member
    right = _translate(right_node)
    match operator:
        case ast.Lt():
            return left < right
        case ast.LtE():
            return left <= right
        case ast.Gt():
            return left > right
        case ast.GtE():
            return left >= right
        case ast.Eq():
            return left == right
        case _:
            return left != right


def _arithmetic(node: ast.BinOp) -> pl.Expr:
    left, right = _translate(node.left), _translate(node.right)
    match node.op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case _:
            return left / right
