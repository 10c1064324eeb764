"""Records and regimens as plain rows, for whoever lists them to people."""

from __future__ import annotations

from collections import Counter
from typing import Any

from engager.core import InputError
from engager.evidence import Outcome, Record, cite, load_records, load_regimens, record
from engager.report import what
from engager.study.load import regimen_by_id

_NOT_SEEN = "not seen"
_USUAL_LEVEL = 0.95
# statistics that the words of a figure tell already, or that go without saying
_SAID_BY_WHAT = ("proportion", "median", "survival_at", "cumulative_at", "hazard_ratio", "odds_ratio", "difference",
                 "follow_up_median")  # fmt: skip


def evidence_rows(search: str = "", setting: str = "", kind: str = "", endpoint: str = "") -> list[dict[str, Any]]:
    """Records whose id, title, authors, regimens or endpoints hold every word of `search`.

    Parameters
    ----------
    setting, kind, endpoint : of the patients, of the publication, of a figure that was seen; empty: all.

    Returns
    -------
    Rows ``id, title, year, kind, setting, n, figures, unseen`` by year. `figures` are those of `endpoint` when it is
    given.
    """
    words = search.lower().split()
    rows = []
    for one in load_records().values():
        seen = [figure for figure in one.outcomes if endpoint in ("", figure.endpoint)]
        is_wanted = setting in ("", one.population.setting) and kind in ("", one.kind) and (seen or not endpoint)
        if is_wanted and all(word in _searched(one) for word in words):
            rows.append(
                {
                    "id": one.id,
                    "title": _title(one),
                    "year": one.citation.year,
                    "kind": one.kind.replace("_", " "),
                    "setting": one.population.setting.replace("_", " "),
                    "n": one.n,
                    "figures": len(seen),
                    "unseen": len(one.unseen),
                }
            )
    return sorted(rows, key=lambda row: (row["year"] or 0, row["id"]))


def evidence_choices() -> dict[str, list[str]]:
    """What `evidence_rows` can be narrowed by: settings, kinds and endpoints that there are, by its parameters."""
    records = load_records().values()
    endpoints = Counter(figure.endpoint for one in records for figure in one.outcomes)
    return {
        "setting": sorted({one.population.setting for one in records}),
        "kind": sorted({one.kind for one in records}),
        "endpoint": [name for name, _ in endpoints.most_common()],
    }


def _searched(one: Record) -> str:
    endpoints = [figure.endpoint for figure in one.outcomes]
    parts = [one.id, one.citation.title or "", *(one.citation.authors or ()), *one.regimens, *endpoints]
    return " ".join(parts).lower()


def _title(one: Record) -> str:
    title = one.citation.title or ""
    return one.id if title in ("", _NOT_SEEN) else title


def record_rows(record_id: str) -> dict[str, Any]:
    """One record for people: citation, figures with their source, what was never seen.

    Raises
    ------
    InputError
        When there is no such record.
    """
    one = record(record_id)
    return {
        "id": one.id,
        "title": _title(one),
        "citation": cite(one),
        "bibtex": cite(one, "bibtex"),
        "ris": cite(one, "ris"),
        "csl": cite(one, "csl-json"),
        "kind": one.kind.replace("_", " "),
        "n": one.n,
        "figures": [_figure(outcome) for outcome in one.outcomes],
        "sources": [(key, source.what, source.where) for key, source in one.sources.items()],
        "unseen": [(gap.claim, gap.believed) for gap in one.unseen],
        "notes": one.notes,
    }


def _figure(outcome: Outcome) -> dict[str, str]:
    """One published figure as cells."""
    words = what({"endpoint": outcome.endpoint, "statistic": outcome.statistic, "time_months": outcome.time_months,
                  "subgroup": outcome.subgroup})  # fmt: skip
    if outcome.statistic not in _SAID_BY_WHAT:
        words += f", {outcome.statistic.replace('_', ' ')}"
    told = [outcome.definition, outcome.window, outcome.population and f"of the {outcome.population}",
            outcome.origin and f"from {outcome.origin}", "computed from printed figures" if outcome.derived else "",
            outcome.note]  # fmt: skip
    return {
        "arm": outcome.arm,
        "endpoint": outcome.endpoint,
        "figure": words,
        "value": _value(outcome.value, outcome.unit),
        "interval": _limits(outcome),
        "events": "" if outcome.events is None else f"{outcome.events} of {outcome.n}",
        "definition": "; ".join(dict.fromkeys(one for one in told if one)),
        "source": ", ".join(outcome.source),
    }


def _limits(outcome: Outcome) -> str:
    """The published interval, e.g. ``28.0 to 39.5``; a bound that was not reached is told."""
    if outcome.low is None and outcome.high is None:
        return ""
    low, high = (
        "not reached" if one is None else _value(one, outcome.unit).split(" ")[0] for one in (outcome.low, outcome.high)
    )
    level = "" if outcome.level == _USUAL_LEVEL else f" ({100 * outcome.level:g} %)"
    return f"{low} to {high}{level}"


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
