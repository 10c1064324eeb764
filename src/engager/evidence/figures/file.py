"""Figures of the evidence: one look, and SVG, PNG or a self-contained HTML page as the file's ending says.

Figures are narrow by design: text stays readable when a phone shows the whole width, and a print keeps it.
"""

from __future__ import annotations

import html
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.core import RESEARCH_USE, InputError, Problem, write_whole, writing_to

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches; 9 points on this width are about 11 pixels on a 390 pixel phone.
PHONE_WIDTH = 4.3
TEXT = 9.0
SMALL = 8.0
INK = "#1a1a1a"
PUBLISHED = "#1f4e79"
SIMULATED = "#c2410c"
QUIET = "#6b7280"
_ENDINGS = (".svg", ".png", ".html")


@contextmanager
def quiet_style() -> Iterator[None]:
    """Fonts and sizes of these figures, without touching the reader's own settings."""
    import matplotlib

    settings: Any = {
        "font.size": TEXT,
        "font.family": "DejaVu Sans",
        "svg.fonttype": "none",
        "svg.hashsalt": "engager",
        "axes.edgecolor": QUIET,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    with matplotlib.rc_context(settings):
        yield


def new_figure(height: float, width: float = PHONE_WIDTH) -> Figure:
    """An empty figure that belongs to no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def write_figure(
    figure: Figure,
    path: Path,
    title: str,
    description: str,
    table: Sequence[Sequence[str]] = (),
    notes: Sequence[str] = (),
    references: Sequence[str] = (),
) -> None:
    """Write a figure.

    Parameters
    ----------
    path : ending in .svg, .png or .html; an HTML page also holds the numbers as a table and the notes.
    table : header row, then rows.
    notes, references : shown below the table of an HTML page; formatted citations of the records.

    Raises
    ------
    InputError
        When the ending is another, or the folder cannot be written.
    """
    if path.suffix.lower() not in _ENDINGS:
        rule = "must end in " + ", ".join(_ENDINGS)
        raise InputError(Problem("--out", path, rule, "The ending chooses the kind of file."))
    with quiet_style():
        if path.suffix.lower() == ".png":
            image = io.BytesIO()
            figure.savefig(image, dpi=220, format="png", metadata={"Software": None})
            content: str | bytes = image.getvalue()
        elif path.suffix.lower() == ".svg":
            content = _svg(figure, title)
        else:
            content = _page(_svg(figure, title), title, description, table, notes, references)
        with writing_to("--out", path):
            write_whole(path, content)


def _svg(figure: Figure, title: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Title": title})
    return buffer.getvalue()


def _page(
    svg: str,
    title: str,
    description: str,
    table: Sequence[Sequence[str]],
    notes: Sequence[str],
    references: Sequence[str],
) -> str:
    drawing = svg[svg.index("<svg") :].replace("<svg ", '<svg role="img" ', 1)
    return _TEMPLATE.format(
        title=html.escape(title),
        description=html.escape(description),
        svg=drawing,
        table=_table(table),
        notes=_list("Remarks", notes) + _list("Records", references),
        use=RESEARCH_USE,
    )


def _list(title: str, lines: Sequence[str]) -> str:
    told = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<h2>{title}</h2><ul>{told}</ul>" if told else ""


def _table(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body{{font:16px/1.45 system-ui,sans-serif;color:#1a1a1a;max-width:44rem;margin:0 auto;padding:1rem}}
h1{{font-size:1.25rem;line-height:1.25}}h2{{font-size:1rem}}
svg{{width:calc(100% + 1.6rem);margin:0 -.8rem;height:auto;max-width:34rem;display:block}}
.wide{{overflow-x:auto}}table{{border-collapse:collapse;font-size:.85rem}}
td,th{{text-align:left;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #e5e7eb;vertical-align:top}}
@media (min-width:30.01rem){{td:nth-child(n+3){{white-space:nowrap}}}}
li{{font-size:.85rem}}footer{{color:#6b7280;font-size:.85rem;margin-top:1.5rem}}
@media (max-width:30rem){{table{{font-size:.7rem}}td,th{{padding-right:.3rem}}}}
@media print{{body{{max-width:none;padding:0}}svg{{width:auto;max-width:100%;max-height:22cm;margin:0}}
.wide{{overflow:visible}}table{{font-size:.6rem}}td,th{{padding-right:.4rem}}tr{{break-inside:avoid}}}}
@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark}}body{{background:#141414;color:#dcdcdc}}
td,th{{border-color:#3a3a3a}}footer{{color:#9ca3af}}svg{{filter:invert(.92) hue-rotate(180deg)}}}}
</style></head><body><h1>{title}</h1><p>{description}</p>{svg}{table}{notes}<footer>{use}</footer></body></html>
"""
