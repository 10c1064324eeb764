"""What a record file may hold: one YAML file per publication, one typed model per level of it.

These models are the file as written (and the published JSON Schema). What a reader of the package wants,
figures with one spelling and one unit, is `Record.outcomes`, made by `normalize`. Rules that need two keys
at once (events against n, a value against its interval, a source against the list) stand in `checks`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
# More patients than any trial or registry of a leukemia has; a larger number was mistyped.
_MOST_PATIENTS = 10_000_000
Count = Annotated[int, Field(ge=0, le=_MOST_PATIENTS)]
Patients = Annotated[int, Field(ge=1, le=_MOST_PATIENTS)]
Positive = Annotated[float, Field(ge=0)]
Interval = Annotated[tuple[float | None, float | None], Field(strict=False)]
Span = Annotated[tuple[float, float], Field(strict=False)]
ShareSpan = Annotated[tuple[Share, Share], Field(strict=False)]
Source = str | Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
Text = Annotated[str, StringConstraints(min_length=1)]
PValue = Annotated[str, StringConstraints(pattern=r"^[<>=]?\s*0?\.\d+$")]


def _read_date(given: object) -> object:
    """YAML 1.2 has no dates: a day is text such as 2016-01-04."""
    return date.fromisoformat(given) if isinstance(given, str) else given


Day = Annotated[date, BeforeValidator(_read_date)]


def _without_nulls(given: object) -> object:
    """What was not printed is not there: who reads a summary need not tell a missing key from an empty one."""
    return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given


Summary = Annotated[dict[str, Any], BeforeValidator(_without_nulls)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Citation(_Model):
    """Where the publication appeared; a `*_note` says what about a field is unsure."""

    authors: Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]
    title: str | None
    journal: Text
    year: Annotated[int, Field(ge=1900, le=2100)]
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    doi: Annotated[str, StringConstraints(pattern=r"^10\.\d{4,}/\S+$")] | None = None
    pmid: Annotated[str, StringConstraints(pattern=r"^\d+$")] | None = None
    pmcid: Annotated[str, StringConstraints(pattern=r"^PMC\d+$")] | None = None
    registry: str | Annotated[tuple[str, ...], Field(strict=False)] | None = None
    eudract: str | None = None
    trial_code: str | None = None
    marketing_authorisation: str | None = None
    subject: str | None = None
    verified: bool | None = Field(None, description="false: nothing of the publication itself was seen")
    seed_error: str | None = Field(None, description="what the review's reference list has wrong about it")
    authors_note: str | None = None
    title_note: str | None = None
    journal_note: str | None = None
    pages_note: str | None = None
    doi_note: str | None = None
    pmid_note: str | None = None
    registry_note: str | None = None
    citation_note: str | None = None


class Population(_Model):
    """Who was studied."""

    age_group: Literal["adult", "paediatric", "paediatric_and_young_adult", "mixed", "not_reported", "none"]
    lineage: Literal["B", "T", "B_and_T", "not_reported"]
    ph: Literal["negative", "positive", "mixed", "any", "unknown", "not_reported"]
    setting: Literal["relapsed_refractory", "mrd_positive", "first_line", "transplant", "nhl", "in_vitro"]
    disease: str | None = None


class Design(_Model):
    """How the trial or cohort was run."""

    randomization: str | None = None
    n_randomized: Count | None = None
    n_treated: Count | None = None
    n_itt_remission_analysis: Count | None = None
    centers: Count | None = None
    countries: Count | None = None
    country: str | None = None
    enrolled_from: Day | None = None
    enrolled_to: Day | None = None
    data_cutoff: Day | None = None
    period: str | None = None
    primary_endpoint: str | None = None
    planned_deaths: Count | None = None
    deaths_at_interim: Count | None = None
    stopped_early: str | None = None
    maintenance: str | None = None
    dlbcl: Count | None = None
    source: Source | None = None


class Figure(_Model):
    """One printed figure of an arm, as the file writes it; exactly one form of value is expected."""

    endpoint: Text
    statistic: str | None = None
    events: Count | None = None
    n: Patients | None = None
    proportion: Share | None = None
    proportion_range: ShareSpan | None = None
    value: float | None = None
    value_months: Positive | None = None
    value_weeks: Positive | None = None
    value_days: Positive | None = None
    value_years: Positive | None = None
    time_months: Positive | None = None
    time_weeks: Positive | None = None
    time_days: Positive | None = None
    ci95: Interval | None = None
    ci95_weeks: Interval | None = None
    ci95_days: Interval | None = None
    ci975: Interval | None = None
    range: Span | None = None
    range_weeks: Span | None = None
    range_days: Span | None = None
    range_open: bool | None = None
    se: Annotated[float, Field(gt=0)] | None = None
    plus_minus: Positive | None = None
    origin: str | None = Field(
        None,
        description="when the clock starts (remission, hsct, relapse, failure); left out: with the arm's treatment",
    )
    window: str | None = None
    window_weeks: Positive | None = None
    definition: str | None = None
    text: str | None = None
    note: str | None = None
    derived: bool | None = None
    derived_months: bool | None = None
    derived_proportion: bool | None = None
    source: Source


class SubgroupFigure(Figure):
    """A figure of a part of an arm."""

    arm: Text
    subgroup: Text


class Contrast(_Model):
    """A figure between two groups: a hazard ratio, a difference, a p value."""

    endpoint: Text
    measure: Text
    treatment: Text
    control: Text
    value: float | Span | None = None
    ci95: Interval | None = None
    ci975: Interval | None = None
    p: Share | PValue | ShareSpan | None = None
    definition: str | None = None
    text: str | None = None
    note: str | None = None
    derived: bool | None = None
    source: Source


class Exposure(_Model):
    """How much treatment was given."""

    cycles_median: Positive | None = None
    cycles_range: Span | None = None
    source: Source | None = None


class PublishedArm(_Model):
    """One group of patients treated alike.

    `baseline` maps a characteristic to its summary: `median`, `mean`, `sd`, `range`, `events` of `n`,
    `proportion`, or one number per category; `figures` is the file's `outcomes`.
    """

    id: Slug
    regimen: Slug
    description: Text
    n: Patients | None
    n_treated: Count | None = None
    n_enrolled: Count | None = Field(None, description="everybody the n patients were taken from")
    n_eligible: Count | None = None
    n_evaluable: Count | None = None
    exposure: Exposure | None = None
    regimen_mix: dict[str, Any] | None = None
    design: Design | None = None
    baseline: dict[str, Summary] = {}
    figures: Annotated[tuple[Figure, ...], Field(alias="outcomes", strict=False)]
    source: Source | None = None
    shares_patients_with: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="arms (`arm`, or `record/arm`) that count some of the same patients"
    )


class Quantity(_Model):
    """A number that is not an outcome: pharmacokinetics, biology, background."""

    name: Text
    value: float | None = None
    value_range: Span | None = None
    range: Span | None = None
    ci95: Interval | None = None
    sd: Positive | None = None
    bound: Literal["lower", "upper"] | None = None
    n: Count | None = None
    p: Share | PValue | None = None
    unit: str | None
    text: str | None = None
    derived: bool | None = None
    source: Source


class DoseRule(_Model):
    """What a label says to do after an event."""

    event: Text
    action: Text
    source: Source


class SourceText(_Model):
    """A text a figure was read in. `seen: false` may not carry figures."""

    what: Text
    where: Text
    seen: bool


class Unseen(_Model):
    """A figure somebody believes but nobody saw; never used as data."""

    claim: Text
    believed: Text


class RecordFile(_Model):
    """A record as its file says it; `Record` adds what is read out of it."""

    id: Slug
    seed_reference: Annotated[int, Field(ge=1)] | None = Field(None, description="number in the review's list")
    citation: Citation
    kind: Literal[
        "randomized_trial",
        "single_arm_trial",
        "dose_finding_trial",
        "retrospective_cohort",
        "registry_cohort",
        "case_series",
        "pharmacokinetic_study",
        "preclinical_study",
        "review",
        "product_label",
        "press_release",
        "abstract",
    ]
    phase: Annotated[int, Field(ge=0, le=4)] | Text | None = None
    phase_note: str | None = None
    population: Population
    eligibility: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    design: Design | None = None
    arms: Annotated[tuple[PublishedArm, ...], Field(strict=False)]
    comparisons: Annotated[tuple[Contrast, ...], Field(strict=False)] = ()
    subgroups: Annotated[tuple[SubgroupFigure, ...], Field(strict=False)] = ()
    quantities: Annotated[tuple[Quantity, ...], Field(strict=False)] = ()
    dosing: dict[str, Any] | None = None
    dose_rules: Annotated[tuple[DoseRule, ...], Field(strict=False)] = ()
    sources: Annotated[dict[str, SourceText], Field(min_length=1)]
    notes: Text
    unseen: Annotated[tuple[Unseen, ...], Field(strict=False)] = ()

    @property
    def reference(self) -> int | None:
        """The record's number in the review's reference list, or None."""
        return self.seed_reference

    @property
    def regimens(self) -> tuple[str, ...]:
        """Slugs of the arms' regimens, each once, in the order of the arms."""
        return tuple(dict.fromkeys(arm.regimen for arm in self.arms))

    def arm(self, arm_id: str) -> PublishedArm:
        """One arm by its id.

        Raises
        ------
        InputError
            With the nearest ids.
        """
        from engager.core import InputError, Problem, nearest

        for arm in self.arms:
            if arm.id == arm_id:
                return arm
        hint = nearest(arm_id, [arm.id for arm in self.arms])
        raise InputError(Problem(f"record {self.id}", arm_id, "is not one of its arms", hint))
