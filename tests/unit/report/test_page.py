"""The page: self-contained, honest at the top, every figure linked, safe with odd text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest

from engager.core import RESEARCH_USE, InputError
from engager.report import ReportContent, write_report
from engager.report.pages.run import render_report


class _Reader(HTMLParser):
    """Collects what a browser would load, where links lead, and whether tags close."""

    def __init__(self):
        super().__init__()
        self.tags, self.loads, self.links, self.ids, self.open = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "data", "poster", "srcset") or (name == "href" and tag in ("link", "image")):
                self.loads.append(value)
            if name == "href" and tag == "a":
                self.links.append(value)
        if tag not in ("meta", "br", "link", "img", "hr", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(content):
    return render_report(content)


@pytest.fixture
def words_only(content):
    """The same content without its larger figures."""
    return replace(content, survival=None, courses=None)


@pytest.fixture
def read(page):
    reader = _Reader()
    reader.feed(page)
    return reader


def test_page_asks_for_nothing_from_anywhere(page, read):
    assert read.loads == []
    assert "script" not in read.tags
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert not re.search(r"\son\w+=", page)


def test_every_tag_closes_and_every_id_is_used_once(read):
    assert read.open == []
    assert len(read.ids) == len(set(read.ids))


def test_every_link_within_the_page_leads_somewhere(read):
    inside = [link for link in read.links if link.startswith("#")]
    assert "#source-made-up-2020" in inside
    assert {link[1:] for link in inside} <= set(read.ids)


def test_research_use_and_misses_stand_before_any_table(page):
    top = page[: page.index("<table")]
    assert RESEARCH_USE in top
    assert "Inside: compared 4 of 5.</strong> A published figure is inside when" in top
    assert re.search(r"CR, B: published 16\.0 %, simulated 35\.0 %", top)


def test_published_figure_links_to_its_record_and_tells_where_it_was_seen(page):
    assert '<a href="#source-made-up-2020" title="made-up-2020#S1">[1]</a>' in page
    assert "Where its text was read</summary><small>an abstract" in page
    assert 'href="https://example.org/x"' in page


def test_text_from_files_cannot_become_markup_or_a_script_link(page):
    assert "A trial &lt;of layout&gt;" in page
    assert "javascript:" not in page


def test_limit_not_reached_is_said(page):
    assert "6.5 to not reached" in page


def test_coverage_of_few_replicates_is_said(words_only, page):
    assert "90 % prediction interval" in render_report(replace(words_only, replicates=20))
    assert "95 % prediction interval" in page


def test_failed_patients_are_told_at_the_top(words_only, page):
    with_failures = render_report(replace(words_only, n_failed=3))
    assert "3 of 16200 simulated patients could not be followed" in with_failures[: with_failures.index("<table")]
    assert "the solver failed" not in page


def test_same_content_gives_the_same_page(content, page):
    assert render_report(content) == page


def test_study_without_anything_published_says_so():
    page = render_report(ReportContent(title="T", study="t", arms={"A": 10}, replicates=1, seed=1))
    assert "Simulated only." in page
    assert "<table" not in page
    assert "1</b><span>simulated trial</span>" in page


def test_contents_lead_to_every_section_that_is_there(page, read, words_only):
    assert '<a href="#survival-OS">Overall survival</a>' in page
    assert {"comparison", "efficacy", "safety", "flow", "baseline", "courses"} <= {link[1:] for link in read.links}
    assert "#courses" not in render_report(words_only)


def test_title_and_verdict_come_before_the_contents(page):
    assert page.index("<h1>") < page.index('class="verdict"') < page.index('<nav class="contents"')


def test_figures_follow_the_page_into_the_dark(page):
    style = page[: page.index("</style>")]
    named = set(re.findall(r"var\((--[a-z0-9-]+),", page))
    dark = style[style.index("prefers-color-scheme: dark") : style.index("* {")]
    assert {"--paper", "--ink", "--published", "--arm-0"} <= named
    assert all(f"{name}:" in dark for name in named)
    # nothing in a figure keeps a color of its own but what has no variable
    assert not re.search(r"(?:fill|stroke): #(?:ffffff|22303c|111111)", page)


def test_details_are_folded_on_the_screen_and_open_on_paper(page):
    assert "<details>" in page
    assert "<details open" not in page
    printed = page[page.index("@media print") :]
    assert "details::details-content { content-visibility: visible" in printed


def test_long_parts_fold_on_a_phone_alone_and_open_when_a_link_leads_into_them(page):
    wide = page[page.index("@supports selector(::details-content)") :]
    assert wide.index("not all and (max-width: 640px)") < wide.index(
        "details.on-phone::details-content { content-visibility: visible"
    )
    for anchor in ("efficacy", "safety", "flow", "baseline", "sources"):
        assert re.search(rf'<details class="on-phone">\s*<summary>[^\n]*</summary>\s*<div id="{anchor}">', page)
    table = page.index('<table class="cards comparison">')
    assert page.rindex('<details class="on-phone long">', 0, table) > page.rfind("</details>", 0, table)
    for anchor in ("courses", "limits"):
        assert re.search(rf'<details>\s*<summary>[^\n]*</summary>\s*<div id="{anchor}">', page)


def test_differences_stand_beside_two_arms_and_apart_for_three(words_only, page, estimates):
    assert "<th>difference</th>" in page
    third = estimates.filter(pl.col("arm") == "B").with_columns(arm=pl.lit("C"), request=pl.col("request") + 100)
    three = render_report(
        replace(words_only, arms={"A": 3, "B": 3, "C": 3}, estimates=pl.concat([estimates, third]), comparisons=())
    )
    assert "<th>difference</th>" not in three
    assert all(f"<th>{pair}</th>" in three for pair in ("A vs B", "A vs C", "B vs C"))


def test_file_is_written_into_the_folder(tmp_path, words_only):
    path = write_report(tmp_path, words_only)
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_folder_that_cannot_be_written_to_is_refused(tmp_path, words_only):
    with pytest.raises(InputError, match="can be written"):
        write_report(tmp_path / "absent", words_only)
