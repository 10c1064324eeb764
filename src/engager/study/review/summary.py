"""The comparisons that a review shows: those that ship, or new ones.

A validation of all studies takes minutes, so its comparisons ship with the package, with what they were made with;
whoever reads them is told when the model, the fit or a study has changed since.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from engager.core import digest, versions, write_whole
from engager.protocol import shipped_protocol, shipped_protocols, write_protocol
from engager.study.figure_row import comparison_entry
from engager.study.parameters import population_parameters
from engager.study.validation.validate import studies_with_targets, validate_studies

_FILE = "review.json"
_KEPT = (
    "use", "trial", "arm", "endpoint", "statistic", "time_months", "subgroup", "published", "simulated", "inside",
)  # fmt: skip


def simulate_summary(
    replicates: int, seed: int, n_threads: int | None = None, progress: Callable[[str, float], None] | None = None
) -> dict[str, Any]:
    """Validate every shipped study that has something to be compared with; see `validate_studies`."""
    studies = studies_with_targets(of_any_disease=True)
    found = validate_studies(studies, replicates=replicates, seed=seed, n_threads=n_threads, progress=progress)
    made = {
        "date": datetime.now(UTC).date().isoformat(),
        "replicates": replicates,
        "seed": seed,
        "version": versions()["engager"],
        "parameters": {one: population_parameters(one, seed).hash for one in sorted({s.model.id for s in studies})},
        "studies": {one.study: digest(write_protocol(one)) for one in studies},
    }
    return {"made": made, "comparisons": [kept_of(comparison_entry(one)) for one in found.comparisons]}


def kept_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a summary keeps of a comparison; a simulated median that is null keeps its ``reason``."""
    return {key: entry[key] for key in _KEPT}


def write_review_summary(summary: Mapping[str, Any], path: Path) -> None:
    """Write a summary as JSON; an old file is replaced as a whole."""
    write_whole(path, json.dumps(summary, indent=1, ensure_ascii=False) + "\n")


@cache
def shipped_review_summary() -> dict[str, Any]:
    """The comparisons that ship; without any, an empty summary."""
    path = Path(str(resources.files("engager.study") / "data" / _FILE))
    if not path.is_file():
        return {"made": {}, "comparisons": []}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def warnings_of(summary: Mapping[str, Any]) -> list[str]:
    """What has changed since a summary was made."""
    made = summary["made"]
    again = "simulate again with engager review --replicates 40"
    if not made:
        return [f"no comparisons ship with this state of the package; {again}"]
    told = []
    for model, known in made["parameters"].items():
        if population_parameters(model, 1).hash != known:
            told.append(f"the fit of {model} has changed since the figures were simulated; {again}")
    changed = [
        one
        for one in shipped_protocols()
        if one in made["studies"] and digest(write_protocol(shipped_protocol(one))) != made["studies"][one]
    ]
    if changed:
        told.append(f"studies changed since the figures were simulated ({', '.join(changed)}); {again}")
    return told
