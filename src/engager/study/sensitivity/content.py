"""The page of a sensitivity analysis: results put into the report layer's own form, with their sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engager.calibration import PATIENT_OUTPUTS, TRIAL_OUTPUTS, Identifiability, SobolIndex
from engager.core import DASH, versions, whole_percent
from engager.report import SensitivityContent, SensitivityLevel
from engager.study.sensitivity.words import labels_of, meaning_of

if TYPE_CHECKING:
    from engager.model import Model
    from engager.study.sensitivity.result import PatientLevel, Sensitivity, TrialLevel

# One patient responds or not: a tornado of a yes/no says nothing.
_YES_NO = ("response", "mrd_response")
_STRONGEST = 3
_NAMED_INDEX = 0.05
_FEWEST_PAIRS = 8
# A polynomial that predicts less than this ranks chance.
LEAST_Q2 = 0.3

_LIMITS = (
    "One patient: the first four weeks with doses as planned and nothing left to chance. Parameters follow the"
    " center of the fit, covariates the study; all factors are taken as independent, so a correlation between"
    " covariates is not seen here.",
    "Indices of one patient: scrambled Sobol points in Saltelli's arrangement, evaluated by the model itself; limits"
    " by bootstrap (SALib). An index may fall a little below 0 by sampling.",
    "A trial: every unknown of the fit moves over its range on its own, as if it were not tied to the others;"
    " together the ranges allow more than the fit does where unknowns trade with each other.",
    "A trial's polynomial (Hermite, degree 2) explains the share Q2 of the variance of sets it has not seen; what"
    " neither it nor chance explains belongs to no unknown in the figure.",
    "A median survival that was not reached counts as half again the follow-up.",
    "A ratio of spreads measures information on the scale of the fit, between bounds that the parameter table sets;"
    " wider bounds would make the same data look more informative.",
)


def sensitivity_content(found: Sensitivity) -> SensitivityContent:
    """What the page shows."""
    model, arm = found.model, found.protocol.arm_ids[0]
    facts = [(arm, "arm"), (model.id, "model"), (str(found.seed), "seed")]
    if found.patient:
        facts.append((str(found.patient.n_patients), "virtual patients"))
    if found.trial:
        facts.append((f"{found.trial.sets} × {found.trial.patients}", "virtual trials × patients"))
    told = found.identifiability
    held = told.held if told else ()
    return SensitivityContent(
        title=f"Sensitivity: {found.protocol.title or found.protocol.study}",
        facts=facts,
        patient=_patient(found.patient, model) if found.patient else None,
        trial=_trial(found.trial, model) if found.trial else None,
        unknowns=_unknowns(told, model) if told else (),
        pairs=_pairs(told) if told else (),
        names=told.names if told else (),
        correlations=told.correlations.tolist() if told else (),
        held=[{**asdict(one), "meaning": meaning_of(one.name, model)} for one in held],
        identifiability=_told(told) if told else (),
        limits=(*found.notes, *_LIMITS),
        versions=versions(),
    )


def strongest_rows(found: Sensitivity) -> list[list[str]]:
    """What moves each output most, in words: level, output, factor with its name, share alone, share in all, limits.

    Of a trial's output that its polynomial does not explain no factor is named, as on the page.
    """
    rows: list[list[str]] = []
    for level, own, titles in (("patient", found.patient, PATIENT_OUTPUTS), ("trial", found.trial, TRIAL_OUTPUTS)):
        if own is None:
            continue
        for output in own.outputs:
            title = titles[output]
            if found.trial is not None and own is found.trial and found.trial.q2[output] < LEAST_Q2:
                rows.append([level, title, "too little is explained; more sets or patients are needed", *([DASH] * 3)])
                continue
            of_output = sorted((one for one in own.indices if one.output == output), key=lambda one: -one.total)
            rows += [[level, title, *_shares(one, found.model)] for one in of_output[:_STRONGEST] if one.total > 0]
    return rows


def _shares(one: SobolIndex, model: Model) -> list[str]:
    limits = f"{whole_percent(one.total_low)} to {whole_percent(one.total_high)}"
    words = f"{meaning_of(one.factor, model)} ({one.factor})"
    return [words, whole_percent(max(one.first, 0.0)), whole_percent(one.total), limits]


def _patient(level: PatientLevel, model: Model) -> SensitivityLevel:
    outputs = {name: PATIENT_OUTPUTS[name] for name in level.outputs}
    labels = labels_of({one.factor for one in level.indices}, model)
    columns = ("Factors alone", "With interactions of the strongest", "Widest 95 % half-width")
    precision = []
    for name, title in outputs.items():
        rows = [one for one in level.indices if one.output == name]
        strongest = max(rows, key=lambda one: one.total)
        half = max((one.total_high - one.total_low) / 2 for one in rows)
        numbers = (
            whole_percent(sum(one.first for one in rows)),
            whole_percent(strongest.total),
            f"± {100 * half:.0f} points",
        )
        precision.append({"title": title, **dict(zip(columns, numbers, strict=True))})
    sentences = strongest_sentences(level.indices, outputs, labels)
    if level.n_left_out:
        left_out = f"{level.n_left_out} of {level.samples} base samples are left out"
        sentences.append(f"{left_out}: a patient failed numerically.")
    return SensitivityLevel(
        outputs=outputs,
        labels=labels,
        indices=[asdict(one) for one in level.indices],
        swings=[asdict(one) for one in level.swings if one.output not in _YES_NO],
        swing_outputs={name: title for name, title in outputs.items() if name not in _YES_NO},
        precision_columns=columns,
        precision=precision,
        sentences=sentences,
    )


def _trial(level: TrialLevel, model: Model) -> SensitivityLevel:
    outputs = {name: TRIAL_OUTPUTS[name] for name in level.outputs}
    labels = labels_of({one.factor for one in level.swings}, model)
    columns = ("Median of sets (SD)", "Chance", "Q2 of the polynomial", "Terms", "Widest 95 % half-width")
    precision = []
    for name, title in outputs.items():
        half = max((one.total_high - one.total_low) / 2 for one in level.indices if one.output == name)
        numbers = (
            f"{level.center[name]:.1f} ({level.spread[name]:.1f})", whole_percent(level.chance_share[name]),
            f"{level.q2[name]:.2f}", str(level.n_terms[name]), f"± {100 * half:.0f} points",
        )  # fmt: skip
        precision.append({"title": title, **dict(zip(columns, numbers, strict=True))})
    sentence = f"Each unknown moves over its {level.over}; a trial here has {level.patients} patients."
    told = {name: title for name, title in outputs.items() if level.q2[name] >= LEAST_Q2}
    untold = [title for name, title in outputs.items() if name not in told]
    hint = "too little is explained to name unknowns; more sets or patients are needed."
    unclear = [f"{title}: {hint}" for title in untold]
    return SensitivityLevel(
        outputs=outputs,
        labels=labels,
        indices=[asdict(one) for one in level.indices],
        swings=[asdict(one) for one in level.swings],
        precision_columns=columns,
        precision=precision,
        sentences=[sentence, *strongest_sentences(level.indices, told, labels), *unclear],
    )


def strongest_sentences(
    indices: Sequence[SobolIndex], outputs: Mapping[str, str], labels: Mapping[str, str]
) -> list[str]:
    """A sentence per output with its strongest factors, where limits tell them from nothing."""
    found = []
    for name, title in outputs.items():
        rows = sorted((one for one in indices if one.output == name), key=lambda one: -one.total)[:_STRONGEST]
        sure = [one for one in rows if one.total > _NAMED_INDEX and one.total_low > 0]
        named = [f"{labels[one.factor]} ({whole_percent(one.total)})" for one in sure]
        if named:
            found.append(f"{title}: {'; '.join(named)}.")
    return found


def _unknowns(told: Identifiability, model: Model) -> list[dict[str, Any]]:
    rows = []
    for one in sorted(told.unknowns, key=lambda one: -one.contraction):
        verdict = ""
        if one.is_hardly_informed:
            verdict = "hardly informed"
        elif one.is_uninformed:
            verdict = "no more than chance"
        rows.append({**asdict(one), "meaning": meaning_of(one.name, model), "verdict": verdict})
    return rows


def _pairs(told: Identifiability) -> list[dict[str, Any]]:
    """Strong pairs, or the strongest few where none is strong."""
    strong = told.strong_pairs() or told.strong_pairs(0.0)[:_FEWEST_PAIRS]
    return [asdict(pair) for pair in strong]


def _told(told: Identifiability) -> list[str]:
    n, hardly, strong = len(told.unknowns), told.hardly_informed(), told.strong_pairs()
    sentences = [
        f"{n} unknowns, {told.n_draws} draws. {len(hardly)} keep more than 90 % of their prior spread;"
        f" {len(strong)} pairs are correlated beyond 0.8."
    ]
    if not strong:
        sentences.append("The table of pairs shows the strongest correlations anyway.")
    sentences.append(
        f"{len(told.uninformed())} may have kept all of it: the 95 % limits that {told.n_draws} draws give reach 1."
    )
    if told.missing:
        sentences.append(f"Left out, because the model's table does not have them: {', '.join(told.missing)}.")
    return sentences
