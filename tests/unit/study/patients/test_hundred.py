"""A hundred patients of a run: whole numbers that add up, each patient one fate."""

from __future__ import annotations

import pytest

from engager.study import FATES, hundred_of, load_protocol, run_study
from engager.study.patients.hundred import in_a_hundred


@pytest.mark.parametrize("counts", [(1, 1, 1, 0), (7, 0, 0, 0), (333, 333, 334, 1), (2, 3, 5, 7), (0, 0, 0, 0)])
def test_shares_add_up_to_a_hundred_and_stay_near(counts):
    named = dict(zip(FATES, counts, strict=True))
    found = in_a_hundred(named)
    total = sum(counts)
    assert sum(found.values()) == (100 if total else 0)
    for name, count in named.items():
        assert abs(found[name] - 100 * count / max(total, 1)) < 1


def test_fates_agree_with_the_runs_own_tables(tmp_path):
    run = run_study(load_protocol("tower"), replicates=2, patients=60, seed=4, out=tmp_path / "run", report=False)
    patients = run.table("patients")
    for one in hundred_of(run):
        rows = patients.filter(patients["arm"] == one.arm)
        share = 100 * rows["response_day"].is_not_null().sum() / rows.height
        assert one.counts["remission"] + one.counts["transplant"] == pytest.approx(share, abs=2)
        assert one.n_patients == rows.height
