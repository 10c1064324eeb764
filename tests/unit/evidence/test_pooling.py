"""Pooling published figures: one per trial, and a word on what was left out."""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import InputError
from engager.evidence import pool_hazard_ratios, pool_medians, pool_proportions, select
from engager.evidence.records.intervals import exact_interval
from engager.evidence.synthesis.pooling_parts import interval_remarks, inverse_variance


def test_each_trial_is_taken_once_and_the_rest_is_named():
    selection = select("CR/CRh", regimens=["blinatumomab", "blinatumomab-mt103-206"], year="-2020")
    assert {study.record for study in selection.studies} == {"tower-2017", "topp-2015-phase2", "topp-2014"}
    told = " ".join(selection.left_out)
    for record in (
        "stein-2016-ebmt",
        "zugmaier-2015",
        "pooled-age-under-65",
        "blinatumomab-label-population",
    ):
        assert record in told


def test_overlap_is_allowed_only_when_asked_for_and_then_said():
    selection = select("CR/CRh", regimens=["blinatumomab"], allow_overlap=True)
    assert len(selection.studies) > 3
    assert any("too narrow" in remark for remark in selection.remarks)


def test_counts_derived_from_a_printed_share_are_told():
    selection = select("CR", regimens=["soc-chemotherapy-tower"])
    (study,) = selection.studies
    assert (study.events, study.n, study.is_derived) == (21, 134, True)
    assert any("computed from a printed share" in remark and "tower-2017" in remark for remark in selection.remarks)


def test_share_that_no_whole_number_gives_is_left_out():
    selection = select("CR", regimens=["clofarabine-based"])
    assert any("no whole number of 31" in reason for reason in selection.left_out)


def test_other_diseases_are_not_pooled_with_leukemia():
    selection = select("CR", setting="relapsed_refractory")
    assert not {"kantarjian-2003-clofarabine", "faderl-2005-clofarabine-arac"} & {s.record for s in selection.studies}
    assert any("other diseases" in reason for reason in selection.left_out)


def test_mrd_response_is_pooled_among_responders():
    counts = {s.record: (s.events, s.n) for s in select("MRD_response", drug_class="t_cell_engager").studies}
    assert counts["topp-2014"] == (22, 25)
    assert counts["topp-2015-phase2"] == (60, 73)


def test_pooled_share_lies_among_the_studies_and_methods_agree():
    pooled = pool_proportions(select("CR", setting="relapsed_refractory"), covariates=["year", "age"])
    values = [row["value"] for row in pooled.rows]
    by_method = {estimate.method: estimate for estimate in (pooled.estimate, *pooled.others)}
    assert set(by_method) == {"glmm", "reml", "common"}
    for estimate in by_method.values():
        assert min(values) < estimate.low < estimate.value < estimate.high < max(values)
    assert by_method["glmm"].value == pytest.approx(by_method["reml"].value, abs=0.02)
    assert by_method["reml"].prediction_low < by_method["reml"].low
    assert len(pooled.leave_one_out) == len(pooled.rows)
    assert sum(row["weight"] for row in pooled.rows) == pytest.approx(1)
    year, age = pooled.regressions
    assert year.n_studies == len(pooled.rows)
    assert age.n_studies + len(age.without) == len(pooled.rows)


def test_published_interval_is_kept_and_a_computed_one_says_so():
    pooled = pool_proportions(select("CR", regimens=["blinatumomab", "flag"]))
    rows = {row["record"]: row for row in pooled.rows}
    assert (rows["tower-2017"]["low"], rows["tower-2017"]["is_exact"]) == (0.28, False)
    assert rows["visani-1996-flag"]["is_exact"]
    assert (rows["visani-1996-flag"]["low"], rows["visani-1996-flag"]["high"]) == exact_interval(8, 12)


def test_one_study_gives_no_pooled_number_but_the_reason():
    pooled = pool_proportions(select("CR", regimens=["vsli", "flam"]))
    assert pooled.estimate.value is None
    assert "1 study is too few to be pooled" in pooled.estimate.failure
    assert "exact interval" in pooled.estimate.failure


def test_no_events_anywhere_says_why_and_gives_the_exact_interval():
    from engager.evidence.synthesis.pooling import _proportion

    estimate = _proportion(np.zeros(3), np.array([10.0, 20.0, 30.0]), "glmm", 0.95)
    assert estimate.value is None
    assert "no study had an event" in estimate.failure
    assert f"{exact_interval(0, 60)[1]:.3f}" in estimate.failure


def test_subgroups_are_estimated_apart_and_tested():
    pooled = pool_proportions(select("CR", setting="relapsed_refractory"), by="drug_class")
    names = [name for name, _, _ in pooled.subgroups]
    assert "t_cell_engager" in names
    assert sum(n for _, _, n in pooled.subgroups) == len(pooled.rows)
    assert 0 <= pooled.subgroup_p <= 1


def test_medians_are_pooled_on_the_log_scale_and_those_without_interval_are_told():
    pooled = pool_medians(select("OS", statistic="median", setting="relapsed_refractory"))
    assert 3 < pooled.estimate.low < pooled.estimate.value < pooled.estimate.high < 12
    assert any("advani-2010-s0530" in reason and "no finite interval" in reason for reason in pooled.left_out)
    assert any(estimate.method == "median_of_medians" for estimate in pooled.others)


def test_hazard_ratios_are_of_randomized_arms_only():
    pooled = pool_hazard_ratios("OS")
    assert {row["record"] for row in pooled.rows} == {"tower-2017", "ino-vate-2016"}
    assert any("not randomized" in reason for reason in pooled.left_out)
    # log HR of TOWER and INO-VATE, standard errors from the 95 % and the 97.5 % interval
    effect = np.log([0.75, 0.71])
    se = np.array([np.log(0.99 / 0.57) / (2 * 2.241402727604947), np.log(0.93 / 0.55) / (2 * 1.959963984540054)])
    w = 1 / se**2
    assert pooled.estimate.value == pytest.approx(float(np.exp(w @ effect / w.sum())), abs=1e-9)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: pool_proportions(select("CR"), method="bayes"), "--method"),
        (lambda: pool_proportions(select("CR"), by="country"), "--by"),
        (lambda: pool_proportions(select("CR"), covariates=["weight"]), "--covariate"),
        (lambda: select("CRR"), "CR"),
        (lambda: select("CR", regimens=["martino-intensive-salvage"]), "no proportion in the records"),
    ],
)
def test_bad_requests_are_refused_with_the_rule(call, word):
    with pytest.raises(InputError, match=word):
        call()


def test_arms_left_out_on_a_guess_are_told_as_such():
    selection = select("OS", statistic="median", setting="relapsed_refractory")
    guessed = [text for text in selection.left_out if "likely shares patients" in text]
    assert any(text.startswith("gokbuget-2012-gmall/all-relapsed") for text in guessed)
    (remark,) = [text for text in selection.remarks if "not certain" in text]
    assert all(text.split(":")[0] in remark for text in guessed)
    # A link that a source states is told as one, and makes no such remark.
    stated = select("CR/CRh", regimens=["blinatumomab"])
    assert any(": shares patients with" in text for text in stated.left_out)
    assert not any("not certain" in text for text in stated.remarks)


@pytest.mark.parametrize(
    ("endpoint", "arm"),
    [("CR/CRh/CRi", "desjonqueres-2016-graall/all-relapsed"), ("CR", "obrien-2008-second-salvage/second-salvage")],
)
def test_a_guess_reaches_the_pooled_result(endpoint, arm):
    pooled = pool_proportions(select(endpoint, setting="relapsed_refractory"))
    told = [text for text in (*pooled.left_out, *pooled.remarks) if arm in text]
    assert any("likely" in text for text in told) or not any("shares patients" in text for text in told)


def test_an_interval_that_agreement_by_chance_made_too_narrow_is_told():
    pooled = pool_proportions(select("CR", regimens=["blinatumomab"]))
    assert any("2 studies" in remark and "1 degree of freedom" in remark for remark in pooled.remarks)
    one, several = np.array([0.1] * 3), np.array([0.05] * 3)
    widened = inverse_variance(one, several, "reml", 0.95, float)
    common = inverse_variance(one, several, "common", 0.95, float)
    assert (widened.low, widened.high) == pytest.approx((common.low, common.high))
    assert interval_remarks(5, widened, common) == (f"reml: {widened.note}",)


def test_an_endpoint_that_was_not_printed_is_answered_with_those_that_were():
    with pytest.raises(InputError, match=r"These filters find CR/CRi, HSCT"):
        select("CR", regimens=["vsli"])
