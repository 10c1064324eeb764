"""How a page is made from a template of this package: self-contained text, the same for the same content."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engager.core import RESEARCH_USE, remembered, share_out, usable_cpus
from engager.report.plots.style import NARROW, WIDE, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Another process has to load the plotting library first; below this many figures for each it would not pay.
_FEWEST_FOR_A_PROCESS = 4


def render(name: str, context: Mapping[str, Any], drawn: Mapping[str, str] = MappingProxyType({})) -> str:
    """A template of ``report/data`` filled in, with the style sheet and the statement of use at hand.

    Parameters
    ----------
    name : file name of the template; it may import the others.
    context : what it names.
    drawn : the text of drawings that were made before, by name.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    context = _drawn(context, drawn)
    environment = Environment(
        loader=FunctionLoader(_data), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    shared = {"style": _data("report.css"), "research_use": RESEARCH_USE}
    return environment.get_template(name).render(**shared, **context) + "\n"


@dataclass(frozen=True)
class Drawing:
    """A figure that `render` draws, with all others of the page at once.

    Attributes
    ----------
    is_kept : the same in the pages of many runs, so that it is drawn once and then kept between runs.
    """

    name: str
    description: str
    draw: Callable[[float], Figure]
    width: float
    is_kept: bool = False

    def svg(self) -> str:
        if not self.is_kept:
            return self._drawn()
        content = hashlib.sha256(pickle.dumps((self.draw, self.name, self.description, self.width))).hexdigest()
        return remembered("figure", (content, version("matplotlib")), self._drawn)

    def _drawn(self) -> str:
        return to_svg(self.draw(self.width), self.name, self.description, is_themed=True)


def both_widths(name: str, description: str, draw: Callable[[float], Figure]) -> dict[str, Drawing]:
    """A figure for a page and for a phone.

    Parameters
    ----------
    draw : makes the figure of a width [inches]; a function of a module with its arguments (`functools.partial`) may be
        drawn in another process, any other in this one.
    """
    return {
        "wide": Drawing(f"{name}-wide", description, draw, WIDE),
        "narrow": Drawing(f"{name}-narrow", description, draw, NARROW),
    }


def side_by_side(
    parts: Mapping[str, tuple[str, Callable[[float], Figure]]], is_kept: bool = False
) -> dict[str, list[Drawing]]:
    """Small figures, drawn once: beside each other on a page, under each other on a phone.

    Parameters
    ----------
    parts : description and function of each, as in `both_widths`, by name.
    is_kept : see `Drawing`; the functions can then be pickled.
    """
    return {"panels": [Drawing(name, words, draw, NARROW, is_kept) for name, (words, draw) in parts.items()]}


def _drawn(context: Mapping[str, Any], before: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """The context with the text of every `Drawing` in its place; a page of many is drawn on all cores."""
    drawings: list[Drawing] = []
    _collect(context, drawings)
    drawings = [one for one in drawings if one.name not in before]
    n_processes = min(usable_cpus(), len(drawings) // _FEWEST_FOR_A_PROCESS)
    # the most expensive come last in a page; taken first, they keep no core waiting
    shared = [one for one in reversed(drawings) if n_processes > 1 and _can_be_sent(one)]
    text = dict(before)
    text |= {shared[place].name: svg for place, svg in share_out(draw_figure, [(one,) for one in shared], n_processes)}
    text |= {one.name: one.svg() for one in drawings if one.name not in text}
    return {key: _replaced(value, text) for key, value in context.items()}


def draw_figure(drawing: Drawing, tell: Callable[[float], None]) -> str:
    """The text of a figure, in whichever process has time for it."""
    return drawing.svg()


def _can_be_sent(drawing: Drawing) -> bool:
    try:
        pickle.dumps(drawing)
    except (pickle.PicklingError, AttributeError, TypeError):  # e.g. a function within a function
        return False
    return True


def _collect(value: Any, found: list[Drawing]) -> None:
    if isinstance(value, Drawing):
        found.append(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            _collect(one, found)
    elif isinstance(value, (list, tuple)):
        for one in value:
            _collect(one, found)


def _replaced(value: Any, text: Mapping[str, str]) -> Any:
    if isinstance(value, Drawing):
        return text[value.name]
    if isinstance(value, Mapping):
        return {key: _replaced(one, text) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, text) for one in value]
    if type(value) is tuple:
        return tuple(_replaced(one, text) for one in value)
    return value


def _data(name: str) -> str:
    from importlib import resources

    return resources.files("engager.report").joinpath("data", name).read_text(encoding="utf-8")
