"""Records and regimens as plain rows, for whoever lists them to people."""

from __future__ import annotations

from typing import Any

from engager.core import InputError
from engager.evidence import cite, load_records, load_regimens, record
from engager.study.load import regimen_by_id


def evidence_rows(search: str = "", setting: str = "") -> tuple[list[dict[str, Any]], list[str]]:
    """Records whose id, title, authors, regimens or endpoints hold every word of `search`, and all settings there are.

    Returns
    -------
    rows ``id, title, year, kind, setting, n, figures, unseen`` by year, and settings.
    """
    words = search.lower().split()
    rows = []
    for one in load_records().values():
        text = " ".join(
            [
                one.id,
                one.citation.title or "",
                *(one.citation.authors or ()),
                *one.regimens,
                *(f.endpoint for f in one.outcomes),
            ]
        ).lower()
        if all(word in text for word in words) and setting in ("", one.population.setting):
            rows.append(
                {
                    "id": one.id,
                    "title": one.citation.title or one.id,
                    "year": one.citation.year,
                    "kind": one.kind.replace("_", " "),
                    "setting": one.population.setting.replace("_", " "),
                    "n": one.n,
                    "figures": len(one.outcomes),
                    "unseen": len(one.unseen),
                }
            )
    settings: list[str] = sorted({one.population.setting for one in load_records().values()})
    return sorted(rows, key=lambda row: (row["year"] or 0, row["id"])), settings


def record_rows(record_id: str) -> dict[str, Any]:
    """One record for people: citation, figures with their source, what was never seen.

    Raises
    ------
    InputError
        When there is no such record.
    """
    one = record(record_id)
    figures = [
        {
            "arm": outcome.arm,
            "endpoint": outcome.endpoint,
            "statistic": outcome.statistic.replace("_", " "),
            "value": _value(outcome.value, outcome.unit),
            "events": "" if outcome.events is None else f"{outcome.events} of {outcome.n}",
            "definition": outcome.definition or outcome.subgroup or "",
            "source": ", ".join(outcome.source),
        }
        for outcome in one.outcomes
    ]
    return {
        "id": one.id,
        "title": one.citation.title or one.id,
        "citation": cite(one),
        "bibtex": cite(one, "bibtex"),
        "ris": cite(one, "ris"),
        "csl": cite(one, "csl-json"),
        "kind": one.kind.replace("_", " "),
        "n": one.n,
        "figures": figures,
        "sources": [(key, source.what, source.where) for key, source in one.sources.items()],
        "unseen": [(gap.claim, gap.believed) for gap in one.unseen],
        "notes": one.notes,
    }


def regimen_classes() -> list[str]:
    """Classes of the regimens that there are."""
    return sorted({one.drug_class for one in load_regimens().values()})


def regimens_for_arms() -> list[tuple[str, str]]:
    """Ids and names of the regimens that can be given to an arm."""
    found = []
    for slug, one in load_regimens().items():
        try:
            regimen_by_id(slug)
        except InputError:
            continue
        found.append((slug, one.names[0]))
    return found


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "fraction":
        return f"{100 * value:.3g} %"
    return f"{value:.3g}" if unit == "ratio" else f"{value:.3g} {unit.replace('_', ' ')}"
