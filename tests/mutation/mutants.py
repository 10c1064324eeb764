"""Small mistakes in a module's source, one at a time: an operator turned round, a number moved.

In: source text. Out: `Mutant`s, each of which can say what it changes and give the changed module as code. Not here:
who runs the tests (`run`).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

# What each operator is mistaken for.
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
# Arguments that say how something is stored, ordered for the eye or checked: changing them changes no result.
_SILENT_ARGUMENTS = {"strict", "repr", "compare", "frozen", "maintain_order", "dtype"}


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes
    ----------
    line, text : where it stands, and how that line reads. before, after : the smallest expression or statement around
        the change.
    site, variant : which node of the module in order of reading, and which of its changes.
    """

    module: str
    line: int
    text: str
    before: str
    after: str
    site: int
    variant: int

    def code(self, source: str, path: str) -> CodeType:
        """The changed module, ready to be executed."""
        tree = ast.parse(source)
        node = list(_nodes(tree))[self.site]
        _changes(node)[self.variant](node)
        return compile(ast.fix_missing_locations(tree), path, "exec")


def mutants_of(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in order of reading."""
    found, lines = [], source.splitlines()
    for site, node in enumerate(_nodes(ast.parse(source))):
        for variant, change in enumerate(_changes(node)):
            changed = copy.deepcopy(node)
            change(changed)
            text = lines[node.lineno - 1].strip()
            found.append(Mutant(module, node.lineno, text, ast.unparse(node), ast.unparse(changed), site, variant))
    return found


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Expressions and statements that are executed; annotations and imports for them are not."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_for_types(child):
                continue
            if hasattr(child, "lineno"):
                yield child
            yield from _nodes(child)


def _is_for_types(node: ast.AST) -> bool:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.keyword) and node.arg in _SILENT_ARGUMENTS:
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"


def _changes(node: ast.AST) -> list:
    """Functions that each make one change to a node of this kind."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _BINARY:
        return [lambda one: setattr(one, "op", _BINARY[type(one.op)]())]
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        others = _COMPARE[type(node.ops[0])]
        return [lambda one, other=other: setattr(one, "ops", [other()]) for other in others]
    if isinstance(node, ast.BoolOp):
        return [lambda one: setattr(one, "op", ast.Or() if isinstance(one.op, ast.And) else ast.And())]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert | ast.Not | ast.USub):
        # said twice it is the same as forgotten
        return [lambda one: setattr(one, "operand", ast.UnaryOp(type(one.op)(), one.operand))]
    if isinstance(node, ast.Constant) and type(node.value) in (bool, int, float):
        return [lambda one: setattr(one, "value", _moved(one.value))]
    return []


def _moved(value: bool | int | float) -> bool | int | float:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return 2.0 * value if value else 1.0
