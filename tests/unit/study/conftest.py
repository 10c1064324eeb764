"""A stand-in for the simulation: small tables that depend on seed, replicate, arm and patient only.

The study layer moves tables; what is in them does not matter here. The real simulation is run by the golden
tests and by the application's own.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import engager.study.run.replay
import engager.study.run.simulate
from engager.core import Stream
from engager.protocol import read_protocol
from engager.trial import TrialData

STUDY = """
study: tiny
simulated_only: false
arms:
  a: {n: 6, regimen: blinatumomab}
  b: {n: 3, regimen: flag}
endpoints: [{id: CR, window_weeks: 12}, {id: OS}]
targets:
  - {arm: a, endpoint: CR, events: 3, n: 6, source: made-up}
  - {endpoint: OS, measure: HR, treatment: a, control: b, value: 0.7, ci95: [0.4, 1.2]}
"""
DAYS = ("response_day", "cr_day", "crh_day", "mrd_day", "hsct_day", "relapse_day", "death_day")
FLAGS = ("mrd_below_limit", "mrd_undetectable", "hsct_in_response", "fatal_adverse_event")


@pytest.fixture(scope="module")
def no_report(leave_out_report):
    """The report takes longer than small runs and has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        leave_out_report(patch)
        yield


@pytest.fixture
def protocol():
    return read_protocol(STUDY, "tiny.yaml")


def fake_patients(protocol, replicate, seed):
    parts = []
    for arm_id, arm in protocol.arms.items():
        number = np.arange(arm.n)
        stream = Stream(seed, f"{protocol.study}/{arm_id}", replicate)
        death = 30 + stream.of("death").exponential(number) * 300
        responds = stream.of("response").uniform(number) < 0.5
        end = np.full(arm.n, 700.0)
        parts.append(
            pl.DataFrame(
                {
                    "replicate": pl.Series([replicate] * arm.n, dtype=pl.Int32),
                    "arm": [arm_id] * arm.n,
                    "patient": pl.Series(number, dtype=pl.Int32),
                    "failed": [False] * arm.n,
                    "age_years": 20 + 50 * stream.of("age").uniform(number),
                    "followup_day": end,
                    "treated": [True] * arm.n,
                    "start_day": [0.0] * arm.n,
                    "treatment_end_day": [60.0] * arm.n,
                    "best_response": np.where(responds, "CR", "none").tolist(),
                    "response_day": [29.0 if r else None for r in responds],
                    "crh_day": [29.0 if r else None for r in responds],
                    "cr_day": [29.0 if r else None for r in responds],
                    "response_cycle": pl.Series([1 if r else None for r in responds], dtype=pl.Int32),
                    "mrd_day": [None] * arm.n,
                    "mrd_below_limit": [None] * arm.n,
                    "mrd_undetectable": [None] * arm.n,
                    "hsct_day": [None] * arm.n,
                    "hsct_in_response": [None] * arm.n,
                    "relapse_day": [None] * arm.n,
                    "death_day": [d if d <= 700 else None for d in death.tolist()],
                    "death_cause": ["leukemia" if d <= 700 else None for d in death.tolist()],
                    "fatal_adverse_event": [False if d <= 700 else None for d in death.tolist()],
                    "crs_grade": pl.Series([0] * arm.n, dtype=pl.Int32),
                    "neurologic_grade": pl.Series([0] * arm.n, dtype=pl.Int32),
                    "treatment_end_reason": pl.Series([None] * arm.n, dtype=pl.String),
                },
                schema_overrides={**dict.fromkeys(DAYS, pl.Float64), **dict.fromkeys(FLAGS, pl.Boolean)}
                | {"death_cause": pl.String},
            )
        )
    return pl.concat(parts)


class FakeSimulation:
    """Counts its calls; may be told to stop like Ctrl-C before a call."""

    def __init__(self):
        self.calls = []
        self.interrupt_at_call = None
        self.fail_at_call = None

    def __call__(
        self,
        protocol,
        *,
        replicates,
        seed,
        n_threads=None,
        progress=None,
        settings=None,
        n_sampled=24,
        only_patients=False,
        backend="auto",
    ):
        self.settings, self.backend = settings, backend
        self.calls.append((replicates[0], replicates[-1] + 1))
        if self.interrupt_at_call == len(self.calls):
            raise KeyboardInterrupt
        if self.fail_at_call == len(self.calls):
            raise RuntimeError("a fault of the program")
        if progress is not None:
            progress(0.5)
        patients = pl.concat([fake_patients(protocol, r, seed) for r in replicates])
        key = patients.select("replicate", "arm", "patient")
        other_tables = {name: key.with_columns(day=pl.lit(0.0)) for name in ("visits", "events", "trajectories")}
        return TrialData(protocol, patients=patients, **other_tables)

    def by_spans(self, protocol, spans, **options):
        """Each piece when it is asked for."""
        return ((span, self(protocol, replicates=range(*span), **options)) for span in spans)


def fake_report(folder, content, drawn):
    (folder / "report.html").write_text(f"<html>{content.title}</html>")


@pytest.fixture
def simulation(monkeypatch):
    fake = FakeSimulation()
    monkeypatch.setattr(engager.study.run.simulate, "simulate_spans", fake.by_spans)
    monkeypatch.setattr(engager.study.run.replay, "simulate_spans", fake.by_spans)
    monkeypatch.setattr("engager.report.write_report", fake_report)
    return fake
