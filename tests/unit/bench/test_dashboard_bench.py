"""The bench of the dashboard measures a server of its own."""

from __future__ import annotations

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")


def test_a_few_moves_are_measured():
    from engager.bench import measure_dashboard

    found = measure_dashboard(3, lambda words: None)
    assert 0 < found["median_s"] <= found["p95_s"] <= found["longest_s"]
    assert found["first_page_s"] > 0
    assert found["resident_end_bytes"] > 0 or found["cpu_s_per_move"] == 0
