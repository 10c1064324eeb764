"""What a sensitivity analysis found, by level: one patient's first weeks and a whole trial."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engager.calibration import Identifiability, RankCorrelation, SobolIndex, Swing
from engager.model import Model
from engager.protocol import Protocol
from engager.study.plain_json import plain_json

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class PatientLevel:
    """Sensitivity of one patient's first four weeks.

    Attributes
    ----------
    outputs : asked for. indices, swings : of these outputs.
    samples : base samples; n_patients : evaluations; n_left_out : base samples with a failed patient.
    """

    outputs: tuple[str, ...]
    indices: tuple[SobolIndex, ...]
    swings: tuple[Swing, ...]
    samples: int
    n_patients: int
    n_left_out: int


@dataclass(frozen=True)
class TrialLevel:
    """Sensitivity of a trial's results.

    Attributes
    ----------
    over : what the unknowns' ranges are: ``posterior`` or ``prior``.
    indices : by a polynomial. swings : one unknown at a time, with common chance. ranks : over the sets.
    q2 : of the polynomial by output. n_terms : in it.
    chance_share : share of the variance between sets that is chance.
    center, spread : median and standard deviation over sets by output.
    """

    outputs: tuple[str, ...]
    over: str
    indices: tuple[SobolIndex, ...]
    swings: tuple[Swing, ...]
    ranks: tuple[RankCorrelation, ...]
    q2: dict[str, float]
    n_terms: dict[str, int]
    chance_share: dict[str, float]
    center: dict[str, float]
    spread: dict[str, float]
    sets: int
    patients: int


@dataclass(frozen=True)
class Sensitivity:
    """What a sensitivity analysis found.

    Attributes
    ----------
    protocol : the one-arm study. model : of it. notes : what the reader should know.
    patient, trial : None when no output of that level was asked for.
    identifiability : None without a posterior. posterior_hash : of its draws; empty without one.
    """

    protocol: Protocol
    model: Model
    seed: int
    patient: PatientLevel | None
    trial: TrialLevel | None
    identifiability: Identifiability | None
    notes: tuple[str, ...] = ()
    posterior_hash: str = ""

    def as_json(self) -> dict[str, Any]:
        """What ``engager sensitivity --json`` prints."""
        found: dict[str, Any] = {
            "study": self.protocol.study,
            "arm": self.protocol.arm_ids[0],
            "seed": self.seed,
            "patient": asdict(self.patient) if self.patient else None,
            "trial": asdict(self.trial) if self.trial else None,
            "identifiability": None,
            "notes": list(self.notes),
        }
        if (told := self.identifiability) is not None:
            found["identifiability"] = {
                "unknowns": [asdict(one) for one in told.unknowns],
                "hardly_informed": [one.name for one in told.hardly_informed()],
                "uninformed": [one.name for one in told.uninformed()],
                "strong_pairs": [asdict(one) for one in told.strong_pairs()],
                "held": [asdict(one) for one in told.held],
            }
        answer: dict[str, Any] = plain_json(found)
        return answer

    def tables(self) -> dict[str, pl.DataFrame]:
        """Tables by file name without ending."""
        import polars as pl

        levels = [(name, level) for name, level in (("patient", self.patient), ("trial", self.trial)) if level]
        found: dict[str, pl.DataFrame] = {
            "sobol": pl.DataFrame([{"level": name, **asdict(one)} for name, level in levels for one in level.indices]),
            "tornado": pl.DataFrame([{"level": name, **asdict(one)} for name, level in levels for one in level.swings]),
        }
        if self.trial is not None:
            found["rank-correlations"] = pl.DataFrame([asdict(one) for one in self.trial.ranks])
        if (told := self.identifiability) is not None:
            found["unknowns"] = pl.DataFrame([asdict(one) for one in told.unknowns])
            matrix = {name: told.correlations[:, k] for k, name in enumerate(told.names)}
            found["correlations"] = pl.DataFrame({"unknown": list(told.names), **matrix})
            found["held"] = pl.DataFrame([asdict(one) for one in told.held])
        return found
