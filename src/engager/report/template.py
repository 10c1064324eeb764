"""How a page is made from a template of this package: self-contained text, the same for the same content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engager.report.plots.style import NARROW, WIDE, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESEARCH_USE = "For research and teaching; never advice on treating a patient."


def render(name: str, context: Mapping[str, Any]) -> str:
    """A template of ``report/data`` filled in, with the style sheet and the statement of use at hand.

    Parameters
    ----------
    name : file name of the template; it may import the others.
    context : what it names.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_data), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    shared = {"style": _data("report.css"), "research_use": RESEARCH_USE}
    return environment.get_template(name).render(**shared, **context) + "\n"


def both_widths(name: str, description: str, draw: Callable[[float], Figure]) -> dict[str, str]:
    """SVG of a figure drawn for a page and for a phone."""
    return {
        "wide": to_svg(draw(WIDE), f"{name}-wide", description),
        "narrow": to_svg(draw(NARROW), f"{name}-narrow", description),
    }


def _data(name: str) -> str:
    from importlib import resources

    return resources.files("engager.report").joinpath("data", name).read_text(encoding="utf-8")
