"""Routines: instructions made ready to print - split by how often they must run, fused and put in order.

`split` moves what depends on parameters alone into a prologue that runs once a course and leaves its results
in array "Q". `finish` forms multiply-adds and orders the instructions of one routine: depth first from each result,
which holds few values at a time, or with the chains of several results interleaved, which waits less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engager.engine.lowering.code import CONSTANT, FIXED, MOVING, RESULT, Code, Op, Ref
from engager.engine.lowering.schedule import order

#: where a result goes: array and place
Target = tuple[str, int]


@dataclass(frozen=True)
class Routine:
    """A straight run of instructions.

    Attributes
    ----------
    name : of the function to print.
    ops : instructions; arguments are numbers of earlier ones in this tuple.
    stores : (array, place, instruction), each as soon as its value is known.
    """

    name: str
    ops: tuple[Op, ...]
    stores: tuple[tuple[str, int, Ref], ...]

    @property
    def operations(self) -> int:
        """Floating-point operations of one call and one lane; a multiply-add counts two, a division one."""
        weight = {"fma": 2, "add": 1, "sub": 1, "mul": 1, "div": 1, "sqrt": 1}
        return sum(weight.get(op.name, 0) for op in self.ops)


def split(code: Code, results: Iterable[Ref]) -> dict[Ref, int]:
    """Instructions worth doing once a course, mapped to their place in "Q", for all `results` together.

    These are doubles that depend on parameters only and are read by something that moves (or are results).
    Masks and integers made of parameters are remade from such doubles.
    """
    place: dict[Ref, int] = {}
    seen: set[Ref] = set()
    stack = list(dict.fromkeys(results))[::-1]
    while stack:
        ref = stack.pop()
        if ref in seen:
            continue
        seen.add(ref)
        op = code.ops[ref]
        if op.name in ("const", "iconst"):
            continue
        if code.level[ref] == FIXED and op.name not in _NOT_STORED:
            place[ref] = len(place)
        else:
            stack.extend(reversed(op.args))
    return place


_NOT_STORED = frozenset(name for name, kind in RESULT.items() if kind != "f")


def finish(
    name: str, code: Code, results: Sequence[tuple[Target, Ref]], hoisted: dict[Ref, int], interleaved: bool = False
) -> Routine:
    """The routine that computes `results`, reading hoisted values from "Q"."""
    fresh = Code()
    cut = _cut(code, [ref for _, ref in results], hoisted, fresh)
    fused, roots = _fuse(fresh, [cut[ref] for _, ref in results])
    named = [(target, root) for (target, _), root in zip(results, roots, strict=True)]
    return _arrange(name, fused, named, interleaved)


def _cut(code: Code, roots: Iterable[Ref], hoisted: dict[Ref, int], into: Code) -> dict[Ref, Ref]:
    """Copies what `roots` need, with hoisted values replaced by loads."""
    new: dict[Ref, Ref] = {}
    stack = list(roots)
    while stack:
        ref = stack[-1]
        if ref in new:
            stack.pop()
        elif ref in hoisted:
            new[ref] = into.load("Q", hoisted[ref])
        else:
            op = code.ops[ref]
            missing = [arg for arg in op.args if arg not in new]
            if missing:
                stack.extend(missing)
            else:
                args = tuple(new[arg] for arg in op.args)
                level = max((into.level[arg] for arg in args), default=MOVING if op.name == "load" else CONSTANT)
                new[ref] = into._add(Op(op.name, args, op.value), level)
    return new


def _fuse(code: Code, roots: list[Ref]) -> tuple[Code, list[Ref]]:
    """a*b + c becomes one multiply-add where no one else needs a*b; x * (1/y) becomes x/y likewise."""
    needed = code.reachable(roots)
    uses = Counter(roots)
    other = set(roots)  # products that someone needs as such
    for ref in needed:
        op = code.ops[ref]
        uses.update(op.args)
        if op.name not in ("add", "sub"):
            other.update(op.args)

    def absorbed(ref: Ref) -> bool:
        return code.ops[ref].name == "mul" and ref not in other

    def lone_reciprocal(ref: Ref) -> bool:
        op = code.ops[ref]
        return op.name == "div" and uses[ref] == 1 and code.value(op.args[0]) == 1.0

    out = Code()
    new: dict[Ref, Ref] = {}

    def get(ref: Ref) -> Ref:
        return new[ref]

    for ref in needed:
        op = code.ops[ref]
        a, b = op.args[0] if op.args else -1, op.args[-1] if op.args else -1
        if op.name == "add" and absorbed(b):
            x, y = code.ops[b].args
            made = out.fma(get(x), get(y), get(a))
        elif op.name == "add" and absorbed(a):
            x, y = code.ops[a].args
            made = out.fma(get(x), get(y), get(b))
        elif op.name == "sub" and absorbed(b):
            x, y = code.ops[b].args
            made = out.fma(out.neg(get(x)), get(y), get(a))
        elif op.name == "sub" and absorbed(a):
            x, y = code.ops[a].args
            made = out.fma(get(x), get(y), out.neg(get(b)))
        elif op.name == "mul" and lone_reciprocal(b):
            made = out.div(get(a), get(code.ops[b].args[1]))
        elif op.name == "mul" and lone_reciprocal(a):
            made = out.div(get(b), get(code.ops[a].args[1]))
        else:
            args = tuple(get(arg) for arg in op.args)
            level = max((out.level[arg] for arg in args), default=MOVING if op.name == "load" else CONSTANT)
            made = out._add(Op(op.name, args, op.value), level)
        new[ref] = made
    return out, [new[root] for root in roots]


def _arrange(name: str, code: Code, results: list[tuple[Target, Ref]], interleaved: bool) -> Routine:
    """Depth first from each result, then interleaved if asked; results are stored at once."""
    ops: list[Op] = []
    number: dict[Ref, int] = {}
    stores = []
    for (kind, index), root in results:
        stack = [root]
        while stack:
            ref = stack[-1]
            if ref in number:
                stack.pop()
                continue
            missing = [arg for arg in code.ops[ref].args if arg not in number]
            if missing:
                stack.extend(reversed(missing))
                continue
            op = code.ops[ref]
            number[ref] = len(ops)
            ops.append(Op(op.name, tuple(number[arg] for arg in op.args), op.value))
            stack.pop()
        stores.append((kind, index, number[root]))
    new = order(ops) if interleaved else list(range(len(ops)))
    at = {old: k for k, old in enumerate(new)}
    ordered = tuple(Op(ops[old].name, tuple(at[arg] for arg in ops[old].args), ops[old].value) for old in new)
    return Routine(name, ordered, tuple((kind, index, at[ref]) for kind, index, ref in stores))
