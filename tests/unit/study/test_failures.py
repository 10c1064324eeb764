"""Beyond one failed patient in a thousand nothing is judged, and the command says so with its exit code."""

from __future__ import annotations

import json

import polars as pl
import pytest

from engager.study import run_study
from engager.study.failures import extremes, failure_sentence, is_judged, why_unknown


@pytest.mark.parametrize(
    ("n_failed", "n", "expected"), [(0, 10, True), (1, 1000, True), (1, 999, False), (2, 1000, False), (10, 10, False)]
)
def test_one_in_a_thousand_may_fail(n_failed, n, expected):
    assert is_judged(n_failed, n) is expected
    assert ("no figure is judged" in failure_sentence(n_failed, n)) is not expected


def test_extremes_count_the_failed_as_without_and_with_the_event():
    assert extremes(3, 8, 2) == (0.3, 0.5)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(None, "not estimable"), (float("nan"), "not estimable"), (float("inf"), "not reached"), (0.0, "")],
)
def test_nothing_and_infinity_are_told_apart(value, reason):
    assert why_unknown(value) == reason


@pytest.fixture
def failing(simulation, monkeypatch):
    """A run of which some patients fail."""
    of_spans = simulation.by_spans

    def make(protocol, out, numbers):
        def spoiled(*arguments, **options):
            for span, data in of_spans(*arguments, **options):
                failed = pl.col("patient").is_in(numbers)
                yield (
                    span,
                    type(data)(
                        protocol,
                        patients=data.patients.with_columns(failed=failed),
                        visits=data.visits,
                        events=data.events,
                        trajectories=data.trajectories,
                    ),
                )

        monkeypatch.setattr("engager.study.run.simulate.simulate_spans", spoiled)
        return run_study(protocol, replicates=10, seed=3, out=out)

    return make


def test_a_run_with_failed_patients_is_not_judged(protocol, failing, tmp_path):
    run = failing(protocol, tmp_path / "some", [0])
    assert run.manifest["n_failed"] == 20
    assert not run.is_judged
    assert {entry["inside"] for entry in run.comparisons} == {None}
    response = next(row for row in run.predictions() if row["endpoint"] == "CR" and row["arm"] == "a")
    assert response["if_failed"]["none"] < response["if_failed"]["all"]
    survival = next(row for row in run.predictions() if row["endpoint"] == "OS" and row["arm"] == "a")
    assert survival["statistic"] == "median"
    # whoever failed dies at the end of what was seen of them at the latest, or was never seen to die
    assert survival["if_failed"]["all"] <= survival["if_failed"]["none"]
    json.dumps(run.predictions(), allow_nan=False)


def test_a_run_without_them_is(protocol, failing, tmp_path):
    run = failing(protocol, tmp_path / "none", [99])
    assert run.is_judged
    assert None not in {entry["inside"] for entry in run.comparisons}
    assert not any("if_failed" in row for row in run.predictions())


def test_a_run_of_which_all_failed_ends_and_is_not_judged(protocol, failing, tmp_path):
    run = failing(protocol, tmp_path / "all", list(range(99)))
    assert {entry["inside"] for entry in run.comparisons} == {None}
    assert failure_sentence(run.manifest["n_failed"], run.n_patients).startswith("90 of 90")
