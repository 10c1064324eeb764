"""Study files as text: YAML in, a `Protocol` or every problem with its key and line out; and back to YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from engager.core import (
    InputError,
    PlainDumper,
    Problem,
    broken_rule,
    compose_plain,
    dotted,
    nearest,
    read_at_most,
    read_shipped_data,
    remembered,
)
from engager.protocol.checks import disagreements
from engager.protocol.disease.drug_files import with_drug_files
from engager.protocol.endpoints import Endpoint
from engager.protocol.files.headings import SHIPPED, shipped_protocols
from engager.protocol.protocol import Protocol, with_usual_blocks
from engager.protocol.slips.numbers import what_to_write
from engager.protocol.slips.without import is_told_by, without_slips

MAX_BYTES = 1_000_000
_MOST_SHOWN = 8
_LONGEST_TEXT = 200
_MOST_READINGS = 4
_UNKNOWN_KEY = "is not a key of the study format"
Path_ = tuple[str | int, ...]
# What XML cannot hold, escaped or not: a title with one of these breaks an export long after it was read.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def read_protocol_file(path: Path) -> Protocol:
    """Read a study file.

    Raises
    ------
    InputError
        When the file cannot be read, is not YAML, or breaks rules; all problems together.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(Problem(str(path), path.stat().st_size, f"must be at most {MAX_BYTES} bytes"))
        text = read_at_most(path, MAX_BYTES).decode("utf-8")
    except OSError as error:
        raise InputError(Problem(str(path), path.name, f"must be a readable file ({error.strerror})")) from error
    except UnicodeDecodeError as error:
        raise InputError(Problem(str(path), path.name, "must be UTF-8 text")) from error
    return read_protocol(text, str(path), path.parent)


def read_protocol(text: str, name: str = "study", folder: Path | None = None, *, is_shipped: bool = False) -> Protocol:
    """Read the text of a study file.

    Parameters
    ----------
    name : what messages call it. folder : where drug files that it names lie; None: it may name none.
    is_shipped : the text is a file of the package.
    """
    raw, lines, problems = _parse_yaml(text, name, is_shipped)
    if isinstance(raw, dict) and folder is not None:
        raw, wrong = with_drug_files(raw, folder)
        problems += [_located(problem, name, lines) for problem in wrong]
    if not isinstance(raw, dict):
        rule = "must be a mapping with the keys study, arms, ..."
        raise InputError(problems or [Problem(name, _short(raw), rule, "See docs/study-format.md.")])
    blocks, found = _read_twice(raw)
    found += disagreements(blocks)
    problems += [_located(problem, name, lines) for problem in found]
    if problems:
        raise InputError(problems)
    try:
        return Protocol.model_validate(raw)
    except ValidationError as error:  # of a place whose name could not be told
        first = error.errors()[0]
        where = f"{name}: {_dotted(first['loc'])}"
        raise InputError(Problem(where, _short(first["input"]), *broken_rule(first))) from None


def shipped_protocol(study: str) -> Protocol:
    """A study of the package.

    Raises
    ------
    InputError
        With the nearest ids.
    """
    if study not in shipped_protocols():
        hint = nearest(study, shipped_protocols()) + " See engager trial list, or name a .yaml file."
        raise InputError(Problem("study", study, "must be a shipped study or a study file", hint))

    def read() -> Protocol:
        text = (SHIPPED / f"{study}.yaml").read_text(encoding="utf-8")
        return read_protocol(text, f"{study}.yaml", is_shipped=True)

    return remembered("study", study, read)


def shipped_design(study: str) -> Protocol:
    """Who a shipped study treats, and how, without the figures that it is compared with: quick to read.

    That its file is right is held by the package's tests, not looked for here.
    """
    raw = read_shipped_data((SHIPPED / f"{study}.yaml").read_text(encoding="utf-8"))
    return Protocol.model_validate({key: value for key, value in raw.items() if key not in ("targets", "endpoints")})


def write_protocol(protocol: Protocol) -> str:
    """The study as YAML with every default filled; reading it back gives the same study."""
    dumped = protocol.model_dump(mode="json", exclude_none=True)
    for endpoint, entry in zip(protocol.endpoints, dumped["endpoints"], strict=True):
        if endpoint.among is None and Endpoint.model_validate(entry).among is not None:
            entry["among"] = None  # counted among all, where leaving it out means among responders
    return yaml.dump(_tidy(dumped), Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=110)


def as_template(protocol: Protocol) -> Protocol:
    """The study without `targets`, `record` and `title`: what holds of one trial and not of a changed copy of it."""
    return protocol.model_copy(update={"targets": (), "record": None, "title": ""})


def protocol_schema() -> dict[str, Any]:
    """JSON Schema of the study file, for editors."""
    schema = Protocol.model_json_schema(mode="validation", by_alias=True)
    regimen = {"anyOf": [{"$ref": "#/$defs/Regimen"}, {"type": "string", "description": "engager regimen list"}]}
    schema["$defs"]["Arm"]["properties"]["regimen"] = regimen
    schema["$defs"]["PopulationBlock"].pop("required", None)
    for block in (schema, *schema["$defs"].values()):
        # Editors show this while one types: the first sentence of a docstring, not its list of attributes.
        block["description"] = " ".join(str(block.get("description", "")).split("\n\n")[0].split())
    model = schema["properties"]["model"]
    choice = {key: value for key, value in model.items() if key != "default"}
    schema["properties"]["model"] = {"anyOf": [choice, {"type": "string"}]}
    endpoint = schema["properties"]["endpoints"]["items"]
    schema["properties"]["endpoints"]["items"] = {"anyOf": [endpoint, {"type": "string"}]}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "engager study file, version 1",
    }
    return {**head, **{key: value for key, value in schema.items() if key not in head}}


def _parse_yaml(text: str, name: str, is_shipped: bool) -> tuple[Any, dict[Path_, int], list[Problem]]:
    """The content, the line of each key, and problems of the text: keys that stand twice, control characters."""
    try:
        node, raw = compose_plain(text, is_quick=is_shipped)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name} (line {mark.line + 1}, column {mark.column + 1})" if mark else name
        reason = getattr(error, "problem", None) or str(error)
        raise InputError(
            Problem(
                where,
                _line(text, mark),
                f"must be YAML ({reason})",
                "Check indentation, quotes and brackets.",
            )
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            Problem(name, str(error), "must be plain YAML without tags, deep nesting or endless aliases")
        ) from error
    lines: dict[Path_, int] = {}
    wrong: list[Problem] = []
    if node is not None:
        _walk(node, (), lines, wrong, name, set())
    return _without_nothing(raw), lines, wrong


def _without_nothing(value: Any) -> Any:
    """The content without keys that are nothing, which have been told."""
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if key is not None}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def _walk(
    node: yaml.Node, path: Path_, lines: dict[Path_, int], wrong: list[Problem], name: str, seen: set[int]
) -> None:
    # An alias leads to a node already seen; following it again could grow without end.
    if id(node) in seen:
        return
    seen.add(id(node))
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode) and (sign := _NO_TEXT.search(node.value)):
        line = node.start_mark.line + 1
        rule = "must not hold a control character, which no table or page can show"
        wrong.append(Problem(f"{name}: {_dotted(path)} (line {line})", sign.group(), rule, "Remove it."))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key_node.tag == "tag:yaml.org,2002:null":
                line = key_node.start_mark.line + 1
                shown = key or "an empty key"
                rule = "is no key: YAML reads it as nothing"
                hint = "Remove it, or put it in quotes where it is a name."
                wrong.append(Problem(f"{name}: {_dotted((*path, shown))} (line {line})", None, rule, hint))
                continue
            if key in keys:
                line = key_node.start_mark.line + 1
                wrong.append(Problem(f"{name}: {_dotted((*path, key))} (line {line})", key, "must be given only once"))
            keys.add(key)
            lines[(*path, key)] = key_node.start_mark.line + 1
            _walk(value_node, (*path, key), lines, wrong, name, seen)
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _walk(item, (*path, i), lines, wrong, name, seen)


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(Protocol, include_extras=True)
    adapters = {}
    for name, field in Protocol.model_fields.items():
        constraints = [item for item in field.metadata if item is not None]
        hint = hints[name]
        for constraint in constraints:
            hint = Annotated[hint, constraint]
        adapters[name] = TypeAdapter(hint)
    return adapters


def _read_twice(raw: dict[Any, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Blocks and problems, those included that others hide.

    Pydantic checks a block as a whole only when each of its keys is right. So the file is read again without the slips
    found, until nothing new is said; what may only come from taking a slip out is left unsaid.
    """
    blocks, problems = _read_blocks(raw)
    told = {problem.where for problem in problems}
    found, gone = problems, set[Path_]()
    for _ in range(_MOST_READINGS):
        if not found:
            break
        # a key that is close to one of the format may be that one, and missing from then on
        unknown = [one for one in found if one.rule == _UNKNOWN_KEY and not one.next_step.startswith("Did you mean")]
        raw, taken = without_slips(
            raw, [_undotted(one.where) for one in found], [_undotted(one.where) for one in unknown]
        )
        gone |= taken
        read, more = _read_blocks(raw)
        found = [one for one in more if one.where not in told and not is_told_by(_undotted(one.where), gone)]
        told |= {one.where for one in found}
        problems += found
        changed = {str(place[0]) for place in gone}
        blocks |= {name: block for name, block in read.items() if name not in changed}
    return blocks, problems


def _read_blocks(raw: dict[Any, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Each block on its own, so that a slip in one does not hide those in another."""
    try:
        parsed = Protocol.model_validate(raw)
        return {name: getattr(parsed, name) for name in Protocol.model_fields}, []
    except ValidationError as error:
        problems = _problems(error, raw)
    except InputError:
        problems = []  # blocks are right alone; `disagreements` tells what is not
    raw = with_usual_blocks(raw)
    blocks = {name: _read_block(name, value) for name, value in raw.items() if name in _adapters()}
    for name, field in Protocol.model_fields.items():
        if name not in raw and not field.is_required():
            blocks[name] = field.get_default(call_default_factory=True)
    return {name: block for name, block in blocks.items() if block is not None}, problems


def _read_block(name: str, value: Any) -> Any:
    """A block, or None; of arms, targets and eligibility whatever can be read, None for each that cannot."""
    if name == "arms" and isinstance(value, dict):
        return {str(key): _one("arms", {key: arm}, str(key)) for key, arm in value.items()}
    if name == "eligibility" and isinstance(value, list):
        return [_one("eligibility", [text], 0) for text in value]
    if name == "targets" and isinstance(value, list):
        return [_one("targets", [target], 0) for target in value]
    return _one(name, value)


def _one(name: str, value: Any, key: str | int | None = None) -> Any:
    try:
        parsed = _adapters()[name].validate_python(value)
    except (ValidationError, InputError):
        return None
    return parsed if key is None else parsed[key]


def _problems(error: ValidationError, raw: Any, prefix: Path_ = ()) -> list[Problem]:
    problems = []
    for detail in error.errors():
        location = _in_the_file((*prefix, *detail["loc"]), raw)
        if location is None:
            continue
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, ValidationError):
            problems += _problems(inner, raw, location)
        elif isinstance(inner, InputError):
            problems += [Problem(_dotted(location), p.value, p.rule, p.next_step) for p in inner.problems]
        else:
            problems.append(_problem(detail, location))
    return problems


def _in_the_file(location: Path_, raw: Any) -> Path_ | None:
    """The path as the file has it; None for an option that the value was not meant as.

    A key that may be written in several ways fails in each of them, and pydantic names the way as a step of the path:
    a value that is no mapping or list is told what single values may be, another what its parts may be.
    """
    path: list[str | int] = []
    value = raw
    for step in location:
        if isinstance(step, str) and "[" in step and step != "[key]" and not _is_key(step, value):
            if step.startswith(_CONTAINERS) != isinstance(value, dict | list):
                return None
            continue
        path.append(step)
        value = _inside(value, step)
    return tuple(path)


def _is_key(step: str, value: Any) -> bool:
    return isinstance(value, dict) and any(str(key) == step for key in value)


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return next((item for key, item in value.items() if str(key) == str(step)), None)
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


def _problem(detail: Mapping[str, Any], location: Path_) -> Problem:
    where, value = _dotted(location), detail["input"]
    if detail["type"] == "missing":
        hint = f"Add {location[-1]}." if isinstance(location[-1], str) else "Write both numbers."
        return Problem(where, None, "is required", hint)
    if detail["type"] == "extra_forbidden":
        known = _keys_at(location[:-1])
        return Problem(where, _short(value), _UNKNOWN_KEY, nearest(str(location[-1]), known))
    rule, next_step = broken_rule(detail)
    if detail["type"] != "refused":
        next_step = _hint(location) or next_step
    elif not next_step and "number" in rule:
        next_step = what_to_write(value, location)
    return Problem(where, _short(value), rule, next_step)


def _hint(location: Path_) -> str:
    *before, last = location
    if last == "[key]" and before and str(before[-1]) in ("True", "False"):
        return "YAML reads true and false as truth values; put the id in quotes."
    return _HINTS.get(str(last), "")


_CONTAINERS = ("dict[", "tuple[", "list[")
_HINTS = {
    "probability": "Write one share for all arms (0.4), or one by arm: {a: 0.4, b: 0.5}.",
    "toxicity_rules": "Write label, none, or a list of rules.",
    "cycle_days": "Days of one cycle; a longer course is several cycles.",
    "doses": 'Write a list of doses: [{cycles: "1-5", days: "1-28", amount: 28, unit: ug/day}].',
    "endpoints": "Write a list: [OS, CR].",
    "regimen": "Name one of engager regimen list, or write drug, cycle_days, cycles and doses.",
    "eligibility": 'Write a list of conditions: ["age_years >= 18"].',
    "response": "Name at least one response.",
    "study": "An id is written in kebab-case: my-trial-1.",
    "[key]": "An id is written in kebab-case: short-course.",
    "version": "This package reads version 1 of the study format.",
}


def _short(value: Any, depth: int = 3) -> Any:
    """The value as the file writes it, cut to what a message can hold: aliases can make a small file endless."""
    if isinstance(value, BaseModel):
        return _short(value.model_dump(mode="json", exclude_none=True), depth)
    if isinstance(value, dict):
        return {str(key): _short(item, depth - 1) for key, item in _first(value.items())} if depth else "..."
    if isinstance(value, list | tuple):
        return [_short(item, depth - 1) for item in _first(value)] if depth else "..."
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def _first(items: Iterable[Any]) -> Iterable[Any]:
    return islice(items, _MOST_SHOWN)


def _located(problem: Problem, name: str, lines: Mapping[Path_, int]) -> Problem:
    path = _undotted(problem.where)
    while path and path not in lines:
        path = path[:-1]
    line = f" (line {lines[path]})" if path in lines and path else ""
    return Problem(f"{name}: {problem.where}{line}", problem.value, problem.rule, problem.next_step)


def _dotted(path: Iterable[str | int]) -> str:
    return dotted(path) or "study"


def _undotted(where: str) -> Path_:
    path: list[str | int] = []
    for part in where.replace("[", ".[").split("."):
        inner = part[1:-1] if part.startswith("[") else ""
        path.append(int(inner) if inner.isascii() and inner.isdigit() else part)
    return tuple(path)


def _keys_at(path: Path_) -> list[str]:
    """The keys allowed at a place of the file."""
    hint: Any = Protocol
    for step in path:
        hint = _step(hint, step)
    models = [part for part in _parts_of(hint) if isinstance(part, type) and issubclass(part, BaseModel)]
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _step(hint: Any, step: str | int) -> Any:
    model = _model_in(hint)
    if model is not None:
        field = model.model_fields.get(str(step))
        return field.annotation if field else None
    for part in _parts_of(hint):
        arguments = get_args(part)
        if get_origin(part) is dict:
            return arguments[1]
        if get_origin(part) in (tuple, list):
            return arguments[0]
    return None


def _model_in(hint: Any) -> type[BaseModel] | None:
    return next((part for part in _parts_of(hint) if isinstance(part, type) and issubclass(part, BaseModel)), None)


def _parts_of(hint: Any) -> list[Any]:
    if get_origin(hint) is Annotated:
        return _parts_of(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return [part for option in get_args(hint) for part in _parts_of(option)]
    return [hint]


def _line(text: str, mark: Any) -> str:
    rows = text.splitlines()
    return rows[mark.line].strip() if mark and mark.line < len(rows) else ""


def _tidy(value: Any) -> Any:
    """Numbers that are whole are written as such; empty tables and lists are left out."""
    if isinstance(value, dict):
        return {key: _tidy(item) for key, item in value.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return int(value)
    return value


def schema_text() -> str:
    """`protocol_schema` as the text that is shipped and printed."""
    return json.dumps(protocol_schema(), indent=2, ensure_ascii=False) + "\n"
