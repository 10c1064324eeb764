"""The Python that pages show beside their command runs as it stands, and makes the same thing."""

from __future__ import annotations

import ast
import html
import re
import shutil

import pytest

from engager.study import RunFolder

STATIC = ("/model", "/story?patient=3&guess=clear", "/runs", "/runs/tower-1/handout", "/evidence?search=topp",
          "/evidence/forest?endpoint=CR", "/evidence/network?endpoint=OS", "/evidence/map", "/evidence/tower-2017",
          "/compare?run=tower-1&run=tower-2", "/review", "/trust")  # fmt: skip


def shown(page):
    """Command and Python of a page."""
    blocks = [html.unescape(one) for one in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.S)]
    python = [one for one in blocks if one.startswith(("from ", "import "))]
    commands = [one for one in blocks if one.startswith("engager ")]
    assert python, "no Python is shown"
    assert commands, "no command is shown"
    return commands[0], python[0]


def value_of(python):
    """Run it as a notebook does: the value of its last line."""
    *before, last = ast.parse(python).body
    names: dict[str, object] = {}
    exec(compile(ast.Module(before, []), "<page>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<page>", "eval"), names)


@pytest.fixture
def own_home(home, tmp_path, monkeypatch):
    """A copy of the home, as the working directory."""
    shutil.copytree(home / "runs" / "tower-1", tmp_path / "runs" / "tower-1")
    shutil.copytree(home / "runs" / "tower-2", tmp_path / "runs" / "tower-2")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", STATIC)
def test_the_python_of_a_page_runs_as_it_stands(client, own_home, path):
    _, python = shown(client.get(path).text)
    python = python.replace("runs/ONE", "runs/tower-1").replace("runs/OTHER", "runs/tower-2")
    assert value_of(python) is not None


def test_the_python_of_a_run_makes_the_run_again(client, own_home):
    command, python = shown(client.get("/runs/tower-1").text)
    assert shown(client.get("/runs/tower-1/report.html").text) == (command, python)
    assert command.startswith("engager trial run runs/tower-1/study.yaml --replicates 2 --seed 1 --out runs/again")
    value_of(python)
    again, first = (RunFolder.open(own_home / "runs" / name) for name in ("again", "tower-1"))
    assert again.table("patients").equals(first.table("patients"))


def test_the_command_of_a_page_is_one_of_the_command_line(client, own_home):
    from typer.testing import CliRunner

    from engager.app.cli import app

    for path in ("/compare?run=tower-1&run=tower-2", "/review"):
        command, _ = shown(client.get(path).text)
        done = CliRunner().invoke(app, command.split()[1:])
        assert done.exit_code == 0, done.output
    assert (own_home / "beside.html").is_file()
    assert (own_home / "review.html").is_file()


def test_a_comparison_leads_to_the_study_files_it_was_made_of(client):
    page = client.get("/compare?run=tower-1&run=tower-2").text
    for run in ("tower-1", "tower-2"):
        assert f'href="/runs/{run}/files/study.yaml"' in page
        assert client.get(f"/runs/{run}/files/study.yaml").status_code == 200


def test_the_python_that_the_editors_and_the_patient_page_show_runs(page, wait_until_drawn, tmp_path, monkeypatch):
    from playwright.sync_api import expect

    monkeypatch.chdir(tmp_path)

    def shown_at(path, place, word):
        page.goto(path)
        wait_until_drawn(page)
        for field, value in (("#replicates", "2"), ("#patients", "8")) if place == "#trial-python" else ():
            if page.locator(field).count():
                page.locator(field).fill(value)
                page.keyboard.press("Tab")
        expect(page.locator(place)).to_contain_text(word, timeout=90_000)
        return page.locator(place).text_content()

    run = shown_at("/trial?study=mt103-206", "#trial-python", "patients=8")
    (tmp_path / "my-study.yaml").write_text(page.locator("#text").input_value())
    assert value_of(run).manifest["patients_per_replicate"] == 8
    design = shown_at("/design?example=two-stages", "#trial-python", "replicates=2")
    (tmp_path / "my-study.yaml").write_text(page.locator("#text").input_value())
    assert value_of(design).manifest["replicates"] == 2
    patient = shown_at("/patient?days=7&age_years=50", "#patient-python", "age_years")
    assert value_of(patient).covariates["age_years"] == 50
    own = shown_at("/patient?regimen=own&own_steps=9@1,28@8&own_cycles=2&days=7", "#patient-python", "own-regimen.yaml")
    (tmp_path / "own-regimen.yaml").write_text(page.locator("#patient-yaml").text_content())
    assert value_of(own).regimen.cycles == 2
