"""What was pooled once is not pooled again."""

from __future__ import annotations

import pytest

from engager.core import InputError
from engager.study import pooled_endpoint

FILTERS = {
    "regimens": ["blinatumomab"], "drug_class": None, "setting": None, "design": None, "year": None, "family": False,
    "allow_overlap": False, "lineage": None, "age_group": None,
}  # fmt: skip


def test_what_was_pooled_is_read_again_and_nothing_else_is(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGER_CACHE_DIR", str(tmp_path / "cache"))
    first = pooled_endpoint("CR", FILTERS)

    def never(*asked, **named):
        raise AssertionError("pooled again")

    monkeypatch.setattr("engager.evidence.pool_proportions", never)
    assert pooled_endpoint("CR", FILTERS) == first
    for other in ({"level": 0.9}, {"by": "regimen"}, {"method": "reml"}, {"filters": {**FILTERS, "family": True}}):
        with pytest.raises(AssertionError, match="pooled again"):
            pooled_endpoint("CR", **{"filters": FILTERS, **other})


def test_a_refusal_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGER_CACHE_DIR", str(tmp_path / "cache"))
    for _ in range(2):
        with pytest.raises(InputError, match="--at"):
            pooled_endpoint("CR", FILTERS, months=0.0)
    assert not list(tmp_path.glob("cache/pooled-*"))
