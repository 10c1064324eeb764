"""Regimens: drugs, doses, days, cycles, as a trial arm needs them.

Two catalogue files, written by different hands, become one typed form. What cannot be read as a number
stays as text and the dose says ``is_complete=False``; a regimen is complete when every dose that treats
leukemia is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engager.core import InputError, Problem, nearest
from engager.evidence.records import vocabulary as words
from engager.evidence.records.library import record_ids, schema_problems
from engager.evidence.records.reading import read_yaml

Role = Literal["treatment", "premedication", "supportive", "cns_prophylaxis"]


@dataclass(frozen=True)
class DrugDose:
    """One drug of a regimen on some days of some cycles.

    Attributes
    ----------
    drug, amount, unit : e.g. blinatumomab 28 ug/day; amount None: not seen. Each day of `days` gets `amount`
        (`every_hours` 12: twice); a continuous infusion runs through the whole of each day.
    route : iv_continuous, iv_bolus, subcutaneous, oral, iv_or_oral, intrathecal, or None.
    infusion_hours : length of a short infusion, where printed.
    days : ranges (first, last) of days of the cycle, both included, day 1 is the first; empty: see
        `days_text`.
    cycles : the cycles it belongs to; None: all of them.
    part : of a regimen whose courses differ (``A``, ``B``, ``1``, ``2``), the course.
    cap, cap_unit : most that may be given whatever the body size.
    start_day, stop : for drugs given until something happens.
    amount_range : for a dose-finding study, lowest and highest dose level.
    role : treatment, premedication (timed by the treatment), supportive or cns_prophylaxis.
    is_complete : amount, unit, route and days are all known.
    """

    drug: str
    amount: float | None
    unit: str | None
    route: str | None
    days: tuple[tuple[int, int], ...]
    cycles: tuple[int, ...] | None = None
    cap: float | None = None
    cap_unit: str | None = None
    every_hours: int | None = None
    infusion_hours: float | None = None
    part: str | None = None
    start_day: int | None = None
    stop: str | None = None
    amount_range: tuple[float, float] | None = None
    days_text: str | None = None
    role: Role = "treatment"
    note: str | None = None

    @property
    def is_complete(self) -> bool:
        known = (self.amount, self.unit, self.route)
        return None not in known and bool(self.days)

    @property
    def n_days(self) -> int:
        """Days of a cycle on which the drug is given."""
        return sum(last - first + 1 for first, last in self.days)


@dataclass(frozen=True)
class GivenAs:
    """What an arm gets of a regimen that was published as several cohorts or dose levels.

    Attributes
    ----------
    drugs : one reading of the published doses. cycle_days, cycles : its courses.
    because : why this reading, and what of it was not seen.
    """

    drugs: tuple[DrugDose, ...]
    cycle_days: int
    cycles: int
    because: str


@dataclass(frozen=True)
class PublishedRegimen:
    """A treatment as published.

    Attributes
    ----------
    slug, names : id and what it is called.
    drug_class, class_text : class slug of the vocabulary, and the words of the file.
    status : ``seen`` when the doses were seen in a text, ``unseen`` when they are from memory or were not
        seen.
    cycle_days : length of a cycle; where a range was printed, its shortest (`cycle_days_range` holds both).
    cycle_days_continued : length of later, sparser cycles.
    cycles_max : most cycles; None: no number seen.
    phases : name of a phase and its number of cycles.
    options : for an investigator's choice, what could be chosen.
    evidence : ids of the records that used it; sources: where the doses were seen.
    unseen : what is believed about it but was not seen.
    given_as : the reading a trial arm gets where the published doses are those of several cohorts.
    no_arm : why a treatment that is neither a transplant nor of the laboratory cannot be an arm.
    """

    slug: str
    names: tuple[str, ...]
    drug_class: str
    class_text: str
    setting: str | None
    status: Literal["seen", "unseen"]
    drugs: tuple[DrugDose, ...]
    cycle_days: int | None
    cycle_days_range: tuple[int, int] | None
    cycle_days_continued: int | None
    cycles_max: int | None
    phases: tuple[tuple[str, int], ...]
    options: tuple[str, ...]
    rules: tuple[str, ...]
    evidence: tuple[str, ...]
    sources: tuple[str, ...]
    notes: str | None
    unseen: tuple[str, ...]
    given_as: GivenAs | None = None
    no_arm: str | None = None

    @property
    def not_an_arm_because(self) -> str | None:
        """Why it cannot be an arm of a trial by itself; None: it can."""
        if self.drug_class == "transplant":
            return "a transplant, which a study offers by its `hsct` block"
        if self.setting == "laboratory only":
            return "studied in the laboratory only; there is no human dose"
        return self.no_arm

    @property
    def is_complete(self) -> bool:
        """Whether every drug that treats leukemia has a dose, a route and days, and there is at least one."""
        return not self.incomplete_because

    @property
    def incomplete_because(self) -> tuple[str, ...]:
        """What is missing before the regimen can be dosed as published; empty when nothing is."""
        treating = [dose for dose in self.drugs if dose.role == "treatment"]
        reasons = [f"{dose.drug}: {_missing(dose)}" for dose in treating if not dose.is_complete]
        if not treating:
            reasons.append(
                "the drugs were not seen" if not self.options else "a choice among: " + "; ".join(self.options)
            )
        if self.status == "unseen" and treating and not reasons:
            reasons.append("the doses are from memory and were not seen")
        return tuple(reasons)

    def as_dict(self) -> dict[str, Any]:
        """The regimen as a JSON-like mapping."""
        shown = asdict(self)
        for dose, entry in zip(self.drugs, shown["drugs"], strict=True):
            entry["is_complete"] = dose.is_complete
        shown["phases"] = dict(self.phases)
        shown["not_an_arm_because"] = self.not_an_arm_because
        return {**shown, "is_complete": self.is_complete, "incomplete_because": list(self.incomplete_because)}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _DoseEntry(_Model):
    drug: str
    dose: Annotated[float, Field(gt=0)] | Annotated[tuple[float, float], Field(strict=False)] | None
    unit: str | None
    route: str | None
    days: str | Annotated[tuple[int, ...], Field(strict=False)] | None
    cycles: Annotated[tuple[int, ...], Field(strict=False)] | None = None
    cap: str | None = None
    every_hours: Annotated[int, Field(gt=0)] | None = None
    part: str | None = None
    start_day: Annotated[int, Field(ge=0)] | None = None
    stop: str | None = None
    note: str | None = None


class _UnseenEntry(_Model):
    claim: str
    believed: str


class _GivenEntry(_Model):
    drugs: Annotated[tuple[_DoseEntry, ...], Field(strict=False)]
    cycle_length_days: Annotated[int, Field(gt=0)]
    cycles: Annotated[int, Field(gt=0)]
    because: str


class _RegimenEntry(_Model):
    slug: str
    names: Annotated[tuple[str, ...], Field(strict=False)]
    drug_class: Annotated[str, Field(alias="class")]
    setting: str | None = None
    status: Literal["seen", "unseen"] | None = None
    doses_seen: bool | None = None
    drugs: Annotated[tuple[_DoseEntry, ...], Field(strict=False)]
    backbone: str | None = None
    cycle_length_days: int | Annotated[tuple[int, int], Field(strict=False)] | None
    cycle_length_days_continued: int | None = None
    cycles_max: int | None = None
    phases: dict[str, int] = {}
    options: Annotated[tuple[str, ...], Field(strict=False)] = ()
    rules: Annotated[tuple[str, ...], Field(strict=False)] = ()
    source: str | Annotated[tuple[str, ...], Field(strict=False)]
    where: Annotated[tuple[str, ...], Field(strict=False)] = ()
    evidence: Annotated[tuple[str, ...], Field(strict=False)] = ()
    notes: str | None = None
    unseen: Annotated[tuple[str | _UnseenEntry, ...], Field(strict=False)] = ()
    given_as: _GivenEntry | None = None
    no_arm: str | None = None


class _Catalogue(_Model):
    id: str | None = None
    kind: Literal["regimen_catalogue"] = "regimen_catalogue"
    about: str | None = None
    regimens: Annotated[tuple[_RegimenEntry, ...], Field(strict=False)]


@cache
def load_regimens() -> dict[str, PublishedRegimen]:
    """All shipped regimens by slug, in alphabetical order.

    Raises
    ------
    InputError
        With the problems of both catalogue files together.
    """
    found: dict[str, PublishedRegimen] = {}
    problems: list[Problem] = []
    for path in sorted((words.DATA / "regimens").glob("*.yaml")):
        try:
            catalogue = _Catalogue.model_validate(read_yaml(path))
        except ValidationError as error:
            problems += schema_problems(error, path.name)
            continue
        for index, entry in enumerate(catalogue.regimens):
            where = f"{path.name}: regimens[{index}]"
            problems += _entry_problems(entry, where, found)
            found[entry.slug] = _regimen(entry)
    if problems:
        raise InputError(problems)
    return dict(sorted(found.items()))


def regimen(slug: str) -> PublishedRegimen:
    """One shipped regimen, by slug or by one of its names.

    Raises
    ------
    InputError
        When there is no such regimen; the nearest slugs are offered.
    """
    known = load_regimens()
    if slug in known:
        return known[slug]
    for entry in known.values():
        if slug.lower() in (name.lower() for name in entry.names):
            return entry
    raise InputError(Problem("regimen", slug, "is not a shipped regimen", nearest(slug, known)))


def parse_days(days: str | tuple[int, ...] | None) -> tuple[tuple[int, int], ...]:
    """Day ranges written as ``1-7``, ``8, 15``, ``1, 3-5`` or a list of days; empty when it is anything else.

    Neighbouring days join into one range, so [1, 2, 3, 8] is ((1, 3), (8, 8)).
    """
    if days is None:
        return ()
    if isinstance(days, tuple):
        return _joined((day, day) for day in days)
    ranges = []
    for piece in days.split(","):
        found = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", piece)
        if not found:
            return ()
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            return ()
        ranges.append((first, last))
    return _joined(ranges)


def _joined(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def _regimen(entry: _RegimenEntry) -> PublishedRegimen:
    length = entry.cycle_length_days
    sources = (entry.source,) if isinstance(entry.source, str) else ()
    evidence = entry.evidence or (entry.source if isinstance(entry.source, tuple) else ())
    seen = entry.status or ("seen" if entry.doses_seen else "unseen")
    drugs = tuple(_dose(dose) for dose in entry.drugs)
    if entry.backbone:
        drugs += (DrugDose("backbone", None, None, None, (), note=entry.backbone),)
    return PublishedRegimen(
        slug=entry.slug,
        names=entry.names,
        drug_class=words.drug_class(entry.drug_class) or entry.drug_class,
        class_text=entry.drug_class,
        setting=entry.setting,
        status="seen" if seen == "seen" else "unseen",
        drugs=drugs,
        cycle_days=length[0] if isinstance(length, tuple) else length,
        cycle_days_range=length if isinstance(length, tuple) else None,
        cycle_days_continued=entry.cycle_length_days_continued,
        cycles_max=entry.cycles_max,
        phases=tuple(entry.phases.items()),
        options=entry.options,
        rules=entry.rules,
        evidence=evidence,
        sources=sources + entry.where,
        notes=entry.notes,
        unseen=tuple(said if isinstance(said, str) else f"{said.claim}: {said.believed}" for said in entry.unseen),
        given_as=None if entry.given_as is None else _given(entry.given_as),
        no_arm=entry.no_arm,
    )


def _given(entry: _GivenEntry) -> GivenAs:
    drugs = tuple(_dose(dose) for dose in entry.drugs)
    return GivenAs(drugs, entry.cycle_length_days, entry.cycles, entry.because)


def _dose(entry: _DoseEntry) -> DrugDose:
    route, hours = words.route(entry.route)
    cap, cap_unit = _cap(entry.cap)
    days = parse_days(entry.days)
    spread = entry.dose if isinstance(entry.dose, tuple) else None
    # A total "per cycle" is not a daily amount: without days it cannot be given, and it must not look as if
    # it could.
    return DrugDose(
        drug=entry.drug,
        amount=None if isinstance(entry.dose, tuple) else entry.dose,
        unit=entry.unit,
        route=route,
        days=days,
        cycles=entry.cycles,
        cap=cap,
        cap_unit=cap_unit,
        every_hours=entry.every_hours,
        infusion_hours=hours,
        part=entry.part,
        start_day=entry.start_day,
        stop=entry.stop,
        amount_range=spread,
        days_text=entry.days if isinstance(entry.days, str) and not days else None,
        role=_role(entry, route),
        note=entry.note,
    )


def _role(entry: _DoseEntry, route: str | None) -> Role:
    if isinstance(entry.days, str) and "before" in entry.days:
        return "premedication"
    if entry.drug in words.vocabulary()["supportive_drugs"]:
        return "supportive"
    return "cns_prophylaxis" if route == "intrathecal" else "treatment"


def _cap(text: str | None) -> tuple[float | None, str | None]:
    found = re.fullmatch(r"([\d.]+) (\S+)", text or "")
    return (float(found[1]), found[2]) if found else (None, None)


def _missing(dose: DrugDose) -> str:
    missing = [
        word for word, value in (("amount", dose.amount), ("unit", dose.unit), ("route", dose.route)) if value is None
    ]
    if not dose.days and not dose.days_text:
        missing.append("days")
    said = [", ".join(missing) + " not seen"] if missing else []
    if dose.amount_range:
        said = [f"dose levels from {dose.amount_range[0]:g} to {dose.amount_range[1]:g} {dose.unit}"]
    if dose.days_text:
        said.append(f"days printed as: {dose.days_text}")
    return "; ".join(said)


def _entry_problems(entry: _RegimenEntry, where: str, found: dict[str, PublishedRegimen]) -> list[Problem]:
    problems = []
    if entry.slug in found:
        problems.append(Problem(f"{where}.slug", entry.slug, "is the slug of another regimen", "Choose another."))
    if words.drug_class(entry.drug_class) is None:
        known = words.vocabulary()["drug_classes"]
        hint = nearest(entry.drug_class, known)
        problems.append(Problem(f"{where}.class", entry.drug_class, "is not a class of the vocabulary", hint))
    if entry.given_as is not None:
        problems += [
            Problem(f"{where}.given_as.drugs[{index}]", dose.drug, "must have a dose, a unit, a route and days")
            for index, dose in enumerate(entry.given_as.drugs)
            if not _dose(dose).is_complete
        ]
    for index, dose in enumerate(entry.drugs):
        if dose.route is not None and words.route(dose.route)[0] is None:
            rule = "is not a route of the vocabulary"
            hint = nearest(dose.route, words.vocabulary()["routes"])
            problems.append(Problem(f"{where}.drugs[{index}].route", dose.route, rule, hint))
    evidence = entry.evidence or (entry.source if isinstance(entry.source, tuple) else ())
    for name in evidence:
        if name not in record_ids():
            hint = nearest(name, record_ids())
            problems.append(Problem(f"{where}.evidence", name, "is not a shipped record", hint))
    return problems
