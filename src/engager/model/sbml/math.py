"""MathML, as libsbml's syntax trees, becomes nodes of a `Graph`; nothing here recurses.

The graph made here is raw: a symbol is the name the file uses. Names of quantities are plain SIds; everything
else (time, rateOf, arguments of functions) starts with `MARK`, which no SId can contain.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import libsbml

from engager.core import InputError, Problem, UnsupportedModel
from engager.model.expression import Graph, Node

MARK = "\x1f"
TIME_SYMBOL = MARK + "time"
RATE_OF = MARK + "rateOf:"
AVOGADRO = 6.02214179e23  # the value SBML Level 3 Version 1 prescribes
MAX_NODES = 300_000

Build = Callable[[Graph, Sequence[Node]], Node]


def truth(graph: Graph, node: Node) -> Node:
    """`node` as 0 or 1."""
    return graph.apply("not", graph.apply("not", node))


def _chain(op: str, swap: bool) -> Build:
    """n-ary comparison: every neighbouring pair holds."""

    def build(graph: Graph, args: Sequence[Node]) -> Node:
        pairs = itertools.pairwise(args)
        held = [graph.apply(op, b, a) if swap else graph.apply(op, a, b) for a, b in pairs]
        return graph.reduce("and", held, 1.0)

    return build


def _xor(graph: Graph, args: Sequence[Node]) -> Node:
    odd = graph.const(0.0)
    for arg in args:
        either = graph.apply("or", odd, arg)
        both = graph.apply("and", odd, arg)
        odd = graph.apply("and", either, graph.apply("not", both))
    return odd


def _minus(graph: Graph, args: Sequence[Node]) -> Node:
    return graph.neg(args[0]) if len(args) == 1 else graph.sub(args[0], args[1])


def _piecewise(graph: Graph, args: Sequence[Node]) -> Node:
    """Pairs (value, condition) and at most one value for otherwise; NaN where nothing holds."""
    result = args[-1] if len(args) % 2 else graph.const(math.nan)
    for k in range(len(args) // 2 - 1, -1, -1):
        result = graph.select(args[2 * k + 1], args[2 * k], result)
    return result


def _root(graph: Graph, args: Sequence[Node]) -> Node:
    if len(args) == 1:
        return graph.apply("sqrt", args[0])
    degree, base = args
    value = graph.constant_value(degree)
    if value == 2.0:
        return graph.apply("sqrt", base)
    return graph.pow(base, graph.div(graph.const(1.0), degree))


def _log(graph: Graph, args: Sequence[Node]) -> Node:
    base, x = (graph.const(10.0), args[0]) if len(args) == 1 else args
    return graph.div(graph.apply("log", x), graph.apply("log", base))


def _quotient(graph: Graph, args: Sequence[Node]) -> Node:
    """Whole part of a/b toward zero, so that a = b * quotient + rem with the sign of rem that of a."""
    ratio = graph.div(args[0], args[1])
    whole_if_negative = graph.apply("ceil", ratio)
    negative = graph.apply("lt", ratio, graph.const(0.0))
    return graph.select(negative, whole_if_negative, graph.apply("floor", ratio))


def _implies(graph: Graph, args: Sequence[Node]) -> Node:
    return graph.apply("or", graph.apply("not", args[0]), args[1])


def _unary(op: str) -> Build:
    return lambda graph, args: graph.apply(op, args[0])


def _of_inverse(op: str) -> Build:
    return lambda graph, args: graph.apply(op, graph.div(graph.const(1.0), args[0]))


def _inverse_of(op: str) -> Build:
    return lambda graph, args: graph.div(graph.const(1.0), graph.apply(op, args[0]))


def _many(op: str, empty: float) -> Build:
    return lambda graph, args: graph.reduce(op, args, empty)


def _truths(op: str, empty: float) -> Build:
    return lambda graph, args: truth(graph, graph.reduce(op, args, empty))


def _binary(op: str) -> Build:
    return lambda graph, args: graph.apply(op, args[0], args[1])


_ANY = (0, 10**9)
_ONE, _TWO = (1, 1), (2, 2)

# operation of libsbml -> (how it is built, fewest and most arguments)
_OPERATIONS: dict[int, tuple[Build, tuple[int, int]]] = {
    libsbml.AST_PLUS: (_many("add", 0.0), _ANY),
    libsbml.AST_TIMES: (_many("mul", 1.0), _ANY),
    libsbml.AST_MINUS: (_minus, (1, 2)),
    libsbml.AST_DIVIDE: (_binary("div"), _TWO),
    libsbml.AST_POWER: (_binary("pow"), _TWO),
    libsbml.AST_FUNCTION_POWER: (_binary("pow"), _TWO),
    libsbml.AST_FUNCTION_ROOT: (_root, (1, 2)),
    libsbml.AST_FUNCTION_LOG: (_log, (1, 2)),
    libsbml.AST_FUNCTION_PIECEWISE: (_piecewise, _ANY),
    libsbml.AST_FUNCTION_MIN: (_many("min", math.nan), (1, 10**9)),
    libsbml.AST_FUNCTION_MAX: (_many("max", math.nan), (1, 10**9)),
    libsbml.AST_FUNCTION_REM: (_binary("rem"), _TWO),
    libsbml.AST_FUNCTION_QUOTIENT: (_quotient, _TWO),
    libsbml.AST_LOGICAL_AND: (_truths("and", 1.0), _ANY),
    libsbml.AST_LOGICAL_OR: (_truths("or", 0.0), _ANY),
    libsbml.AST_LOGICAL_XOR: (_xor, _ANY),
    libsbml.AST_LOGICAL_NOT: (_unary("not"), _ONE),
    libsbml.AST_LOGICAL_IMPLIES: (_implies, _TWO),
    libsbml.AST_RELATIONAL_LT: (_chain("lt", False), _ANY),
    libsbml.AST_RELATIONAL_GT: (_chain("lt", True), _ANY),
    libsbml.AST_RELATIONAL_LEQ: (_chain("le", False), _ANY),
    libsbml.AST_RELATIONAL_GEQ: (_chain("le", True), _ANY),
    libsbml.AST_RELATIONAL_EQ: (_chain("eq", False), _ANY),
    libsbml.AST_RELATIONAL_NEQ: (lambda g, args: g.apply("not", g.apply("eq", args[0], args[1])), _TWO),
    libsbml.AST_FUNCTION_ABS: (_unary("abs"), _ONE),
    libsbml.AST_FUNCTION_EXP: (_unary("exp"), _ONE),
    libsbml.AST_FUNCTION_LN: (_unary("log"), _ONE),
    libsbml.AST_FUNCTION_FLOOR: (_unary("floor"), _ONE),
    libsbml.AST_FUNCTION_CEILING: (_unary("ceil"), _ONE),
    libsbml.AST_FUNCTION_FACTORIAL: (_unary("factorial"), _ONE),
    libsbml.AST_FUNCTION_SIN: (_unary("sin"), _ONE),
    libsbml.AST_FUNCTION_COS: (_unary("cos"), _ONE),
    libsbml.AST_FUNCTION_TAN: (_unary("tan"), _ONE),
    libsbml.AST_FUNCTION_SEC: (_inverse_of("cos"), _ONE),
    libsbml.AST_FUNCTION_CSC: (_inverse_of("sin"), _ONE),
    libsbml.AST_FUNCTION_COT: (_inverse_of("tan"), _ONE),
    libsbml.AST_FUNCTION_SINH: (_unary("sinh"), _ONE),
    libsbml.AST_FUNCTION_COSH: (_unary("cosh"), _ONE),
    libsbml.AST_FUNCTION_TANH: (_unary("tanh"), _ONE),
    libsbml.AST_FUNCTION_SECH: (_inverse_of("cosh"), _ONE),
    libsbml.AST_FUNCTION_CSCH: (_inverse_of("sinh"), _ONE),
    libsbml.AST_FUNCTION_COTH: (_inverse_of("tanh"), _ONE),
    libsbml.AST_FUNCTION_ARCSIN: (_unary("asin"), _ONE),
    libsbml.AST_FUNCTION_ARCCOS: (_unary("acos"), _ONE),
    libsbml.AST_FUNCTION_ARCTAN: (_unary("atan"), _ONE),
    libsbml.AST_FUNCTION_ARCSEC: (_of_inverse("acos"), _ONE),
    libsbml.AST_FUNCTION_ARCCSC: (_of_inverse("asin"), _ONE),
    libsbml.AST_FUNCTION_ARCCOT: (_of_inverse("atan"), _ONE),
    libsbml.AST_FUNCTION_ARCSINH: (_unary("asinh"), _ONE),
    libsbml.AST_FUNCTION_ARCCOSH: (_unary("acosh"), _ONE),
    libsbml.AST_FUNCTION_ARCTANH: (_unary("atanh"), _ONE),
    libsbml.AST_FUNCTION_ARCSECH: (_of_inverse("acosh"), _ONE),
    libsbml.AST_FUNCTION_ARCCSCH: (_of_inverse("asinh"), _ONE),
    libsbml.AST_FUNCTION_ARCCOTH: (_of_inverse("atanh"), _ONE),
}  # fmt: skip

_CONSTANTS = {
    libsbml.AST_CONSTANT_E: math.e,
    libsbml.AST_CONSTANT_PI: math.pi,
    libsbml.AST_CONSTANT_TRUE: 1.0,
    libsbml.AST_CONSTANT_FALSE: 0.0,
    libsbml.AST_NAME_AVOGADRO: AVOGADRO,
}

# names of Level 1 that libsbml leaves as plain function calls
_LEVEL_1 = {"sqr": lambda g, args: g.mul(args[0], args[0])}


@dataclass(frozen=True)
class Function:
    """A function definition whose body is a node over symbols MARK + "arg:" + position."""

    n_args: int
    body: Node


@dataclass
class MathReader:
    """Turns syntax trees into nodes of one raw graph, function calls inlined."""

    where: str
    graph: Graph = field(default_factory=Graph)
    functions: dict[str, Function] = field(default_factory=dict)

    def read(self, tree: Any, element: str, local: Mapping[str, Node] | None = None) -> Node:
        """The node of `tree`; `local` gives names that hide those of the model."""
        local = local or {}
        done: list[Node] = []
        todo: list[tuple[Any, bool]] = [(tree, False)]
        while todo:
            ast, is_ready = todo.pop()
            kind = ast.getType()
            if is_ready:
                n = ast.getNumChildren()
                args = done[len(done) - n :] if n else []
                del done[len(done) - n :]
                done.append(self._operation(ast, kind, args, element))
                continue
            leaf = self._leaf(ast, kind, element, local)
            if leaf is not None:
                done.append(leaf)
                continue
            todo.append((ast, True))
            todo.extend((ast.getChild(k), False) for k in range(ast.getNumChildren() - 1, -1, -1))
        if len(self.graph) > MAX_NODES:
            rule = f"formulas may have at most {MAX_NODES} distinct parts once functions are inlined"
            raise InputError(Problem(f"{self.where}: {element}", len(self.graph), rule))
        return done[0]

    def read_lambda(self, tree: Any, element: str) -> Function:
        """A function definition from its lambda."""
        n_args = tree.getNumBvars()
        names = [tree.getChild(k).getName() for k in range(n_args)]
        local = {name: self.graph.symbol(f"{MARK}arg:{k}") for k, name in enumerate(names)}
        if tree.getNumChildren() <= n_args:
            return Function(n_args, self.graph.const(math.nan))
        return Function(n_args, self.read(tree.getChild(tree.getNumChildren() - 1), element, local))

    # ---- parts ----
    def _leaf(self, ast: Any, kind: int, element: str, local: Mapping[str, Node]) -> Node | None:
        if ast.isNumber():
            return self.graph.const(ast.getValue())
        if kind in _CONSTANTS:
            return self.graph.const(_CONSTANTS[kind])
        if kind == libsbml.AST_NAME_TIME:
            return self.graph.symbol(TIME_SYMBOL)
        if kind == libsbml.AST_NAME:
            name = ast.getName()
            return local[name] if name in local else self.graph.symbol(name)
        if kind == libsbml.AST_FUNCTION_RATE_OF:
            return self._rate_of(ast, element, local)
        if kind == libsbml.AST_FUNCTION_DELAY:
            self._unsupported(element, "csymbol delay (a delay differential equation)")
        return None

    def _rate_of(self, ast: Any, element: str, local: Mapping[str, Node]) -> Node:
        child = ast.getChild(0) if ast.getNumChildren() == 1 else None
        if child is None or child.getType() != libsbml.AST_NAME:
            self._unsupported(element, "rateOf of something that is not one name")
        name = child.getName()
        if name in local:
            # an argument of a function stands for a name that only the call knows
            return self.graph.symbol(RATE_OF + str(self.graph.entries[local[name]].value))
        return self.graph.symbol(RATE_OF + name)

    def _operation(self, ast: Any, kind: int, args: list[Node], element: str) -> Node:
        if kind == libsbml.AST_FUNCTION:
            return self._call(ast.getName(), args, element)
        if kind not in _OPERATIONS:
            self._unsupported(element, f"mathematical operation {ast.getName() or kind}")
        build, (fewest, most) = _OPERATIONS[kind]
        if not fewest <= len(args) <= most:
            rule = f"takes {fewest} argument(s)" if fewest == most else f"takes {fewest} to {most} arguments"
            name = ast.getOperatorName() or ast.getName() or "operation"
            raise InputError(Problem(f"{self.where}: {element}", f"{name} of {len(args)}", rule))
        return build(self.graph, args)

    def _call(self, name: str, args: list[Node], element: str) -> Node:
        if name not in self.functions:
            if name in _LEVEL_1 and len(args) == 1:
                found: Node = _LEVEL_1[name](self.graph, args)
                return found
            raise InputError(
                Problem(f"{self.where}: {element}", name, "calls a function that the model does not define")
            )
        function = self.functions[name]
        if len(args) != function.n_args:
            rule = f"function {name} takes {function.n_args} arguments"
            raise InputError(Problem(f"{self.where}: {element}", len(args), rule))
        replacement = {f"{MARK}arg:{k}": arg for k, arg in enumerate(args)}
        for k, arg in enumerate(args):
            entry = self.graph.entries[arg]
            if entry.op == "symbol":
                replacement[f"{RATE_OF}{MARK}arg:{k}"] = self.graph.symbol(RATE_OF + str(entry.value))
        body = self.graph.substitute([function.body], replacement)[0]
        self._check_rate_of(body, element)
        return body

    def _check_rate_of(self, body: Node, element: str) -> None:
        for name in self.graph.symbols([body]):
            if name.startswith(RATE_OF + MARK + "arg:") and "functionDefinition" not in element:
                self._unsupported(element, "rateOf of a formula")

    def _unsupported(self, element: str, construct: str) -> NoReturn:
        raise UnsupportedModel(
            Problem(f"{self.where}: {element}", construct, "is not supported", "Remove it from the model.")
        )


def called_functions(tree: Any) -> set[str]:
    """Names of user functions that a syntax tree calls."""
    found, todo = set(), [tree]
    while todo:
        ast = todo.pop()
        if ast.getType() == libsbml.AST_FUNCTION:
            found.add(ast.getName())
        todo.extend(ast.getChild(k) for k in range(ast.getNumChildren()))
    return found
