"""Jobs in real browsers: two at once, a reload in the middle, a killed server, the keyboard alone."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

SLOW = 120_000  # ms; a small run with its report on a busy machine


@contextlib.contextmanager
def new_page(browser, address):
    """A page in a browser profile of its own; an error of a script fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def ask_for_a_run(page, seed, replicates="2", patients="16"):
    """Fill in the trial page and press Run; the job's page is open then."""
    from playwright.sync_api import expect

    page.goto("/trial?study=mt103-206")
    expect(page.locator("#told")).to_contain_text("patients", timeout=SLOW)
    page.locator("#replicates").fill(replicates)
    page.locator("#patients").fill(patients)
    page.locator("#seed").fill(str(seed))
    page.get_by_role("button", name="Run").click()
    page.wait_for_url("**/jobs/**", timeout=SLOW)


def test_two_browsers_run_jobs_at_once_and_one_reloads_in_the_middle(page, browser, address, home):
    first = page
    with new_page(browser, address) as second:
        ask_for_a_run(first, 11)
        ask_for_a_run(second, 12)
        jobs = [page.url.rsplit("/", 1)[1] for page in (first, second)]
        first.reload()
        for page, seed in ((first, 11), (second, 12)):
            page.wait_for_url("**/runs/**", timeout=SLOW)
            assert f"seed {seed}" in page.locator("main").inner_text()
    seeds = [json.loads((home / "runs" / job / "run.json").read_text())["seed"] for job in jobs]
    assert seeds == [11, 12]


@contextlib.contextmanager
def served(home, port):
    """`engager serve` as a person starts it; killed, not stopped, at the end."""
    command = [sys.executable, "-m", "engager", "serve", "--port", str(port), "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
                break
            time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("also_the_job", [False, True], ids=["server", "server-and-job"])
def test_a_server_killed_in_the_middle_loses_nothing(browser, home, tmp_path, also_the_job):
    shutil.copytree(home / "runs" / "tower-1", tmp_path / "runs" / "tower-1")  # a home that needs no example
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with contextlib.ExitStack() as open_pages:
        with served(tmp_path, port) as address:
            page = open_pages.enter_context(new_page(browser, address))
            ask_for_a_run(page, 21, "250")  # enough that the kill comes before the end
            job = page.url.rsplit("/", 1)[1]
            state = tmp_path / "jobs" / job / "job.json"
            deadline = time.monotonic() + 60
            while json.loads(state.read_text())["state"] != "running" and time.monotonic() < deadline:
                time.sleep(0.05)
            pid = json.loads(state.read_text())["pid"]
        if also_the_job:
            os.kill(pid, signal.SIGKILL)
        page.locator("#job-state", has_text="does not answer").wait_for(timeout=SLOW)
        with served(tmp_path, port):
            page.wait_for_url("**/runs/**", timeout=SLOW)  # the page that stayed open goes on by itself
            assert "The server was stopped while this job ran" in page.locator("main").inner_text()
    assert json.loads((tmp_path / "runs" / job / "run.json").read_text())["replicates"] == 250
    assert json.loads(state.read_text())["state"] == "done"


def tab_to(page, selector, most=150):
    """Press Tab until the element has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


def test_from_the_start_to_a_downloaded_result_by_keyboard_alone(page):
    from playwright.sync_api import expect

    page.goto("/")
    tab_to(page, "nav a[href='/trial']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/trial")
    expect(page.locator("#told")).to_contain_text("405 patients", timeout=SLOW)
    for field, value in (("#replicates", "1"), ("#patients", "12")):
        tab_to(page, field)
        page.keyboard.press("Control+A")
        page.keyboard.type(value)
    tab_to(page, "#run")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/**", timeout=SLOW)
    tab_to(page, "a[download][href$='report.html']")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith("-report.html")
    assert download.value.path().read_bytes().startswith(b"<!DOCTYPE html>")


NOBODY = """study: nobody
version: 1
simulated_only: true
arms: {a: {n: 10, regimen: blinatumomab}}
eligibility: ["age_years > 90", "age_years < 20"]
endpoints: [CR]
"""


def test_a_job_that_fails_while_it_is_watched_says_why_and_leads_back_to_its_study(kept_tab):
    from playwright.sync_api import expect

    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = kept_tab(390, "dark", bypass_csp=True)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto("/trial?study=mt103-206")
    expect(page.locator("#told")).to_contain_text("MT103-206", timeout=SLOW)
    page.locator("#text").fill(NOBODY)
    expect(page.locator("#told")).to_contain_text("nobody", timeout=SLOW)
    page.locator("#replicates").fill("3")
    page.get_by_role("button", name="Run").click()
    page.wait_for_url("**/jobs/**", timeout=SLOW)
    expect(page.locator("#job-note")).to_contain_text("were not eligible", timeout=SLOW)
    expect(page.get_by_text("What the command said")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    found = axe.Axe().run(page)
    assert not [one["id"] for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
    page.get_by_role("link", name="Change the study").click()
    expect(page.locator("#text")).to_have_value(NOBODY, timeout=SLOW)
    assert page.locator("#replicates").input_value() == "3"
    assert wrong == []


def test_what_drives_a_study_is_asked_on_the_model_page(page, home):
    from playwright.sync_api import expect

    other = page.context.new_page()
    jobs = []
    for one, study in ((page, "mt103-206"), (other, "tower")):
        one.goto("/model")
        one.locator("#drives-study").select_option(study)
    for one in (page, other):
        one.get_by_role("button", name="What drives it?").click()
        one.wait_for_url("**/jobs/**", timeout=SLOW)
        expect(one.get_by_text("Expected to take about")).to_be_visible()
        jobs.append(one.url.rsplit("/", 1)[1])
    expect(other.locator("#job-state")).to_have_text("waiting: 1 job before this one", timeout=SLOW)
    other.get_by_role("button", name="Cancel").click()
    expect(other.locator("#job-state")).to_have_text("canceled", timeout=SLOW)
    other.close()
    assert f"engager sensitivity jobs/{jobs[0]}/study.yaml --sets 20" in page.content()
    page.wait_for_url(f"**/runs/{jobs[0]}", timeout=SLOW)  # the result has an address of its own
    page.reload()
    assert "MT103-206" in page.locator("h1").inner_text()
    assert page.locator("main svg").count() > 0
    page.goto("/runs")
    expect(page.locator(f"a[href='/runs/{jobs[0]}']")).to_be_visible()
    told = json.loads((home / "runs" / jobs[0] / "sensitivity.json").read_text())
    assert (told["study"], told["seed"]) == ("mt103-206", 1)
    assert not (home / "runs" / jobs[1]).exists()


def test_a_statistician_adds_virtual_trials_to_a_design(page, home):
    from playwright.sync_api import expect

    page.goto("/design?example=two-stages")
    for button, replicates in (("Run", "2"), ("Add them", "3")):
        expect(page.locator("#told")).to_contain_text("patients", timeout=SLOW)
        page.locator("#replicates").fill(replicates)
        page.get_by_role("button", name=button).click()
        page.wait_for_url("**/runs/**/report.html", timeout=SLOW)
        assert "One arm in two stages" in page.locator("h1").inner_text()
        run = page.url.split("/")[-2]
        made = json.loads((home / "runs" / run / "manifest.json").read_text())
        assert made["replicates"] == int(replicates)
        page.get_by_role("link", name="Add virtual trials").click()
    assert made["replicates_kept"] == 2
    page.wait_for_url(f"**/design?run={run}")
    more = f"engager design runs/{run}/study.yaml --replicates 6 --seed 1 --out runs/{run} --resume"
    expect(page.locator("#trial-command")).to_have_text(more, timeout=SLOW)
    expect(page.get_by_text("3 virtual trials").first).to_be_visible()
    added = [one.parent for one in (home / "jobs").glob("*/job.json") if json.loads(one.read_text())["run"] == run]
    assert len(added) == 1
    assert not (home / "runs" / added[0].name).exists()  # it went into the folder of the first
    asked = {"kind": "design", "text": (added[0] / "study.yaml").read_text(), "replicates": 3, "run": run}
    refused = page.request.post("/api/jobs", data=asked, headers={"origin": page.url.split("/design")[0]}).json()
    assert "more than the 3" in refused["problems"][0]["text"]
