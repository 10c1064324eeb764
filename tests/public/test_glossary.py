"""The glossary explains every endpoint that a reader of a report may meet, and nothing twice."""

from pathlib import Path

import pytest

from engager.evidence import trial_endpoints

TEXT = (Path(__file__).parents[2] / "docs/glossary.md").read_text(encoding="utf-8")
EXPLAINED = [line.split("|")[1].strip() for line in TEXT.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("words", sorted({one.words for one in trial_endpoints().values()}))
def test_every_endpoint_is_explained_by_the_words_of_a_report(words):
    assert any(words in cell for cell in EXPLAINED)


def test_no_word_is_explained_twice():
    cells = [cell for cell in EXPLAINED if cell not in ("word", "---")]
    assert len(cells) > 60
    assert len(cells) == len(set(cells))
