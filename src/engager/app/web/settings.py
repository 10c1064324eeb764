"""How a dashboard is run: where its work lies, who may reach it, how large a job may be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Settings:
    """Of one server.

    Attributes
    ----------
    home : folder of runs and jobs; the runs of the command line's ``runs/`` show up when it is their parent.
    hosts : names under which the server answers; others are refused, so that no foreign page can reach it by name.
    token : what a visitor must give when the server listens beyond this machine; None: nobody is asked.
    max_patients : patients of all replicates of one job. max_queue : jobs that may wait.
    sensitivity_sets, sensitivity_patients, sensitivity_samples : size of a sensitivity analysis that a page asks for:
        virtual trials, patients in each, base samples of one patient (see `study_sensitivity`).
    """

    home: Path
    hosts: tuple[str, ...] = LOOPBACK
    token: str | None = None
    max_patients: int = 500_000
    max_queue: int = 20
    makes_example: bool = True
    sensitivity_sets: int = 64
    sensitivity_patients: int = 150
    sensitivity_samples: int = 256

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    @property
    def jobs(self) -> Path:
        return self.home / "jobs"
