"""Who dies, on which day and of what: hazards and draws given."""

from __future__ import annotations

import numpy as np
import pytest

from engager.protocol import shipped_protocol
from engager.trial.assumptions import assumption_table
from engager.trial.strikes.deaths import Deaths
from engager.trial.tables import CAUSE_NAMES, cause_names

# of leukemia, infection, transplant, background, as the model lists them
HAZARDS = np.array([[0.1, 0.2, 0.3, 0.4]] * 4)


def die(ward, rows, hazards):
    """These patients are struck; then causes are named, by the hazards of each: array (patient, cause)."""
    deaths = Deaths(ward.course, ward.assumed)
    for one in rows:
        deaths.strike(np.array([one]))
    deaths.name_causes(lambda dead: hazards[dead])


@pytest.mark.parametrize(
    ("draw", "cause"),
    [(0.0, "leukemia"), (0.099, "leukemia"), (0.101, "infection"), (0.299, "infection"), (0.301, "transplant"),
     (0.599, "transplant"), (0.601, "background"), (0.999999, "background")],
)  # fmt: skip
def test_the_cause_is_drawn_in_proportion_to_the_hazards(ward, draw, cause):
    found = ward(draws={"death-cause": draw})
    assert list(found.model.roles.hazards) == ["leukemia", "infection", "transplant", "background"]
    found.course.clock[:] = [3.5, 7.0, 8.25, 1.0]
    die(found, found.rows[:3], 4 * HAZARDS)  # only how they are to each other counts
    assert [CAUSE_NAMES[one] for one in found.course.death_cause[:3]] == [cause] * 3
    assert found.course.death_day == pytest.approx([3.5, 7.0, 8.25, np.nan], nan_ok=True)
    assert found.course.is_alive.tolist() == [False, False, False, True]
    assert found.events("death") == [(0, 3.5, 0, cause), (1, 7.0, 0, cause), (2, 8.25, 0, cause)]


@pytest.mark.parametrize(
    ("draw", "reported"), [(0.05, [True, False, True, False]), (0.2, [True] * 4), (0.9, [True] * 4)]
)
def test_a_share_of_deaths_of_the_disease_and_all_others_are_reported_as_adverse_events(ward, draw, reported):
    share = assumption_table()["fatal_ae_of_disease"]["value"]
    found = ward(draws={"death-cause": draw, "death-report": [share - 0.01, share + 0.01, 0.0, 0.999]})
    die(found, found.rows, HAZARDS)
    assert found.course.fatal_adverse_event.tolist() == reported


def test_a_cause_without_hazard_is_nobodys(ward):
    found = ward(draws={"death-cause": 0.5})
    die(found, found.rows, np.array([[0.0, 0.0, 0.0, 0.3]] * 4))
    assert [CAUSE_NAMES[one] for one in found.course.death_cause] == ["background"] * 4


def test_each_dies_of_their_own_cause(ward):
    found = ward(draws={"death-cause": [0.05, 0.2, 0.5, 0.9]})
    die(found, found.rows, HAZARDS)
    assert [detail for *_, detail in sorted(found.events("death"))] == [
        "leukemia", "infection", "transplant", "background",
    ]  # fmt: skip


def test_nobody_struck_is_nobody_dead(ward):
    found = ward()
    die(found, found.rows[:0], HAZARDS)
    assert found.course.is_alive.all()
    assert not found.course.log


def test_the_disease_goes_by_its_own_name_in_the_tables():
    names = {}
    for study in ("tower", "mt103-104", "mosunetuzumab-follicular"):
        protocol = shipped_protocol(study)
        names[study] = cause_names(protocol.model_of(protocol.arm_ids[0]).roles)
    assert names["tower"] == CAUSE_NAMES
    for study in ("mt103-104", "mosunetuzumab-follicular"):
        assert names[study] == tuple("lymphoma" if one == "leukemia" else one for one in CAUSE_NAMES)
