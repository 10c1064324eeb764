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

from engager.core import DAYS_PER_MONTH, DAYS_PER_WEEK, InputError, Problem, digest, write_whole
from engager.population import Settings
from engager.protocol import Arm, Endpoint, NullArm, Protocol, write_protocol
from engager.study.run.tables import parquet_bytes
from engager.trial import simulate_trial

if TYPE_CHECKING:
    import polars as pl

Progress = Callable[[float], None]


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


class ArmStore:
    """Simulates arms and keeps their patients.

    Parameters
    ----------
    work : a folder in which finished arms are kept, and found again; None: they are kept until the process ends.
    inputs : all that the patients hang on beside the arm itself, replicates and seed: hashes of model and population
        values, versions. An arm kept under other inputs is another one.
    """

    def __init__(self, replicates: int, seed: int, n_threads: int | None, work: Path | None = None, inputs: str = ""):
        self.replicates, self.seed, self.n_threads = replicates, seed, n_threads
        self.work, self.inputs = work, inputs
        self._patients: dict[str, pl.DataFrame] = {}
        if work is not None:
            try:
                work.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                rule = f"must be a folder that can be made ({error.strerror})"
                raise InputError(Problem("--work", str(work), rule, "Choose another place.")) from None

    @property
    def n_finished(self) -> int:
        """Arms that are there."""
        return len(self._patients)

    def add(self, jobs: list[ArmJob], progress: Progress) -> None:
        """Simulate those that are not there yet.

        Parameters
        ----------
        progress : told the finished share.
        """
        wanted = {job.key: job for job in jobs if job.key not in self._patients}
        self._patients |= {key: found for key in wanted if (found := self._kept(key)) is not None}
        wanted = {key: job for key, job in wanted.items() if key not in self._patients}
        total, done = sum(job.work for job in wanted.values()) or 1.0, 0.0
        for key, job in wanted.items():

            def tell(share: float, before: float = done, work: float = job.work) -> None:
                progress((before + share * work) / total)

            self._patients[key] = self._simulate(job, tell)
            self._keep(key)
            done += job.work

    def patients(self, job: ArmJob) -> pl.DataFrame:
        """The patients table of an arm, all replicates."""
        return self._patients[job.key]

    def _name(self, key: str) -> str:
        return digest(f"{key} {self.seed} {self.replicates} {self.inputs}")

    def _keep(self, key: str) -> None:
        """Write an arm; its name holds the hash of its bytes."""
        if self.work is not None:
            content = parquet_bytes(self._patients[key])
            write_whole(self.work / f"{self._name(key)}-{_hash(content)}.parquet", content)

    def _kept(self, key: str) -> pl.DataFrame | None:
        """An arm of an earlier run; None when there is none whose bytes are those that were written."""
        import polars as pl

        if self.work is None:
            return None
        for path in self.work.glob(f"{self._name(key)}-*.parquet"):
            content = path.read_bytes()
            if path.stem.endswith(_hash(content)):
                return pl.read_parquet(io.BytesIO(content))
            path.unlink()
        return None

    def _simulate(self, job: ArmJob, progress: Progress) -> pl.DataFrame:
        data = simulate_trial(
            job.protocol,
            replicates=range(self.replicates),
            seed=self.seed,
            n_threads=self.n_threads,
            progress=progress,
            settings=job.settings,
            n_sampled=0,
            only_patients=True,
            arms=[job.arm],
        )
        return data.patients
