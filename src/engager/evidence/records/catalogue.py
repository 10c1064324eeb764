"""Finding records and regimens: filters, and one line of facts for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from engager.core import InputError, Problem, nearest
from engager.evidence.records import vocabulary as words
from engager.evidence.records.library import load_records
from engager.evidence.records.record import Record
from engager.evidence.records.regimens import PublishedRegimen, load_regimens, regimen


def find_records(
    regimens: Sequence[str] = (),
    drug_class: str | None = None,
    setting: str | None = None,
    endpoint: str | None = None,
    design: str | None = None,
    year: str | None = None,
) -> list[Record]:
    """Shipped records that meet every condition given, those of the review first and in its order.

    Parameters
    ----------
    regimens : slugs or names; a record with an arm of any of them.
    drug_class : class slug of the vocabulary, e.g. ``t_cell_engager``, or a part of the class's words.
    setting : relapsed_refractory, mrd_positive, first_line, transplant, nhl or in_vitro.
    endpoint : any spelling the vocabulary knows; records with a figure of it.
    design : kind of record, e.g. ``randomized_trial``.
    year : ``2015``, ``2010-2016``, ``2010-`` or ``-2005``.

    Raises
    ------
    InputError
        When a filter names something that does not exist, with the nearest names; all such filters together.
    """
    problems: list[Problem] = []
    slugs = {slug for name in regimens if (slug := _slug(name, problems))}
    if drug_class is not None:
        of_class = _regimens_of_class(drug_class, problems)
    known_settings = sorted({record.population.setting for record in load_records().values()})
    known_designs = sorted({record.kind for record in load_records().values()})
    wanted_setting = _one_of(setting, known_settings, "--setting", problems)
    wanted_design = _one_of(design, known_designs, "--design", problems)
    wanted_endpoint = _endpoint(endpoint, problems)
    first, last = _years(year, problems)
    if problems:
        raise InputError(problems)
    found = [
        record
        for record in load_records().values()
        if (not regimens or slugs & set(record.regimens))
        and (drug_class is None or of_class & set(record.regimens))
        and (wanted_setting is None or record.population.setting == wanted_setting)
        and (wanted_design is None or record.kind == wanted_design)
        and (wanted_endpoint is None or any(o.endpoint == wanted_endpoint for o in record.outcomes))
        and first <= record.citation.year <= last
    ]
    return sorted(found, key=lambda record: (record.reference is None, record.reference or 0, record.id))


def summary(record: Record) -> dict[str, Any]:
    """One record in one line: id, reference, kind, regimens, n, year, setting, phase, journal, title,
    figures.
    """
    return {
        "id": record.id,
        "reference": record.reference,
        "kind": record.kind,
        "regimens": list(record.regimens),
        "n": record.n,
        "year": record.citation.year,
        "setting": record.population.setting,
        "phase": None if record.phase is None else str(record.phase),
        "journal": record.citation.journal,
        "title": record.citation.title,
        "n_outcomes": len(record.outcomes),
        "n_unseen": len(record.unseen),
    }


def regimen_summary(entry: PublishedRegimen) -> dict[str, Any]:
    """One regimen in one line: slug, class, drugs, cycle, status, whether it can be dosed as published, and
    whether it can be an arm of a trial.
    """
    return {
        "slug": entry.slug,
        "names": list(entry.names),
        "drug_class": entry.drug_class,
        "drugs": list(dict.fromkeys(dose.drug for dose in entry.drugs if dose.role == "treatment")),
        "cycle_days": entry.cycle_days,
        "cycles_max": entry.cycles_max,
        "status": entry.status,
        "is_complete": entry.is_complete,
        "runs_as_arm": entry.not_an_arm_because is None,
        "not_an_arm_because": entry.not_an_arm_because,
        "evidence": list(entry.evidence),
    }


def _slug(name: str, problems: list[Problem]) -> str | None:
    try:
        return regimen(name).slug
    except InputError as error:
        problems += [Problem("--regimen", p.value, p.rule, p.next_step) for p in error.problems]
        return None


def _regimens_of_class(name: str, problems: list[Problem]) -> set[str]:
    wanted = name.lower()
    found = {
        entry.slug
        for entry in load_regimens().values()
        if entry.drug_class == wanted.replace("-", "_") or wanted in entry.class_text.lower()
    }
    if not found:
        known = words.vocabulary()["drug_classes"]
        problems.append(Problem("--class", name, "is not a class of a shipped regimen", nearest(name, known)))
    return found


def _one_of(value: str | None, known: Sequence[str], option: str, problems: list[Problem]) -> str | None:
    if value is None or value.replace("-", "_") in known:
        return None if value is None else value.replace("-", "_")
    problems.append(Problem(option, value, "must be one of " + ", ".join(known), nearest(value, known)))
    return None


def _endpoint(spelling: str | None, problems: list[Problem]) -> str | None:
    if spelling is None:
        return None
    try:
        return words.known_endpoint(spelling, "--endpoint").name
    except InputError as error:
        problems += error.problems
        return None


def _years(text: str | None, problems: list[Problem]) -> tuple[int, int]:
    if text is None:
        return 0, 9999
    found = re.fullmatch(r"(\d{4})?(-)?(\d{4})?", text.strip())
    if not found or not (found[1] or found[3]):
        rule = "must be a year or a range of years"
        problems.append(Problem("--year", text, rule, "Write 2015, 2010-2016, 2010- or -2005."))
        return 0, 9999
    if not found[2]:
        return int(found[1]), int(found[1])
    first, last = int(found[1] or 0), int(found[3] or 9999)
    if last < first:
        rule = "must not end before it begins"
        problems.append(Problem("--year", text, rule, f"Write {last}-{first}."))
    return first, last
