"""The review as JSON and as Markdown, with the same cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engager.core import interval, number
from engager.report import simulated_words, what
from engager.study.plain_json import plain_json
from engager.study.review.result import Review, ReviewRow


def review_json(found: Review) -> dict[str, Any]:
    """What ``engager review --json`` prints."""
    rows = [
        {
            "reference": row.reference,
            "record": row.record,
            "citation": row.citation,
            "kind": row.kind,
            "studies": list(row.studies),
            "links": list(row.links),
            "checks": [asdict(one) for one in row.checks],
            "figures": list(row.figures),
            "not_compared": list(row.not_compared),
            "unseen": list(row.unseen),
            "notes": list(row.notes),
        }
        for row in found.rows
    ]
    answer: dict[str, Any] = plain_json({"rows": rows, "made": found.made, "warnings": list(found.warnings)})
    return answer


def totals(found: Review) -> dict[str, int]:
    """Counts of the headline."""
    inside = [row.judged for row in found.rows]
    return {
        "references": len(found.rows),
        "run": sum(bool(row.studies or row.checks) for row in found.rows),
        "links": sum(bool(row.links) and not row.studies for row in found.rows),
        "inside": sum(one for one, _ in inside),
        "judged": sum(n for _, n in inside),
    }


def headline(found: Review) -> str:
    """The count that the page begins with."""
    n = totals(found)
    return (
        f"{n['run']} of {n['references']} references are carried out by a study or a check,"
        f" {n['links']} more review what those studies run;"
        f" {n['inside']} of {n['judged']} published figures and statements are met."
    )


def made_words(found: Review) -> str:
    """How the simulated figures were made."""
    made = found.made
    if not made:
        return "No simulated figures ship with this state of the package."
    return (
        f"Simulated: {made['replicates']} virtual trials of each study, seed {made['seed']}, on {made['date']}"
        f" (version {made['version']}). Published with its 95 % interval where one is printed; simulated"
        " median with its prediction interval for a trial of that size."
    )


def figure_cells(figure: Mapping[str, Any]) -> dict[str, str]:
    """One comparison as cells: what, published, simulated, verdict, source."""
    published, simulated, statistic = figure["published"], figure["simulated"], figure["statistic"]
    source = published.get("source") or []
    return {
        "what": f"{what(figure)}, {figure['arm']}" if figure.get("arm") else what(figure),
        "study": figure["trial"],
        "published": _with_limits(
            number(published["value"], statistic), interval(published["low"], published["high"], statistic)
        ),
        "simulated": _with_limits(
            simulated_words(simulated, statistic), interval(simulated["low"], simulated["high"], statistic)
        ),
        "verdict": {True: "inside", False: "outside", None: "not judged"}[figure["inside"]],
        "use": {"fit": "fitted", "check": "checked"}.get(figure.get("use") or "", ""),
        "source": source if isinstance(source, str) else ", ".join(source),
    }


def _with_limits(value: str, limits: str) -> str:
    return f"{value} ({limits})" if limits else value


def review_text(found: Review, command: str) -> str:
    """The review as a document."""
    parts = [
        "# The review, executable",
        f"Made with `{command}`; do not edit. {headline(found)}",
        made_words(found),
        *(f"*Note: {one}.*" for one in found.warnings),
        "| # | record | what it is | run by | met |\n| --- | --- | --- | --- | --- |\n"
        + "\n".join(
            f"| {row.reference} | `{row.record}` | {row.kind} | {_run_by(row)} | {_met(row)} |" for row in found.rows
        ),
    ]
    for row in found.rows:
        parts.append(_section(row))
    return "\n\n".join(parts) + "\n"


def _run_by(row: ReviewRow) -> str:
    if row.studies:
        return ", ".join(f"`{one}`" for one in row.studies)
    if row.checks:
        return f"{len(row.checks)} checks"
    return f"links to {len(row.links)} studies" if row.links else "-"


def _met(row: ReviewRow) -> str:
    inside, n = row.judged
    return f"{inside} of {n}" if n else "nothing to compare"


def _section(row: ReviewRow) -> str:
    lines = [f"## {row.reference}. {row.record}", row.citation, *row.notes]
    if row.links:
        lines.append("Studies: " + ", ".join(f"`{one}`" for one in row.links) + ".")
    if row.figures:
        cells = [figure_cells(one) for one in row.figures]
        lines.append(
            "| figure | study | published | simulated | |\n| --- | --- | --- | --- | --- |\n"
            + "\n".join(
                f"| {one['what']} | `{one['study']}` | {one['published']} | {one['simulated']} |"
                f" {one['verdict']}{', ' + one['use'] if one['use'] else ''} |"
                for one in cells
            )
        )
    if row.checks:
        lines.append(
            "| statement | published | carried out | |\n| --- | --- | --- | --- |\n"
            + "\n".join(
                f"| {one.what} | {one.published} | {one.simulated} | {'inside' if one.inside else 'outside'} |"
                for one in row.checks
            )
        )
    if row.not_compared:
        lines.append("Seen and not compared: " + "; ".join(row.not_compared) + ".")
    if row.unseen:
        lines.append("Never seen: " + "; ".join(row.unseen) + ".")
    return "\n\n".join(lines)
