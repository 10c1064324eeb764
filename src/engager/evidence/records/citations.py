"""A record's citation as BibTeX, RIS, CSL-JSON or a formatted reference.

Facts only: a name, title, page or number that was not seen in a source is left out. A citation is pasted into other
texts, so it holds no remark; what was corrected in the review's reference list is told beside it
(`citation_corrections`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from engager.core import InputError, Problem, nearest
from engager.evidence.records.library import load_records
from engager.evidence.records.record import Record
from engager.evidence.records.schema import Citation

_UNSEEN = "not seen"
_OTHERS = {"...", "et al.", "et al"}
_SHOWN_AUTHORS = 6
_MOST_INITIALS = 3
_TYPES = {"product_label": ("misc", "GEN", "document"), "press_release": ("misc", "PRESS", "document")}


def cite(record: Record, style: str = "text") -> str:
    """One record's citation.

    Parameters
    ----------
    record : the record.
    style : ``bibtex``, ``ris``, ``csl-json`` or ``text``.

    Raises
    ------
    InputError
        When the style is none of these.
    """
    return _join([record], style)


def cite_all(style: str = "text") -> str:
    """The review's 42 references in its order, corrected; see `citation_corrections`."""
    listed = [record for record in load_records().values() if record.reference is not None]
    listed.sort(key=lambda record: record.reference or 0)
    if style == "text":
        return "\n\n".join(f"{record.reference}. {_text(record)}" for record in listed)
    return _join(listed, style)


def authors(citation: Citation) -> tuple[list[str], bool]:
    """The seen author names, and whether they are all of them."""
    names = [re.sub(r"\s*,?\s*et al\.?$", "", name).strip() for name in citation.authors]
    seen = [name for name in names if name and name not in _OTHERS and name != _UNSEEN]
    is_complete = not any(name in _OTHERS or name == _UNSEEN for name in citation.authors) and not any(
        name.endswith(("et al.", "et al")) for name in citation.authors
    )
    return seen, is_complete


def citation_remarks(record: Record) -> str:
    """What a reader of the record should know of its citation: corrections, what was not checked or not seen."""
    citation = record.citation
    notes = ("authors", "title", "journal", "pages", "doi", "pmid", "registry", "citation")
    said = (getattr(citation, f"{key}_note") for key in notes)
    return "; ".join(filter(None, [citation_corrections(record), _author_remark(citation), *said]))


def citation_corrections(record: Record) -> str:
    """What of the review's reference list was corrected, or taken over unseen; empty when nothing."""
    citation = record.citation
    said = []
    if citation.seed_error:
        wrong = citation.seed_error.removeprefix("the review's list ")
        joint = ": " if wrong == citation.seed_error else " "
        said.append(f"corrected; the review's list{joint}{wrong}")
    if citation.verified is False:
        said.append("taken from the review's list; the publication itself was not seen")
    return "; ".join(said)


def _author_remark(citation: Citation) -> str:
    seen, is_complete = authors(citation)
    if not seen:
        return "authors not seen"
    return "" if is_complete else "author list incomplete"


def _join(records: list[Record], style: str) -> str:
    if style == "csl-json":
        return json.dumps([_csl(record) for record in records], indent=2, ensure_ascii=False)
    if style not in _STYLES:
        styles = (*_STYLES, "csl-json")
        rule = "must be one of " + ", ".join(styles)
        raise InputError(Problem("--format", style, rule, nearest(style, styles)))
    return "\n\n".join(_STYLES[style](record) for record in records)


def _text(record: Record) -> str:
    citation = record.citation
    names, is_complete = authors(citation)
    shown = ", ".join(names[:_SHOWN_AUTHORS])
    if names and (len(names) > _SHOWN_AUTHORS or not is_complete):
        shown += ", et al"
    place = citation.volume or ""
    if citation.issue:
        place += f"({citation.issue})"
    if citation.pages:
        place += f":{citation.pages}" if place else citation.pages
    parts = [shown, _title(citation), _journal_and_year(citation) + (f";{place}" if place else "")]
    if doi := _seen(citation, "doi"):
        parts.append(f"doi:{doi}")
    if pmid := _seen(citation, "pmid"):
        parts.append(f"PMID {pmid}")
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def _bibtex(record: Record) -> str:
    citation = record.citation
    names, is_complete = authors(citation)
    people = [_bibtex_name(name) for name in names]
    if names and not is_complete:
        people.append("others")
    kind = _TYPES.get(record.kind, ("article", "", ""))[0]
    fields = {
        "author": " and ".join(people),
        "title": f"{{{_escaped(title)}}}" if (title := _title(citation)) else "",
        "journal" if kind == "article" else "howpublished": _escaped(_journal(citation)),
        "year": str(citation.year),
        "volume": citation.volume or "",
        "number": citation.issue or "",
        "pages": re.sub(r"(?<=\d)-(?=[\dA-Z])", "--", citation.pages or ""),
        "doi": _seen(citation, "doi"),
        "pmid": _seen(citation, "pmid"),
    }
    lines = [f"  {key} = {{{value}}}," for key, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{record.id},", *lines, "}"])


def _ris(record: Record) -> str:
    citation = record.citation
    first, _, last = (citation.pages or "").partition("-")
    fields: list[tuple[str, str]] = [("TY", _TYPES.get(record.kind, ("", "JOUR", ""))[1])]
    fields += [("AU", _comma_name(name)) for name in authors(citation)[0]]
    fields += [
        ("TI", _title(citation)),
        ("JO", _journal(citation)),
        ("PY", str(citation.year)),
        ("VL", citation.volume or ""),
        ("IS", citation.issue or ""),
        ("SP", first),
        ("EP", last),
        ("DO", _seen(citation, "doi")),
        ("AN", _seen(citation, "pmid")),
        ("ID", record.id),
    ]
    return "\n".join([f"{tag}  - {value}" for tag, value in fields if value] + ["ER  - "])


def _csl(record: Record) -> dict[str, Any]:
    citation = record.citation
    entry: dict[str, Any] = {
        "id": record.id,
        "type": _TYPES.get(record.kind, ("", "", "article-journal"))[2],
        "author": [_csl_name(name) for name in authors(citation)[0]],
        "title": _title(citation),
        "container-title": _journal(citation),
        "issued": {"date-parts": [[citation.year]]},
        "volume": citation.volume,
        "issue": citation.issue,
        "page": citation.pages,
        "DOI": _seen(citation, "doi"),
        "PMID": _seen(citation, "pmid"),
        "PMCID": citation.pmcid,
    }
    return {key: value for key, value in entry.items() if value}


_STYLES: dict[str, Callable[[Record], str]] = {"text": _text, "bibtex": _bibtex, "ris": _ris}


def _seen(citation: Citation, key: str) -> str:
    """A number of the citation, unless its note says that it, or a part of it, was not seen."""
    note = getattr(citation, f"{key}_note") or ""
    return "" if "from memory" in note else getattr(citation, key) or ""


def _journal(citation: Citation) -> str:
    return "" if citation.journal == _UNSEEN else citation.journal


def _journal_and_year(citation: Citation) -> str:
    return ". ".join(filter(None, [_journal(citation), str(citation.year)]))


def _title(citation: Citation) -> str:
    return "" if citation.title in (None, _UNSEEN) else str(citation.title)


def _split(name: str) -> tuple[str, str] | None:
    """Family name and initials of ``van der Berg AB``; None for a company."""
    family, _, initials = name.rpartition(" ")
    is_person = bool(family) and 1 <= len(initials) <= _MOST_INITIALS and initials.isalpha() and initials.isupper()
    return (family.rstrip(), initials) if is_person else None


def _spaced(initials: str) -> str:
    return " ".join(f"{letter}." for letter in initials)


def _bibtex_name(name: str) -> str:
    parts = _split(name)
    return f"{_escaped(parts[0])}, {_spaced(parts[1])}" if parts else f"{{{_escaped(name)}}}"


def _comma_name(name: str) -> str:
    parts = _split(name)
    return f"{parts[0]}, {_spaced(parts[1])}" if parts else name


def _csl_name(name: str) -> dict[str, str]:
    parts = _split(name)
    return {"family": parts[0], "given": _spaced(parts[1])} if parts else {"literal": name}


def _escaped(text: str) -> str:
    return re.sub(r"([&%$#_])", r"\\\1", text.replace("{", "(").replace("}", ")"))
