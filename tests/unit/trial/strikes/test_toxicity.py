"""When toxicities strike, how bad they are, and what the rules do: stated by hand for given draws."""

from __future__ import annotations

import numpy as np
import pytest

from engager.trial.strikes.toxicity import Toxicity, days_to_grade, graded

# Uniform draws that the table turns into grades, at the share of severe events given in each test.
MILD_SPLIT, SEVERE_SPLIT = (0.6, 0.4), (0.5, 0.3, 0.2)
HOLD = {"event": "CRS", "grade": "3", "action": "hold", "restart": "lowest", "restart_days": 7}
DOSES = [{"days": "1-7", "amount": 9, "unit": "ug/day"}, {"days": "8-28", "amount": 28, "unit": "ug/day"}]


def regimen(*rules, **keys):
    return {
        "drug": "blinatumomab", "cycle_days": 28, "cycles": 3, "doses": DOSES, "toxicity_rules": list(rules), **keys,
    }  # fmt: skip


@pytest.fixture
def open_ward(ward):
    """A function: a ward and the toxicity of its arm; grades of the two patients are given by their draws."""

    def opened(*rules, grade_draws=(0.5, 0.5), duration=0.0, **keys):
        draws = {
            "CRS-time": [[1.0, 0.5, 0.25, 4.0, 8.0, 16.0]] * 2,
            "neurologic-time": [[2.0] * 6] * 2,
            "CRS-grade": np.repeat(np.array(grade_draws, dtype=float)[:, None], 6, axis=1),
            "neurologic-grade": np.repeat(np.array(grade_draws, dtype=float)[:, None], 6, axis=1),
            "CRS-duration": np.full((2, 6), duration),
            "neurologic-duration": np.full((2, 6), duration),
        }
        found = ward(n=2, regimen=regimen(*rules, **keys), draws=draws)
        return found, Toxicity(found.course, found.regimen, found.assumed)

    return opened


# ---- grades ----
@pytest.mark.parametrize(
    ("uniform", "grade"),
    # 0.8 are mild: grade 1 up to 0.8 * 0.6 = 0.48, grade 2 up to 0.8; of the severe fifth grade 3 up to 0.9, 4 to 0.96
    [(0.0, 1), (0.47, 1), (0.49, 2), (0.79, 2), (0.81, 3), (0.89, 3), (0.91, 4), (0.95, 4), (0.97, 5), (0.999, 5)],
)
def test_a_draw_is_a_grade_by_the_shares(uniform, grade):
    found = graded(np.array([[uniform]]), np.array([[0.2]]), MILD_SPLIT, SEVERE_SPLIT)
    assert found.tolist() == [[grade]]


@pytest.mark.parametrize(("severe", "grades"), [(0.0, {1, 2}), (1.0, {3, 4, 5})])
def test_grades_where_all_or_none_are_severe(severe, grades):
    uniform = np.linspace(0.001, 0.999, 999)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = graded(uniform, np.full((999, 1), severe), MILD_SPLIT, SEVERE_SPLIT)
    assert set(found.ravel().tolist()) == grades


def test_splits_that_sum_to_less_by_rounding_stay_within_the_grades():
    found = graded(np.array([[0.7999, 0.9999]]), np.array([[0.2]]), (0.5, 0.49), (0.5, 0.3, 0.19))
    assert found.tolist() == [[2, 5]]


def test_the_share_of_severe_grades_is_the_tables_at_an_inflammation_of_one(open_ward):
    ward, toxicity = open_ward()
    share = ward.assumed["crs_severe_share"]
    state = ward.course.column(ward.course.roles.severity["CRS"])
    slope = ward.assumed["crs_severity_slope"]
    # no inflammation is taken for a ten-thousandth
    for inflammation, odds in ((1.0, 1.0), (np.e, np.e**slope), (0.0, 1e-4**slope)):
        state[:] = inflammation
        severe = odds * share / (odds * share + 1 - share)
        # severe grades are the upper end of the draws
        for side, is_severe in ((-0.01, False), (0.01, True)):
            toxicity._uniform["CRS"][:] = 1 - severe + side * severe
            assert (toxicity._grade("CRS", ward.rows, np.zeros(2, dtype=int)) >= 3).tolist() == [is_severe] * 2


def test_neurologic_grades_do_not_follow_inflammation(open_ward):
    ward, toxicity = open_ward(grade_draws=(1 - 0.23 - 1e-3, 1 - 0.23 + 1e-3))
    assert ward.assumed["neurologic_severe_share"] == 0.23
    for inflammation in (1e-6, 1e3):
        ward.course.column(ward.course.roles.severity["CRS"])[:] = inflammation
        assert toxicity._grade("neurologic", ward.rows, np.zeros(2, dtype=int)).tolist() == [2, 3]


# ---- when ----
def test_an_event_strikes_at_the_sum_of_the_draws_so_far(open_ward):
    ward, toxicity = open_ward()
    found = []
    for _ in range(6):
        found.append(toxicity.threshold("CRS", ward.rows).tolist())
        toxicity.strike("CRS", ward.rows)
    assert found == [[one] * 2 for one in (1.0, 1.5, 1.75, 5.75, 13.75, 29.75)]
    assert toxicity.threshold("CRS", ward.rows).tolist() == [np.inf] * 2
    assert toxicity.threshold("neurologic", ward.rows).tolist() == [2.0] * 2


def test_the_day_of_an_event_is_the_clock_when_it_strikes(open_ward):
    ward, toxicity = open_ward()
    ward.course.clock[:] = [3.25, 40.5]
    toxicity.strike("CRS", ward.rows)
    ward.course.clock[:] = 50.0
    toxicity.strike("CRS", ward.rows)
    toxicity.strike("neurologic", ward.rows[:1])
    assert ward.course.crs_day.tolist() == [3.25, 40.5]
    assert ward.course.neurologic_day == pytest.approx([50.0, np.nan], nan_ok=True)
    assert [(row, day) for row, day, _, _ in ward.events("crs")] == [(0, 3.25), (1, 40.5), (0, 50.0), (1, 50.0)]
    assert ward.course.n_events["CRS"].tolist() == [2, 2]
    assert ward.course.n_events["neurologic"].tolist() == [1, 0]


def test_nobody_struck_is_nobody_killed(open_ward):
    ward, toxicity = open_ward()
    assert toxicity.strike("CRS", ward.rows[:0]).size == 0
    assert not ward.course.log


def test_grade_5_kills_on_its_day_and_no_rule_is_applied(open_ward):
    ward, toxicity = open_ward({**HOLD, "grade": "1+"}, grade_draws=(0.99999, 0.1))
    ward.course.column("inflammation")[:] = 1.0
    ward.course.clock[:] = 6.5
    assert toxicity.strike("CRS", ward.rows).tolist() == [0]
    assert ward.course.crs_grade.tolist() == [5, 1]
    assert ward.course.death_day == pytest.approx([6.5, np.nan], nan_ok=True)
    assert [row for row, *_ in ward.events("hold")] == [1]


def test_the_worst_grade_is_kept(open_ward):
    ward, toxicity = open_ward(grade_draws=(0.9, 0.1))
    ward.course.column("inflammation")[:] = 1.0
    toxicity.strike("CRS", ward.rows)
    toxicity._uniform["CRS"] = toxicity._uniform["CRS"][::-1].copy()
    toxicity.strike("CRS", ward.rows)
    assert ward.course.crs_grade.tolist() == [4, 4]


@pytest.mark.parametrize("kind", ["CRS", "neurologic"])
def test_durations_scatter_by_the_tables_spread(open_ward, kind):
    ward, toxicity = open_ward(duration=2.0)
    name = f"{kind.lower()}_duration_days"
    wanted = ward.assumed[name] * np.exp(2 * ward.assumed.spread(name))
    assert toxicity._duration[kind] == pytest.approx(np.full((2, 6), wanted))


# ---- rules ----
def hit(ward, toxicity, grade, duration, day=10.5, kind="CRS", again=False, row=0):
    one = np.array([row])
    toxicity._apply_rules(kind, one, np.array([day]), np.array([grade]), np.array([duration]), np.array([again]))


@pytest.mark.parametrize(
    ("duration", "grade", "resume", "days"),
    [(4.0, 3, 1, 4.0), (4.0, 3, 2, 2.0), (4.0, 3, 0, 6.0), (6.0, 4, 1, 6.0), (6.0, 4, 2, 4.0), (3.0, 2, 1, 3.0),
     (3.0, 1, 1, 0.0), (3.0, 1, 0, 3.0), (3.0, 1, 2, 0.0)],
)  # fmt: skip
def test_a_grade_falls_one_step_in_equal_times(duration, grade, resume, days):
    assert days_to_grade(duration, grade, resume) == days


@pytest.mark.parametrize(
    ("duration", "least", "pause"), [(3.2, 0.0, 4.0), (3.0, 0.0, 3.0), (0.1, 0.0, 1.0), (2.5, 3.0, 6.0)]
)
def test_a_hold_lasts_whole_days_and_at_least_one(open_ward, duration, least, pause):
    ward, toxicity = open_ward({**HOLD, "min_hold_days": least})
    ward.course.infusion[:], ward.course.injected[:], ward.course.hold_total[:] = 28.0, 5.0, 9.0
    hit(ward, toxicity, 3, duration)
    course = ward.course
    assert course.hold_days.tolist() == [pause, 0.0]
    assert course.infusion.tolist() == [0.0, 28.0]
    assert course.injected.tolist() == [0.0, 5.0]
    assert course.hold_total.tolist() == [0.0, 9.0]
    assert course.restart_days.tolist() == [7.0, 0.0]
    assert course.on_treatment.all()
    assert ward.events("hold") == [(0, 10.5, 0, "CRS toxicity")]


def test_the_longer_of_two_holds_counts_and_the_same_dose_has_no_restart_days(open_ward):
    ward, toxicity = open_ward({"event": "CRS", "grade": "3", "action": "hold", "restart": "same"})
    hit(ward, toxicity, 3, 5.0)
    hit(ward, toxicity, 3, 2.0)
    assert ward.course.hold_days[0] == 5.0
    assert ward.course.restart_days[0] == 0.0


def test_a_grade_no_rule_names_changes_nothing(open_ward):
    ward, toxicity = open_ward(HOLD)
    hit(ward, toxicity, 2, 5.0)
    hit(ward, toxicity, 3, 5.0, kind="neurologic")
    assert ward.course.hold_days.tolist() == [0.0, 0.0]
    assert not ward.course.log


def test_the_first_rule_that_fits_decides(open_ward):
    ward, toxicity = open_ward({"event": "CRS", "grade": "3", "action": "stop"}, HOLD)
    hit(ward, toxicity, 3, 1.0)
    assert ward.course.on_treatment.tolist() == [False, True]
    assert ward.course.treatment_end == pytest.approx([10.5, np.nan], nan_ok=True)
    assert ward.events("off_study_drug") == [(0, 10.5, 0, "CRS toxicity")]
    assert not ward.events("hold")


@pytest.mark.parametrize(("duration", "stops"), [(5.0, False), (5.01, True)])
def test_a_hold_longer_than_allowed_stops_the_drug(open_ward, duration, stops):
    ward, toxicity = open_ward({**HOLD, "max_hold_days": 5})
    hit(ward, toxicity, 3, duration)
    assert ward.course.on_treatment[0] != stops


@pytest.mark.parametrize(
    ("again", "restart_days", "asked", "stops"),
    [(True, 1.0, True, True), (False, 3.0, True, False), (True, 0.0, True, False), (True, 3.0, False, False)],
)
def test_an_event_that_recurs_at_the_restart_dose_stops_where_the_rule_says_so(
    open_ward, again, restart_days, asked, stops
):
    ward, toxicity = open_ward({**HOLD, "stop_if_recurs": asked})
    ward.course.restart_days[:] = restart_days
    hit(ward, toxicity, 3, 1.0, again=again)
    assert ward.course.on_treatment[0] != stops


def test_only_the_second_event_of_a_patient_is_a_repeat(open_ward):
    ward, toxicity = open_ward({**HOLD, "stop_if_recurs": True, "grade": "1+"}, grade_draws=(0.1, 0.1))
    ward.course.restart_days[:] = 3.0
    toxicity.strike("CRS", ward.rows)
    assert ward.course.on_treatment.all()
    ward.course.hold_days[:] = 0.0
    toxicity.strike("CRS", ward.rows)
    assert not ward.course.on_treatment.any()


def test_an_event_that_comes_back_while_the_drug_is_held_does_not_recur_at_the_restart_dose(open_ward):
    ward, toxicity = open_ward({**HOLD, "stop_if_recurs": True, "grade": "1+"}, grade_draws=(0.1, 0.1))
    toxicity.strike("CRS", ward.rows)
    assert (ward.course.hold_days > 0).all()
    assert (ward.course.restart_days > 0).all()
    toxicity.strike("CRS", ward.rows)
    assert ward.course.on_treatment.all()
    assert len(ward.events("hold")) == 4


def test_events_off_treatment_change_no_dose(open_ward):
    ward, toxicity = open_ward(HOLD)
    ward.course.on_treatment[0] = False
    hit(ward, toxicity, 3, 5.0)
    assert ward.course.hold_days[0] == 0.0
    assert not ward.course.log


def test_dexamethasone_of_the_stronger_rule_is_kept(open_ward):
    strong = {**HOLD, "dexamethasone_mg_per_day": 24, "dexamethasone_days": 3}
    weak = {**HOLD, "event": "neurologic", "dexamethasone_mg_per_day": 8, "dexamethasone_days": 9}
    ward, toxicity = open_ward(strong, weak)
    hit(ward, toxicity, 3, 5.0)
    hit(ward, toxicity, 3, 5.0, kind="neurologic")
    assert (ward.course.hold_dexamethasone[0], ward.course.dexamethasone_days[0]) == (24.0, 3)
    hit(ward, toxicity, 3, 5.0, row=1, kind="neurologic")
    hit(ward, toxicity, 3, 5.0, row=1)
    assert (ward.course.hold_dexamethasone[1], ward.course.dexamethasone_days[1]) == (24.0, 3)


def test_a_hold_without_dexamethasone_has_no_days_of_it(open_ward):
    ward, toxicity = open_ward(HOLD)
    hit(ward, toxicity, 3, 5.0)
    assert (ward.course.hold_dexamethasone[0], ward.course.dexamethasone_days[0]) == (0.0, 0)
