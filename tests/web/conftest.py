"""A dashboard in a folder of its own, served to a test client or to a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("starlette")
pytest.importorskip("httpx2")
pytest.importorskip("plotly")

# What scripts draw is there: courses, the form of a study, curves and histogram.
_DRAWN = """() => {
  const text = (id) => document.getElementById(id)?.textContent;
  const form = document.getElementById("fields");
  return (!form || form.children.length > 0)
    && (text("patient-state") ?? "Ready").startsWith("Ready") && text("told") !== ""
    && [...document.querySelectorAll("#curves[data-run], #histogram")].every((one) => one.querySelector(".main-svg"));
}"""
CHROMIUM = next((path for path in ("/usr/bin/chromium", shutil.which("chromium") or "") if Path(path).is_file()), None)


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A home with two small finished runs of TOWER, made by the front door that the command line uses."""
    from engager.study import load_protocol, run_study

    folder = tmp_path_factory.mktemp("home")
    for seed in (1, 2):
        out = folder / "runs" / f"tower-{seed}"
        run_study(load_protocol("tower"), replicates=2, patients=40, seed=seed, out=out, report=seed == 1)
    return folder


@pytest.fixture
def client(home):
    """A client inside the process; its worker runs."""
    from starlette.testclient import TestClient

    from engager.app.web.server import create_app
    from engager.app.web.settings import Settings

    settings = Settings(home, hosts=("127.0.0.1", "testserver"), makes_example=False, max_patients=2000)
    with TestClient(create_app(settings)) as found:
        yield found


@pytest.fixture(scope="session")
def address(home):
    """Address of a served dashboard, for a browser."""
    import uvicorn

    from engager.app.web.server import create_app
    from engager.app.web.settings import Settings

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(home, makes_example=False, sensitivity_sets=20, sensitivity_patients=10, sensitivity_samples=8)
    config = uvicorn.Config(create_app(settings), host="127.0.0.1", port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=30)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, headless; tests that need it are skipped with a word where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install the Debian package chromium to run the browser tests")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as engine:
        arguments = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        found = engine.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


@pytest.fixture(scope="session")
def kept_tab(browser, address):
    """A tab of one size and color scheme, kept from page to page as a person keeps one: scripts are compiled once."""
    kept: dict[tuple[int, str, bool], Page] = {}

    def of(width=1280, scheme="light", bypass_csp=False):
        if (width, scheme, bypass_csp) not in kept:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme,
                                          base_url=address, bypass_csp=bypass_csp)  # fmt: skip
            context.set_default_timeout(90_000)  # of a busy machine
            kept[width, scheme, bypass_csp] = context.new_page()
        return kept[width, scheme, bypass_csp]

    yield of
    for one in kept.values():
        one.context.close()


@pytest.fixture
def page(browser, address):
    """A page that fails the test when its console reports an error or it asks another server for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
    context.set_default_timeout(90_000)  # of a busy machine
    found = context.new_page()
    wrong: list[str] = []
    found.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(
        (address, "data:", "blob:")) else None)  # fmt: skip
    yield found
    context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def wait_until_drawn():
    """Waits until a page shows what its scripts draw; asked from here, since some pages run no scripts."""

    def wait(page):
        until = time.monotonic() + 90
        while not page.evaluate(_DRAWN):
            assert time.monotonic() < until, "not drawn"
            page.wait_for_timeout(100)

    return wait
