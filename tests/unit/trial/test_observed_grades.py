"""The worst grade of a patient is that of events someone saw."""

from __future__ import annotations

import polars as pl

from engager.protocol import read_protocol
from engager.trial import simulate_trial

# Data are cut at the first death, so that most patients have events that nobody saw.
STUDY = """
study: early-cut
simulated_only: true
arms: {a: {n: 60, regimen: blinatumomab}}
follow_up: {months: 6, data_cut: {deaths: 1}}
"""


def test_worst_grades_leave_out_events_after_the_last_day_of_observation():
    data = simulate_trial(read_protocol(STUDY), replicates=[0], seed=3, n_sampled=1)
    key = ["replicate", "arm", "patient"]
    n_struck = 0
    for event in ("crs", "neurologic"):
        of_kind = data.events.filter(pl.col("event") == event)
        worst = of_kind.group_by(key).agg(worst=pl.col("grade").max())
        both = data.patients.join(worst, on=key, how="left").with_columns(pl.col("worst").fill_null(0))
        assert (both["worst"] == both[f"{event}_grade"]).all()
        n_struck += of_kind.height
    assert n_struck > 5
