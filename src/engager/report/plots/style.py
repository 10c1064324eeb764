"""One quiet look for all figures, and how a figure becomes SVG inside a page.

Published is always black with a diamond; simulated is always in color with a line and a band. The colors
are Okabe and Ito's, which people with color-blindness tell apart.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from math import log10
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PUBLISHED = "#111111"
OUTSIDE = "#B3261E"
NEAR_EDGE = "#E8A33D"
MUTED = "#5F6B76"
RULE = "#D5DAE0"
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A5C00", "#56B4E9", "#4D4D4D")
LINES: tuple[Any, ...] = ("-", "--", ":", "-.")
INK = "#22303C"
EDGE = "#8A95A0"
GUIDE = "#C3CAD1"
SHADE = "#EAF3F9"
# Variables of the page's style sheet by color: a page may repaint its figures in the dark, a file keeps the color.
VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "#FFFFFF": "--paper",
        INK: "--ink",
        PUBLISHED: "--published",
        OUTSIDE: "--bad",
        NEAR_EDGE: "--near-edge",
        MUTED: "--muted",
        RULE: "--rule",
        EDGE: "--frame",
        GUIDE: "--guide",
        "#E9ECEF": "--grid",
        "#EDF0F2": "--shade",
        SHADE: "--shade",
        # of the evidence layer's figures, which know no page
        "#1A1A1A": "--ink",
        "#000000": "--ink",
        "#1F4E79": "--seen",
        "#C2410C": "--arm-1",
        "#6B7280": "--muted",
        "#E5E7EB": "--grid",
    }
    | {color: f"--arm-{place}" for place, color in enumerate(COLORS)}
)
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

# Inches. The wide figure fits a printed page, the narrow one a phone of 390 px.
WIDE = 7.4
NARROW = 3.9

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": EDGE,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E9ECEF",
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.7,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # Text stays text: it can be read aloud, searched and scaled, and the page stays small.
    "svg.fonttype": "none",
    "svg.hashsalt": "engager",
}
_LONG = re.compile(r"-?\d+\.\d{3,}")
_COLOR = re.compile(r"#[0-9a-f]{6}(?=[;\"])")
_PAGE_FONTS = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"


def quiet() -> AbstractContextManager[None]:
    """The settings under which every figure is drawn; the caller's own settings come back afterwards."""
    import matplotlib

    return matplotlib.rc_context(_SETTINGS)


def new_figure(width: float, height: float, *, right: float = 0.0) -> Figure:
    """An empty figure that belongs to no window; sizes in inches, `right` the share of the width left free there."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(rect=(0, 0, 1 - right, 1)))


def load_plotting() -> None:
    """Load what drawing needs, which takes longer than most figures do."""
    with quiet():
        figure = new_figure(1.0, 1.0)
        figure.subplots().set_title("-")
        to_svg(figure, "nothing", "")


def color_of(name: str, names: Sequence[str]) -> str:
    """The color of one arm among the arms of a study: always the same for the same list."""
    return COLORS[list(names).index(name) % len(COLORS)]


def is_narrow(width: float) -> bool:
    """Whether a figure is so narrow that labels must give way."""
    return width < 5.0


def note(axes: Axes, text: str) -> None:
    """A muted sentence where data would be, when there are none."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)


def power_of_ten(value: float, _: int | None = None) -> str:
    """A tick of a logarithmic axis: plain where that is short, else a power of ten such as ``10⁻⁴``.

    The math of the plotting library would be parsed anew for each figure, which takes longer than drawing it.
    """
    if 0.01 <= value <= 1000 or value <= 0:
        return f"{value:g}"
    return "10" + f"{log10(value):.0f}".translate(_POWERS)


def to_svg(figure: Figure, name: str, description: str, *, is_themed: bool = False) -> str:
    """The figure as an SVG element for a page.

    Parameters
    ----------
    figure : drawn under `quiet`.
    name : prefix of all ids inside, so that several figures can share a page.
    description : read aloud by screen readers.
    is_themed : colors follow the style sheet of the page around it; else they are the figure's own.

    Returns
    -------
    Text beginning with ``<svg``; the same figure gives the same text.
    """
    from html import escape

    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    canvas: Any = FigureCanvasSVG(figure)
    with quiet():
        # `savefig` draws everything twice, to find a layout that drawing finds anyway.
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    # A hundredth of a point is finer than any screen; six decimals would double the page.
    text = re.sub(r'(?<= d=")[^"]+', lambda path: _LONG.sub(lambda n: f"{float(n[0]):.2f}", path[0]), text)
    text = _renumbered(text, name).replace("'DejaVu Sans'", _PAGE_FONTS)
    if is_themed:
        text = _COLOR.sub(lambda color: _variable(color[0]), text)
    label = f'role="img" aria-label="{escape(description, quote=True)}"'
    return text.replace("<svg", f"<svg {label}", 1)


def _variable(color: str) -> str:
    name = VARIABLES.get(color.upper())
    return color if name is None else f"var({name}, {color})"


def _renumbered(text: str, name: str) -> str:
    """Ids by order of use: matplotlib makes some from memory addresses, which differ from run to run."""
    known: dict[str, str] = {}

    def new(match: re.Match[str]) -> str:
        before, old, after = match.groups()
        return f"{before}{known.setdefault(old, f'{name}-{len(known)}')}{after}"

    return re.sub(r'(\bid="|href="#|url\(#)([^")]+)("|\))', new, text)
