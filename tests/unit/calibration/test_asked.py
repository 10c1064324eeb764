"""What simulated trials are asked to show besides the published figures."""

import polars as pl
import pytest

from engager.analysis import EndpointRequest
from engager.calibration import AskedFigure, asked_of, fit_defaults
from engager.protocol import shipped_protocol
from engager.trial import simulate_trial


@pytest.fixture(scope="module")
def data():
    study = shipped_protocol("after-blinatumomab-failure").with_patients(30)
    return simulate_trial(study, replicates=range(3), seed=1, n_threads=1, only_patients=True)


def test_a_row_is_the_median_over_trials_within_its_limits(data):
    row = {"study": data.protocol.study, "arm": "blinatumomab", "endpoint": "early_death_30d"}
    ours, theirs = asked_of(data, [{**row, "most": 0.9}, {**row, "study": "tower"}, {**row, "least": 0.9}])
    shares = data.patients.group_by("replicate").agg((pl.col("death_day") <= 30).fill_null(False).mean())["death_day"]
    assert ours.found == pytest.approx(sorted(shares)[1])
    assert (ours.is_met, theirs.is_met) == (True, False)


def test_what_most_trials_cannot_tell_is_told_by_none_and_what_is_not_reached_is_beyond_every_limit(data):
    late = {"endpoint": "OS", "statistic": "survival_at", "time_months": 500}
    found = asked_of(data, [{"study": data.protocol.study, "arm": "blinatumomab", "most": 1, **late}])[0]
    assert (found.found, found.is_met) == (None, None)
    request = EndpointRequest("OS", "median")
    assert AskedFigure("s", request, 4.5, None, float("inf")).is_met
    assert AskedFigure("s", request, 4.5, 9.0, float("inf")).is_met is False


def test_every_row_is_of_a_study_of_the_fit_and_an_outcome_it_has():
    rows = fit_defaults()["asked"]
    for row in rows:
        study = shipped_protocol(row["study"])
        assert row["study"] in fit_defaults()["studies"]
        assert row["arm"] in study.arms
        assert {"least", "most"} & set(row)
        EndpointRequest(**{key: row[key] for key in row if key not in ("study", "least", "most")})
