"""What a contributor should know before a record joins the shipped ones."""

from __future__ import annotations

from engager.evidence.records.library import load_records
from engager.evidence.records.record import Record
from engager.evidence.records.regimens import load_regimens


def contribution_remarks(contributed: Record) -> list[str]:
    """What a contributor should know about a valid record before it joins the shipped ones."""
    said = []
    if contributed.id in load_records():
        said.append(f"a shipped record is called {contributed.id} already; this one would take its place")
    said += [
        f"regimen {slug} is not in the list of regimens; add it to be able to run it"
        for slug in contributed.regimens
        if slug not in load_regimens()
    ]
    return said
