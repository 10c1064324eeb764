"""Nobody is counted twice."""

from __future__ import annotations

from engager.evidence import load_records
from engager.evidence.records.overlaps import check_overlaps, without_overlap


def _take(*arms):
    kept, left_out = without_overlap([(arm, n, arm) for arm, n in arms], load_records())
    return kept, {entry.arm: entry.instead for entry in left_out}


def test_arms_named_in_the_overlaps_file_exist():
    check_overlaps(load_records())


def test_a_trial_reported_twice_is_taken_once():
    kept, left_out = _take(("tower-press-2016/blinatumomab", 271), ("tower-2017/blinatumomab", 271))
    assert kept == ["tower-2017/blinatumomab"]
    assert left_out == {"tower-press-2016/blinatumomab": "tower-2017/blinatumomab"}


def test_follow_up_and_first_report_share_patients():
    kept, _ = _take(("zugmaier-2015/blinatumomab-all-cohorts", 36), ("topp-2014/blinatumomab-all-cohorts", 36))
    assert kept == ["topp-2014/blinatumomab-all-cohorts"]


def test_a_pool_gives_way_to_its_trials():
    kept, _ = _take(
        ("topp-2015-phase2/pooled-206-and-211-safety", 225),
        ("topp-2015-phase2/blinatumomab", 189),
        ("topp-2014/blinatumomab-all-cohorts", 36),
    )
    assert kept == ["topp-2015-phase2/blinatumomab", "topp-2014/blinatumomab-all-cohorts"]


def test_disjoint_parts_are_both_taken_when_the_whole_is_not_there():
    kept, left_out = _take(("aldoss-2013/prospective", 19), ("aldoss-2013/off-study", 31))
    assert len(kept) == 2
    assert not left_out
    kept, _ = _take(("aldoss-2013/prospective", 19), ("aldoss-2013/off-study", 31), ("aldoss-2013/all", 50))
    assert kept == ["aldoss-2013/all"]


def test_arms_of_one_randomized_trial_are_apart():
    kept, _ = _take(("tower-2017/blinatumomab", 271), ("tower-2017/chemotherapy", 134))
    assert len(kept) == 2


def test_patients_of_a_record_are_counted_once():
    n = {name: entry.n for name, entry in load_records().items()}
    assert n["tower-2017"] == 405
    assert n["topp-2015-phase2"] == 189
    assert n["aldoss-2013"] == 50
    assert n["barba-2012"] == 31
    assert n["cornelissen-2001"] == 64 + 16 + 47
    assert n["wu-2015"] is None
