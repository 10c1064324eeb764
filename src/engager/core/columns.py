"""The columns of a virtual trial's tables: name, type, meaning, and the day by which a value is known.

The one list: `trial` builds the tables with these columns, `analysis` takes from it what an estimate needs and what is
still unknown at an interim look, `protocol` which names are taken, `study.adam` what an export reads, and
docs/architecture.md prints it. Not here: covariates that a study file names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name, meaning : as in the table, and a few words with the unit.
    dtype : ``i32``, ``f64``, ``bool`` or ``str``.
    known_by : column with the day from which the value is known; a day of an event names itself. Empty: from the start.
    before : what stands there until then; None: nothing.
    is_needed : no estimate can be made without it.
    """

    name: str
    dtype: str
    meaning: str
    known_by: str = ""
    before: str | int | None = None
    is_needed: bool = False

    @property
    def is_event_day(self) -> bool:
        """Whether it holds the day on which something happened; null where it did not."""
        return self.known_by == self.name


# Limits of what a blood count and a reading of IL-6 are said to show, in the columns below and in the vocabulary.
B_CELLS_GONE_PER_UL = 1.0
IL6_HIGH_PG_PER_ML = 100.0


def _needed(name: str, dtype: str, meaning: str, known_by: str = "", before: str | int | None = None) -> Column:
    return Column(name, dtype, meaning, known_by, before, is_needed=True)


def _day(name: str, meaning: str) -> Column:
    return Column(name, "f64", meaning, known_by=name)


def _needed_day(name: str, meaning: str) -> Column:
    return Column(name, "f64", meaning, known_by=name, is_needed=True)


# What a death of the disease is called; the model's roles say which of them its patients have.
DISEASES = ("leukemia", "lymphoma")

KEY = (
    _needed("replicate", "i32", "virtual trial, from 0"),
    _needed("arm", "str", "arm of the study"),
    _needed("patient", "i32", "patient of the arm, from 0"),
)

# Covariates that no study file gives: worked out, or kept apart from an outcome of the same name.
MADE_COVARIATES = (
    Column("bsa_m2", "f64", "body surface [m2]"),
    Column("in_remission", "bool", "entered in remission with residual disease"),
    Column("untreated", "bool", "never treated for the leukemia"),
    Column("start_year", "i32", "first calendar year of the study"),
    Column("second_remission", "bool", "entered in second or later remission"),
    Column("remission_log", "f64", "log(1 + years of the last remission)"),
    Column("entry_mrd_log10", "f64", "residual disease at entry, log10 of the leukemic share"),
)

OUTCOMES = (
    Column("entry_month", "f64", "calendar month of randomization"),
    _needed(
        "followup_day", "f64", "last day of observation: data cut, end of follow-up, dropout, or the solver gave up"
    ),
    _needed("treated", "bool", "got any study drug"),
    _needed("start_day", "f64", "first day of study drug"),
    _needed_day("treatment_end_day", "study drug stopped; null: goes on, or died on it"),
    Column("treatment_end_reason", "str", "why study drug was stopped for good", "treatment_end_day"),
    Column("n_cycles", "i32", "cycles begun, over the whole follow-up"),
    _needed(
        "best_response", "str", "CR, CRh, CRi, PR or none; best within the response window", "response_day", "none"
    ),
    _needed_day("response_day", "first CR, CRh or CRi; of a tumor, first CR or PR"),
    _needed("response_cycle", "i32", "cycle of that day", "response_day"),
    _day("crh_day", "first CRh or better; windows of single endpoints are judged by this and the next"),
    _day("cr_day", "first CR"),
    _needed_day("mrd_day", "of the lowest reading of an MRD assay"),
    Column("mrd_log10", "f64", "that reading, log10 of the leukemic share; null: not assessed", "mrd_day"),
    _needed("mrd_below_limit", "bool", "that reading lies below the protocol's limit", "mrd_day"),
    _needed("mrd_undetectable", "bool", "the assay found nothing", "mrd_day"),
    _day("mrd_first_day", "first assay"),
    _day("mrd_response_day", "first reading below the protocol's limit"),
    _day("mrd_undetectable_day", "first assay that found nothing"),
    _needed_day("hsct_day", "transplant"),
    _needed("hsct_in_response", "bool", "transplanted in the response to the study drug", "hsct_day"),
    Column("later_lines", "i32", "lines of later therapy begun, over the whole follow-up"),
    _day("later_therapy_day", "first later therapy"),
    _day("progression_day", "images showed progression of a tumor"),
    _day(
        "b_depleted_day",
        f"first visit with less than {B_CELLS_GONE_PER_UL:g} B cell per uL of blood; null where visits count none",
    ),
    _day(
        "il6_high_day", f"first visit with IL-6 of {IL6_HIGH_PG_PER_ML:g} pg/mL or more; null where visits measure none"
    ),
    _needed_day("relapse_day", "relapse, or progression after a response"),
    Column("relapse_cd19", "str", "positive or negative", "relapse_day"),
    Column("relapse_site", "str", "marrow, extramedullary or tumor", "relapse_day"),
    _needed_day("death_day", "death"),
    _needed(
        "death_cause",
        "str",
        "leukemia or lymphoma, infection, toxicity, transplant or background",
        "death_day",
    ),
    _needed(
        "fatal_adverse_event",
        "bool",
        "the death is reported as an adverse event: always when not of the disease, else in a share of patients",
        "death_day",
    ),
    _needed("crs_grade", "i32", "worst grade of cytokine release syndrome, 0 to 5", "crs_day", 0),
    _day("crs_day", "first cytokine release syndrome"),
    _needed("neurologic_grade", "i32", "worst grade of a neurologic event, 0 to 5", "neurologic_day", 0),
    _day("neurologic_day", "first neurologic event"),
)

FAILED = _needed("failed", "bool", "the solver could not follow the patient to the end; left out of estimates, counted")

VISITS = (
    *KEY,
    Column("day", "f64", "of the visit"),
    Column("cycle", "i32", "cycle of treatment"),
    Column("cycle_day", "i32", "day of that cycle, from 1"),
    Column("kind", "str", "what the visit was for"),
    Column("marrow_blasts_percent", "f64", "read in a marrow sample [%]; null: none taken"),
    Column("tumor_percent", "f64", "size of the tumor on images, product of diameters [% of that at entry]"),
    Column("anc_per_uL", "f64", "neutrophils of the blood count"),
    Column("platelets_per_uL", "f64", "platelets of the blood count"),
    Column("b_per_uL", "f64", "B cells of the blood count; null: not counted"),
    Column("il6_pg_per_mL", "f64", "IL-6 in serum; null: not measured"),
    Column("mrd_log10", "f64", "what the assay read, in a clear marrow"),
    Column("dose_ug_per_day", "f64", "study drug given on the day that ends"),
    Column("on_treatment", "bool", "on study drug"),
)

EVENTS = (
    *KEY,
    Column("day", "f64", "on which it happened"),
    Column("event", "str", "a word of the list below"),
    Column("grade", "i32", "of a toxicity, or class of a response; else 0"),
    Column("detail", "str", "cause, site or reason"),
)

EVENT_WORDS = {
    "dose_step": "the planned dose rose",
    "hold": "study drug held after a toxicity, or a cycle awaits recovery of counts",
    "restart": "study drug given again after a hold",
    "off_study_drug": "study drug ended for good",
    "crs": "cytokine release syndrome",
    "neurologic": "neurologic event",
    "tocilizumab": "a dose of it for cytokine release syndrome",
    "response": "first CR, CRh or CRi; of a tumor, first CR or PR",
    "progression": "images showed progression of a tumor",
    "relapse": "relapse, or progression after a response",
    "hsct": "transplant",
    "later_therapy": "treatment after the study drug",
    "death": "death",
}

TRAJECTORIES = (
    *KEY,
    Column("day", "f64", "from randomization"),
    Column("dose_ug_per_day", "f64", "study drug given on the day that ends"),
)


# What a figure is of, simulated or published.
_FIGURE = (
    Column("arm", "str", "arm, or 'treatment vs control' for a comparison"),
    Column("endpoint", "str", "what was counted; `engager trial schema` lists the names"),
    Column("statistic", "str", "proportion, median, survival_at, cumulative_at, hazard_ratio, ..."),
    Column("time_months", "f64", "of a landmark [months]"),
)
_SUBGROUP = Column("subgroup", "str", "condition of a subgroup; null: all patients")

ESTIMATES = (
    *_FIGURE,
    Column("value", "f64", "estimate of this virtual trial: a share 0 to 1, months, or a ratio; inf: not reached"),
    Column("low", "f64", "lower 95 % confidence limit within this virtual trial"),
    Column("high", "f64", "upper 95 % confidence limit"),
    Column("n", "i32", "patients counted"),
    Column("events", "i32", "of them with the event"),
    Column("n_failed", "i32", "patients left out because the solver could not follow them"),
    Column("replicate", "i32", "virtual trial, from 0"),
    _SUBGROUP,
    Column("p_value", "f64", "log-rank test, of hazard ratios"),
    Column("request", "i32", "place of the estimate in the study's list: tells endpoints that stand twice apart"),
)

# One row a published figure, flat: comparisons.json as a table.
COMPARISONS = (
    Column("trial", "str", "study"),
    *_FIGURE,
    _SUBGROUP,
    Column("use", "str", "fit: the model was fitted to it; check: it was not"),
    Column("published", "f64", "published value: a share 0 to 1, months, or a ratio"),
    Column("published_low", "f64", "lower limit of the published 95 % confidence interval"),
    Column("published_high", "f64", "upper limit"),
    Column("published_n", "f64", "patients the published figure is about"),
    Column("source", "str", "record#source it was read from"),
    Column("simulated", "f64", "median over virtual trials, as `published`"),
    Column("simulated_low", "f64", "lower limit of the prediction interval; null beside a known median: not reached"),
    Column("simulated_high", "f64", "upper limit of the prediction interval; null beside a known median: not reached"),
    Column("coverage", "f64", "share of new trials the prediction interval holds"),
    Column("inside", "bool", "the published value lies within the prediction interval; null: not judged"),
)

# `engager trial compare` as a table: one row a figure and run.
COMPARED_RUNS = (
    *_FIGURE,
    Column("definition", "str", "what tells an endpoint that stands twice apart"),
    Column("run", "str", "run folder"),
    Column("median", "f64", "median over virtual trials: a share 0 to 1, months, or a ratio"),
    Column("low", "f64", "lower limit of the prediction interval"),
    Column("high", "f64", "upper limit of the prediction interval"),
    Column("coverage", "f64", "share of new trials the interval holds"),
    Column("difference_scale", "str", "difference: this run minus first (share, months); ratio: this run by first"),
    Column(
        "difference_median",
        "f64",
        "median of the differences, virtual trial by virtual trial; NaN: under 95 % of trials tell it",
    ),
    Column("difference_low", "f64", "lower limit of the differences"),
    Column("difference_high", "f64", "upper limit of the differences"),
    Column("difference_coverage", "f64", "share of new pairs of trials that interval holds"),
)


def meanings(columns: tuple[Column, ...]) -> dict[str, str]:
    """What each column holds, by name."""
    return {one.name: one.meaning for one in columns}


def patient_columns() -> tuple[Column, ...]:
    """Columns of the patients table, covariates that a study file names left out."""
    return (*KEY, FAILED, *MADE_COVARIATES, *OUTCOMES)


def as_markdown(columns: tuple[Column, ...]) -> str:
    """The columns as a table for the docs."""
    lines = ["| column | type | meaning |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| `{one.name}` | {one.dtype} | {one.meaning} |" for one in columns)])
