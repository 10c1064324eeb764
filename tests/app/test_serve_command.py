"""`engager serve`: who is let in, as it stands on the command line."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")


@pytest.fixture
def served(monkeypatch, tmp_path):
    """What would have been served, and how; nothing listens."""
    calls: list[tuple[object, dict[str, object]]] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **how: calls.append((app, how)))
    monkeypatch.chdir(tmp_path)
    return calls


def test_only_this_machine_is_answered_by_default(engager, served):
    assert engager("serve").code == 0
    ((app, how),) = served
    assert how["host"] == "127.0.0.1"
    assert how["access_log"] is False  # an address may hold what somebody looked for
    assert app.state.settings.token is None
    assert set(app.state.settings.hosts) == {"127.0.0.1", "localhost", "::1"}


def test_another_host_means_a_token_that_is_told_once(engager, served):
    made = engager("serve", "--host", "192.0.2.7")
    ((app, how),) = served
    assert how["host"] == "192.0.2.7"
    assert len(app.state.settings.token) >= 24
    assert made.err.count(app.state.settings.token) == 1
    assert app.state.settings.token not in made.out


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--host", "0.0.0.0"), "other names can be refused"),
        (("--host", "192.0.2.7", "--token", "short"), "at least 12 characters"),
        (("--port", "70000"), "from 1 to 65535"),
    ],
)
def test_what_would_leave_the_door_open_is_refused(engager, served, options, word):
    refused = engager("serve", *options)
    assert refused.code == 2
    assert word in refused.err
    assert "short" not in refused.err
    assert served == []
