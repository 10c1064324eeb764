"""Replicates on several cores: pieces that fill them, and the same bits whatever the number."""

import polars as pl
import pytest

import engager.trial.replicates
from engager.population import PopulationValues
from engager.protocol import shipped_protocol
from engager.trial import piece_size, simulate_spans, simulate_trial

TABLES = ("patients", "visits", "events", "trajectories")


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(engager.trial.replicates, "_FEWEST_PATIENTS", 10)
    monkeypatch.setattr(engager.trial.replicates, "_MOST_PATIENTS", 40)


def test_bits_do_not_depend_on_cores_or_pieces(small_pieces):
    study = shipped_protocol("tower").with_patients(12)
    whole = next(simulate_spans(study, [(0, 5)], seed=3, n_threads=1))[1]
    for n in (1, 2, 3):
        again = simulate_trial(study, replicates=range(5), seed=3, n_threads=n)
        assert all(getattr(again, name).equals(getattr(whole, name)) for name in TABLES), n


def test_patients_alone_are_the_same_patients(small_pieces):
    study = shipped_protocol("tower").with_patients(12)
    whole = simulate_trial(study, replicates=range(4), seed=3, n_threads=2)
    alone = simulate_trial(study, replicates=range(4), seed=3, n_threads=2, only_patients=True)
    assert alone.patients.equals(whole.patients)
    assert alone.visits.height == 0
    assert alone.visits.columns == whole.visits.columns


@pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
@pytest.mark.parametrize("replicates", [1, 2, 7, 20, 1000])
def test_pieces_are_as_many_as_keep_every_core_busy(n_threads, replicates):
    size = piece_size(405, replicates, n_threads)
    pieces = -(-replicates // size)
    assert size * 405 < 30_000 + 405
    if replicates >= 1000:  # long work: the last round of pieces leaves no core idle for long
        assert pieces % n_threads <= pieces * 0.05 or n_threads - pieces % n_threads <= pieces * 0.05
    if replicates * 405 >= 1000 * n_threads * 2:
        assert pieces >= n_threads


def test_with_common_chance_only_population_values_tell_replicates_apart(small_pieces):
    study = shipped_protocol("tower").with_patients(12)
    values = [PopulationValues(), PopulationValues(typical={"k_kill": 0.1}), PopulationValues()]
    together = simulate_trial(
        study, replicates=range(3), seed=3, n_threads=2, settings=values.__getitem__, common_chance=True
    ).patients.drop("replicate")
    by_set = [simulate_trial(study, replicates=[0], seed=3, settings=lambda _, one=one: one).patients for one in values]
    for arm in study.arms:
        own = pl.concat([one.filter(pl.col("arm") == arm) for one in by_set]).drop("replicate")
        assert together.filter(pl.col("arm") == arm).equals(own)
    assert not by_set[0].equals(by_set[1])
    assert together.height == sum(one.height for one in by_set)
