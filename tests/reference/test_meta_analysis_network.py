"""Network meta-analysis against R metafor 3.8-1 on the diabetes network of Senn et al. 2013 (26 trials, 10
drugs).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from engager.core import InputError
from engager.evidence.synthesis.network import NetworkStudy, fit_network, study_of_counts, study_of_ratio

# dat <- dat.senn2013[c("study", "treatment", "ni", "mi", "sdi")]
DATA = Path(__file__).parent / "data" / "senn-2013.csv"


def _studies() -> list[NetworkStudy]:
    arms: dict[str, list[dict[str, str]]] = {}
    with DATA.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            arms.setdefault(row["study"], []).append(row)
    studies = []
    for name, rows in arms.items():
        mean = np.array([float(row["mi"]) for row in rows])
        variance = np.array([float(row["sdi"]) ** 2 / float(row["ni"]) for row in rows])
        treatments = [row["treatment"] for row in rows]
        covariance = np.diag(variance[1:]) + variance[0]
        studies.append(NetworkStudy(name, treatments[0], tuple(treatments[1:]), mean[1:] - mean[0], covariance))
    return studies


def test_random_effects_and_heterogeneity():
    # dat$vi <- with(dat, sdi^2/ni); dat$treatment <- relevel(factor(dat$treatment), ref="placebo")
    # r <- rma.mv(mi, vi, mods = ~ study + treatment - 1, random = ~ treatment | study, rho=1/2, data=dat)
    fit = fit_network(_studies(), "placebo")
    published = {
        "acarbose": (-0.8413642533, 0.2384264282),
        "benfluorex": (-0.7369003167, 0.2776003759),
        "metformin": (-1.1284038204, 0.1494017445),
        "miglitol": (-0.9498845191, 0.2252533632),
        "pioglitazone": (-1.1294045981, 0.2119173852),
        "rosiglitazone": (-1.2337387091, 0.1234567053),
        "sitagliptin": (-0.5700000000, 0.3414472764),
        "sulfonylurea": (-0.4175277303, 0.2326098398),
        "vildagliptin": (-0.7000000000, 0.3407553538),
    }
    for drug, (effect, se) in published.items():
        assert fit.comparison(drug, "placebo")[0] == pytest.approx(effect, abs=1e-7)
        assert fit.standard_error(drug, "placebo") == pytest.approx(se, abs=1e-7)
    # r$tau2
    assert fit.tau2 == pytest.approx(0.09991454448, abs=1e-7)


def test_common_effect_and_its_q():
    # f <- rma.mv(mi, vi, mods = ~ study + treatment - 1, data=dat); coef(f); f$QE
    fit = fit_network(_studies(), "placebo", common=True)
    assert fit.comparison("metformin", "placebo")[0] == pytest.approx(-1.1140299522, abs=1e-9)
    assert fit.comparison("rosiglitazone", "placebo")[0] == pytest.approx(-1.2018609533, abs=1e-9)
    assert (fit.q, fit.q_df) == (pytest.approx(96.98406507, abs=1e-7), 18)


def test_p_scores():
    # P <- sapply(1:n, function(i) mean(sapply((1:n)[-i], function(j) pnorm(-(e[i]-e[j])/
    #      sqrt(VV[i,i]+VV[j,j]-2*VV[i,j]))))) with e, VV the effects against placebo and their covariance
    scores = fit_network(_studies(), "placebo").p_scores(small_is_good=True)
    published = {
        "rosiglitazone": 0.89778044095,
        "metformin": 0.78590717615,
        "pioglitazone": 0.77788178253,
        "miglitol": 0.61409292671,
        "acarbose": 0.51861616604,
        "benfluorex": 0.43780820324,
        "vildagliptin": 0.42009076572,
        "sitagliptin": 0.32878473013,
        "sulfonylurea": 0.20703568786,
        "placebo": 0.01200212068,
    }
    assert list(scores) == list(published)
    for drug, score in published.items():
        assert scores[drug] == pytest.approx(score, abs=1e-7)


def test_indirect_comparison_is_the_difference_of_two_direct_ones():
    studies = [study_of_ratio("a", "x", "c", -0.34, 0.13), study_of_ratio("b", "y", "c", -0.29, 0.12)]
    fit = fit_network(studies)
    assert fit.treatments[0] == "c"
    assert fit.comparison("x", "y")[0] == pytest.approx(-0.05)
    assert fit.standard_error("x", "y") == pytest.approx(np.hypot(0.13, 0.12))
    assert fit.tau2 is None


def test_parts_that_nothing_connects_are_refused():
    studies = [study_of_ratio("a", "x", "c", 0.1, 0.1), study_of_ratio("b", "y", "d", 0.1, 0.1)]
    with pytest.raises(InputError, match="no study connects"):
        fit_network(studies, "c")


def test_log_odds_ratios_of_a_three_arm_study_share_the_first_arm():
    study = study_of_counts("a", [("c", 10, 40), ("x", 20, 40), ("y", 30, 40)])
    shared = 1 / 10 + 1 / 30
    assert study.covariance[0, 1] == pytest.approx(shared)
    assert study.covariance[0, 0] == pytest.approx(shared + 1 / 20 + 1 / 20)
    assert study.effects[0] == pytest.approx(np.log(3))


def test_an_empty_arm_gets_half_a_patient_and_says_so():
    # rma(measure="OR", ai=13, n1i=267, ci=0, n2i=109, add=0.5, to="only0"): log odds ratio 2.453, by hand here
    study = study_of_counts("a", [("c", 0, 109), ("x", 13, 267)])
    assert study.is_corrected
    assert study.effects[0] == pytest.approx(np.log(13.5 * 109.5 / (254.5 * 0.5)))
    assert not study_of_counts("a", [("c", 1, 109), ("x", 13, 267)]).is_corrected


@pytest.mark.parametrize(
    "empty",
    [
        [],
        [("x", 0, 20), ("y", 0, 60)],
        [("x", 20, 20), ("y", 60, 60)],
        [("x", 0, 5), ("y", 0, 60), ("z", 0, 8)],
    ],
)
def test_a_study_without_events_or_with_nothing_else_tells_nothing(empty):
    # netmeta leaves it out: log odds ratio 0.981 (0.086 to 1.875); with half a patient added it was 0.880
    studies = [study_of_counts("told", [("x", 10, 50), ("y", 20, 50)])]
    if empty:
        studies.append(study_of_counts("empty", empty))
    fit = fit_network(studies, "x")
    assert fit.comparison("y", "x") == pytest.approx((0.981, 0.086, 1.875), abs=6e-4)
    assert [text.partition(":")[0] for text in fit.left_out] == (["empty"] if empty else [])


def test_a_study_with_events_in_one_arm_only_is_kept_and_corrected():
    study = study_of_counts("one", [("x", 0, 20), ("y", 3, 20)])
    assert study.is_corrected
    assert not study.tells_nothing
    assert study.effects[0] == pytest.approx(np.log(3.5 / 17.5) - np.log(0.5 / 20.5))
    three = study_of_counts("three", [("x", 0, 20), ("y", 0, 20), ("z", 3, 20)])
    assert not three.tells_nothing


def test_a_network_of_empty_studies_is_refused_by_name():
    with pytest.raises(InputError, match="nothing of it: no event in any arm"):
        fit_network([study_of_counts("nothing of it", [("x", 0, 20), ("y", 0, 60)])])


@pytest.mark.parametrize(
    ("arms", "rule"),
    [
        ([("x", 5, 4), ("y", 1, 4)], "events must lie"),
        ([("x", 0, 0), ("y", 1, 4)], "n at least 1"),
        ([("x", 1, 4)], "two arms"),
    ],
)
def test_impossible_counts_are_refused(arms, rule):
    with pytest.raises(InputError, match=rule):
        study_of_counts("wrong", arms)


def test_arms_of_one_treatment_are_one_arm():
    apart = study_of_counts("doses", [("c", 4, 30), ("x", 5, 20), ("x", 9, 25)])
    whole = study_of_counts("doses", [("c", 4, 30), ("x", 14, 45)])
    assert apart.treatments == ("x",)
    assert (apart.effects, apart.covariance) == (pytest.approx(whole.effects), pytest.approx(whole.covariance))


def test_a_study_of_one_treatment_tells_nothing_and_is_named():
    told = study_of_counts("told", [("x", 10, 50), ("y", 20, 50)])
    for silent in (study_of_counts("doses", [("x", 0, 12), ("x", 1, 7)]), study_of_ratio("same", "x", "x", 0.1, 0.2)):
        fit = fit_network([told, silent])
        assert fit.effects == pytest.approx(fit_network([told]).effects)
        assert len(fit.left_out) == 1
        assert "x" in fit.left_out[0]


def test_a_reference_that_only_empty_studies_have_is_told_as_such():
    studies = [study_of_counts("a", [("x", 0, 12), ("z", 0, 9)]), study_of_counts("b", [("x", 4, 40), ("y", 9, 38)])]
    with pytest.raises(InputError, match="stands in no study that tells anything"):
        fit_network(studies, "z")


@pytest.mark.parametrize(("log_ratio", "se"), [(0.2, 0.0), (0.2, -0.1), (np.nan, 0.2), (0.1, np.inf), (0.1, np.nan)])
def test_a_ratio_without_a_usable_interval_is_refused(log_ratio, se):
    with pytest.raises(InputError, match="network: one"):
        study_of_ratio("one", "x", "y", log_ratio, se)
