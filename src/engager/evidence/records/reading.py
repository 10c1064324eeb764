"""YAML in, plain Python out, with everything that is wrong told as `Problem`s.

Records are read as study files are, by YAML 1.2: a date or ``yes`` is text, ``010`` is 10. A key written twice is a
mistake here; YAML itself would silently keep the last one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from engager.core import InputError, Problem, compose_plain, read_at_most

_MOST_BYTES = 10_000_000


def parse_yaml(text: str, name: str) -> dict[str, Any]:
    """The mapping written in `text`.

    Raises
    ------
    InputError
        When the text is not YAML or does not hold a mapping; `name` and the line are in the message.
    """
    try:
        node, content = compose_plain(text, is_quick=True)
        if node is not None:
            _refuse_twice(node, set())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}: line {mark.line + 1}, column {mark.column + 1}" if mark else name
        found = getattr(error, "problem", None) or str(error)
        raise InputError(Problem(where, found, "must be YAML", "Check quotes, colons and indentation there.")) from None
    except (ValueError, RecursionError) as error:
        rule = "must be plain YAML without tags, deep nesting or endless aliases"
        raise InputError(Problem(name, str(error), rule)) from None
    if not isinstance(content, dict):
        raise InputError(Problem(name, type(content).__name__, "must be a mapping of keys", "Start with `id: ...`."))
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; problems as in `parse_yaml`, and when the file cannot be read."""
    try:
        text = read_at_most(path, _MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            Problem(str(path), f"byte {error.start}", "must be UTF-8 text", "Save the file as UTF-8.")
        ) from None
    except OSError as error:
        raise InputError(
            Problem(str(path), error.strerror or str(error), "must be a file that can be read", "Check the path.")
        ) from None
    return parse_yaml(text, path.name)


def _refuse_twice(node: yaml.Node, seen: set[int]) -> None:
    """Raise a YAML error at the first key of a mapping that stands there a second time."""
    if id(node) in seen:  # an alias leads to a node that was looked through
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_twice(item, seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in keys:
                raise yaml.constructor.ConstructorError(None, None, f"key {name!r} is written twice", key.start_mark)
            keys.add(name)
            _refuse_twice(value, seen)
