"""Studies predicted without themselves, by the emulator that ships."""

import numpy as np
import polars as pl
import pytest

from engager.calibration import shipped_emulator, shipped_posterior
from engager.core import InputError
from engager.study import leave_out, left_out_text
from engager.study.validation import leave_out as leaving_out

DRAWS = 30


@pytest.fixture(scope="module")
def fit():
    return shipped_posterior("b-all"), shipped_emulator("b-all")


@pytest.fixture(scope="module")
def found(fit):
    return leave_out(*fit, ["mt103-202"], draws=DRAWS, n_threads=1)


def test_the_emulator_is_of_the_posterior_and_the_studies_that_ship(fit):
    posterior, emulator = fit
    assert emulator.data_points == tuple(posterior.provenance["data_points"])
    common = [name for name in posterior.names if not name.startswith("regimen:")]
    assert set(common) <= set(emulator.unknowns)
    # what it does not know of a figure is little beside what was published
    assert np.isfinite(emulator.emulator.doubt).all()


def test_a_study_is_predicted_by_the_others(found):
    (one,) = found
    assert (one.study, one.without, one.year) == ("mt103-202", ("mt103-202",), 2011)
    assert {figure.use for figure in one.figures} == {"fit", "check"}
    for figure in one.figures:
        assert figure.low <= figure.median <= figure.high
    assert np.isfinite([one.log_score, one.point_score]).all()


def test_survival_at_a_time_is_told_by_nearly_all_trials_or_not_at_all(fit, monkeypatch):
    """Trials whose follow-up ends before it tell it only when everybody has died."""
    true_estimates = leaving_out.target_estimates

    def untold(data):
        estimates, places = true_estimates(data)
        few = pl.col("replicate") < DRAWS // 10
        return estimates.with_columns(value=pl.when(few).then(None).otherwise(pl.col("value"))), places

    monkeypatch.setattr(leaving_out, "target_estimates", untold)
    (one,) = leave_out(*fit, ["mt103-202"], draws=DRAWS, n_threads=1)
    statistics = {figure.statistic: figure.is_inside for figure in one.figures}
    assert set(statistics) > {"survival_at"}
    for figure in one.figures:
        assert (figure.is_inside is None) == np.isnan(figure.median) == (figure.statistic == "survival_at")


def test_the_text_and_the_json_tell_the_same(found):
    (one,) = found
    told = one.as_json()
    inside = [figure["inside"] for figure in told["figures"] if figure["use"] == "fit"]
    assert f"| mt103-202 | 2011 | {sum(inside)} of {len(inside)} |" in left_out_text(found, "Words.")


def test_in_order_of_publication_later_studies_are_gone_too(fit, monkeypatch):
    posterior, emulator = fit
    gone = []

    def without(plan, fitted, studies, n, n_processes):
        gone.append(studies)
        return plan.prior(n)

    monkeypatch.setattr("engager.study.validation.leave_out.members_without", without)
    leave_out(posterior, emulator, ["mt103-202"], draws=3, in_order=True, n_threads=1)
    assert {"mt103-202", "tower", "blast", "mt103-211"} <= set(gone[0])
    assert "all-r87" not in gone[0]


def test_a_study_that_was_not_fitted_is_refused(fit):
    with pytest.raises(InputError, match="study of the fit"):
        leave_out(*fit, ["swog-s0530"])


def test_the_text_names_figures_in_words_with_their_units(found):
    text = left_out_text(found, "Words.")
    assert "| mt103-202 | fitted | blinatumomab: MRD response | 80.0 % |" in text
    assert "blinatumomab: RFS at 33 months | 61.0 % |" in text
    assert "survival_at" not in text
