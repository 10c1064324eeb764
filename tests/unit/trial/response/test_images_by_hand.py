"""What images call a response and a progression, stated by the size that a radiologist would measure."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from engager.model import initial_states, load_model
from engager.population import PopulationValues
from engager.protocol import Protocol
from engager.trial.assumptions import Assumptions
from engager.trial.course import CR, IN_CYCLE, NO_RESPONSE, PR, start_course
from engager.trial.recruit import recruit
from engager.trial.response.assessment import VisitErrors
from engager.trial.response.images import ImagedResponse

EVERYBODY = np.arange(4)
# each patient's tumor at entry [mL]: half again 1.8 mL is 2.7
TUMOR_ML = 64.0


@cache
def _four_patients():
    doses = [{"days": "1-28", "amount": 28, "unit": "ug/day"}]
    regimen = {"drug": "blinatumomab", "cycle_days": 42, "cycles": 2, "doses": doses}
    raw = {
        "study": "nodal", "model": {"id": "b-all", "variant": "lymphoma"}, "arms": {"a": {"n": 4, "regimen": regimen}},
        "population": {"setting": "lymphoma", "tumor_mL": TUMOR_ML},
    }  # fmt: skip
    protocol = Protocol.model_validate(raw)
    model = load_model("b-all").as_disease("lymphoma")
    recruits = recruit(protocol, "a", model, 1, [0], lambda replicate: PopulationValues())
    return protocol, model, recruits, initial_states(model.system, recruits.parameters)


class Clinic:
    """Four patients whose tumors are set, seen without error of measurement unless one is set."""

    def __init__(self, monkeypatch, window_days=84.0):
        protocol, model, recruits, states = _four_patients()
        self.course = start_course(recruits, model, states.copy(), False)
        assumed = Assumptions({0: PopulationValues()}, np.zeros(4, dtype=np.int64))
        self.images = ImagedResponse(self.course, protocol.visits, assumed, window_days)
        self.places = [model.system.index(name) for name in self.course.roles.tumor]
        self.at_entry = self.course.states.copy()
        self.errors = np.zeros((4, 5))
        self.read = {name: 1.0 for name in self.course.roles.seen.values()}
        monkeypatch.setattr(VisitErrors, "of", lambda _, rows: self.errors[rows])
        monkeypatch.setattr(
            "engager.trial.response.images.evaluate_outputs",
            lambda system, names, states, *more: {name: np.full(len(states), self.read[name]) for name in names},
        )

    def see(self, day, volume, rows=EVERYBODY, has_marrow=None, cycle=1, cycle_day=29):
        """A visit at which each tumor has this share of its volume at entry."""
        self.course.states[:, self.places] = self.at_entry[:, self.places] * np.reshape(volume, (-1, 1))
        self.course.clock[:], self.course.cycle[:], self.course.cycle_day[:] = day, cycle, cycle_day
        return self.images.visit(rows, np.full(rows.size, True) if has_marrow is None else has_marrow, IN_CYCLE)

    def size_of(self, share):
        """The volume whose product of diameters is this share of that at entry."""
        return share**1.5

    def events(self, name):
        return [days.tolist() for _, days, event, *_ in self.course.log if event == name]


@pytest.fixture
def clinic(monkeypatch):
    return Clinic(monkeypatch)


def test_the_size_is_a_product_of_diameters(clinic):
    """An eighth of the volume is half of each diameter, a quarter of the product."""
    clinic.see(29, 1 / 8)
    assert clinic.course.visits[-1]["tumor_percent"] == pytest.approx(25.0)
    clinic.errors[:, 0] = [-2.0, 0.0, 1.0, 3.0]
    clinic.see(57, 1 / 8)
    assert clinic.course.visits[-1]["tumor_percent"] == pytest.approx(25.0 * np.exp(0.1 * clinic.errors[:, 0]))


@pytest.mark.parametrize(("share", "grade"), [(0.499, PR), (0.501, NO_RESPONSE), (0.2, PR), (1.0, NO_RESPONSE)])
def test_half_the_size_or_less_is_a_partial_response(clinic, share, grade):
    clinic.see(29, clinic.size_of(share))
    assert clinic.course.remission.tolist() == [grade] * 4
    assert clinic.course.best.tolist() == [grade] * 4
    assert clinic.images.partly_responding(EVERYBODY).tolist() == [grade == PR] * 4
    assert not clinic.course.marrow_clear.any()
    assert np.isnan(clinic.course.cr_day).all()
    assert clinic.course.response_day == pytest.approx(np.full(4, 29.0 if grade else np.nan), nan_ok=True)


@pytest.mark.parametrize(("left_mL", "grade"), [(0.99, CR), (1.01, PR)])
def test_less_than_a_milliliter_is_a_complete_response(clinic, left_mL, grade):
    clinic.see(29, left_mL / TUMOR_ML)
    assert clinic.course.remission.tolist() == [grade] * 4
    assert clinic.course.marrow_clear.tolist() == [grade == CR] * 4
    assert clinic.images.partly_responding(EVERYBODY).all()
    assert clinic.course.cr_day == pytest.approx(np.full(4, 29.0 if grade == CR else np.nan), nan_ok=True)
    # a later image does not move the first day of either
    clinic.see(57, 0.5 / TUMOR_ML)
    assert clinic.course.response_day.tolist() == [29.0] * 4
    assert clinic.course.cr_day.tolist() == [29.0 if grade == CR else 57.0] * 4


@pytest.mark.parametrize(("growth", "is_progression"), [(1.49, False), (1.51, True)])
def test_half_again_the_smallest_size_is_a_progression(clinic, growth, is_progression):
    clinic.see(29, clinic.size_of(0.4))
    clinic.see(57, clinic.size_of(0.4 * growth))
    assert (~np.isnan(clinic.course.progression_day)).tolist() == [is_progression] * 4
    assert clinic.events("progression") == ([[57.0] * 4] if is_progression else [])
    assert clinic.images.progressed(EVERYBODY).tolist() == (EVERYBODY.tolist() if is_progression else [])


@pytest.mark.parametrize(("left_mL", "is_progression"), [(1.79, False), (1.81, True)])
def test_growth_counts_from_the_size_of_a_lesion_on(clinic, left_mL, is_progression):
    clinic.see(29, 0.2 / TUMOR_ML)
    clinic.see(57, left_mL / TUMOR_ML)
    assert (~np.isnan(clinic.course.progression_day)).tolist() == [is_progression] * 4


def test_after_a_progression_nothing_is_a_response_and_its_day_stays(clinic):
    clinic.see(29, clinic.size_of(0.4))
    clinic.see(57, clinic.size_of(0.7))
    clinic.see(70, clinic.size_of(2.0))
    assert clinic.course.progression_day.tolist() == [57.0] * 4
    clinic.see(80, 0.1 / TUMOR_ML)
    assert clinic.course.remission.tolist() == [NO_RESPONSE] * 4
    assert not clinic.course.marrow_clear.any()
    assert clinic.course.best.tolist() == [PR] * 4
    assert clinic.course.relapse_day.tolist() == [57.0] * 4
    assert not clinic.course.relapse_is_extramedullary.any()


def test_a_response_counts_within_the_window_and_before_later_therapy(clinic):
    clinic.course.later_therapy_day[0] = 20.0
    clinic.see(29, 0.1 / TUMOR_ML, rows=np.array([0, 1]))
    clinic.see(85, 0.1 / TUMOR_ML, rows=np.array([2]))
    clinic.see(84, 0.1 / TUMOR_ML, rows=np.array([3]))
    expected = [np.nan, 29.0, np.nan, 84.0]
    assert clinic.course.response_day == pytest.approx(expected, nan_ok=True)
    assert clinic.course.cr_day == pytest.approx(expected, nan_ok=True)
    assert clinic.course.best.tolist() == [NO_RESPONSE, CR, NO_RESPONSE, CR]
    # in whatever window, what the images show now is what they show
    assert clinic.course.remission.tolist() == [CR] * 4


def test_images_on_the_day_that_later_therapy_begins_are_those_of_the_study(clinic):
    clinic.course.later_therapy_day[:] = [28.0, 29.0, 30.0, np.inf]
    clinic.see(29, 0.1 / TUMOR_ML)
    assert clinic.course.response_day == pytest.approx([np.nan, 29.0, 29.0, 29.0], nan_ok=True)


@pytest.mark.parametrize(("cycle", "cycle_day", "counted"), [(1, 29, 1), (2, 1, 1), (2, 15, 2), (3, 1, 2), (1, 1, 1)])
def test_a_response_on_the_first_day_of_a_cycle_is_one_of_the_cycle_before(clinic, cycle, cycle_day, counted):
    clinic.see(29, 0.1 / TUMOR_ML, cycle=cycle, cycle_day=cycle_day)
    assert clinic.course.response_cycle.tolist() == [counted] * 4


def test_without_images_the_tumor_is_not_judged(clinic):
    told = clinic.see(29, 0.1 / TUMOR_ML, has_marrow=np.array([True, False, True, False]))
    assert told.size == 0  # nobody's blood asks for a look at the tumor
    assert clinic.course.remission.tolist() == [CR, NO_RESPONSE, CR, NO_RESPONSE]
    seen = clinic.course.visits[-1]["tumor_percent"]
    assert np.isnan(seen).tolist() == [False, True, False, True]


def test_images_in_follow_up_are_every_third_visit_of_who_is_free_of_progression(clinic):
    clinic.course.progression_day[1] = 40.0
    number = np.array([3.0, 3.0, 4.0, 6.0])
    assert clinic.images.due_in_follow_up(EVERYBODY, number).tolist() == [0, 3]
    assert clinic.images.progressed(EVERYBODY).tolist() == [1]


def test_b_cells_and_il6_are_noted_when_first_beyond_their_limits(clinic):
    seen = clinic.course.roles.seen
    clinic.read[seen["b_per_uL"]], clinic.read[seen["il6_pg_per_mL"]] = 1.0, 99.9
    clinic.see(5, 1.0)
    assert np.isnan(clinic.course.b_depleted_day).all()
    assert np.isnan(clinic.course.il6_high_day).all()
    clinic.read[seen["b_per_uL"]], clinic.read[seen["il6_pg_per_mL"]] = 0.99, 100.0
    clinic.see(8, 1.0)
    clinic.see(12, 1.0)
    assert clinic.course.b_depleted_day.tolist() == [8.0] * 4
    assert clinic.course.il6_high_day.tolist() == [8.0] * 4


def test_each_reading_of_blood_has_an_error_of_its_own(clinic):
    """The first error is that of the images; counts follow in the order of the readings."""
    names = list(clinic.course.roles.seen)
    clinic.errors[:, 1:] = [1.0, -1.0, 0.5, -2.0]
    clinic.see(5, 1.0)
    told = clinic.course.visits[-1]
    cv = float(clinic.images.assumed["count_error_cv"])
    column = {"neutrophils_per_uL": "anc_per_uL"}
    for name, error in zip(names, (1.0, -1.0, 0.5, -2.0), strict=False):
        assert told[column.get(name, name)] == pytest.approx(np.exp(cv * error)), name
