"""The `later_therapy` block, the transplant by setting, and the calendar year they come from."""

import pytest

from engager.core import InputError
from engager.protocol import Protocol, read_protocol, shipped_protocol, shipped_protocols, write_protocol

ARMS = {"a": {"n": 4, "regimen": "blinatumomab"}}


def study(**changes):
    return Protocol.model_validate({"study": "later", "arms": ARMS, **changes})


def agents(year):
    return [line.agent for line in study(follow_up={"start_year": year}).later_therapy.lines]


def test_lines_are_of_their_year():
    assert set(agents(1998)) == {"chemotherapy"}
    assert "antibody" in agents(2012)
    assert "car_t" not in agents(2012)
    assert agents(2016)[0] == "antibody"
    assert "car_t" in agents(2021)


def test_defaults_are_printed_and_read_back():
    for changes in ({}, {"later_therapy": "never"}, {"hsct": "never"}, {"follow_up": {"start_year": 1995}}):
        one = study(**changes)
        text = write_protocol(one)
        assert "later_therapy:" in text
        assert "hsct:" in text
        assert "start_year:" in text
        assert read_protocol(text) == one


def test_hsct_left_out_is_that_of_the_setting():
    assert study().hsct.probability == 0.4
    assert study(population={"setting": "mrd_positive"}).hsct.probability == 0.65
    assert study(population={"setting": "untreated"}).hsct.earliest_after_cycle == 2


def test_never_is_noted():
    assert any("no patient is transplanted" in note for note in study(hsct="never").notes())
    assert any("no treatment follows" in note for note in study(later_therapy="never").notes())
    assert not any("never" in note for note in study().notes())


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ({"id": "x", "agent": "antibody", "share": 0.5, "strength": 2.0}, "chemotherapy"),
        ({"id": "x", "share": 0.5, "regimen": "blinatumomab"}, "no chemotherapy"),
        ({"id": "x", "share": 1.5}, "less than or equal"),
        ({"id": "x", "share": 0.5, "delay": 3}, "is not a key"),
    ],
)
def test_wrong_lines_are_refused(line, word):
    import yaml

    raw = yaml.safe_dump({"study": "later", "arms": ARMS, "later_therapy": {"lines": [line]}})
    with pytest.raises(InputError) as told:
        read_protocol(raw)
    assert word in str(told.value)


def test_every_shipped_study_says_its_year():
    text = {one: (shipped_protocol(one).follow_up.model_fields_set) for one in shipped_protocols()}
    assert all("start_year" in keys for keys in text.values())
