"""Strength of chemotherapy regimens from their published remission rates.

Some rates are higher than TOWER-like patients reach at any strength (fitter patients, fewer earlier lines);
those regimens get the largest strength and say so.

One curve serves all: remission rate against strength in the fitted population. Each regimen's strength is
where the curve meets the rate published for it, the interval where it meets that rate's exact interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from engager.analysis import exact_interval
from engager.calibration.posterior import Posterior
from engager.core import InputError, versions
from engager.evidence import load_regimens, select
from engager.trial import Protocol, RegimenStrength, simulate_trial

FloatArray = NDArray[np.float64]
Progress = Callable[[float], None]

# No regimen is taken to be more than eight times as strong, or weak, as standard chemotherapy.
STRENGTHS = 2.0 ** np.arange(-3.0, 3.25, 0.25)
# Widest remission first: papers that count incomplete recovery print it together.
_ENDPOINTS = ("CR/CRh/CRi", "CR/CRi", "CR")
_SEED = 411
# What standard chemotherapy is: the population was fitted with these at strength 1.
_STANDARD = ("salvage-chemotherapy-historical", "soc-chemotherapy-tower")


def calibrate_regimens(
    posterior: Posterior, *, n_patients: int = 400, progress: Progress | None = None
) -> dict[str, Any]:
    """Strengths of all regimens of the catalogue that have a published remission rate in relapsed disease.

    Parameters
    ----------
    posterior : of the population; its center is used.
    n_patients : patients per strength, the same people at each.

    Returns
    -------
    Mapping to be written as YAML: `regimens` by id, the curve, provenance.
    """
    rates = _curve(posterior, n_patients, progress)
    regimens: dict[str, dict[str, Any]] = {}
    for slug, (endpoint, events, n, records) in sorted(_published().items()):
        interval = exact_interval(events, n)
        curve = rates["CR" if endpoint == "CR" else "CR/CRh/CRi"]
        # Half a patient keeps a rate of 0 or 1 on the curve.
        share = (events + 0.5) / (n + 1)
        middle, low, high = (
            _invert(curve, rate) for rate in (share, max(float(interval.low), 0.5 / (n + 1)), float(interval.high))
        )
        is_reached = bool(curve[0] <= share <= curve[-1])
        found = RegimenStrength(middle, low, high, endpoint, events, n, records, is_reached)
        regimens[slug] = {**asdict(found), "records": list(records)}
    return {
        "model": posterior.model,
        "assumed": "patients as in TOWER; what a trial's own patients were like is not corrected for",
        "strengths": STRENGTHS.tolist(),
        "curves": {name: [round(float(rate), 4) for rate in rates[name]] for name in rates},
        "n_patients": n_patients,
        "seed": _SEED,
        "versions": versions(),
        "regimens": regimens,
    }


def write_regimen_strengths(found: dict[str, Any], path: Path) -> None:
    """Write what `calibrate_regimens` found as the YAML file that ships with the trial layer."""
    head = "# Strength of chemotherapy regimens, written by `engager calibrate --targets regimens`; do not edit.\n"
    path.write_text(head + yaml.safe_dump(found, sort_keys=False))


def _curve(posterior: Posterior, n_patients: int, progress: Progress | None) -> dict[str, FloatArray]:
    """Remission rates at each of `STRENGTHS`, in one virtual trial with a replicate per strength."""
    protocol = Protocol.model_validate(
        {
            "study": "regimen-strength",
            "arms": {"chemotherapy": {"n": n_patients, "regimen": "salvage-chemotherapy-historical"}},
            "allocation": {"randomized": False},
            "visits": {"marrow_days": [28]},
            "follow_up": {"months": 4},
        }
    )
    center = posterior.center()
    base = center.get("sensitivity", 1.0)
    rates: dict[str, list[float]] = {"CR": [], "CR/CRh/CRi": []}
    for i, strength in enumerate(STRENGTHS):
        settings = {**center, "sensitivity": base * float(strength)}
        # always replicate 0: the same people at every strength
        data = simulate_trial(
            protocol, replicates=[0], seed=_SEED, settings=lambda _, chosen=settings: chosen, n_sampled=0
        )
        best = data.patients["best_response"]
        rates["CR"].append(float((best == "CR").mean() or 0.0))
        rates["CR/CRh/CRi"].append(float((best != "none").mean() or 0.0))
        if progress is not None:
            progress((i + 1) / len(STRENGTHS))
    return {name: np.maximum.accumulate(np.array(values)) for name, values in rates.items()}


def _invert(curve: FloatArray, rate: float) -> float:
    """Strength at which a rising curve has `rate`; the end of the range when it never has."""
    jitter = np.arange(curve.size) * 1e-9
    return float(round(np.exp(np.interp(rate, curve + jitter, np.log(STRENGTHS))), 4))


def _published() -> dict[str, tuple[str, int, int, tuple[str, ...]]]:
    """Remissions of each chemotherapy regimen, summed over its arms: endpoint, events, n, records."""
    found: dict[str, tuple[str, int, int, tuple[str, ...]]] = {}
    for slug, regimen in load_regimens().items():
        if "engager" in regimen.drug_class or regimen.drug_class == "transplant" or slug in _STANDARD:
            continue
        best: tuple[str, int, int, tuple[str, ...]] | None = None
        for endpoint in _ENDPOINTS:
            try:
                studies = select(endpoint, regimens=[slug], setting="relapsed_refractory").studies
            except InputError:
                continue
            counted = [study for study in studies if study.events is not None and study.n]
            n = sum(int(study.n or 0) for study in counted)
            if n and (best is None or n > best[2]):
                events = sum(int(study.events or 0) for study in counted)
                best = endpoint, events, n, tuple(sorted({study.record for study in counted}))
        if best is not None:
            found[slug] = best
    return found
