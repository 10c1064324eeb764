"""The curve of one virtual trial: the first one alone, with its censored patients counted."""

import pytest

from engager.analysis import trial_curves
from engager.core import DAYS_PER_MONTH, InputError


@pytest.fixture
def trial(patients):
    return patients(
        {"death_day": 30.0},
        {"followup_day": 60.0},
        {"followup_day": 60.0},
        {"death_day": 90.0},
        {"death_day": 10.0, "failed": True},
        {"replicate": 1, "death_day": 5.0},
    )


def test_first_trial_is_drawn_alone_with_its_censored_patients(trial):
    curve = trial_curves(trial, "OS")
    assert (curve["month"] * DAYS_PER_MONTH).to_list() == pytest.approx([0.0, 30.0, 60.0, 90.0])
    assert curve["survival"].to_list() == pytest.approx([1.0, 0.75, 0.75, 0.0])
    assert curve["n_censored"].to_list() == [0, 0, 2, 0]


def test_a_trial_that_nobody_entered_has_no_curve(trial):
    curve = trial_curves(trial.clear(), "OS", ["A"])
    assert curve.select("month", "survival", "n_censored").rows() == [(0.0, 1.0, 0)]


def test_only_times_to_an_event_have_a_curve(trial):
    with pytest.raises(InputError, match="time-to-event"):
        trial_curves(trial, "CR")
