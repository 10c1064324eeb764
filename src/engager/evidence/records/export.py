"""The evidence as data: one tidy table of figures (CSV and Parquet), one DuckDB file, the schema of both in
words.

A row of ``outcomes`` is one published figure. The DuckDB file adds the tables around it, and carries the
description of every column as its comment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.core import (
    InputError,
    Problem,
    parquet_bytes,
    restore_folder,
    spreadsheet_bytes,
    whole_folder,
    write_whole,
    writing_to,
)
from engager.evidence.records.catalogue import regimen_summary
from engager.evidence.records.citations import authors, citation_remarks
from engager.evidence.records.intervals import exact_interval_of
from engager.evidence.records.library import load_records
from engager.evidence.records.outcome import Outcome
from engager.evidence.records.overlaps import find_overlaps
from engager.evidence.records.regimens import load_regimens

if TYPE_CHECKING:
    import polars as pl

# What every column holds: the documented schema, written beside the data and into the database.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "outcomes": {
        "record": "id of the publication",
        "reference": "its number in the review's list, or empty",
        "year": "year of publication",
        "kind": "design of the publication",
        "setting": "who was treated",
        "arm": "arm of the record, or 'treatment vs control'",
        "regimen": "regimen of the arm, or empty for a comparison",
        "endpoint": "endpoint as spelled in the vocabulary",
        "statistic": "proportion, median, survival_at, hazard_ratio, ...",
        "value": "the published figure, in `unit`; empty when only counts, an interval, a range or words were printed",
        "unit": "fraction, months, days, per_patient_year or ratio",
        "time_months": "time of a landmark in months of 365.25/12 days",
        "origin": "when the clock starts (remission, hsct, relapse, failure); empty: with the arm's treatment",
        "low": "lower bound of the published interval",
        "high": "upper bound of the published interval; empty with a lower bound: not reached",
        "level": "level of the published interval",
        "exact_low": "Clopper-Pearson bound computed from the counts; never published",
        "exact_high": "Clopper-Pearson bound computed from the counts; never published",
        "events": "published number of patients with the event",
        "n": "patients the figure is about",
        "is_n_of_arm": "n is the arm's, not printed beside the figure",
        "spread_low": "lowest observed value, or lower end of a printed range",
        "spread_high": "highest observed value, or upper end of a printed range",
        "se": "published standard error",
        "window_weeks": "a response counted within so many weeks",
        "window": "the same in words",
        "definition": "what counted as the event",
        "subgroup": "part of the arm, or empty for all of it",
        "population": "randomized or treated, where known",
        "p": "published p value",
        "source": "ids of the sources in the record, separated by semicolons",
        "source_text": "what those sources are",
        "derived": "computed from other printed figures",
        "note": "remarks",
    },
    "records": {
        "record": "id of the publication",
        "reference": "its number in the review's list, or empty",
        "kind": "design of the publication",
        "phase": "trial phase",
        "year": "year of publication",
        "title": "title",
        "journal": "journal",
        "authors": "authors seen, separated by semicolons",
        "doi": "DOI",
        "pmid": "PubMed id",
        "registry": "registry numbers",
        "age_group": "adult, paediatric, ...",
        "lineage": "B, T, B_and_T or not_reported",
        "ph": "Philadelphia chromosome status",
        "setting": "who was treated",
        "n": "patients, nobody twice, external controls left out",
        "citation_remarks": "corrections and what was not checked",
        "notes": "how to read the figures",
    },
    "arms": {
        "record": "id of the publication",
        "arm": "id of the arm",
        "regimen": "regimen slug",
        "description": "drugs, doses, schedule in words",
        "n": "patients of the arm",
        "n_treated": "patients treated",
        "baseline": "baseline characteristics as JSON",
    },
    "sources": {
        "record": "id of the publication",
        "source": "id of the source in the record",
        "what": "what the text is",
        "place": "where it was seen",
        "seen": "whether it was seen",
    },
    "unseen": {
        "record": "id of the publication",
        "claim": "what somebody believes it says",
        "believed": "the believed figure; never data",
    },
    "shared_patients": {
        "name": "name of a group of arms that share patients",
        "arm": "record/arm",
        "role": "whole, part or pool",
        "why": "why they are linked",
        "is_certain": "false: likely, but not stated",
    },
    "regimens": {
        "regimen": "regimen slug",
        "drug_class": "class slug",
        "drugs": "drugs that treat leukemia, separated by semicolons",
        "cycle_days": "length of a cycle",
        "cycles_max": "most cycles",
        "status": "seen or unseen",
        "is_complete": "can be dosed as published",
        "doses": "all doses as JSON",
    },
}


def evidence_tables() -> dict[str, pl.DataFrame]:
    """All tables by name, with the columns of `COLUMNS` in their order."""
    import polars as pl

    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    for record in load_records().values():
        regimen_of = {arm.id: arm.regimen for arm in record.arms}
        about = {
            "reference": record.reference,
            "year": record.citation.year,
            "kind": record.kind,
            "setting": record.population.setting,
        }
        rows["outcomes"] += [
            {**about, "regimen": regimen_of.get(outcome.arm), **_flat(outcome)} for outcome in record.outcomes
        ]
        citation = record.citation
        registry = citation.registry if isinstance(citation.registry, str) else "; ".join(citation.registry or ())
        rows["records"].append(
            {
                "record": record.id,
                **about,
                "phase": None if record.phase is None else str(record.phase),
                "title": citation.title,
                "journal": citation.journal,
                "authors": "; ".join(authors(citation)[0]),
                "doi": citation.doi,
                "pmid": citation.pmid,
                "registry": registry or None,
                "age_group": record.population.age_group,
                "lineage": record.population.lineage,
                "ph": record.population.ph,
                "n": record.n,
                "citation_remarks": citation_remarks(record) or None,
                "notes": record.notes,
            }
        )
        rows["arms"] += [
            {
                "record": record.id,
                "arm": arm.id,
                "regimen": arm.regimen,
                "description": arm.description,
                "n": arm.n,
                "n_treated": arm.n_treated,
                "baseline": json.dumps(arm.baseline, ensure_ascii=False),
            }
            for arm in record.arms
        ]
        rows["sources"] += [
            {"record": record.id, "source": name, "what": text.what, "place": text.where, "seen": text.seen}
            for name, text in record.sources.items()
        ]
        rows["unseen"] += [
            {"record": record.id, "claim": said.claim, "believed": said.believed} for said in record.unseen
        ]
    for group in find_overlaps(load_records()):
        about_group = {"name": group.name, "why": group.why, "is_certain": group.is_certain}
        rows["shared_patients"] += [{**about_group, "arm": arm, "role": role} for arm, role in group.roles.items()]
    for entry in load_regimens().values():
        line = regimen_summary(entry)
        doses = json.dumps(entry.as_dict()["drugs"], ensure_ascii=False)
        rows["regimens"].append({**line, "regimen": entry.slug, "drugs": "; ".join(line["drugs"]), "doses": doses})
    return {
        name: pl.DataFrame(rows[name], infer_schema_length=None).select(list(columns))
        for name, columns in COLUMNS.items()
    }


def export_evidence(folder: Path) -> list[Path]:
    """Write ``outcomes.csv``, ``outcomes.parquet``, ``evidence.duckdb``, ``schema.md`` and
    ``record.schema.json``.

    Parameters
    ----------
    folder : made when it is not there; must be empty.

    Returns
    -------
    the files written.

    Raises
    ------
    InputError
        When the folder is not empty or cannot be written.
    """
    restore_folder(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        rule = "must be a new or an empty folder"
        raise InputError(Problem("export", folder, rule, "Choose another, or empty it."))
    frames = evidence_tables()
    with writing_to("export", folder), whole_folder(folder, replaces=folder.exists()) as place:
        _write(frames, place)
    return [folder / name for name in _FILES]


def write_evidence_sheets(path: Path) -> Path:
    """All tables of the evidence as one spreadsheet, a sheet each, with every column explained.

    Raises
    ------
    InputError
        When the file exists, does not end in ``.xlsx`` or cannot be written, or XlsxWriter is not installed.
    """
    if path.suffix != ".xlsx" or path.exists():
        raise InputError(Problem("export", path, "must be a new file that ends in .xlsx"))
    content = spreadsheet_bytes(evidence_tables(), COLUMNS, ["Every figure names the text it was read in."])
    with writing_to("export", path):
        write_whole(path, content)
    return path


_FILES = ("outcomes.csv", "outcomes.parquet", "evidence.duckdb", "schema.md", "record.schema.json")


def _write(frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    import duckdb

    frames["outcomes"].write_csv(folder / "outcomes.csv")
    (folder / "outcomes.parquet").write_bytes(parquet_bytes(frames["outcomes"]))
    try:
        _write_database(frames, folder / "evidence.duckdb")
    except duckdb.IOException as error:  # of a full disk DuckDB tells by an error of its own
        raise OSError(str(error).partition("\n")[0]) from error
    (folder / "schema.md").write_text(schema_text(frames), encoding="utf-8")
    (folder / "record.schema.json").write_text(record_schema(), encoding="utf-8")


def _write_database(frames: Mapping[str, pl.DataFrame], path: Path) -> None:
    """Every table, each column with its words as a comment."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        for name, frame in frames.items():
            connection.register("frame", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
            connection.unregister("frame")
            for column, words in COLUMNS[name].items():
                quoted = words.replace("'", "''")
                connection.execute(f"COMMENT ON COLUMN {name}.\"{column}\" IS '{quoted}'")


def schema_text(frames: Mapping[str, pl.DataFrame]) -> str:
    """The tables and columns in words, as Markdown."""
    lines = ["# Evidence tables", ""]
    lines += [
        "`outcomes.csv` and `outcomes.parquet` hold the table `outcomes`; `evidence.duckdb` holds all.",
        "",
    ]
    for name, columns in COLUMNS.items():
        lines += [f"## {name}", "", "| column | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| {column} | {frames[name].schema[column]} | {words} |" for column, words in columns.items()]
        lines.append("")
    return "\n".join(lines)


def record_schema() -> str:
    """The JSON Schema of a record file, for editors that complete and check."""
    from engager.evidence.records.record import Record

    schema = Record.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Evidence record"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _flat(outcome: Outcome) -> dict[str, Any]:
    row = {entry.name: getattr(outcome, entry.name) for entry in fields(outcome)}
    low, high = row.pop("spread") or (None, None)
    exact = exact_interval_of(outcome) or (None, None)
    return {
        **row,
        "source": "; ".join(outcome.source),
        "spread_low": low,
        "spread_high": high,
        "exact_low": exact[0],
        "exact_high": exact[1],
    }
