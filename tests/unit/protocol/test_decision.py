"""The design block of a study file: what it fills in, and that it survives being printed and resized."""

from __future__ import annotations

import pytest

from engager.protocol import read_protocol, write_protocol

STUDY = """
study: small
simulated_only: true
arms:
  a: {n: 200, regimen: blinatumomab}
  b: {n: 100, regimen: flag}
endpoints: [{id: CR, window_weeks: 12}, OS]
"""


def design(block, study=STUDY):
    return read_protocol(f"{study}design: {block}\n")


@pytest.mark.parametrize(
    "block",
    [
        "{primary: OS, events: [100, 150, 200], futility: [0, 0.5], patients: 120}",
        "{primary: OS, events: 200, information: [0.5, 1], spending: pocock, treatment: b}",
        "{primary: CR, prior: {drug_class: chemotherapy, year: 2010-2016}, margin: 0.1, threshold: 0.9}",
        "{primary: OS, prior: {drug_class: chemotherapy}, ratio: 1.2}",
        '{primary: CR, test: fisher, scenarios: {other: {"arms.a.regimen.doses[0].amount": 28}}}',
    ],
)
def test_a_printed_study_reads_back_the_same(block):
    protocol = design(block)
    assert read_protocol(write_protocol(protocol)) == protocol


def test_the_test_follows_from_endpoint_arms_and_prior():
    arms = ["a", "b"]
    assert design("{primary: OS}").design.test_of(arms) == "log_rank"
    assert design("{primary: CR}").design.test_of(arms) == "score"
    assert design("{primary: CR, prior: {}}").design.test_of(arms) == "bayesian"
    single = STUDY.replace("  b: {n: 100, regimen: flag}\n", "")
    assert design("{primary: CR, null_share: 0.2}", single).design.test_of(["a"]) == "exact"
    two_stages = "{primary: CR, null_share: 0.2, simon: {alternative_share: 0.4}}"
    assert design(two_stages, single).design.test_of(["a"]) == "simon"


def test_arms_follow_from_the_order_and_from_each_other():
    found = design("{primary: OS}").design
    assert (found.treatment_of(["a", "b"]), found.control_of(["a", "b"])) == ("a", "b")
    found = design("{primary: OS, control: a}").design
    assert (found.treatment_of(["a", "b"]), found.control_of(["a", "b"])) == ("b", "a")
    found = design("{primary: OS, treatment: b}").design
    assert (found.treatment_of(["a", "b"]), found.control_of(["a", "b"])) == ("b", "a")


def test_event_counts_are_information_too():
    found = design("{primary: OS, events: [100, 150, 200]}").design
    assert found.fractions == (0.5, 0.75, 1.0)
    assert found.events_at(300, 300) == (100, 150, 200)
    assert found.events_at(150, 300) == (50, 75, 100)
    assert design("{primary: OS}").design.events_at(300, 300) == ()


def test_events_move_with_the_size_of_the_study():
    protocol = design("{primary: OS, events: [100, 150, 200]}")
    small = protocol.with_patients(30)
    assert small.design.events == (20,)
    assert small.design.fractions == (0.5, 0.75, 1.0)
    # Even a study of two keeps a design that can be read.
    assert protocol.with_patients(2).design.events == (2,)


def test_a_study_without_the_block_has_none():
    assert read_protocol(STUDY).design is None
    assert "design" not in write_protocol(read_protocol(STUDY))
