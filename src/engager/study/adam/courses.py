"""ADAE, ADLB and ADEX: adverse events, measurements by visit, and what is recorded of exposure."""

from __future__ import annotations

import polars as pl

from engager.core import DISEASES
from engager.protocol import Protocol
from engager.study.adam.dataset import (
    Dataset,
    Parameter,
    Variable,
    dataset,
    date_of,
    parameter_variables,
    study_day,
    yes,
)
from engager.study.adam.source import Source

_TERMS = {"crs": "Cytokine release syndrome", "neurologic": "Neurologic event"}
_RULES = {"crs": "CRS toxicity", "neurologic": "neurologic toxicity"}
_DEATHS = {
    "infection": "Fatal infection",
    "transplant": "Transplant-related death",
    "background": "Death of a cause apart from the disease and its treatment",
    **dict.fromkeys(DISEASES, "Fatal infection or bleeding with active disease"),
}
_EMERGENT_DAYS = 30.0
_SEVERITY = {1: "MILD", 2: "MODERATE", 3: "SEVERE", 4: "SEVERE", 5: "SEVERE"}
_ADJUSTMENTS = {
    "dose_step": "DOSE INCREASED",
    "hold": "DRUG INTERRUPTED",
    "restart": "DRUG RESTARTED",
    "off_study_drug": "DRUG WITHDRAWN",
}
_MEASURED = {
    "NEUT": ("Neutrophils (/uL)", "anc_per_uL", "Blood count of the visit."),
    "PLAT": ("Platelets (/uL)", "platelets_per_uL", "Blood count of the visit."),
    "BMBLAST": ("Marrow Blasts (%)", "marrow_blasts_percent", "Marrow examination of the visit."),
    "MRDLOG10": ("MRD, Log10 of the Leukemic Share", "mrd_log10", "Assay on a marrow without visible leukemia."),
}
_AT_ENTRY = {"BMBLAST": ("marrow_blasts_percent",), "MRDLOG10": ("entry_mrd_log10",)}


def adae(source: Source) -> Dataset:
    """CRS and neurologic events of treated subjects, and those of their deaths that are reported as adverse events."""
    fatal = pl.col("grade") >= 5
    by_rule = pl.col("action").replace_strict(_ADJUSTMENTS, return_dtype=pl.String)
    off = pl.col("treatment_end_day") < pl.col("day")
    action = (
        pl.when(fatal | off.fill_null(False)).then(pl.lit("NOT APPLICABLE"))
        .when(by_rule.is_not_null()).then(by_rule)
        .otherwise(pl.lit("DOSE NOT CHANGED"))
    )  # fmt: skip
    last = pl.col("treatment_end_day") + _EMERGENT_DAYS
    emergent = (pl.col("day") >= pl.col("start_day")) & (last.is_null() | (pl.col("day") <= last))
    onset = pl.when(pl.col("has_onset")).then(pl.col("day"))
    variables = [
        *source.core(),
        Variable("AESEQ", "Sequence Number", "integer", pl.col("number"), "Order of the subject's records by day."),
        Variable("AETERM", "Reported Term for the Adverse Event", "text", pl.col("term"),
                 "Events crs and neurologic; a death by its cause, patients.death_cause."),
        Variable("AEDECOD", "Dictionary-Derived Term", "text", pl.col("term"), "AETERM; not coded in MedDRA."),
        Variable("ASTDT", "Analysis Start Date", "date", date_of(onset),
                 "Day of the event; missing for a death, whose event has no day of onset in a run."),
        Variable("ASTDY", "Analysis Start Relative Day", "integer", study_day(onset), "ASTDT minus day 0, plus 1."),
        Variable("AENDT", "Analysis End Date", "date", pl.when(fatal).then(date_of(pl.col("day"))),
                 "Date of death of a fatal event; a run holds no end of others."),
        Variable("AENDY", "Analysis End Relative Day", "integer", pl.when(fatal).then(study_day(pl.col("day"))),
                 "AENDT minus day 0, plus 1."),
        Variable("AETOXGR", "Standard Toxicity Grade", "text", pl.col("grade").cast(pl.String), "events.grade"),
        Variable("AETOXGRN", "Standard Toxicity Grade (N)", "integer", pl.col("grade"), "events.grade"),
        Variable("AESEV", "Severity/Intensity", "text",
                 pl.col("grade").replace_strict(_SEVERITY, return_dtype=pl.String),
                 "Grade 1 MILD, 2 MODERATE, 3 to 5 SEVERE."),
        Variable("AESER", "Serious Event", "text", yes(pl.col("grade") >= 4),
                 "Y for grade 4 (life-threatening) and 5 (death); missing below, as a run holds no hospital stays."),
        Variable("AESDTH", "Results in Death", "text", yes(fatal), "Y for grade 5."),
        Variable("AEOUT", "Outcome of Adverse Event", "text", pl.when(fatal).then(pl.lit("FATAL")),
                 "FATAL for grade 5; a run holds no other outcome."),
        Variable("AEACN", "Action Taken with Study Treatment", "text", action,
                 "DRUG INTERRUPTED or DRUG WITHDRAWN when the rule of that toxicity fired at the same instant, else"
                 " DOSE NOT CHANGED; NOT APPLICABLE to a fatal event and after the end of treatment."),
        Variable("TRTEMFL", "Treatment Emergent Analysis Flag", "text", yes(emergent),
                 "Y from first exposure to 30 days after the last (all days when treatment goes on)."),
        *source.carried("TRTSDT", "TRTEDT", "SAFFL"),
    ]  # fmt: skip
    return dataset(
        "ADAE",
        "Adverse Event Analysis Dataset",
        structure="One record per subject per adverse event",
        kind="OCCURRENCE DATA STRUCTURE",
        subkind="ADVERSE EVENT",
        standard="OCCDS",
        keys=("STUDYID", "USUBJID", "AESEQ"),
        variables=variables,
        rows=_adverse_events(source),
    )


def _adverse_events(source: Source) -> pl.DataFrame:
    """Rows of ADAE with day, grade, term, action and the number within the subject."""
    key = ["arm", "patient", "day"]
    rules = source.events.filter(pl.col("event").is_in(["hold", "off_study_drug"]))
    struck = source.events.filter(pl.col("event").is_in(list(_TERMS))).with_columns(
        term=pl.col("event").replace_strict(_TERMS, return_dtype=pl.String),
        rule=pl.col("event").replace_strict(_RULES, return_dtype=pl.String),
        has_onset=pl.lit(True),
    )
    acted = rules.select(*key, rule="detail", action="event").unique([*key, "rule"], keep="last", maintain_order=True)
    struck = struck.join(acted, on=[*key, "rule"], how="left", maintain_order="left")
    died = source.events.filter((pl.col("event") == "death") & pl.col("detail").is_in(list(_DEATHS))).with_columns(
        term=pl.col("detail").replace_strict(_DEATHS, return_dtype=pl.String),
        grade=pl.lit(5, dtype=pl.Int32),
        has_onset=pl.lit(False),
    )
    rows = source.of_subjects(pl.concat([struck, died], how="diagonal_relaxed")).filter("treated")
    rows = rows.filter(~(pl.col("event") == "death") | pl.col("fatal_adverse_event").fill_null(False))
    rows = rows.sort("USUBJID", "day", maintain_order=True)
    return rows.with_columns(number=pl.int_range(pl.len()).over("USUBJID") + 1)


def adlb(source: Source) -> Dataset:
    """Counts, marrow blasts and residual disease by visit."""
    parameters = [Parameter(code, text, told) for code, (text, _, told) in _MEASURED.items()]
    rows = _measurements(source)
    first = pl.col("is_baseline")
    base = pl.col("value").filter(first).first().over("USUBJID", "parameter")
    is_first = pl.col("day") == pl.col("day").min().over("USUBJID", "parameter", "visit_number")
    change = pl.when(~first).then(pl.col("value") - base)
    variables = [
        *source.core(),
        *parameter_variables(parameters),
        Variable("AVAL", "Analysis Value", "float", pl.col("value"), "See the values by parameter."),
        Variable("BASE", "Baseline Value", "float", base,
                 "AVAL of the record with ABLFL Y: the visit of day 0; of marrow blasts, and of MRD on entry in"
                 " remission, the covariate of the subject."),
        Variable("CHG", "Change from Baseline", "float", change, "AVAL minus BASE, after baseline."),
        Variable("ABLFL", "Baseline Record Flag", "text", yes(first), "Y on the record of day 0."),
        Variable("ADT", "Analysis Date", "date", date_of(pl.col("day")), "Date of the visit."),
        Variable("ADY", "Analysis Relative Day", "integer", study_day(pl.col("day")), "ADT minus day 0, plus 1."),
        Variable("AVISIT", "Analysis Visit", "text", pl.col("visit"),
                 "Baseline; cycle and its day on treatment; else the kind of the visit and its day."),
        Variable("AVISITN", "Analysis Visit (N)", "integer", pl.col("visit_number"),
                 "Baseline 0; 1000 times the cycle plus its day; follow-up 1000000 plus the day; suspected relapse"
                 " 2000000 plus the day."),
        Variable("ONTRTFL", "On Treatment Record Flag", "text", yes(pl.col("on_treatment")),
                 "Y while the study drug was not stopped, holds included."),
        Variable("ANL01FL", "Analysis Flag 01", "text", yes(is_first),
                 "Y on the first record of the subject, parameter and AVISIT: a pause repeats a day of the cycle."),
        *source.carried("ITTFL", "SAFFL"),
    ]  # fmt: skip
    return dataset(
        "ADLB",
        "Laboratory and Marrow Analysis Dataset",
        structure="One record per subject per parameter per visit",
        kind="BASIC DATA STRUCTURE",
        keys=("STUDYID", "USUBJID", "PARAMN", "ADT", "AVISITN"),
        variables=variables,
        rows=rows,
        parameters=parameters,
    )


def _measurements(source: Source) -> pl.DataFrame:
    visits = source.of_subjects(source.visits)
    day = pl.col("day").round().cast(pl.Int64)
    kind, cycle, of_cycle = pl.col("kind"), pl.col("cycle"), pl.col("cycle_day")
    name = (
        pl.when(kind == "baseline").then(pl.lit("Baseline"))
        .when(kind == "cycle").then(pl.format("Cycle {} Day {}", cycle, of_cycle))
        .otherwise(pl.format("{} Day {}", kind.str.to_titlecase(), day))
    )  # fmt: skip
    number = (
        pl.when(kind == "baseline").then(0)
        .when(kind == "cycle").then(1000 * cycle.cast(pl.Int64) + of_cycle)
        .when(kind == "follow-up").then(1_000_000 + day)
        .otherwise(2_000_000 + day)
    )  # fmt: skip
    visits = visits.with_columns(visit=name, visit_number=number, is_baseline=kind == "baseline")
    parts = [
        visits.filter(pl.col(column).is_not_null()).with_columns(parameter=pl.lit(code), value=pl.col(column))
        for code, (_, column, _) in _MEASURED.items()
    ]
    for code, (column,) in _AT_ENTRY.items():
        if column in source.followed.columns:
            parts.append(_at_entry(source, code, column))
    return pl.concat(parts, how="diagonal_relaxed")


def _at_entry(source: Source, code: str, column: str) -> pl.DataFrame:
    """A baseline record from the subject's covariate, where the first visit took no marrow."""
    seen = source.visits.filter((pl.col("kind") == "baseline") & pl.col(_MEASURED[code][1]).is_not_null())
    return (
        source.followed.join(seen, on=["arm", "patient"], how="anti")
        .filter(pl.col(column).is_not_null())
        .with_columns(
            parameter=pl.lit(code), value=pl.col(column), day=pl.lit(0.0), visit=pl.lit("Baseline"),
            visit_number=pl.lit(0, dtype=pl.Int64), is_baseline=pl.lit(True), on_treatment=pl.col("treated"),
        )
    )  # fmt: skip


def adex(source: Source) -> Dataset:
    """Cycles, length of treatment, changes of dose, and infusion rates where daily courses were kept."""
    parameters = [
        Parameter("NCYCLES", "Number of Cycles Begun",
                  "Of a treated subject: patients.n_cycles, but no cycle that begins after the last visit seen."),
        Parameter("TRTDURD", "Duration of Treatment (Days)", "TRTEDT minus TRTSDT, plus 1; none while it goes on."),
        Parameter("DOSEADJ", "Change of Dose", "Events dose_step, hold, restart and off_study_drug.", "AVALC"),
        Parameter("RATE", "Infusion Rate (ug/day)",
                  "Spells of days with the same rate, in force at the end of each day; only of subjects whose daily"
                  " course the run kept, and of continuous infusion."),
    ]  # fmt: skip
    treated = source.followed.filter("treated")
    length = (pl.col("adsl_TRTEDT") - pl.col("adsl_TRTSDT")).dt.total_days() + 1
    whole = {"first_day": pl.col("start_day"), "last_day": pl.col("treatment_end_day").fill_null(pl.col("death_day"))}
    parts = [
        treated.join(_cycles_seen(source), on=["arm", "patient"], how="left", maintain_order="left").with_columns(
            parameter=pl.lit("NCYCLES"), value=pl.min_horizontal("n_cycles", "seen").cast(pl.Float64), **whole
        ),
        treated.filter(pl.col("adsl_TRTEDT").is_not_null()).with_columns(
            parameter=pl.lit("TRTDURD"), value=length.cast(pl.Float64), **whole
        ),
        _adjustments(source),
        _rates(source),
    ]
    rows = pl.concat(parts, how="diagonal_relaxed")
    begin, end = pl.col("first_day"), pl.col("last_day")
    rows = rows.sort("USUBJID", "parameter", "first_day", maintain_order=True)
    rows = rows.with_columns(number=pl.int_range(pl.len()).over("USUBJID", "parameter") + 1)
    variables = [
        *source.core(),
        *parameter_variables(parameters),
        Variable("ASEQ", "Analysis Sequence Number", "integer", pl.col("number"),
                 "Order of the subject's records of the parameter."),
        Variable("AVAL", "Analysis Value", "float", pl.col("value"), "See the values by parameter."),
        Variable("AVALC", "Analysis Value (C)", "text", pl.col("text"), "DOSEADJ: what was done."),
        Variable("EXADJ", "Reason for Dose Adjustment", "text", pl.col("reason"), "events.detail in capitals."),
        Variable("ASTDT", "Analysis Start Date", "date", date_of(begin), "First day of the spell, or of the change."),
        Variable("ASTDY", "Analysis Start Relative Day", "integer", study_day(begin), "ASTDT minus day 0, plus 1."),
        Variable("AENDT", "Analysis End Date", "date", date_of(end), "Last day of the spell, included."),
        Variable("AENDY", "Analysis End Relative Day", "integer", study_day(end), "AENDT minus day 0, plus 1."),
        *source.carried("SAFFL"),
    ]  # fmt: skip
    return dataset(
        "ADEX",
        "Exposure Analysis Dataset",
        structure="One record per subject per parameter per period",
        kind="BASIC DATA STRUCTURE",
        keys=("STUDYID", "USUBJID", "PARAMN", "ASEQ"),
        variables=variables,
        rows=rows,
        parameters=parameters,
    )


def _cycles_seen(source: Source) -> pl.DataFrame:
    """The last cycle in which a patient was seen: `n_cycles` of a run goes on after the data cut."""
    return source.visits.group_by("arm", "patient").agg(seen=pl.col("cycle").max())


def _adjustments(source: Source) -> pl.DataFrame:
    changed = source.events.filter(pl.col("event").is_in(list(_ADJUSTMENTS))).with_columns(
        parameter=pl.lit("DOSEADJ"),
        value=pl.lit(None, dtype=pl.Float64),
        text=pl.col("event").replace_strict(_ADJUSTMENTS, return_dtype=pl.String),
        reason=pl.when(pl.col("detail") != "").then(pl.col("detail").str.to_uppercase()),
        first_day=pl.col("day"),
        last_day=pl.col("day"),
    )
    return source.of_subjects(changed)


def _rates(source: Source) -> pl.DataFrame:
    """Spells of constant rate; the row of day d holds the rate in force at the end of the day that began on d - 1."""
    infused = pl.col("arm").is_in(infused_arms(source.protocol))
    daily = source.of_subjects(source.trajectories.filter(infused & (pl.col("day") > 0)))
    daily = daily.filter(pl.col("day") <= pl.col("followup_day")).sort("USUBJID", "day")
    spell = pl.col("dose_ug_per_day").rle_id().over("USUBJID")
    spells = daily.with_columns(spell=spell).filter(pl.col("dose_ug_per_day") > 0)
    found = spells.group_by("arm", "patient", "spell", maintain_order=True).agg(
        value=pl.col("dose_ug_per_day").first(),
        first_day=pl.col("day").min() - 1.0,
        last_day=pl.col("day").max() - 1.0,
    )
    return source.of_subjects(found).with_columns(parameter=pl.lit("RATE"))


def infused_arms(protocol: Protocol) -> list[str]:
    """Arms whose drug is infused without a pause, so that a rate is in force each day."""
    regimens = {arm: one.regimen for arm, one in protocol.arms.items()}
    return [arm for arm, one in regimens.items() if one.route == "iv_continuous" and not one.is_chemotherapy]
