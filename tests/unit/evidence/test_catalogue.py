"""Finding records by what they are about."""

from __future__ import annotations

import pytest

from engager.core import InputError
from engager.evidence import find_records, load_records, load_regimens, regimen_summary, summary


def _ids(**filters):
    return [entry.id for entry in find_records(**filters)]


def test_no_filter_gives_all_in_the_order_of_the_review():
    found = find_records()
    assert len(found) == len(load_records()) >= 53
    assert [entry.reference for entry in found[:42]] == list(range(1, 43))


def test_filters_narrow_together():
    assert _ids(drug_class="t_cell_engager", design="randomized_trial") == ["tower-2017"]
    assert _ids(design="randomized-trial", year="2016") == ["ino-vate-2016"]
    assert set(_ids(regimens=["flag", "flam"])) == {"montillo-1997", "giebel-2006", "visani-1996-flag"}
    assert "blast-2014" in _ids(setting="mrd_positive")
    assert _ids(endpoint="complete remission") == _ids(endpoint="CR")


@pytest.mark.parametrize(("year", "count"), [("1990-1999", 8), ("-1996", 3), ("2017-2020", 6), ("2017", 4)])
def test_years_are_ranges(year, count):
    assert len(find_records(year=year)) == count


def test_all_wrong_filters_are_told_together():
    with pytest.raises(InputError) as caught:
        find_records(regimens=["flagg"], setting="relapsed", endpoint="CRR", design="rct", year="now")
    assert {problem.where for problem in caught.value.problems} == {
        "--regimen",
        "--setting",
        "--endpoint",
        "--design",
        "--year",
    }


def test_summary_has_the_promised_keys():
    row = summary(find_records(year="2017")[0])
    assert (row["id"], row["reference"], row["kind"], row["n"]) == ("tower-2017", 31, "randomized_trial", 405)
    assert row["regimens"] == ["blinatumomab", "soc-chemotherapy-tower"]


def test_regimen_summary_says_whether_doses_were_seen():
    rows = {slug: regimen_summary(entry) for slug, entry in load_regimens().items()}
    assert rows["blinatumomab"]["is_complete"]
    assert rows["flam"]["status"] == "unseen"


def test_years_that_end_before_they_begin_are_refused_with_the_right_order():
    with pytest.raises(InputError, match="2010-2016"):
        find_records(year="2016-2010")
