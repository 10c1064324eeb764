"""Templates filled in: everything that is not markup of ours is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from engager.app.web.same import Same
from engager.app.web.words import GLOSSARY, PAGES
from engager.core import RESEARCH_USE
from engager.report import endpoint_words, unit_words

# Longest first: CRh is not CR with an h.
_WORDS = re.compile(r"\b(" + "|".join(re.escape(word) for word in sorted(GLOSSARY, key=len, reverse=True)) + r")\b")

_OPTION = re.compile(r" \(--[^)]*\)")
_STRONG, _CODE = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"`([^`]+)`")
_BODY = re.compile(r"<body[^>]*>")
_FOOTER = re.compile(r"<footer")  # each page that `study` writes has one
# Pages that `study` writes whole have no scripts and are allowed none.
NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


def render(request: Request, name: str, title: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A template filled in; everything that is not markup of ours is escaped."""
    template = _templates().get_template(f"{name}.html.j2")
    shared = {"title": title, "page": name, "pages": PAGES, "research_use": RESEARCH_USE, "glossary": GLOSSARY}
    return HTMLResponse(template.render(**shared, **context), status_code=status)


def framed(page: str, name: str, same: Same, extra: Sequence[tuple[str, str]] = ()) -> HTMLResponse:
    """A page that `study` wrote whole, below the dashboard's own strip of pages; it may run no scripts.

    Parameters
    ----------
    page : its text. name : of the page that is marked in the strip. same : what makes it without the dashboard; stands
        below its text. extra : addresses and words of what can be done.
    """
    strip = _templates().get_template("nav.html.j2").module.strip(PAGES, name, extra)
    below = _templates().get_template("same.html.j2").module.same(same)
    text = _BODY.sub(lambda tag: f"{tag[0]}\n{strip}", page, count=1)
    text = _FOOTER.sub(lambda tag: f"{below}{tag[0]}", text, count=1)
    return HTMLResponse(text, headers={"content-security-policy": NO_SCRIPTS})


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("engager.app.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["glossed"] = glossed
    made.filters["endpoint_words"] = endpoint_words
    made.filters["lasting"] = lasting
    made.filters["written"] = written
    made.filters["without_options"] = without_options
    return made


def lasting(seconds: float) -> str:
    """A time to wait, e.g. ``40 s`` or ``5 min``."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def glossed(text: object) -> Markup:
    """The text, escaped, units with their signs, with words of the glossary that tell their meaning when pointed at."""
    told = str(escape(unit_words(str(text))))
    return Markup(_WORDS.sub(lambda word: f'<abbr title="{escape(GLOSSARY[word[0]])}">{word[0]}</abbr>', told))


def written(text: str) -> Markup:
    """A sentence of a document: as `glossed`, with strong words and code marked."""
    told = str(glossed(text))  # escaped by now; a plain string, since Markup would escape the marks below
    return Markup(_CODE.sub(r"<code>\1</code>", _STRONG.sub(r"<b>\1</b>", told)))


def without_options(text: str) -> str:
    """A remark of a command without the option it names, which a page has as a choice."""
    return _OPTION.sub("", text).replace("_", " ")


def message(request: Request, title: str, sentences: list[str], status: int = 200) -> HTMLResponse:
    """A page that only says something."""
    return render(request, "message", title, status, sentences=sentences)
