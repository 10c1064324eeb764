"""Citations in four formats, corrected where the review's list is wrong."""

from __future__ import annotations

import json

import pytest
from pybtex.database import parse_string

from engager.core import InputError
from engager.evidence import citation_corrections, citation_remarks, cite, cite_all, load_records, record


def test_bibtex_of_every_record_is_read_by_pybtex():
    for entry in load_records().values():
        library = parse_string(cite(entry, "bibtex"), "bibtex")
        assert library.entries[entry.id].fields["year"] == str(entry.citation.year)


def test_bibtex_of_tower_names_all_authors_and_pages():
    entry = parse_string(cite(record("tower-2017"), "bibtex"), "bibtex").entries["tower-2017"]
    assert len(entry.persons["author"]) == 26
    assert entry.fields["pages"] == "836--847"
    assert entry.persons["author"][0].last_names == ["Kantarjian"]


def test_incomplete_author_list_ends_with_others():
    assert "and others" in cite(record("weiss-2002"), "bibtex")
    assert "author list incomplete" in citation_remarks(record("weiss-2002"))


def test_csl_json_of_the_review_has_42_entries():
    entries = json.loads(cite_all("csl-json"))
    assert len(entries) == 42
    assert entries[30]["id"] == "tower-2017"
    assert entries[30]["author"][0] == {"family": "Kantarjian", "given": "H."}


def test_ris_ends_each_entry():
    text = cite_all("ris")
    assert text.count("\nER  - ") == 42
    assert text.count("TY  - ") == 42


def test_corrected_references_say_what_was_wrong():
    wrong = [entry for entry in load_records().values() if entry.citation.seed_error]
    assert len(wrong) == 9
    for entry in wrong:
        assert "corrected; the review's list" in citation_corrections(entry), entry.id


@pytest.mark.parametrize("style", ["text", "bibtex", "ris", "csl-json"])
def test_a_citation_holds_no_remark_of_the_records_editor(style):
    fields = ("authors", "title", "journal", "pages", "doi", "pmid", "registry", "citation")
    for entry in load_records().values():
        text = cite(entry, style)
        remarks = [citation_corrections(entry), *(getattr(entry.citation, f"{one}_note") for one in fields)]
        assert not any(one and one in text for one in remarks), entry.id
        for word in ("corrected", "the review's list", "memory", "not seen", "not verified", "incomplete", "note ="):
            assert word not in text, (entry.id, word)


def test_only_the_list_of_references_numbers_them():
    assert "\n\n31. Kantarjian H, Stein A, " in cite_all()
    assert cite(record("tower-2017")).startswith("Kantarjian H, Stein A, ")
    assert "N Engl J Med. 2017;376(9):836-847" in cite(record("tower-2017"))


def test_unknown_style_is_refused():
    with pytest.raises(InputError, match="bibtex"):
        cite(record("tower-2017"), "bibtx")


def test_initials_may_be_any_capital_letter():
    assert "Arslan, Ö. and" in cite(record("tower-2017"), "bibtex")


def test_a_correction_is_told_in_one_sentence():
    told = " ".join(citation_corrections(entry) for entry in load_records().values())
    assert told.count("corrected; ") == 9
    assert "the review's list names Faderl" in told
    assert "the review's list: the review's list" not in told


@pytest.mark.parametrize("style", ["text", "bibtex", "ris", "csl-json"])
def test_a_pasted_citation_holds_no_word_on_memory_nor_a_number_nobody_saw(style):
    for entry in load_records().values():
        assert "memory" not in cite(entry, style).replace(entry.citation.seed_error or "nothing", ""), entry.id
    assert "28249141" not in cite(record("tower-2017"), style)
    assert "10.1056/NEJMoa1609783" in cite(record("tower-2017"), style)


def test_what_is_unsure_about_a_citation_stays_with_the_record():
    assert "from memory" in citation_remarks(record("tower-2017"))
    assert "from memory" in citation_remarks(record("fielding-2007"))
