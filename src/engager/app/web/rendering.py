"""Templates filled in: everything that is not markup of ours is escaped."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from engager.app.web.words import GLOSSARY

# Longest first: CRh is not CR with an h.
_WORDS = re.compile(r"\b(" + "|".join(re.escape(word) for word in sorted(GLOSSARY, key=len, reverse=True)) + r")\b")

RESEARCH_USE = "For research and teaching; never advice on treating a patient."
# Pages that `study` writes whole have no scripts and are allowed none.
NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


def render(request: Request, name: str, title: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A template filled in; everything that is not markup of ours is escaped."""
    template = _templates().get_template(f"{name}.html.j2")
    shared = {"title": title, "page": name, "research_use": RESEARCH_USE, "glossary": GLOSSARY}
    return HTMLResponse(template.render(**shared, **context), status_code=status)


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("engager.app.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["glossed"] = glossed
    return made


def glossed(text: object) -> Markup:
    """The text, escaped, with words of the glossary that tell their meaning when pointed at."""
    return Markup(
        _WORDS.sub(lambda word: f'<abbr title="{escape(GLOSSARY[word[0]])}">{word[0]}</abbr>', str(escape(text)))
    )


def message(request: Request, title: str, sentences: list[str], status: int = 200) -> HTMLResponse:
    """A page that only says something."""
    return render(request, "message", title, status, sentences=sentences)
