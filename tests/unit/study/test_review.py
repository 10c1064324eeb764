"""The review: a row for each reference, nothing pretended."""

from __future__ import annotations

import pytest

from engager.calibration import Comparison
from engager.core import InputError
from engager.evidence import load_records
from engager.protocol import shipped_protocols
from engager.study import (
    figure_cells,
    review_json,
    review_of,
    review_text,
    shipped_review_summary,
    warnings_of,
    write_review,
)
from engager.study.figure_row import comparison_entry
from engager.study.review.kinetics_checks import history_checks, liposomal_vincristine_checks
from engager.study.review.label_checks import label_checks
from engager.study.review.rows import N_REFERENCES
from engager.study.review.summary import kept_of

FIGURE = {
    "use": "fit",
    "trial": "tower",
    "arm": "blinatumomab",
    "endpoint": "CR",
    "statistic": "proportion",
    "time_months": None,
    "subgroup": None,
    "published": {"value": 91 / 271, "low": 0.28, "high": 0.395, "n": 271, "source": ["tower-2017#S1"]},
    "simulated": {"median": 0.31, "low": 0.25, "high": 0.4},
    "inside": True,
}


@pytest.fixture(scope="module")
def found():
    return review_of([FIGURE], {})


def test_there_is_one_row_for_each_reference_in_order(found):
    assert [row.reference for row in found.rows] == list(range(1, N_REFERENCES + 1))


def test_a_figure_stands_in_the_row_of_the_record_it_was_seen_in(found):
    rows = [row for row in found.rows if row.figures]
    assert [row.record for row in rows] == ["tower-2017"]
    assert rows[0].judged == (1, 1)


def test_what_was_seen_and_is_not_compared_is_named(found):
    tower = next(row for row in found.rows if row.record == "tower-2017")
    # the count of complete remissions is compared; survival was seen and is not in this list of comparisons
    assert not any(one.startswith("CR proportion 33.6 %") for one in tower.not_compared)
    assert any(one.startswith("OS median") for one in tower.not_compared)


def test_every_study_named_ships_and_every_record_exists(found):
    for row in found.rows:
        assert row.record in load_records()
        assert set(row.studies) | set(row.links) <= set(shipped_protocols())


def test_a_study_whose_targets_cite_a_record_carries_it_out_without_a_simulated_figure():
    rows = {row.record: row for row in review_of([], {}).rows}
    cited = {"tower-press-2016": "tower", "topp-2012": "mt103-202", "zugmaier-2015": "mt103-206"}
    cited |= {"stein-2016-hsct": "mt103-211", "stein-2016-ebmt": "mt103-211"}
    for record, study in cited.items():
        assert rows[record].studies == (study,)
        # figures were seen, so nobody is told that nothing can be compared
        assert not [one for one in rows[record].notes if not one.startswith("On the citation")]


def test_a_row_that_nothing_runs_says_why(found):
    told = {row.record: row.notes for row in found.rows if not (row.studies or row.checks or row.links)}
    assert set(told) == {"sharkey-2012"}
    assert any("Nothing runs it" in note for note in told["sharkey-2012"])


def test_reviews_say_that_they_hold_no_data_of_their_own(found):
    for row in found.rows:
        if row.kind == "review":
            assert any("no data of its own" in note for note in row.notes)


def test_the_label_is_carried_out_as_it_is_printed():
    for one in label_checks():
        assert one.inside, f"{one.what}: {one.simulated}, not {one.published}"


def test_kinetics_agree_with_the_printed_ones():
    for one in (*history_checks(), *liposomal_vincristine_checks()):
        assert one.inside, f"{one.what}: {one.simulated}, not {one.published}"


def test_json_page_and_document_tell_the_same_rows(found, tmp_path):
    told = review_json(found)
    assert len(told["rows"]) == N_REFERENCES
    assert set(told["rows"][0]) >= {"reference", "record", "kind", "studies", "checks", "figures", "unseen"}
    page = write_review(found, tmp_path / "review.html").read_text()
    text = review_text(found, "engager review")
    for row in found.rows:
        assert f"{row.reference}. {row.record}" in page
        assert f"## {row.reference}. {row.record}" in text
    with pytest.raises(InputError, match="must not exist"):
        write_review(found, tmp_path / "review.html")


def test_shipped_figures_say_when_they_are_out_of_date():
    summary = shipped_review_summary()
    if not summary["made"]:
        assert warnings_of(summary)
        return
    stale = {**summary, "made": {**summary["made"], "studies": {"tower": "0" * 16}}}
    assert any("tower" in one for one in warnings_of(stale))


def test_a_median_that_is_null_keeps_its_reason_and_every_reader_sees_it(tmp_path):
    nothing = {"time_months": None, "subgroup": None, "published": 5.2, "published_low": None, "published_high": None}
    known = {"study": "tower", "arm": "blinatumomab", "endpoint": "OS", "statistic": "median", "n": 271, "use": "fit"}
    known |= {"source": ("tower-2017#S1",), "median": None, "high": None, "is_inside": True}
    beyond = Comparison(**nothing, **known, low=3.0, coverage=0.95)
    unknown = Comparison(**nothing, **known | {"is_inside": None}, low=None, coverage=0.0)
    kept = [kept_of(comparison_entry(one)) for one in (beyond, unknown)]
    assert [one["simulated"]["reason"] for one in kept] == ["not reached", "not estimable in enough replicates"]
    assert kept[0].keys() == kept[1].keys() == FIGURE.keys()
    review = review_of(kept, {})
    told = next(row for row in review_json(review)["rows"] if row["record"] == "tower-2017")["figures"]
    assert [one["simulated"]["reason"] for one in told] == [one["simulated"]["reason"] for one in kept]
    page = write_review(review, tmp_path / "review.html").read_text()
    for text in (page, review_text(review, "engager review")):
        assert "not reached (3.0 to not reached)" in text
        assert "not estimable in enough replicates" in text


def test_a_summary_made_before_reasons_were_kept_is_read_as_well():
    known = {"published": FIGURE["published"] | {"value": 5.2}, "endpoint": "OS", "statistic": "median"}
    beyond = FIGURE | known | {"simulated": {"median": None, "low": 3.0, "high": None}}
    unknown = FIGURE | known | {"simulated": {"median": None, "low": None, "high": None}}
    assert figure_cells(beyond)["simulated"] == "not reached (3.0 to not reached)"
    assert figure_cells(unknown)["simulated"] == "–"


def test_what_was_seen_of_a_reference_that_nothing_runs_is_told_from_its_record(found):
    (row,) = (one for one in found.rows if one.record == "sharkey-2012")
    (seen,) = (note for note in row.notes if note.startswith("Seen of it"))
    quantities = load_records()["sharkey-2012"].quantities
    assert len(quantities) > 8
    assert all(f"{one.name}: " in seen for one in quantities)
    assert "40 to 55 fold" in seen
