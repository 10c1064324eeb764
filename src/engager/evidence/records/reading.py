"""YAML in, plain Python out, with everything that is wrong told as `Problem`s.

A key written twice is a mistake here (YAML itself would silently keep the last one), and numbers such as
``2.0e6`` are numbers, as in YAML 1.2.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from engager.core import InputError, Problem

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class EvidenceLoader(_Loader):  # type: ignore[misc]  # the C loader where PyYAML has one
    """A safe loader that refuses a key written twice and reads 2.0e6 as a number."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            seen: set[Any] = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if key in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key!r} is written twice", key_node.start_mark
                    )
                seen.add(key)
        return mapping


EvidenceLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


def parse_yaml(text: str, name: str) -> dict[str, Any]:
    """The mapping written in `text`.

    Raises
    ------
    InputError
        When the text is not YAML or does not hold a mapping; `name` and the line are in the message.
    """
    try:
        content = yaml.load(text, Loader=EvidenceLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}: line {mark.line + 1}, column {mark.column + 1}" if mark else name
        found = getattr(error, "problem", None) or str(error)
        raise InputError(Problem(where, found, "must be YAML", "Check quotes, colons and indentation there.")) from None
    if not isinstance(content, dict):
        raise InputError(Problem(name, type(content).__name__, "must be a mapping of keys", "Start with `id: ...`."))
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; problems as in `parse_yaml`, and when the file cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            Problem(str(path), f"byte {error.start}", "must be UTF-8 text", "Save the file as UTF-8.")
        ) from None
    except OSError as error:
        raise InputError(
            Problem(str(path), error.strerror or str(error), "must be a file that can be read", "Check the path.")
        ) from None
    return parse_yaml(text, path.name)
