"""Random samples against lifelines, an independent Python package."""

import lifelines
import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import logrank_test

from engager.analysis import cox_hazard_ratio, kaplan_meier, log_rank, median_survival, survival_at


@pytest.fixture(params=[1, 2, 3])
def sample(request):
    """Time (rounded, so that it ties), event, group of 150 patients."""
    draw = np.random.default_rng(request.param)
    group = draw.random(150) < 0.6
    time = np.ceil(draw.exponential(np.where(group, 200.0, 120.0)))
    return time, draw.random(150) < 0.7, group


def test_curve_and_median_match(sample):
    time, event, _ = sample
    fitter = lifelines.KaplanMeierFitter().fit(time, event)
    curve = kaplan_meier(time, event)
    expected = fitter.survival_function_at_times(curve.time).to_numpy()
    assert curve.survival == pytest.approx(expected, abs=1e-12)
    assert survival_at(time, event, 90).value == pytest.approx(float(fitter.predict(90)), abs=1e-12)
    assert median_survival(time, event).value == fitter.median_survival_time_
    low, high = _limits(fitter, curve)
    # Once everybody has had the event no limit can be told: NaN here, 0 there.
    seen = curve.survival > 0
    assert curve.low[seen] == pytest.approx(low[seen], abs=1e-9)
    assert curve.high[seen] == pytest.approx(high[seen], abs=1e-9)
    assert np.isnan(curve.low[~seen]).all()


def _limits(fitter, curve):
    """lifelines' limits are log(-log) too."""
    table = fitter.confidence_interval_.loc[curve.time]
    return table.iloc[:, 0].to_numpy(), table.iloc[:, 1].to_numpy()


def test_log_rank_matches(sample):
    time, event, group = sample
    theirs = logrank_test(time[group], time[~group], event[group], event[~group])
    ours = log_rank(time, event, group)
    assert ours.chi_square == pytest.approx(theirs.test_statistic, rel=1e-9)
    assert ours.p_value == pytest.approx(theirs.p_value, rel=1e-7)


def test_hazard_ratio_matches(sample):
    time, event, group = sample
    table = pd.DataFrame({"time": time, "event": event.astype(int), "group": group.astype(float)})
    fit = lifelines.CoxPHFitter().fit(table, "time", "event")
    ours = cox_hazard_ratio(time, event, group)
    # lifelines stops its Newton steps at 1e-7
    assert ours.log_hazard_ratio == pytest.approx(fit.params_["group"], abs=1e-6)
    assert ours.standard_error == pytest.approx(fit.standard_errors_["group"], rel=1e-5)
