"""ADSL: one row a subject. Also the subjects' columns that the other datasets are made from."""

from __future__ import annotations

from datetime import date

import polars as pl

from engager.core import COVARIATES, DAYS_PER_MONTH, parse_condition
from engager.protocol import STRATA, Protocol
from engager.study.adam.dataset import Dataset, Kind, Variable, dataset, date_of, yes, yes_no

_AGE_GROUPS = ((18, "<18"), (35, "18-34"), (55, "35-54"), (65, "55-64"))
_OLDEST = ">=65"
_LONGEST_TEXT = 200
_FOLLOWED = ~pl.col("failed")


def is_randomized(protocol: Protocol) -> bool:
    """Whether patients were allocated by chance; if not, day 0 is enrollment."""
    return len(protocol.arms) > 1 and protocol.allocation.randomized and not protocol.allocation.counterfactual


def subject_rows(
    protocol: Protocol, patients: pl.DataFrame, events: pl.DataFrame, reference_date: date
) -> pl.DataFrame:
    """The patients of one replicate with what ADSL needs beside their own columns."""
    key = ["arm", "patient"]
    stopped = events.filter(pl.col("event") == "off_study_drug").group_by(key).agg(stop_reason=pl.col("detail").first())
    later = events.filter(pl.col("event") == "later_therapy").group_by(key).agg(later_day=pl.col("day").min())
    entry = (pl.col("entry_month") * DAYS_PER_MONTH + 1e-6).floor().cast(pl.Int32)
    width = len(str(max(arm.n for arm in protocol.arms.values()) - 1))
    subject = pl.format("{}-{}-{}", "replicate", "arm", pl.col("patient").cast(pl.String).str.zfill(width))
    conditions = protocol.allocation.stratum_conditions()
    return (
        patients.join(stopped, on=key, how="left", maintain_order="left")
        .join(later, on=key, how="left", maintain_order="left")
        .with_columns(
            SUBJID=subject,
            USUBJID=pl.lit(f"{protocol.study}-") + subject,
            entry_date=(pl.lit(reference_date).cast(pl.Int32) + entry).cast(pl.Date),
        )
        .with_columns(
            parse_condition(text).holds(patients).alias(f"stratum_{number}")
            for number, text in enumerate(conditions, start=1)
        )
    )


def subject_variables(protocol: Protocol, columns: list[str], reference_date: date) -> list[Variable]:
    """The variables of ADSL, over `subject_rows`."""
    return [
        *_identity(protocol),
        *_populations(protocol, reference_date),
        *_baseline(columns),
        *_strata(protocol),
        *_course(),
    ]


def adsl(variables: list[Variable], rows: pl.DataFrame) -> Dataset:
    """The subject-level dataset."""
    return dataset(
        "ADSL",
        "Subject-Level Analysis Dataset",
        structure="One record per subject",
        kind="SUBJECT LEVEL ANALYSIS DATASET",
        keys=("STUDYID", "USUBJID"),
        variables=variables,
        rows=rows,
    )


def _identity(protocol: Protocol) -> list[Variable]:
    arm = pl.col("arm")
    order = {name: number for number, name in enumerate(protocol.arm_ids, start=1)}
    regimens = {name: one.regimen.id for name, one in protocol.arms.items()}
    actual = pl.when(_FOLLOWED & pl.col("treated")).then(arm)
    return [
        Variable("STUDYID", "Study Identifier", "text", pl.lit(protocol.study), "Id of the study file.", "Assigned"),
        Variable("USUBJID", "Unique Subject Identifier", "text", pl.col("USUBJID"), "STUDYID, a hyphen, SUBJID."),
        Variable(
            "SUBJID", "Subject Identifier for the Study", "text", pl.col("SUBJID"),
            "Replicate of the run, arm and number of the patient in the arm, joined by hyphens.",
        ),
        Variable("REPLIC", "Replicate of the Run", "integer", pl.col("replicate"), "patients.replicate", "Assigned"),
        Variable("PATNUM", "Number of the Patient in the Arm", "integer", pl.col("patient"), "patients.patient",
                 "Assigned"),
        Variable("ARM", "Description of Planned Arm", "text", arm, "Id of the arm in the study file.", "Assigned"),
        Variable("TRT01P", "Planned Treatment for Period 01", "text", arm, "ARM."),
        Variable("TRT01PN", "Planned Treatment for Period 01 (N)", "integer",
                 arm.replace_strict(order, return_dtype=pl.Int64), "Order of the arms in the study file."),
        Variable("TRT01A", "Actual Treatment for Period 01", "text", actual,
                 "ARM when the subject got any study drug, else missing."),
        Variable("REGIMEN", "Regimen of the Arm", "text", arm.replace_strict(regimens, return_dtype=pl.String),
                 "Id of the arm's regimen in the study file.", "Assigned"),
    ]  # fmt: skip


def _populations(protocol: Protocol, reference_date: date) -> list[Variable]:
    treated = _FOLLOWED & pl.col("treated")
    name, label = ("RANDDT", "Date of Randomization") if is_randomized(protocol) else ("ENRLDT", "Date of Enrollment")
    ended = pl.col("treatment_end_day").fill_null(pl.col("death_day"))
    how: pl.Expr = (
        pl.when(pl.col("stop_reason") == "treatment completed").then(pl.lit("COMPLETED"))
        .when(pl.col("stop_reason").is_not_null() | pl.col("death_day").is_not_null()).then(pl.lit("DISCONTINUED"))
        .otherwise(pl.lit("ONGOING"))
    )  # fmt: skip
    died = pl.when(pl.col("death_day").is_not_null()).then(pl.lit("DEATH"))
    stated = pl.when(pl.col("stop_reason") != "treatment completed").then(pl.col("stop_reason").str.to_uppercase())
    why = pl.when(pl.col("stop_reason").is_null()).then(died).otherwise(stated)
    return [
        Variable("ITTFL", "Intent-To-Treat Population Flag", "text", yes_no(_FOLLOWED),
                 "Y for every subject who entered and whose simulation did not fail."),
        Variable("SAFFL", "Safety Population Flag", "text", yes_no(treated), "Y when ITTFL is Y and any drug was got."),
        Variable("FAILFL", "Simulation Failed Flag", "text", yes(~_FOLLOWED),
                 "Y when the solver could not follow the subject; such a subject is in no analysis."),
        Variable(name, label, "date", pl.col("entry_date"),
                 f"{reference_date} (the reference date: first day of accrual, no date of any real trial) plus the"
                 " whole days of patients.entry_month, months of 30.4375 days. Day 0 of the subject."),
        Variable("TRTSDT", "Date of First Exposure to Treatment", "date",
                 pl.when(treated).then(date_of(pl.col("start_day"))), f"{name} plus patients.start_day."),
        Variable("TRTEDT", "Date of Last Exposure to Treatment", "date", pl.when(treated).then(date_of(ended)),
                 f"{name} plus patients.treatment_end_day; date of death for who died on treatment; missing while"
                 " treatment goes on."),
        Variable("EOTSTT", "End of Treatment Status", "text", pl.when(treated).then(how),
                 "From the event off_study_drug: COMPLETED when its detail is 'treatment completed', else"
                 " DISCONTINUED; DISCONTINUED by death; ONGOING when observation ended first."),
        Variable("DCTREAS", "Reason for Discontinuation of Treatment", "text", pl.when(treated).then(why),
                 "Detail of the event off_study_drug; DEATH when there is none and the subject died."),
    ]  # fmt: skip


def _baseline(columns: list[str]) -> list[Variable]:
    age = pl.col("age_years").floor().cast(pl.Int64)
    group: pl.Expr = pl.lit(_OLDEST)
    number: pl.Expr = pl.lit(len(_AGE_GROUPS) + 1)
    for rank, (below, name) in reversed(list(enumerate(_AGE_GROUPS, start=1))):
        group = pl.when(age < below).then(pl.lit(name)).otherwise(group)
        number = pl.when(age < below).then(rank).otherwise(number)
    found = [
        Variable("AGE", "Age", "integer", age, "Completed years of patients.age_years."),
        Variable("AGEU", "Age Units", "text", pl.lit("YEARS"), "Always YEARS.", "Assigned"),
        Variable("AGEGR1", "Pooled Age Group 1", "text", group, "<18, 18-34, 35-54, 55-64 or >=65 years, from AGE."),
        Variable("AGEGR1N", "Pooled Age Group 1 (N)", "integer", number, "Order of AGEGR1."),
        Variable("SEX", "Sex", "text", pl.when(pl.col("female")).then(pl.lit("F")).otherwise(pl.lit("M")),
                 "patients.female"),
    ]  # fmt: skip
    for one in COVARIATES:
        if one.adam is None or one.in_table not in columns:
            continue
        (name, label), column = one.adam, one.in_table
        if one.kind == "yes_no":
            found.append(Variable(name, label, "text", yes_no(pl.col(column)), f"Y when patients.{column}."))
        else:
            kind: Kind = "integer" if one.kind == "category" else "float"
            found.append(Variable(name, label, kind, pl.col(column), f"patients.{column}", "Assigned"))
    return found


def _strata(protocol: Protocol) -> list[Variable]:
    names, conditions = protocol.allocation.strata, protocol.allocation.stratum_conditions()
    if not names:
        return []
    answers = [yes_no(pl.col(f"stratum_{number}")) for number in range(1, len(names) + 1)]
    told = "; ".join(f"{number}: {text}" for number, text in enumerate(conditions, start=1))
    found = [
        Variable("STRATAR", "Strata Used for Randomization", "text", pl.concat_str(answers, separator="/"),
                 f"STRAT1R and the following, joined by a slash. {told}."),
    ]  # fmt: skip
    for number, (name, text, answer) in enumerate(zip(names, conditions, answers, strict=True), start=1):
        words = f"{name}: {text}" if name in STRATA else text
        found += [
            Variable(f"STRAT{number}D", f"Description of Stratification Factor {number}", "text",
                     pl.lit(words[:_LONGEST_TEXT]), "allocation.strata of the study file.", "Assigned"),
            Variable(f"STRAT{number}R", f"Strat Factor {number} Value Used for Rand", "text", answer,
                     f"Y when {text}, else N."),
        ]  # fmt: skip
    return found


def _course() -> list[Variable]:
    def dated(name: str, label: str, column: str, told: str) -> Variable:
        return Variable(name, label, "date", pl.when(_FOLLOWED).then(date_of(pl.col(column))), told)

    def told_of(name: str, label: str, column: str) -> Variable:
        text = pl.when(_FOLLOWED).then(pl.col(column).str.to_uppercase())
        return Variable(name, label, "text", text, f"patients.{column} in capitals.")

    last = pl.min_horizontal("death_day", "followup_day")
    return [
        dated("HSCTDT", "Date of HSCT on Study", "hsct_day", "Day 0 plus patients.hsct_day."),
        Variable("HSCTRSFL", "HSCT in Response Flag", "text",
                 pl.when(_FOLLOWED).then(yes_no(pl.col("hsct_in_response"))),
                 "patients.hsct_in_response; missing without a transplant."),
        dated("RELDT", "Date of Relapse", "relapse_day", "Day 0 plus patients.relapse_day."),
        told_of("RELSITE", "Site of Relapse", "relapse_site"),
        told_of("RELCD19", "CD19 of the Relapse", "relapse_cd19"),
        dated("NXTTRTDT", "Date of Next Therapy of the Leukemia", "later_day",
              "Day 0 plus day of the event later_therapy."),
        Variable("DTHFL", "Subject Death Flag", "text", yes(_FOLLOWED & pl.col("death_day").is_not_null()),
                 "Y when a death was observed."),
        dated("DTHDT", "Date of Death", "death_day", "Day 0 plus patients.death_day."),
        told_of("DTHCAUS", "Cause of Death", "death_cause"),
        Variable("EOSDT", "End of Study Date", "date", pl.when(_FOLLOWED).then(date_of(last)),
                 "Date of death, else day 0 plus patients.followup_day: data cut, end of follow-up or dropout."),
    ]  # fmt: skip
