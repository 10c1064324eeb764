"""What a virtual trial is worth once it is simulated: its estimates, and published figures beside simulated ones.

A run writes them, and a replay makes them again to see whether they are what was written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engager.core import digest_object
from engager.protocol import Protocol
from engager.study.failures import judged
from engager.study.parameters import Parameters
from engager.study.plain_json import plain_json
from engager.study.run.comparing import told_comparisons
from engager.study.run.requests import requests_of
from engager.study.run.tables import table_digest
from engager.trial import TrialData

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Conclusions:
    """Every endpoint by arm and replicate, and the comparisons of docs/architecture.md."""

    estimates: pl.DataFrame
    comparisons: list[dict[str, Any]]

    def digests(self) -> dict[str, str]:
        """Of the content, however it is stored."""
        return {"estimates": table_digest(self.estimates), "comparisons": digest_object(plain_json(self.comparisons))}


def conclusions(
    protocol: Protocol,
    data: TrialData,
    replicates: int,
    seed: int,
    values: Parameters,
    tell: Callable[[str], None] | None = None,
) -> Conclusions:
    """Estimate and compare.

    Parameters
    ----------
    data : all replicates; only the patients are read.
    replicates, seed, values : of the run.
    tell : told the stage.
    """
    from engager.analysis import estimate_endpoints
    from engager.calibration import compare, target_estimates, uncertainties

    tell = tell or (lambda stage: None)
    tell("estimating")
    estimates = estimate_endpoints(
        data, requests_of(protocol), protocol.population.setting, arms=protocol.arm_ids, replicates=range(replicates)
    )
    tell("comparing")
    estimated = target_estimates(data)
    compared = judged(compare(data, estimated), data.n_failed, data.patients.height)
    comparisons = told_comparisons(compared, uncertainties(data, seed, estimated), values.has_draws)
    return Conclusions(estimates, comparisons)
