"""Match MT103-211's response figures by weighting virtual patients, and predict the rest of the trial.

Candidates have the model's own population values (no fit). Beside them: the same figures from the posterior, which
was fitted to several trials. Prints a Markdown table. Run: python examples/select_virtual_population.py [seed]
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from engager.calibration import Summary, select_by_acceptance, select_by_weights, shipped_posterior
from engager.core import Stream
from engager.protocol import shipped_protocol
from engager.trial import simulate_trial

TRIALS = 16
MONTH = 365.25 / 12


def outcomes(patients):
    """What each candidate shows: arrays (patient,) of 0 and 1, and who is in a denominator."""
    best = patients["best_response"].to_numpy()
    responds = np.isin(best, ("CR", "CRh"))
    death = patients["death_day"].fill_null(np.inf).to_numpy()
    return {
        "CR/CRh": responds,
        "CR": best == "CR",
        "MRD response of CR/CRh": patients["mrd_below_limit"].fill_null(False).to_numpy(),
        "neurologic, any": patients["neurologic_grade"].to_numpy() >= 1,
        "alive at 6 months": death > 6 * MONTH,
        "alive at 12 months": death > 12 * MONTH,
        "CR/CRh after prior transplant": responds,
        "transplanted of CR/CRh": patients["hsct_in_response"].fill_null(False).to_numpy(),
        "responds": responds,
        "prior": patients["prior_hsct"].to_numpy(),
    }


# label -> published share, n, denominator; record topp-2015-phase2 as in the study file.
MATCHED = {
    "CR/CRh": (81 / 189, 189, None),
    "CR": (0.33, 189, None),
    "MRD response of CR/CRh": (60 / 73, 73, "responds"),
    "neurologic, any": (98 / 189, 189, None),
}
# No published landmark of the whole cohort; its median survival was 6.1 months.
PREDICTED = {
    "alive at 6 months": ("about 0.5", None),
    "alive at 12 months": ("not printed", None),
    "CR/CRh after prior transplant": ("0.45", "prior"),
    "transplanted of CR/CRh": ("0.40", "responds"),
}


def simulate(settings, seed):
    """Everybody is followed for a year, so that survival at landmarks is a plain share."""
    study = shipped_protocol("mt103-211").model_dump(mode="json")
    study["follow_up"] = {"months": 12.5}
    study["targets"] = []
    protocol = type(shipped_protocol("mt103-211")).model_validate(study)
    return simulate_trial(protocol, replicates=range(TRIALS), seed=seed, settings=settings, n_sampled=0).patients


def main(seed: int) -> None:
    """Simulate, select, print."""
    patients = simulate(None, seed).filter(~pl.col("failed"))
    seen = outcomes(patients)
    summaries = [
        Summary(label, seen[label], share, (share * (1 - share) / n) ** 0.5, seen[group] if group else None)
        for label, (share, n, group) in MATCHED.items()
    ]
    chosen = select_by_weights(summaries)
    kept = select_by_acceptance(chosen, Stream(seed, "selection"))
    posterior = shipped_posterior("b-all")
    fitted = outcomes(simulate(posterior.settings(seed), seed)) if posterior else None
    rows = [(label, f"{share:.2f}", group, "matched") for label, (share, _, group) in MATCHED.items()]
    rows += [(label, shown, group, "predicted") for label, (shown, group) in PREDICTED.items()]
    print("| figure | published | candidates | weighted | kept | posterior | in the selection |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for label, published, group, role in rows:
        members = seen[group] if group else np.ones(patients.height, dtype=bool)
        plain, some = seen[label][members].mean(), np.intersect1d(kept, np.flatnonzero(members))
        weighted = chosen.mean(seen[label], members)
        by_fit = "-"
        if fitted is not None:
            by_fit = f"{(fitted[label][fitted[group]] if group else fitted[label]).mean():.2f}"
        cells = [label, published, f"{plain:.2f}", f"{weighted:.2f}", f"{seen[label][some].mean():.2f}", by_fit, role]
        print("| " + " | ".join(cells) + " |")
    print()
    print(
        f"Seed {seed}: {patients.height} candidates are worth {chosen.effective_n:.0f} once weighted;"
        f" {kept.size} are kept whole."
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
