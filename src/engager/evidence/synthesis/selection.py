"""Which published figures an analysis takes: one per arm, nobody twice, and a word on each one left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engager.core import InputError, Problem, nearest
from engager.evidence.records import vocabulary as words
from engager.evidence.records.baseline import published_share
from engager.evidence.records.catalogue import find_records
from engager.evidence.records.library import load_records
from engager.evidence.records.overlaps import external_controls, uncertain_remark, without_overlap
from engager.evidence.records.regimens import load_regimens

if TYPE_CHECKING:
    from engager.evidence.records.outcome import Outcome
    from engager.evidence.records.record import Record
    from engager.evidence.records.schema import PublishedArm

# A printed share stands for a count only when a whole number of patients gives it, to the second decimal.
_HALF_PERCENT = 0.005 + 1e-9


@dataclass(frozen=True)
class Study:
    """One arm's figure in an analysis.

    Attributes
    ----------
    label, record, arm, regimen, drug_class, setting, design, year, reference : where it is from.
    outcome : the published figure.
    events, n : counts; `is_derived`: events were computed from a printed share.
    covariates : year, age (median or mean), first_salvage (share), blasts (median marrow %), where published.
    """

    label: str
    record: str
    arm: str
    regimen: str
    drug_class: str
    setting: str
    design: str
    year: int
    reference: int | None
    outcome: Outcome
    events: int | None = None
    n: int | None = None
    is_derived: bool = False
    covariates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """The figures an analysis takes, those it does not with the reason, and what to keep in mind."""

    endpoint: str
    statistic: str
    studies: tuple[Study, ...]
    left_out: tuple[str, ...]
    remarks: tuple[str, ...] = ()


COVARIATES = ("year", "age", "first_salvage", "blasts")


def select(
    endpoint: str,
    statistic: str = "proportion",
    regimens: Sequence[str] = (),
    drug_class: str | None = None,
    setting: str | None = None,
    design: str | None = None,
    year: str | None = None,
    family: bool = False,
    with_controls: bool = True,
    allow_overlap: bool = False,
    time_months: float | None = None,
    lineage: str | None = None,
    age_group: str | None = None,
) -> Selection:
    """The published figures of an endpoint, one per arm, no patient twice.

    Parameters
    ----------
    endpoint : any spelling of the vocabulary.
    statistic : ``proportion``, ``median`` or ``survival_at`` (then `time_months` says when, to within 0.5
        month).
    regimens, drug_class, setting, design, year : as in `find_records`; regimen and class choose arms, not
        records.
    lineage, age_group : B or T, adult or paediatric: leave out records of the other alone; mixed ones stay.
    family : take all endpoints of the endpoint's family, the asked one first.
    with_controls : keep arms that papers set beside their own patients.
    allow_overlap : take arms that share patients all the same; only to show what that would do.

    Raises
    ------
    InputError
        When a filter names something unknown, or no figure is left.
    """
    wanted = words.known_endpoint(endpoint, "--endpoint")
    _check_people(lineage, age_group)
    records = find_records(regimens, drug_class, setting, wanted.name if not family else None, design, year)
    slugs = _slugs(regimens, drug_class)
    left_out: list[str] = []
    found: list[tuple[str, int, Study]] = []
    for record in records:
        for arm in record.arms:
            name = f"{record.id}/{arm.id}"
            if (slugs is not None and arm.regimen not in slugs) or (not with_controls and name in external_controls()):
                continue
            study = _study(record, arm, wanted, statistic, family, time_months, left_out)
            other = _other_patients(record, lineage, age_group)
            if study is not None and other:
                left_out.append(f"{name}: {other}")
            elif study is not None and record.population.disease is not None:
                left_out.append(f"{name}: other diseases are mixed in ({record.population.disease})")
            elif study is not None:
                found.append((name, study.n or 0, study))
    guessed: tuple[str, ...] = ()
    if allow_overlap:
        kept = [study for _, _, study in found]
    else:
        kept, shared = without_overlap(found, load_records())
        left_out += [str(entry) for entry in shared]
        guessed = uncertain_remark(shared)
    if not kept:
        rule = f"has no {statistic} in the records that can be used with these filters"
        others = find_records(regimens, drug_class, setting, None, design, year)
        hint = "; ".join(left_out) or _printed_instead(others, slugs, statistic)
        raise InputError(Problem("--endpoint", endpoint, rule, hint))
    remarks = (*_remarks(kept, wanted, allow_overlap), *guessed)
    return Selection(wanted.name, statistic, tuple(kept), tuple(left_out), remarks)


_LINEAGES = {"B": "T", "T": "B"}
_AGES = {"adult": ("paediatric", "paediatric_and_young_adult"), "paediatric": ("adult",)}


def _other_patients(record: Record, lineage: str | None, age_group: str | None) -> str:
    """Why a record is of other patients than those asked for; empty when it is not."""
    people = record.population
    if lineage is not None and people.lineage == _LINEAGES[lineage]:
        return f"{people.lineage}-cell disease"
    if age_group is not None and people.age_group in _AGES[age_group]:
        return people.age_group.replace("_", " ") + " patients"
    return ""


def _check_people(lineage: str | None, age_group: str | None) -> None:
    problems = [
        Problem(option, value, "must be one of " + ", ".join(known), nearest(value, known))
        for option, value, known in (("--lineage", lineage, _LINEAGES), ("--age-group", age_group, _AGES))
        if value is not None and value not in known
    ]
    if problems:
        raise InputError(problems)


def covariates(record: Record, arm: PublishedArm) -> dict[str, float]:
    """What of an arm may explain differences between studies, where it was published.

    Returns
    -------
    year of publication; age, the median or else the mean [years]; first_salvage, the share of patients in
    first salvage; blasts, the median of marrow blasts [%].
    """
    found = {"year": float(record.citation.year)}
    baseline = arm.baseline
    age = baseline.get("age_years_median") or baseline.get("age_years") or {}
    if (value := age.get("median", age.get("mean"))) is not None:
        found["age"] = float(value)
    phase = baseline.get("salvage_phase") or baseline.get("salvage") or {}
    if (first := published_share(phase, "first")) is not None:
        found["first_salvage"] = float(first)
    elif "proportion" in (salvage := baseline.get("prior_salvage_any") or {}):
        found["first_salvage"] = 1 - float(salvage["proportion"])
    if (value := (baseline.get("blasts_marrow_percent") or {}).get("median")) is not None:
        found["blasts"] = float(value)
    return found


def _study(
    record: Record,
    arm: PublishedArm,
    wanted: words.KnownEndpoint,
    statistic: str,
    family: bool,
    time_months: float | None,
    left_out: list[str],
) -> Study | None:
    """The best figure of one arm; why the others, or all, were left out goes to `left_out`."""
    name = f"{record.id}/{arm.id}"
    figures = [
        outcome
        for outcome in record.outcomes
        if outcome.arm == arm.id
        and outcome.subgroup is None
        and outcome.statistic == statistic
        and (outcome.endpoint == wanted.name or (family and _family(outcome) == wanted.family))
        and (time_months is None or abs((outcome.time_months or -9) - time_months) <= 0.5)
    ]
    usable: list[tuple[Outcome, int | None, bool]] = []
    for outcome in figures:
        if not _starts_with_arm(outcome, record):
            left_out.append(f"{name}: counted from {outcome.origin}, not from the start of the arm's treatment")
            continue
        events, is_derived, problem = _counts(outcome) if statistic == "proportion" else (None, False, None)
        if problem is None and (statistic == "proportion" or outcome.value is not None):
            usable.append((outcome, events, is_derived))
        else:
            left_out.append(f"{name}: {problem or 'no value in the record'}")
    if not usable:
        return None
    usable.sort(key=lambda entry: _preference(entry[0], entry[2], arm, wanted), reverse=True)
    best, events, is_derived = usable[0]
    left_out += [
        f"{name}: another figure of the same arm ({_described(outcome)}) beside {_described(best)}"
        for outcome, _, _ in usable[1:]
    ]
    regimen = load_regimens().get(arm.regimen)
    return Study(
        label=_label(record, arm, regimen.names[0] if regimen else arm.regimen),
        record=record.id,
        arm=arm.id,
        regimen=arm.regimen,
        drug_class=regimen.drug_class if regimen else arm.regimen,
        setting=record.population.setting,
        design=record.kind,
        year=record.citation.year,
        reference=record.reference,
        outcome=best,
        events=events,
        n=best.n,
        is_derived=is_derived or best.derived,
        covariates=covariates(record, arm),
    )


def _starts_with_arm(outcome: Outcome, record: Record) -> bool:
    """Whether the clock of a figure starts where the arm does; elsewhere it measures something else."""
    origins = words.vocabulary()["origins"]
    return outcome.origin is None or record.population.setting in origins[outcome.origin]["of_setting"]


def _counts(outcome: Outcome) -> tuple[int | None, bool, str | None]:
    """Events, whether they were derived from the share, or why there are none."""
    if outcome.n is None:
        return None, False, "the number of patients behind the share is not in the record"
    if outcome.events is not None:
        return outcome.events, False, None
    if outcome.value is None:
        return None, False, "only a range in the record"
    events = round(outcome.value * outcome.n)
    if abs(events / outcome.n - outcome.value) > _HALF_PERCENT:
        return (
            None,
            False,
            f"no whole number of {outcome.n} patients gives the printed {100 * outcome.value:.3g} %",
        )
    return events, True, None


def _preference(
    outcome: Outcome, is_derived: bool, arm: PublishedArm, wanted: words.KnownEndpoint
) -> tuple[object, ...]:
    of_whole_arm = outcome.n is not None and outcome.n == arm.n
    fits = not of_whole_arm if wanted.counts == "responders" and wanted.kind == "binary" else True
    part_of_course = (outcome.window or "").startswith("cycle ")
    has_interval = outcome.low is not None and outcome.high is not None
    return (
        outcome.endpoint == wanted.name,
        fits,
        not part_of_course,
        outcome.n or 0,
        not is_derived,
        has_interval,
    )


def _remarks(studies: Sequence[Study], wanted: words.KnownEndpoint, allow_overlap: bool) -> tuple[str, ...]:
    said = []
    if allow_overlap:
        said.append("arms that share patients are all included, so intervals are too narrow")
    derived = [study.label for study in studies if study.is_derived]
    if derived:
        said.append("events computed from a printed share: " + "; ".join(derived))
    if wanted.counts == "responders" and wanted.kind == "binary":
        whole = [study.label for study in studies if _is_whole_arm(study)]
        if whole and len(whole) < len(studies):
            said.append("of the whole arm, not of responders: " + "; ".join(whole))
    others = sorted({study.outcome.endpoint for study in studies} - {wanted.name})
    if others:
        said.append("endpoints of the same family are included: " + ", ".join(others))
    ages = {load_records()[study.record].population.age_group for study in studies}
    if len(ages) > 1:
        said.append("adults and children are mixed")
    return tuple(said)


def _is_whole_arm(study: Study) -> bool:
    return load_records()[study.record].arm(study.arm).n == study.n


def _printed_instead(records: Sequence[Record], slugs: set[str] | None, statistic: str) -> str:
    """The endpoints that these filters would find, as a hint."""
    found = {
        outcome.endpoint
        for record in records
        for outcome in record.outcomes
        if outcome.statistic == statistic
        and outcome.subgroup is None
        and any(arm.id == outcome.arm and (slugs is None or arm.regimen in slugs) for arm in record.arms)
    }
    if not found:
        return "Loosen the filters."
    return f"These filters find {', '.join(sorted(found))}."


def _slugs(regimens: Sequence[str], drug_class: str | None) -> set[str] | None:
    if not regimens and drug_class is None:
        return None
    from engager.evidence.records.regimens import regimen

    slugs = {regimen(name).slug for name in regimens} if regimens else set(load_regimens())
    if drug_class is not None:
        wanted = drug_class.lower()
        slugs &= {
            entry.slug
            for entry in load_regimens().values()
            if entry.drug_class == wanted.replace("-", "_") or wanted in entry.class_text.lower()
        }
    return slugs


def _label(record: Record, arm: PublishedArm, regimen_name: str) -> str:
    name = record.id
    return name if len(record.arms) == 1 else f"{name}, {arm.id}"


def _family(outcome: Outcome) -> str:
    return words.endpoint(outcome.endpoint).family


def _described(outcome: Outcome) -> str:
    counts = f"{outcome.events}/{outcome.n}" if outcome.events is not None else f"n = {outcome.n}"
    about = outcome.definition or outcome.window or outcome.endpoint
    return f"{counts}, {about}"


# What an analysis takes when it is not told. First line, T-cell disease, children and every kind of salvage pooled
# together answer no question; what a default chose is always told, with the option that undoes it.
ANY = "any"
SETTING, LINEAGE, AGE_GROUP = "relapsed_refractory", "B", "adult"
# What is pooled when no treatment is named, and what a prior of a control arm is made from.
POOLED_CLASS, CONTROL_CLASS = "t_cell_engager", "chemotherapy_of_choice"


def with_defaults(filters: Mapping[str, Any], drug_class: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Filters of `select` with what was left out filled in, and what that was in words.

    Parameters
    ----------
    filters : of `select`; ``any`` keeps everything; None is left to the default.
    drug_class : the class taken when neither regimen nor class is named.

    Notes
    -----
    A regimen that is named brings its own setting; the other defaults hold all the same.
    """
    chosen, told = dict(filters), []
    named = bool(filters.get("regimens"))
    defaults = {
        "setting": ("--setting", None if named else SETTING, "setting {}"),
        "lineage": ("--lineage", LINEAGE, "lineage {}, so no arms of T-cell disease alone"),
        "age_group": ("--age-group", AGE_GROUP, "age group {}, so no trials in children"),
        "drug_class": ("--class", None if named else drug_class, "class of treatment {}"),
    }
    for key, (option, value, meaning) in defaults.items():
        if chosen.get(key) is None and value is not None:
            chosen[key] = value
            told.append(f"by default {meaning.format(value)} ({option} {ANY}: all)")
        elif chosen.get(key) == ANY:
            chosen[key] = None
    return chosen, tuple(told)
