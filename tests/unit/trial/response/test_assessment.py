"""What a visit calls a response, a relapse and residual disease, stated by the readings that a doctor would have."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from engager.model import initial_states, load_model
from engager.population import PopulationValues
from engager.protocol import Protocol
from engager.trial.assumptions import Assumptions
from engager.trial.course import CR, CRH, CRI, FOLLOW_UP, IN_CYCLE, NO_RESPONSE, start_course
from engager.trial.recruit import recruit
from engager.trial.response.assessment import Assessment, VisitErrors

EVERYBODY = np.arange(4)
FULL = {"neutrophils": 1500.0, "platelets": 150000.0}
PARTIAL = {"neutrophils": 700.0, "platelets": 70000.0}
LOW = {"neutrophils": 100.0, "platelets": 5000.0}


@cache
def _four_patients():
    doses = [{"days": "1-28", "amount": 28, "unit": "ug/day"}]
    regimen = {"drug": "blinatumomab", "cycle_days": 42, "cycles": 2, "doses": doses}
    protocol = Protocol.model_validate({"study": "clinic", "arms": {"a": {"n": 4, "regimen": regimen}}})
    model = load_model("b-all")
    recruits = recruit(protocol, "a", model, 1, [0], lambda replicate: PopulationValues())
    return protocol, model, recruits, initial_states(model.system, recruits.parameters)


class Clinic:
    """Four patients whose readings are given, without error of measurement."""

    def __init__(self, monkeypatch, window_days=84.0, in_remission=False):
        protocol, model, recruits, states = _four_patients()
        self.course = start_course(recruits, model, states.copy(), in_remission)
        self.assumed = Assumptions({0: PopulationValues()}, np.zeros(4, dtype=np.int64))
        self.assessment = Assessment(self.course, protocol.visits, self.assumed, window_days, in_remission)
        self.limit = float(np.log10(protocol.visits.mrd.limit))
        self.floor = self.limit + float(np.log10(self.assumed.of("mrd_sensitivity", EVERYBODY)[0]))
        self.readings = {
            "marrow_blasts_percent": 0.0,
            "log10_mrd": self.limit - 0.2,
            "blood_blasts_per_uL": 0.0,
            **FULL,
        }
        monkeypatch.setattr("engager.trial.response.assessment.evaluate_outputs", self._read)
        # By patient: of the blast count, residual disease, neutrophils, platelets, in standard deviations.
        self.errors = np.zeros((4, 4))
        monkeypatch.setattr(VisitErrors, "of", lambda _, rows: self.errors[rows])
        self.outside(0.0)

    def _read(self, system, names, states, parameters, drug, rows):
        return {name: np.broadcast_to(self.readings[name], rows.shape).astype(float) for name in names}

    def outside(self, cells):
        self.course.column("Sp")[:] = cells

    def marrow(self, day, **readings):
        self.readings.update(readings)
        self.course.clock[:] = day
        self.assessment.visit(EVERYBODY, np.full(4, True), IN_CYCLE)

    def blood(self, day, kind=IN_CYCLE, **readings):
        self.readings.update(readings)
        self.course.clock[:] = day
        return self.assessment.visit(EVERYBODY, np.full(4, False), kind)

    def events(self, name):
        return [(days.tolist(), detail) for _, days, event, _, detail in self.course.log if event == name]


@pytest.fixture
def clinic(monkeypatch):
    return Clinic(monkeypatch)


@pytest.mark.parametrize(
    ("neutrophils", "platelets", "best"),
    [
        # CR above 1,000 and 100,000; CRh above 500 and 50,000; CRi with one of the CR counts
        (1001, 100001, CR),
        (1000, 100001, CRH),
        (1001, 100000, CRH),
        (501, 50001, CRH),
        (500, 50001, NO_RESPONSE),
        (501, 50000, NO_RESPONSE),
        (1001, 50000, CRI),
        (1001, 1, CRI),
        (1, 100001, CRI),
        (500, 100000, NO_RESPONSE),
        (1000, 1, NO_RESPONSE),
        (1, 100000, NO_RESPONSE),
    ],
)
def test_counts_decide_the_class_of_a_remission(clinic, neutrophils, platelets, best):
    clinic.marrow(29, neutrophils=neutrophils, platelets=platelets)
    assert clinic.course.best.tolist() == [best] * 4
    seen = 29.0 if best else np.nan
    assert clinic.course.response_day == pytest.approx(np.full(4, seen), nan_ok=True)
    assert clinic.course.crh_day == pytest.approx(np.full(4, 29.0 if best >= CRH else np.nan), nan_ok=True)
    assert clinic.course.cr_day == pytest.approx(np.full(4, 29.0 if best == CR else np.nan), nan_ok=True)


def test_a_count_with_error_stays_a_share(clinic):
    """However wrong the count, it is none or all of the cells at most."""
    clinic.errors[:, 0] = [60.0, -80.0, 0.0, 1.0]
    clinic.marrow(29, marrow_blasts_percent=90.0)
    seen = clinic.course.visits[-1]["marrow_blasts_percent"]
    cells = clinic.assumed["blast_count_cells"]
    assert seen == pytest.approx([100.0, 0.0, 90.0, 90.0 + 100 * np.sqrt(0.09 / cells)])


@pytest.mark.parametrize(("blasts", "clear"), [(0.0, True), (5.0, True), (5.01, False), (80.0, False)])
def test_five_percent_blasts_are_a_remission_and_more_are_not(clinic, blasts, clear):
    clinic.marrow(29, marrow_blasts_percent=blasts)
    assert clinic.course.marrow_clear.tolist() == [clear] * 4
    assert (clinic.course.best == (CR if clear else NO_RESPONSE)).all()
    assert clinic.course.blasts_seen == pytest.approx(np.full(4, blasts))


def test_counts_that_recover_later_raise_the_class_and_keep_the_first_day(clinic):
    clinic.marrow(29, neutrophils=1500.0, platelets=1000.0)
    clinic.blood(36, **PARTIAL)
    clinic.blood(43, **FULL)
    course = clinic.course
    assert (course.response_day[0], course.crh_day[0], course.cr_day[0], course.best[0]) == (29, 36, 43, CR)
    assert len(clinic.events("response")) == 1


def test_a_class_once_reached_in_a_remission_stays_when_counts_fall(clinic):
    clinic.marrow(29, **FULL)
    clinic.blood(36, **LOW)
    assert clinic.course.remission.tolist() == [CR] * 4
    clinic.marrow(57, **LOW)  # whose marrow is still clear
    assert clinic.course.remission.tolist() == [CR] * 4


def test_blood_alone_makes_no_response_without_a_clear_marrow(clinic):
    clinic.blood(29, **FULL)
    assert np.isnan(clinic.course.response_day).all()
    assert clinic.course.remission.tolist() == [NO_RESPONSE] * 4


@pytest.mark.parametrize(("day", "counted"), [(84.0, True), (84.5, False)])
def test_a_response_counts_up_to_the_last_day_of_the_window(clinic, day, counted):
    clinic.marrow(day, **FULL)
    assert np.isfinite(clinic.course.response_day).all() == counted
    assert (clinic.course.best == CR).all() == counted
    # The remission itself is there all the same; residual disease is read in the window only.
    assert clinic.course.remission.tolist() == [CR] * 4
    assert np.isfinite(clinic.course.mrd_first_day).all() == counted


def test_what_a_later_therapy_brings_is_no_response_to_the_study_drug(clinic):
    clinic.course.later_therapy_day[:] = [20, 29, np.inf, np.inf]
    clinic.marrow(29, **FULL)
    assert np.isnan(clinic.course.response_day).tolist() == [True, False, False, False]


def test_a_response_on_the_first_morning_of_a_cycle_belongs_to_the_one_before(clinic):
    clinic.course.cycle[:], clinic.course.cycle_day[:] = [1, 2, 2, 3], [1, 1, 2, 1]
    clinic.marrow(29, **FULL)
    assert clinic.course.response_cycle.tolist() == [1, 1, 2, 2]


def test_blasts_back_in_the_marrow_are_a_relapse_once(clinic):
    clinic.marrow(29, **FULL)
    clinic.marrow(57, marrow_blasts_percent=40.0)
    clinic.marrow(85, marrow_blasts_percent=60.0)
    course = clinic.course
    assert course.relapse_day.tolist() == [57.0] * 4
    assert not course.relapse_is_extramedullary.any()
    assert course.remission.tolist() == [NO_RESPONSE] * 4
    assert clinic.events("relapse") == [([57.0] * 4, "marrow")]
    # A clear marrow after a relapse is no second response, and blasts after that no second relapse.
    clinic.marrow(99, marrow_blasts_percent=0.0)
    assert course.remission.tolist() == [NO_RESPONSE] * 4
    assert course.best.tolist() == [CR] * 4
    clinic.marrow(127, marrow_blasts_percent=40.0)
    assert course.relapse_day.tolist() == [57.0] * 4
    assert len(clinic.events("relapse")) == 1


def test_a_remission_that_came_too_late_to_count_ends_all_the_same(monkeypatch):
    clinic = Clinic(monkeypatch, window_days=10.0)
    clinic.marrow(29, **FULL)
    assert np.isnan(clinic.course.response_day).all()
    assert (clinic.course.remission > NO_RESPONSE).all()
    clinic.marrow(57, marrow_blasts_percent=40.0)
    assert clinic.course.remission.tolist() == [NO_RESPONSE] * 4
    assert np.isnan(clinic.course.relapse_day).all()


def test_in_follow_up_a_marrow_is_due_at_every_so_many_visits_of_who_is_in_remission(clinic):
    every = clinic.assumed["marrow_every_visits_in_remission"]
    clinic.course.marrow_clear[:] = [True, True, False, True]
    number = np.array([2 * every, 2 * every + 1, 2 * every, 3 * every])
    assert clinic.assessment.due_in_follow_up(EVERYBODY, number).tolist() == [0, 3]


def test_a_marrow_that_never_cleared_does_not_relapse(clinic):
    clinic.marrow(29, marrow_blasts_percent=50.0)
    clinic.marrow(57, marrow_blasts_percent=60.0)
    assert np.isnan(clinic.course.relapse_day).all()


@pytest.mark.parametrize(("positive", "outside", "negative", "is_negative"), [
    (1e6, 0.0, 1.1e6, True), (1e6, 0.0, 0.9e6, False), (1e6, 2e5, 1.1e6, False), (1e6, 2e5, 1.3e6, True),
])  # fmt: skip
def test_a_relapse_is_cd19_negative_when_most_of_its_cells_are(clinic, positive, outside, negative, is_negative):
    clinic.marrow(29, **FULL)
    clinic.course.column("Lp")[:], clinic.course.column("Ln")[:] = positive, negative
    clinic.course.column("Sp")[:] = outside
    clinic.marrow(57, marrow_blasts_percent=40.0)
    assert clinic.course.relapse_is_negative.tolist() == [is_negative] * 4


def test_disease_outside_the_marrow_is_a_relapse_of_who_is_in_response(clinic):
    clinic.marrow(29, **FULL)
    clinic.assessment.imaging(EVERYBODY)
    assert np.isnan(clinic.course.relapse_day).all()
    clinic.outside(clinic.assumed["sanctuary_relapse_cells"])
    clinic.course.clock[:] = 57
    clinic.assessment.imaging(EVERYBODY[:2])
    course = clinic.course
    assert course.relapse_day == pytest.approx([57, 57, np.nan, np.nan], nan_ok=True)
    assert course.relapse_is_extramedullary.tolist() == [True, True, False, False]
    assert clinic.events("relapse") == [([57.0] * 2, "extramedullary")]


@pytest.mark.parametrize("share", [1.0, 3.0])
def test_no_response_nor_residual_disease_while_disease_is_seen_outside(clinic, share):
    clinic.outside(share * clinic.assumed["sanctuary_relapse_cells"])
    clinic.marrow(29, **FULL)
    clinic.blood(29, **FULL)
    clinic.assessment.imaging(EVERYBODY)
    course = clinic.course
    assert np.isnan(course.response_day).all()
    assert np.isnan(course.relapse_day).all()
    assert np.isnan(course.mrd_first_day).all()
    assert course.best.tolist() == [NO_RESPONSE] * 4
    # Gone at the next look: now it is one.
    clinic.outside(0.99 * clinic.assumed["sanctuary_relapse_cells"])
    clinic.marrow(57, **FULL)
    assert course.response_day.tolist() == [57.0] * 4


def test_follow_up_looks_outside_before_it_calls_a_response(clinic):
    clinic.marrow(29, **LOW)
    clinic.outside(2 * clinic.assumed["sanctuary_relapse_cells"])
    clinic.blood(60, kind=FOLLOW_UP, **FULL)
    assert np.isnan(clinic.course.response_day).all()


def test_blasts_in_the_blood_are_told_from_the_limit_on(clinic):
    limit = clinic.assumed["blood_blasts_seen_per_uL"]
    assert clinic.blood(8, blood_blasts_per_uL=0.99 * limit).size == 0
    assert clinic.blood(9, blood_blasts_per_uL=limit).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("above", "first", "response", "none"),
    # below means below: a reading at the limit is none
    [(0.3, True, False, False), (0.0, True, False, False), (-0.1, True, True, False)],
)
def test_residual_disease_below_its_limit_is_a_response(clinic, above, first, response, none):
    clinic.marrow(29, log10_mrd=clinic.limit + above)
    course = clinic.course
    for day, wanted in (
        (course.mrd_first_day, first), (course.mrd_response_day, response), (course.mrd_undetectable_day, none)
    ):  # fmt: skip
        assert np.isfinite(day).all() == wanted
    assert course.mrd_log10 == pytest.approx(np.full(4, clinic.limit + above))


def test_what_the_assay_cannot_see_is_undetectable_and_reads_as_its_floor(clinic):
    clinic.marrow(29, log10_mrd=clinic.floor - 1.0)
    assert clinic.course.mrd_undetectable.all()
    assert clinic.course.mrd_undetectable_day.tolist() == [29.0] * 4
    assert clinic.course.mrd_log10 == pytest.approx(np.full(4, clinic.floor))


def test_a_reading_at_the_floor_is_still_seen(clinic):
    clinic.marrow(29, log10_mrd=clinic.floor)
    assert np.isnan(clinic.course.mrd_undetectable_day).all()
    assert not clinic.course.mrd_undetectable.any()


def test_the_lowest_reading_is_kept_with_its_day(clinic):
    for day, above in ((29, 1.0), (57, -0.1), (64, -0.1), (71, 0.5)):
        clinic.marrow(day, log10_mrd=clinic.limit + above)
    assert clinic.course.mrd_day.tolist() == [57.0] * 4
    assert clinic.course.mrd_log10 == pytest.approx(np.full(4, clinic.limit - 0.1))
    assert clinic.course.mrd_first_day.tolist() == [29.0] * 4
    assert clinic.course.mrd_response_day.tolist() == [57.0] * 4


def test_residual_disease_is_read_in_remission_only(clinic):
    clinic.marrow(29, marrow_blasts_percent=30.0)
    assert np.isnan(clinic.course.mrd_first_day).all()
    clinic.marrow(30, marrow_blasts_percent=0.0, **LOW)
    assert np.isnan(clinic.course.mrd_first_day).all()


def test_who_entered_in_remission_is_read_whatever_the_counts(monkeypatch):
    clinic = Clinic(monkeypatch, in_remission=True)
    clinic.marrow(29, **LOW)
    assert np.isfinite(clinic.course.mrd_first_day).all()


@pytest.mark.parametrize("in_remission", [False, True])
def test_residual_disease_under_a_later_therapy_is_no_response_to_the_study_drug(monkeypatch, in_remission):
    clinic = Clinic(monkeypatch, in_remission=in_remission)
    clinic.course.later_therapy_day[:] = [20.0, 29.0, 40.0, np.nan]
    clinic.marrow(29)
    seen = [np.nan, 29.0, 29.0, 29.0]
    assert clinic.course.mrd_first_day == pytest.approx(np.array(seen), nan_ok=True)
    assert clinic.course.mrd_response_day == pytest.approx(np.array(seen), nan_ok=True)
    # nor does it lower what was read before
    clinic.course.later_therapy_day[:] = 50.0
    clinic.marrow(57, log10_mrd=clinic.floor - 1)
    assert clinic.course.mrd_day == pytest.approx(np.array(seen), nan_ok=True)
    assert np.isnan(clinic.course.mrd_undetectable_day).all()


def test_residual_disease_after_a_relapse_is_no_response(monkeypatch):
    clinic = Clinic(monkeypatch, in_remission=True)
    clinic.marrow(15, log10_mrd=clinic.limit + 1)
    clinic.marrow(42, marrow_blasts_percent=10.0)
    assert clinic.course.relapse_day.tolist() == [42.0] * 4
    clinic.marrow(84, marrow_blasts_percent=0.0, log10_mrd=clinic.limit - 1)
    assert np.isnan(clinic.course.mrd_response_day).all()
    assert clinic.course.mrd_day.tolist() == [15.0] * 4


def test_a_visit_is_recorded_as_it_was(clinic):
    clinic.blood(8, **PARTIAL)
    clinic.marrow(29, marrow_blasts_percent=3.0, **FULL)
    blood, marrow = clinic.course.visits
    assert np.isnan(blood["marrow_blasts_percent"]).all()
    assert np.isnan(blood["mrd_log10"]).all()
    clinic.course.infusion[:], clinic.course.injected[:] = [28.0, 0.0, 28.0, 0.0], [0.0, 5.0, 5.0, 0.0]
    clinic.marrow(57, marrow_blasts_percent=50.0)
    assert clinic.course.visits[-1]["dose_ug_per_day"].tolist() == [28.0, 5.0, 33.0, 0.0]
    assert np.isnan(clinic.course.visits[-1]["mrd_log10"]).all()  # no remission, no residual disease
    assert marrow["marrow_blasts_percent"] == pytest.approx(np.full(4, 3.0))
    assert marrow["mrd_log10"] == pytest.approx(np.full(4, clinic.limit - 0.2))
    assert (blood["anc_per_uL"][0], marrow["platelets_per_uL"][0]) == (700, 150000)
    assert (blood["day"][0], marrow["day"][0]) == (8, 29)


def test_counts_next_to_nothing_are_read_as_they_are(clinic):
    clinic.marrow(29, neutrophils=0.25, platelets=-1e-9)
    (visit,) = clinic.course.visits
    assert visit["anc_per_uL"].tolist() == [0.25] * 4
    assert visit["platelets_per_uL"].tolist() == [0.0] * 4


def test_errors_of_measurement_have_the_sizes_of_the_table(clinic):
    clinic.errors = np.eye(4)
    clinic.blood(8, marrow_blasts_percent=20.0)
    clinic.marrow(9, marrow_blasts_percent=20.0)
    blood, marrow = clinic.course.visits
    cells = clinic.assumed["blast_count_cells"]
    assert marrow["marrow_blasts_percent"] == pytest.approx([20 + 100 * np.sqrt(0.2 * 0.8 / cells), 20, 20, 20])
    cv = np.exp(clinic.assumed["count_error_cv"])
    assert blood["anc_per_uL"] == pytest.approx([1500, 1500, 1500 * cv, 1500])
    assert blood["platelets_per_uL"] == pytest.approx([150000, 150000, 150000, 150000 * cv])
    clinic.readings["marrow_blasts_percent"] = 0.0
    clinic.marrow(10)
    reading = clinic.limit - 0.2
    wanted = [reading, reading + clinic.assumed["mrd_error_log10"], reading, reading]
    assert clinic.course.visits[-1]["mrd_log10"] == pytest.approx(wanted)


def test_errors_belong_to_a_patient_and_the_number_of_the_visit_however_visits_fall():
    _, model, recruits, states = _four_patients()
    course = start_course(recruits, model, states.copy(), False)
    errors, chance = VisitErrors(course, 5), np.random.default_rng(1)
    course.is_alive[3] = False  # seen at the start of a round in which others get new draws
    for number in range(60):
        rows = np.flatnonzero(chance.random(4) < [1.0, 0.7, 0.3, 0.1])
        before = course.n_seen.copy()
        found = errors.of(rows)
        assert np.array_equal(found, recruits.draw("visit", "normal", 5, rows, before[rows])), number
        assert np.array_equal(course.n_seen - before, np.isin(EVERYBODY, rows))


def test_nobody_at_a_visit_is_nothing(clinic):
    none = np.zeros(0, dtype=np.int64)
    assert clinic.assessment.visit(none, none.astype(bool), IN_CYCLE).size == 0
    assert clinic.course.visits == []


@pytest.mark.parametrize(("blasts", "partly"), [(0.0, True), (25.0, True), (25.1, False)])
def test_a_partial_remission_has_25_percent_blasts_at_most(clinic, blasts, partly):
    clinic.marrow(29, marrow_blasts_percent=blasts)
    assert clinic.assessment.partly_responding(EVERYBODY).tolist() == [partly] * 4


@pytest.mark.parametrize(
    ("entry", "blasts", "day", "worse"),
    [(60.0, 60.0, 43, True), (60.0, 59.9, 43, False), (60.0, 60.0, 19.9, False), (60.0, 60.0, 20.0, True),
     (10.0, 24.9, 43, False), (10.0, 25.0, 43, True), (4.0, 4.0, 43, False)],
)  # fmt: skip
def test_no_fewer_blasts_than_at_entry_are_progression_after_the_early_marrow(clinic, entry, blasts, day, worse):
    clinic.course.recruits.covariates["marrow_blasts_percent"][:] = entry
    clinic.marrow(day, marrow_blasts_percent=blasts)
    assert clinic.assessment.progressed(EVERYBODY).tolist() == (EVERYBODY.tolist() if worse else [])
