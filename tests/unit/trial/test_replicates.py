"""Replicates on several cores: pieces that fill them, and the same bits whatever the number."""

import pytest

import engager.trial.replicates
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
    assert size * 405 < 20_000 + 405
    if replicates >= 1000:  # long work: the last round of pieces leaves no core idle for long
        assert pieces % n_threads <= pieces * 0.05 or n_threads - pieces % n_threads <= pieces * 0.05
    if replicates * 405 >= 1000 * n_threads * 2:
        assert pieces >= n_threads
