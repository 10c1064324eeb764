"""The arms that a design needs, simulated once each and kept: over sizes, worlds and scenarios that share them.

A patient is fixed by seed, study, replicate and place in the study's list (or arm and number), and an arm's first
patients are the same whatever its size. So a smaller trial is the first patients of a larger one, and an arm that two
scenarios leave alone is the same in both.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engager.core import DAYS_PER_MONTH, DAYS_PER_WEEK, digest, parquet_bytes, write_whole
from engager.population import Settings
from engager.protocol import Arm, Endpoint, NullArm, Protocol, write_protocol
from engager.trial import simulate_trial

if TYPE_CHECKING:
    import polars as pl

Progress = Callable[[float], None]
# Ending of the files of finished arms.
ARM_FILE = ".parquet"


@dataclass(frozen=True)
class ArmJob:
    """One arm to be simulated.

    Attributes
    ----------
    protocol : the study, of which only `arm` counts. setting : name of the population values, `settings` themselves.
    """

    protocol: Protocol
    arm: str
    setting: str
    settings: Settings

    @property
    def key(self) -> str:
        """The same for arms in which the same would happen."""
        return f"{self.setting}:{self.arm}:{digest(write_protocol(self.protocol))}"

    @property
    def work(self) -> float:
        """Patient-months of one replicate."""
        return self.n * self.protocol.follow_up.months

    @property
    def n(self) -> int:
        """Patients of one replicate."""
        return self.protocol.arms[self.arm].n


def alone(protocol: Protocol, arm_id: str, n: int, months: float, null: NullArm | None = None) -> Protocol:
    """The study for the sake of one arm, its data not cut; response windows stay those of the whole study.

    The other arms are left as places that patients are dealt to: what they would get makes no difference here.

    Parameters
    ----------
    n : patients. months : of follow-up.
    null : what the arm gets instead, in a world where the treatment is no better.
    """
    arm = protocol.arms[arm_id]
    if null is not None:
        arm = Arm(n=n, regimen=null.regimen, never_treated=null.never_treated)
    windows = tuple(
        Endpoint(id=target.endpoint, window_weeks=target.window_weeks, window_cycles=target.window_cycles)
        for target in protocol.targets
        if target.has_window and target.is_simulated
    )
    design = protocol.design
    assert design is not None  # checked when the design was asked for
    control = design.control_of(protocol.arms)
    # In a null world the treated have the control arm's chance of a transplant too.
    asks = control if null is not None and control is not None else arm_id
    hsct = protocol.hsct
    if isinstance(hsct.probability, dict):
        hsct = hsct.model_copy(update={"probability": {arm_id: hsct.probability_of(asks)}})
    sizes = [one.n for one in protocol.arms.values()]
    allocation = protocol.allocation
    if allocation.deals(len(sizes)):
        dealing = {"ratio": allocation.ratio_for(sizes), "block": allocation.block_for(sizes)}
        allocation = allocation.model_copy(update=dealing)
    place = arm.model_copy(update={"n": 1})
    return protocol.model_copy(
        update={
            "arms": {name: arm.model_copy(update={"n": n}) if name == arm_id else place for name in protocol.arms},
            "endpoints": (*protocol.endpoints, *windows),
            "targets": (),
            "design": None,
            "hsct": hsct,
            "follow_up": protocol.follow_up.model_copy(update={"data_cut": None, "months": months}),
            "allocation": allocation,
        }
    )


def months_needed(protocol: Protocol, window_days: float | None) -> float:
    """Follow-up a yes/no endpoint with a window needs; without one, all of the study's.

    Whole weeks, as off treatment patients are carried on by weeks.
    """
    if window_days is None:
        return protocol.follow_up.months
    weeks = int(window_days // DAYS_PER_WEEK) + 1
    return min(protocol.follow_up.months, weeks * DAYS_PER_WEEK / DAYS_PER_MONTH)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Piece:
    """Some replicates of an arm, with their patients."""

    replicates: range
    patients: pl.DataFrame


def _piece(content: bytes, replicates: range) -> Piece:
    """These replicates of what was written."""
    import polars as pl

    table = pl.read_parquet(io.BytesIO(content))
    return Piece(replicates, table.filter(pl.col("replicate").is_between(replicates.start, replicates.stop - 1)))


def _joined(pieces: list[Piece]) -> pl.DataFrame:
    import polars as pl

    return pl.concat([piece.patients for piece in pieces]) if len(pieces) > 1 else pieces[0].patients


class ArmStore:
    """Simulates arms and keeps their patients.

    Parameters
    ----------
    work : a folder in which finished arms are kept, and found again; None: they are kept until the process ends.
    inputs : all that the patients hang on beside the arm itself, replicate and seed: hashes of model and population
        values, versions. An arm kept under other inputs is another one.

    Notes
    -----
    An arm is kept in pieces, each of some replicates. A replicate hangs on seed and number alone, so more of them are
    simulated beside those that are there, and the whole is what all of them at once would have been.
    """

    def __init__(self, replicates: int, seed: int, n_threads: int | None, work: Path | None = None, inputs: str = ""):
        self.replicates, self.seed, self.n_threads = replicates, seed, n_threads
        self.work, self.inputs = work, inputs
        self._patients: dict[str, pl.DataFrame] = {}
        self._n_kept: list[int] = []

    @property
    def n_finished(self) -> int:
        """Arms that are there."""
        return len(self._patients)

    @property
    def n_kept(self) -> int:
        """Replicates that an earlier run had left of every arm."""
        return min(self._n_kept, default=0)

    def add(self, jobs: list[ArmJob], progress: Progress) -> None:
        """Simulate what is not there yet.

        Parameters
        ----------
        progress : told the finished share.

        """
        wanted = {job.key: job for job in jobs if job.key not in self._patients}
        kept = {key: self._kept(key) for key in wanted}
        missing = {key: self.replicates - sum(len(piece.replicates) for piece in kept[key]) for key in wanted}
        self._n_kept += [self.replicates - missing[key] for key in wanted]
        total, done = sum(job.work * missing[key] for key, job in wanted.items()) or 1.0, 0.0
        for key, job in wanted.items():
            work = job.work * missing[key]

            def tell(share: float, before: float = done, work: float = work) -> None:
                progress((before + share * work) / total)

            pieces = kept[key]
            if missing[key]:
                replicates = range(self.replicates - missing[key], self.replicates)
                pieces = [*pieces, Piece(replicates, self._simulate(job, replicates, tell))]
                self._keep(key, pieces[-1])
            self._patients[key] = _joined(pieces)
            done += work

    def patients(self, job: ArmJob) -> pl.DataFrame:
        """The patients table of an arm, all replicates."""
        return self._patients[job.key]

    def _name(self, key: str) -> str:
        return digest(f"{key} {self.seed} {self.inputs}")

    def _keep(self, key: str, piece: Piece) -> None:
        """Write a piece of an arm; its name holds its replicates and the hash of its bytes."""
        if self.work is not None:
            content = parquet_bytes(piece.patients)
            first, last = piece.replicates.start, piece.replicates.stop
            self.work.mkdir(parents=True, exist_ok=True)
            write_whole(self.work / f"{self._name(key)}-{first}-{last}-{_hash(content)}{ARM_FILE}", content)

    def _kept(self, key: str) -> list[Piece]:
        """Pieces of earlier runs from the first replicate on, without a gap, their bytes as they were written."""
        found: list[Piece] = []
        if self.work is None:
            return found
        names = {path: path.stem.split("-") for path in self.work.glob(f"{self._name(key)}-*-*-*{ARM_FILE}")}
        for path, (_, first, last, hashed) in sorted(names.items(), key=lambda one: (int(one[1][1]), -int(one[1][2]))):
            at = found[-1].replicates.stop if found else 0
            if int(first) > at or int(last) <= at or at >= self.replicates:
                continue
            content = path.read_bytes()
            if hashed != _hash(content):
                path.unlink()
                continue
            found.append(_piece(content, range(at, min(int(last), self.replicates))))
        return found

    def _simulate(self, job: ArmJob, replicates: range, progress: Progress) -> pl.DataFrame:
        data = simulate_trial(
            job.protocol,
            replicates=replicates,
            seed=self.seed,
            n_threads=self.n_threads,
            progress=progress,
            settings=job.settings,
            n_sampled=0,
            only_patients=True,
            arms=[job.arm],
        )
        return data.patients
