"""What drives the outcomes, in short: the strongest factors of a sensitivity analysis, kept for other pages.

A sensitivity analysis takes minutes, a report must not. In: a finished `Sensitivity`. Out: a small JSON file with where
it came from; one ships. Pages show it, and say so when the model or the fit is no longer the one it was made for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.calibration import PATIENT_OUTPUTS, TRIAL_OUTPUTS, SobolIndex, Swing, shipped_posterior
from engager.core import versions, write_whole
from engager.model import load_model
from engager.protocol import Protocol, shipped_protocol
from engager.report import DriversSection, SensitivityLevel
from engager.study.parameters import Parameters, posterior_hash
from engager.study.sensitivity.content import LEAST_Q2, strongest_sentences
from engager.study.sensitivity.words import labels_of

if TYPE_CHECKING:
    from engager.study.sensitivity.result import PatientLevel, Sensitivity, TrialLevel

_FILE = "sensitivity.json"
_PATIENT = ("response", "mrd_response", "il6_peak")
_TRIAL = ("CR/CRh/CRi", "MRD_response", "OS_median")
_MOST = 5


def sensitivity_summary(found: Sensitivity) -> dict[str, Any]:
    """The strongest factors of the main outcomes, and where they came from."""
    patient, trial = found.patient, found.trial
    return {
        "made": {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "study": found.protocol.study,
            "arm": found.protocol.arm_ids[0],
            "seed": found.seed,
            "samples": patient.samples if patient else None,
            "sets": trial.sets if trial else None,
            "patients": trial.patients if trial else None,
            "over": trial.over if trial else None,
            "model": found.model.id,
            "model_hash": found.model.hash,
            "posterior_hash": found.posterior_hash,
            "engager": versions()["engager"],
        },
        "patient": _level(patient, _PATIENT, PATIENT_OUTPUTS, found) if patient else None,
        "trial": _trial(trial, found) if trial else None,
    }


def write_summary(found: Sensitivity, path: Path) -> None:
    """Write the summary as JSON; an old file is replaced."""
    write_whole(path, json.dumps(sensitivity_summary(found), indent=1) + "\n")


@cache
def shipped_summary() -> dict[str, Any] | None:
    """The summary that ships; None without one."""
    path = Path(str(resources.files("engager.study") / "data" / _FILE))
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found


def drivers_section(
    model_id: str, values: Parameters, summary: Mapping[str, Any] | None = None, protocol: Protocol | None = None
) -> DriversSection | None:
    """What drives the outcomes of a model, with a warning when it is not about the present model and fit.

    Parameters
    ----------
    values : population values that the page's own figures come from.
    summary : of `sensitivity_summary`; None: the one that ships.
    protocol : study that the page is about; None: the model itself.

    Returns
    -------
    None without a summary of this model, or where the summary is about other patients or another treatment than the
    protocol's.
    """
    told = shipped_summary() if summary is None else summary
    if told is None or told["made"]["model"] != model_id:
        return None
    made = told["made"]
    if protocol is not None and not _applies(made, protocol):
        return None
    which = f"Study {made['study']}, arm {made['arm']}, computed on {made['date']} ({_sizes(made)})."
    return DriversSection(
        sentences=[
            which,
            "It shows what matters most in this model for that study; in another study the order may differ.",
        ],
        warning=_warning(made, values),
        patient=_patient_section(told["patient"]) if told["patient"] else None,
        trial=_trial_section(told["trial"], str(made["over"])) if told["trial"] else None,
    )


def _applies(made: Mapping[str, Any], protocol: Protocol) -> bool:
    """Whether a study has the setting of the summary's study, and an arm that is treated as its arm."""
    of = shipped_protocol(made["study"])
    wanted = of.arms[made["arm"]].regimen.model_dump(exclude={"id", "assumptions"})
    given = [arm.regimen.model_dump(exclude={"id", "assumptions"}) for arm in protocol.arms.values()]
    return protocol.population.setting == of.population.setting and wanted in given


def _sizes(made: Mapping[str, Any]) -> str:
    parts = [f"model {made['model']} {made['model_hash'][:12]}", f"seed {made['seed']}"]
    if made["samples"]:
        parts.append(f"{made['samples']} base samples of one patient")
    if made["sets"]:
        parts.append(f"{made['sets']} virtual trials of {made['patients']} patients")
    return ", ".join(parts)


def _warning(made: Mapping[str, Any], values: Parameters) -> str:
    posterior = shipped_posterior(made["model"])
    now = posterior_hash(posterior) if posterior else ""
    changed = []
    if made["model_hash"] != load_model(made["model"]).hash:
        changed.append("the model")
    if made["posterior_hash"] != now:
        changed.append("the fit")
    if changed:
        what = " and ".join(changed) + (" has" if len(changed) == 1 else " have")
        return f"Computed for an earlier fit: {what} changed since, so the bars may be out of date."
    if values.hash != now:
        return "Computed for the fit that ships, not for the values that this page's figures come from."
    return ""


def _level(
    level: PatientLevel | TrialLevel, wanted: Sequence[str], titles: Mapping[str, str], found: Sensitivity
) -> dict[str, Any]:
    outputs = {name: titles[name] for name in wanted if name in level.outputs}
    indices, swings = [], []
    for name in outputs:
        of_output = sorted((one for one in level.indices if one.output == name), key=lambda one: -one.total)
        indices += [_rounded(asdict(one)) for one in of_output[:_MOST]]
        moved = sorted((one for one in level.swings if one.output == name), key=lambda one: -_reach(one))
        swings += [_rounded(asdict(one)) for one in moved[:_MOST]]
    labels = labels_of({row["factor"] for row in [*indices, *swings]}, found.model)
    return {"outputs": outputs, "labels": dict(sorted(labels.items())), "indices": indices, "swings": swings}


def _trial(level: TrialLevel, found: Sensitivity) -> dict[str, Any]:
    told = _level(level, _TRIAL, TRIAL_OUTPUTS, found)
    return told | {
        "q2": _rounded({name: level.q2[name] for name in told["outputs"]}),
        "chance_share": _rounded({name: level.chance_share[name] for name in told["outputs"]}),
    }


def _patient_section(told: Mapping[str, Any]) -> SensitivityLevel:
    outputs, labels = told["outputs"], told["labels"]
    graded = {name: title for name, title in outputs.items() if name not in ("response", "mrd_response")}
    return SensitivityLevel(
        outputs=outputs,
        labels=labels,
        indices=told["indices"],
        swings=[row for row in told["swings"] if row["output"] in graded],
        swing_outputs=graded,
        sentences=strongest_sentences([SobolIndex(**row) for row in told["indices"]], outputs, labels),
    )


def _trial_section(told: Mapping[str, Any], over: str) -> SensitivityLevel:
    labels = told["labels"]
    known = {name: title for name, title in told["outputs"].items() if told["q2"][name] >= LEAST_Q2}
    sentences = [f"Each unknown of the fit moves over its {over}."]
    sentences += strongest_sentences([SobolIndex(**row) for row in told["indices"]], known, labels)
    sentences += [
        f"{title}: the polynomial explains too little (Q2 {told['q2'][name]:.2f}) to name any; see its tornado plot."
        for name, title in told["outputs"].items() if name not in known
    ]  # fmt: skip
    return SensitivityLevel(
        outputs=known,
        labels=labels,
        indices=[row for row in told["indices"] if row["output"] in known],
        swings=told["swings"],
        swing_outputs=told["outputs"],
        sentences=sentences,
    )


def _reach(one: Swing) -> float:
    ends = [value for value in (one.at_low, one.at_center, one.at_high) if math.isfinite(value)]
    return max(ends) - min(ends) if ends else 0.0


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in row.items()}
