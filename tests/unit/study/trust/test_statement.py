"""The statement of docs/credibility.md as pages show it: from the document, whole, in its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from engager.study.trust.statement import credibility_statement, read_statement

DOCUMENT = (Path(__file__).parents[4] / "docs" / "credibility.md").read_text(encoding="utf-8")


def test_the_statement_is_the_documents():
    found = credibility_statement()
    words = " ".join(DOCUMENT.split())
    assert found.question in words
    assert found.question.endswith("?")
    assert [name for name, _ in found.context][:2] == ["used for", "population"]
    assert all(f"| {name} | {told} |" in DOCUMENT for name, told in found.context)
    assert len(found.limits) == DOCUMENT.split("## Limits")[1].count("\n- ")
    assert not any("](" in one for one in (found.outcome, *found.limits))


def test_links_become_their_words_and_a_missing_part_is_no_silence():
    text = "## Question of interest\n\nWhat?\n\n## Context of use\n\n| | |\n| --- | --- |\n| used for | a; b |\n"
    text += "\n## Outcome\n\nSee [there](x.md#y).\n\n## Limits\n\n- **One.** Long\n  line.\n- Two.\n"
    found = read_statement(text)
    assert found.context == (("used for", "a; b"),)
    assert (found.outcome, found.limits) == ("See there.", ("**One.** Long line.", "Two."))
    with pytest.raises(KeyError):
        read_statement(text.replace("## Limits", "## Ends"))
