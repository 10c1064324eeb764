"""YAML as people mean it: the scalars of YAML 1.2, each key once, and no text that grows without end.

YAML 1.1, which PyYAML reads, takes ``010`` for 8, ``1:30`` for 90, ``yes`` for true and ``2020-01-01`` for a date. Here
a number is decimal (or ``0x``, ``0o``), truth values are ``true`` and ``false``, and the rest is text.

References
----------
YAML 1.2.2, chapter 10.3 (core schema), https://yaml.org/spec/1.2.2/.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

# Values of a text once every alias and merge is written out; a real file has some thousand.
MOST_VALUES = 200_000
_MOST_NESTED = 200
_BRACKETS = re.compile(r"[\[\]{}]")
_COMPACT = re.compile(r"(?:[-?:][ \t]+){2,}")
_TAG = "tag:yaml.org,2002:"
_CORE = (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", "-+."),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("merge", r"^<<$", "<"),
)


class PlainLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the core schema of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # as PyYAML has it


_Quick: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class QuickLoader(_Quick):  # type: ignore[misc]
    """The same by libyaml where PyYAML was built with it, ten times as fast; its messages are shorter."""

    yaml_implicit_resolvers = PlainLoader.yaml_implicit_resolvers


class PlainDumper(yaml.SafeDumper):
    """PyYAML's safe dumper that also quotes text which only YAML 1.2 takes for a number."""


for _kind, _pattern, _starts in _CORE:
    # the empty text has no first character; PyYAML looks it up under ""
    PlainLoader.add_implicit_resolver(
        _TAG + _kind, re.compile(_pattern), ["" if start == "\0" else start for start in _starts]
    )
for _kind, _pattern, _starts in _CORE[1:3]:
    PlainDumper.add_implicit_resolver(_TAG + _kind, re.compile(_pattern), list(_starts))


def _whole_number(loader: PlainLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    for prefix, base in (("0x", 16), ("0o", 8)):
        if text.startswith(prefix):
            return int(text[2:], base)
    return int(text)


for _one in (PlainLoader, QuickLoader):
    _one.add_constructor(_TAG + "int", _whole_number)


def read_shipped_data(text: str) -> Any:
    """The content of a data file of the package: as ``yaml.safe_load``, ten times as fast; not for others' files."""
    return yaml.load(text, Loader=_Quick)


def compose_plain(text: str, is_quick: bool = False) -> tuple[yaml.Node | None, Any]:
    """The nodes of a text, with their places, and its content.

    Parameters
    ----------
    is_quick : for many or long files: the same content, in a tenth of the time.

    Raises
    ------
    yaml.YAMLError, ValueError, RecursionError
        When it is no plain YAML; ValueError too when aliases and merges make it endless.
    """
    if _deepest(text) > _MOST_NESTED:
        raise ValueError(f"brackets or lists nested deeper than {_MOST_NESTED}")
    loader = QuickLoader(text) if is_quick else PlainLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, None
        n_values = _written_out(node, {})
        if n_values > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES} values once aliases and merges are written out")
        return node, loader.construct_document(node)
    finally:
        loader.dispose()


def read_plain(text: str) -> Any:
    """The content of a text; raises as `compose_plain`."""
    return compose_plain(text)[1]


def _deepest(text: str) -> int:
    """How many brackets or lists are open at a time; PyYAML takes seconds for some thousand and then gives up, libyaml
    ends the process.
    """
    open_now = deepest = 0
    for sign in _BRACKETS.findall(text):
        open_now += 1 if sign in "[{" else -1
        deepest = max(deepest, open_now)
    # lists begun on one line, one within the other; by indentation alone a depth takes its square in text
    return max([deepest, *(len(run.group()) // 2 for run in _COMPACT.finditer(text))])


def _written_out(node: yaml.Node, known: dict[int, int]) -> int:
    """Values of a node with every alias written out; a node within itself counts as endless."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_VALUES + 1
    total = 1
    if isinstance(node, yaml.MappingNode):
        total += sum(_written_out(key, known) + _written_out(value, known) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        total += sum(_written_out(item, known) for item in node.value)
    known[id(node)] = total
    return total
