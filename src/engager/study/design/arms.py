"""The arms that a design needs, simulated once each and kept: over sizes, worlds and scenarios that share them.

A patient is fixed by seed, study, replicate and place in the study's list (or arm and number), and an arm's first
patients are the same whatever its size. So a smaller trial is the first patients of a larger one, and an arm that two
scenarios leave alone is the same in both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engager.core import DAYS_PER_MONTH, DAYS_PER_WEEK, digest
from engager.population import Settings
from engager.protocol import Arm, Endpoint, NullArm, Protocol, write_protocol
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


class ArmStore:
    """Simulates arms and keeps their patients."""

    def __init__(self, replicates: int, seed: int, n_threads: int | None):
        self.replicates, self.seed, self.n_threads = replicates, seed, n_threads
        self._patients: dict[str, pl.DataFrame] = {}

    def add(self, jobs: list[ArmJob], progress: Progress) -> None:
        """Simulate those that are not there yet.

        Parameters
        ----------
        progress : told the finished share.
        """
        wanted = {job.key: job for job in jobs if job.key not in self._patients}
        total, done = sum(job.work for job in wanted.values()) or 1.0, 0.0
        for key, job in wanted.items():

            def tell(share: float, before: float = done, work: float = job.work) -> None:
                progress((before + share * work) / total)

            self._patients[key] = self._simulate(job, tell)
            done += job.work

    def patients(self, job: ArmJob) -> pl.DataFrame:
        """The patients table of an arm, all replicates."""
        return self._patients[job.key]

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
