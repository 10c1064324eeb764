"""Strengths of regimens are found in the patients of their own studies."""

import numpy as np
import pytest
import yaml

from engager.calibration import Posterior, calibrate_regimens, shipped_posterior, write_regimen_strengths
from engager.calibration.population.regimen_evidence import RemissionRate, remission_rates
from engager.calibration.population.regimens import _FINE, StrengthCurve, strength_posterior
from engager.core import InputError
from engager.protocol import shipped_protocol
from engager.trial import regimen_strengths


@pytest.fixture(scope="module")
def rates():
    return remission_rates()


class Curve(StrengthCurve):
    """A known curve in place of simulated trials."""

    def __init__(self, of_strength, rates=()):
        super().__init__(rates, {}, 1)
        self.of_strength, self.asked = of_strength, []

    def rate(self, strength):
        self.asked.append(strength)
        return float(self.of_strength(strength))


def test_a_regimen_with_a_study_is_judged_in_that_study(rates):
    (flam,) = rates["flam"]
    assert (flam.study, flam.endpoint, flam.events, flam.n) == ("flam-palg", "CR/CRh/CRi", 25, 50)
    own = shipped_protocol("flam-palg")
    assert flam.trial.population == own.population
    assert list(flam.trial.arms) == list(own.arms)


def test_several_studies_of_one_regimen_speak_together(rates):
    assert {rate.study for rate in rates["hidac-idarubicin-single"]} == {"gimema-rescue-97", "hidac-ida"}
    assert sum(rate.n for rate in rates["hidac-idarubicin-single"]) == 135 + 29


def test_only_fitted_figures_speak(rates):
    studies = {rate.study for rate in rates["salvage-mixed"]}
    assert studies == {
        "graall-relapse",
        "lala-94-relapse",
        "gmall-relapse",
        "mdacc-second-salvage",
    }  # the others only check


def test_blast_classes_stand_for_the_whole_arm(rates):
    assert [rate.n for rate in rates["soc-chemotherapy-ino-vate"]] == [48, 83, 30]


def test_without_a_study_patients_are_like_those_of_tower(rates):
    (found,) = rates["nelarabine-adult"]
    assert found.study is None
    assert found.trial.population == shipped_protocol("tower").population
    assert found.trial.arms["chemotherapy"].never_treated == 0


def test_standard_chemotherapy_and_engagers_are_not_calibrated(rates):
    assert not {"soc-chemotherapy-tower", "salvage-chemotherapy-historical", "blinatumomab"} & set(rates)


def share(log_strength):
    return 1 / (1 + np.exp(-log_strength))


def test_many_patients_decide_a_strength_and_few_leave_it_near_its_class():
    truth = share(np.log(3.0))
    many = strength_posterior(share(_FINE), round(600 * truth), 600, class_spread=0.5, effect_spread=0.0)
    few = strength_posterior(share(_FINE), round(12 * truth), 12, class_spread=0.5, effect_spread=0.0)
    assert many[0] == pytest.approx(3.0, rel=0.1)
    assert 1.0 < few[0] < 2.3
    assert few[3] > 2 * many[3]
    assert few[1] < few[0] < few[2]


def test_the_effect_of_a_study_keeps_its_patients_from_speaking_for_all():
    alone = strength_posterior(share(_FINE), 450, 600, class_spread=0.7, effect_spread=0.0)
    shared = strength_posterior(share(_FINE), 450, 600, class_spread=0.7, effect_spread=0.3)
    assert shared[3] > 2 * alone[3]
    assert 1.0 < shared[0] < alone[0]


def test_without_patients_a_strength_is_what_its_class_says():
    median, low, high, sd = strength_posterior(share(_FINE), 0, 0, class_spread=0.5, effect_spread=0.2)
    assert median == pytest.approx(1.0, abs=0.02)
    assert sd == pytest.approx(0.5, abs=0.02)
    assert np.log(high / low) == pytest.approx(2 * 1.96 * 0.5, rel=0.03)


def test_a_rate_beyond_the_curve_is_told():
    curve = Curve(lambda strength: 0.3 + 0.02 * np.log2(strength))
    assert not curve.reaches(0.9)
    assert not curve.reaches(0.1)
    assert curve.reaches(0.3)


@pytest.fixture(scope="module")
def posterior():
    shipped = shipped_posterior("b-all")
    # a center only, without strengths of its own: what this module tests does not hang on the fit
    kept = [k for k, name in enumerate(shipped.names) if not name.startswith("regimen:")]
    names = tuple(shipped.names[k] for k in kept)
    return Posterior("b-all", shipped.model_hash, names, shipped.draws[:1, kept], shipped.fixed)


def test_a_calibrated_strength_brings_the_published_rate(posterior, tmp_path):
    found = calibrate_regimens(posterior, n_patients=60, regimens=["soc-chemotherapy-ino-vate"])
    row = found["regimens"]["soc-chemotherapy-ino-vate"]
    assert row["low"] <= row["strength"] <= row["high"]
    assert row["studies"] == ["ino-vate"]
    assert row["group"] == "chemotherapy"
    assert 0 < row["sd_log"] < 0.7
    curve = StrengthCurve(remission_rates()["soc-chemotherapy-ino-vate"], posterior.center(), 60)
    # between its own rate and that of its class
    assert min(curve.rate(1.0), row["events"] / row["n"]) - 0.1 < curve.rate(row["strength"])
    assert curve.rate(row["strength"]) < max(curve.rate(1.0), row["events"] / row["n"]) + 0.1
    write_regimen_strengths(found, tmp_path / "strength.yaml")
    again = yaml.safe_load((tmp_path / "strength.yaml").read_text())
    assert again["regimens"]["soc-chemotherapy-ino-vate"]["is_joint"] is False


def test_what_the_joint_fit_found_is_kept(posterior):
    draws = np.column_stack([np.repeat(posterior.draws, 3, axis=0), [1.0, 2.0, 4.0]])
    joint = Posterior("b-all", "", (*posterior.names, "regimen:flam"), draws, posterior.fixed)
    row = calibrate_regimens(joint, n_patients=30, regimens=["flam"])["regimens"]["flam"]
    assert row["is_joint"]
    assert row["strength"] == 2.0


def test_a_regimen_without_a_rate_is_refused(posterior):
    with pytest.raises(InputError, match="published remission rate"):
        calibrate_regimens(posterior, regimens=["clofarabine-etoposide-mitoxantrone"])


def test_shipped_strengths_name_studies_that_ship():
    for slug, row in regimen_strengths().items():
        for study in row.studies:
            assert any(arm.regimen.id == slug for arm in shipped_protocol(study).arms.values())


def test_a_remission_rate_holds_its_counts(rates):
    everything = [rate for found in rates.values() for rate in found]
    assert all(isinstance(rate, RemissionRate) and 0 <= rate.events <= rate.n for rate in everything)
    assert all(rate.endpoint in ("CR", "CR/CRi", "CR/CRh/CRi") for rate in everything)
