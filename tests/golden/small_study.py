"""What a small study gives, as a golden file; run this module to refresh it and see what moved.

python tests/golden/small_study.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("small_study.json")


def summary() -> dict[str, Any]:
    """Counts and sums of a tenth of TOWER, two replicates, model table without any fit."""
    from engager.protocol import shipped_protocol
    from engager.trial import simulate_trial

    data = simulate_trial(shipped_protocol("tower").with_patients(42), replicates=[0, 1], seed=2017, n_sampled=1)
    patients = data.patients
    return {
        "responses": {
            f"{arm} {best}": count
            for arm, best, count in patients.group_by("arm", "best_response").len().sort("arm", "best_response").rows()
        },
        "deaths": patients["death_day"].count(),
        "relapses": patients["relapse_day"].count(),
        "transplants": patients["hsct_day"].count(),
        "events": dict(data.events.group_by("event").len().sort("event").rows()),
        "visits": data.visits.height,
        "sum_of_ages": round(float(patients["age_years"].sum()), 3),
        "sum_of_death_days": round(float(patients["death_day"].sum()), 1),
    }


def differences(found: dict[str, Any], golden: dict[str, Any], where: str = "") -> list[str]:
    """Lines that tell what moved."""
    lines = []
    for key in sorted({*found, *golden}):
        now, then = found.get(key), golden.get(key)
        if isinstance(now, dict) and isinstance(then, dict):
            lines += differences(now, then, f"{where}{key}: ")
        elif now != then:
            lines.append(f"{where}{key}: {then} -> {now}")
    return lines


if __name__ == "__main__":
    found = summary()
    old = json.loads(GOLDEN.read_text()) if GOLDEN.is_file() else {}
    print("\n".join(differences(found, old)) or "nothing moved")
    GOLDEN.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
