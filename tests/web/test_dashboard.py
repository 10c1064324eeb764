"""The dashboard without a browser: pages, jobs on disk, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time

import pytest

from engager.app.web.jobs import JobStore
from engager.app.web.security import COOKIE, named_inside, proof_of
from engager.app.web.settings import Settings
from engager.core import InputError

PAGES = (
    "/",
    "/patient",
    "/model",
    "/story",
    "/story?patient=3&guess=clear",
    "/runs/tower-1/handout",
    "/trial",
    "/design",
    "/runs",
    "/runs/tower-1",
    "/evidence",
    "/evidence/tower-2017",
    "/trust",
)
SMALL = """
study: small
version: 1
title: "{title}"
simulated_only: true
population: {{setting: relapsed_refractory}}
arms:
  blinatumomab: {{n: 10, regimen: blinatumomab}}
follow_up: {{months: 2}}
endpoints: [{{id: CR}}, {{id: OS}}]
"""


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_and_says_what_it_is_for(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert "never advice on treating a patient" in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe-inline" not in answer.headers["content-security-policy"].split("style-src")[0]


def test_the_trust_page_shows_the_document_with_its_marks(client):
    page = client.get("/trust").text
    assert "<li><b>Intervals assume that this model is right.</b> They include" in page
    assert "5 to 15 µg/m²/day" in page
    assert "&lt;b&gt;" not in page
    assert "**" not in page.split("What missed")[0]


def test_the_trust_page_says_how_studies_left_out_of_the_fit_were_foretold(client):
    from engager.study.trust.left_out import studies_left_out

    told = studies_left_out()
    page = client.get("/trust").text.split("What was left out of the fit")[1].split("What drives")[0]
    table = page.split('id="left-out"')[1].split("</table>")[0]
    inside, n = told.counts
    assert f"<b>{inside} of {n}</b> published figures" in page
    assert page.count('<tr class="inside">') == inside
    assert page.count('<tr class="outside">') == n - inside > 0
    for one in told.studies:
        row = table.split(f'<a href="/trial?study={one.study}">')[1].split("</tr>")[0]
        assert f">{one.fitted}</td>" in row
        assert f">{one.checked}</td>" in row
        assert ("none</td>" in row) == (not one.misses)


def test_a_figure_that_two_publications_print_stands_once(client, home):
    from engager.study import RunFolder

    told = [one for one in RunFolder.open(home / "runs" / "tower-1").comparisons if one["endpoint"] == "OS"]
    medians = [one for one in told if (one["statistic"], one["arm"]) == ("median", "blinatumomab")]
    assert len(medians) > 1
    page = client.get("/runs/tower-1").text.split("Published beside simulated")[1]
    assert page.count("</abbr>, median, blinatumomab</th>") == 1


def test_runs_of_the_command_line_show_up_and_can_be_compared(client):
    listed = client.get("/runs").text
    assert "28 days assumed" in client.get("/runs/tower-1").text
    assert "tower-1" in listed
    assert "beside published figures; 2 virtual trials are too few to judge them" in listed
    assert "nothing to compare" not in listed
    page = client.get("/compare?run=tower-1&run=tower-2")
    assert page.status_code == 200
    assert "What differs" in page.text
    assert client.get("/runs/tower-1/report.html").status_code == 200
    assert client.get("/runs/tower-1/files/patients.parquet").content[:4] == b"PAR1"


def test_pages_that_are_written_whole_lead_back_and_to_what_they_name(client):
    for path in ("/review", "/compare?run=tower-1&run=tower-2", "/runs/tower-1/report.html"):
        answer = client.get(path)
        assert '<nav aria-label="Pages">' in answer.text
        assert "script-src" not in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    review = client.get("/review").text
    assert 'href="/evidence/tower-2017"' in review
    assert 'href="/trial?study=tower"' in review


def test_curves_of_a_subgroup_are_those_of_its_patients(client, home):
    import polars as pl

    from engager.study import RunFolder

    young = client.get("/api/runs/tower-1/curves", params={"subgroup": "age_years < 35"}).json()["lines"]
    patients = RunFolder.open(home / "runs" / "tower-1").table("patients")
    rows = patients.filter((pl.col("age_years") < 35) & (pl.col("arm") == "blinatumomab"))
    counts = rows.group_by("replicate").len()["len"]
    first = next(line for line in young if (line["endpoint"], line["arm"]) == ("OS", "blinatumomab"))
    assert first["at_risk"][0] == counts.median()
    for wrong in ("age", "nonsense > 3", "death_day < 9"):
        told = client.get("/api/runs/tower-1/curves", params={"subgroup": wrong}).json()
        assert "subgroup" in told["problems"][0]["text"]


def test_a_run_is_downloaded_for_other_programs(client):
    import io
    import zipfile

    wanted = {
        "tables.xlsx": "xl/workbook.xml", "tables.zip": "tower-1/comparisons.csv", "adam.zip": "tower-1/adsl.xpt",
        "figures.zip": "tower-1/survival-os.svg",
    }  # fmt: skip
    for form, inside in wanted.items():
        answer = client.get(f"/runs/tower-1/download/{form}")
        assert answer.headers["content-disposition"] == f'attachment; filename="tower-1-{form}"'
        assert inside in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert client.get("/runs/tower-1/download/all.tar").status_code == 404
    assert client.get("/runs/none/download/adam.zip").status_code == 404


def test_every_design_to_begin_with_is_one(client):
    from engager.app.web.pages.trial import _EXAMPLES

    for name, (_, text) in _EXAMPLES.items():
        assert client.get(f"/design?example={name}").status_code == 200
        told = client.post("/api/check", json={"text": text, "kind": "design", "replicates": 10}).json()
        assert "problems" not in told
        assert any(one["group"] == "How a trial is judged" for one in told["fields"])
    assert client.get("/design?example=none").status_code == 404
    no_design = SMALL.format(title="none")
    told = client.post("/api/check", json={"text": no_design, "kind": "design"}).json()
    assert "design block" in told["problems"][0]["text"]


def test_curves_are_the_runs_own(client, home):
    told = client.get("/api/runs/tower-1/curves").json()
    assert {line["arm"] for line in told["lines"]} == {"blinatumomab", "chemotherapy"}
    assert all(0 <= value <= 1 for line in told["lines"] for value in line["survival"])
    assert told["published"]


def test_one_patient_is_what_the_command_line_simulates(client):
    from engager.study import regimen_by_id, simulate_patient

    told = client.get("/api/patient?regimen=blinatumomab&days=28&age_years=60").json()
    own = simulate_patient(regimen_by_id("blinatumomab"), days=28, changes={"age_years": 60})
    drug = next(panel for panel in told["panels"] if panel["title"] == "Drug in serum")["lines"][0]["y"]
    assert drug[-1] == pytest.approx(own.columns["drug_pg_per_mL"][-1], rel=1e-3)
    assert "--set age_years=60" in told["command"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("age_years=500", "age_years"),
        ("nonsense=1", "covariate or a parameter"),
        ("days=-1", "days"),
        ("days=x", "number"),
    ],
)
def test_a_slip_of_the_patient_page_is_told_in_words(client, query, word):
    answer = client.get(f"/api/patient?{query}")
    assert answer.status_code == 200  # the page asked, and is answered
    assert "panels" not in answer.json()
    assert word in " ".join(one["text"] for one in answer.json()["problems"])


def test_the_form_changes_the_text_and_the_text_the_form(client):
    text = client.get("/api/study/tower").json()["text"]
    changed = client.post("/api/check", json={"text": text, "changes": {"arms/blinatumomab/n": 100}}).json()
    assert changed["patients"] == 234
    again = client.post("/api/check", json={"text": changed["text"]}).json()
    field = next(one for one in again["fields"] if one["key"] == "arms/blinatumomab/n")
    assert (field["value"], field["kind"], field["label"]) == (100, "number", "patients")
    bins = {"population/remission_months/bins/0-0.1": 0.5, "population/remission_months/bins/1-12": 0.5}
    bins |= {"population/remission_months/bins/12-36": 0.0}
    assert "0-0.1: 0.5" in client.post("/api/check", json={"text": text, "changes": bins}).json()["text"]
    numbered = text.replace("'1': ", "1: ").replace("'2': ", "2: ")
    lines = {"population/salvage_line/1": 0.441, "population/salvage_line/2": 0.3319}
    assert "problems" not in client.post("/api/check", json={"text": numbered, "changes": lines}).json()
    wrong = client.post("/api/check", json={"text": text.replace("n: 271", "n: -3")})
    assert "fields" not in wrong.json()
    assert "arms.blinatumomab" in wrong.json()["problems"][0]["text"]
    assert wrong.json()["problems"][0]["field"] == "arms/blinatumomab/n"
    doses = client.post("/api/check", json={"text": text, "changes": {"arms/blinatumomab/regimen/doses/0/amount": 28}})
    assert doses.json()["text"].count("amount: 28") == text.count("amount: 28") + 1
    nowhere = client.post("/api/check", json={"text": text, "changes": {"arms/blinatumomab/regimen/doses/9/amount": 1}})
    assert nowhere.json()["problems"][0]["field"] == "arms/blinatumomab/regimen/doses/9/amount"


def wait_for(client, job_id, states, seconds=300):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        told = client.get(f"/api/jobs/{job_id}").json()
        if told["state"] in states:
            return told
        time.sleep(0.3)
    raise AssertionError(f"still {told['state']}: {told['line']}")


NOBODY = SMALL.format(title="nobody") + 'eligibility: ["age_years > 90", "age_years < 20"]\n'


def test_a_failed_job_says_why_and_its_study_can_be_changed(client):
    told = client.post("/api/jobs", json={"text": NOBODY, "replicates": 3, "patients": 12, "seed": 8}).json()
    failed = wait_for(client, told["id"], ("done", "failed"))
    assert failed["state"] == "failed"
    assert failed["note"].startswith("eligibility: got '")
    assert failed["share"] == 0
    page = client.get(f"/jobs/{told['id']}").text
    assert "trial: 3 replicates, seed 8, 12 patients" in page
    assert f'href="/trial?job={told["id"]}"' in page
    editor = client.get(f"/trial?job={told['id']}").text
    assert all(one in editor for one in ('value="3"', 'value="12"', 'value="8"'))
    assert client.get(f"/api/jobs/{told['id']}/study").json()["text"] == NOBODY
    assert f"/jobs/{told['id']}" in client.get("/runs").text
    assert f"/jobs/{told['id']}" not in client.get("/").text


def test_a_job_whose_program_is_killed_says_so_and_goes_on_to_a_result_with_an_address(client, home):
    text = SMALL.format(title="<script>alert(1)</script>").replace("n: 10", "n: 100")
    told = client.post("/api/jobs", json={"text": text, "replicates": 20, "seed": 1}).json()
    wait_for(client, told["id"], ("running",))
    os.kill(json.loads((home / "jobs" / told["id"] / "job.json").read_text())["pid"], signal.SIGKILL)
    failed = wait_for(client, told["id"], ("done", "failed"))
    assert "ended from outside (signal 9)" in failed["note"]
    (home / "runs" / told["id"]).mkdir(exist_ok=True)  # as a run that was begun
    assert client.get(f"/runs/{told['id']}", follow_redirects=False).headers["location"] == f"/jobs/{told['id']}"
    client.post(f"/api/jobs/{told['id']}/again")
    done = wait_for(client, told["id"], ("done", "failed"))
    assert done["state"] == "done", done["line"]
    page = client.get(done["result"]).text
    assert "This job was stopped, and went on where it was" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert (home / "runs" / told["id"] / "run.json").is_file()


def test_a_run_that_is_not_finished_is_told_without_its_place(client, home):
    (home / "runs" / "begun").mkdir(exist_ok=True)
    page = client.get("/runs/begun")
    assert page.status_code == 404
    assert "is not finished" in page.text
    assert str(home) not in page.text
    picture = client.get("/runs/begun/survival-wide.svg")
    assert picture.status_code == 404
    assert "there is none of this name" in picture.text


def test_a_waiting_job_can_be_canceled_and_goes_on_later(home):
    store = JobStore(Settings(home, makes_example=False))
    job = store.add("trial", "waits", SMALL.format(title="waits"), ["--replicates", "1"])
    assert store.cancel(job.id).state == "canceled"
    assert store.again(job.id).state == "waiting"
    assert store.cancel(job.id).state == "canceled"


def test_the_first_page_and_the_sliders_answer_fast_when_warm(client):
    def seconds(path):
        """CPU seconds of this process, the server's: a busy machine does not decide."""
        before = time.process_time()
        assert client.get(path).status_code == 200
        return time.process_time() - before

    seconds("/")
    assert seconds("/") < 2.0
    seconds("/api/patient?days=84")
    assert sorted(seconds(f"/api/patient?days=84&age_years={age}") for age in range(40, 60))[18] < 0.3


def test_what_a_killed_server_left_running_waits_again(tmp_path):
    store = JobStore(Settings(tmp_path, makes_example=False))
    job = store.add("trial", "left", SMALL.format(title="left"), ["--replicates", "1"])
    path = tmp_path / "jobs" / job.id / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": "running", "pid": 999999}))
    again = JobStore(Settings(tmp_path, makes_example=False))
    again.start()
    deadline = time.monotonic() + 300
    while again.get(job.id).state != "done" and time.monotonic() < deadline:
        time.sleep(0.1)
    again.stop()
    assert again.get(job.id).state == "done"


def test_what_ended_while_no_server_ran_is_taken_as_it_is(home, tmp_path):
    store = JobStore(Settings(tmp_path, makes_example=False))
    job = store.add("trial", "left", SMALL.format(title="left"), ["--replicates", "1"])
    path = tmp_path / "jobs" / job.id / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": "running", "pid": 999999}))
    shutil.copytree(home / "runs" / "tower-2", tmp_path / "runs" / job.id)
    again = JobStore(Settings(tmp_path, makes_example=False))
    again.start()
    deadline = time.monotonic() + 60
    while again.get(job.id).state != "done" and time.monotonic() < deadline:
        time.sleep(0.05)
    again.stop()
    assert again.get(job.id).state == "done"
    assert again.note(job.id).startswith("The server was stopped while this job ran")
    assert again.log(job) == ""  # nothing was run again


@pytest.mark.parametrize("asked", ["", "?run=tower-1"])
def test_who_ticked_too_few_runs_is_told_what_to_do(client, asked):
    assert "Go back and tick two or more." in client.get(f"/compare{asked}").text


def test_a_study_asked_for_by_name_is_never_a_file_of_the_servers_folder(client, tmp_path, monkeypatch):
    (tmp_path / "notes.yaml").write_text("password: swordfish\n")
    monkeypatch.chdir(tmp_path)
    answer = client.get("/api/study/notes.yaml")
    assert answer.status_code == 422
    assert "swordfish" not in answer.text
    assert "is no shipped study" in answer.json()["problems"][0]["text"]


def test_sizes_and_queues_have_limits(client, tmp_path):
    big = client.post("/api/jobs", json={"text": SMALL.format(title="big"), "replicates": 100_000})
    assert big.status_code == 422
    store = JobStore(Settings(tmp_path, makes_example=False, max_queue=1))
    store.add("trial", "one", SMALL.format(title="one"), [])
    with pytest.raises(InputError, match="may wait"):
        store.add("trial", "two", SMALL.format(title="two"), [])
    assert client.post("/api/check", content=b"x" * 300_000).status_code == 413


def test_a_body_that_grows_beyond_the_limit_is_refused_whatever_its_header_says(client):
    answer = client.post("/api/check", content=(b"x" * 65536 for _ in range(8)))
    assert answer.status_code == 413
    assert "At most 256 kB" in answer.text


@pytest.mark.parametrize("changes", [[1], "x", 5])
def test_changes_that_are_no_values_by_key_are_refused_in_words(client, changes):
    answer = client.post("/api/check", json={"text": SMALL.format(title="t"), "changes": changes})
    assert answer.status_code == 422
    assert "must be values by key" in answer.json()["problems"][0]["text"]


@pytest.mark.parametrize("slip", [{"replicates": 1.7}, {"replicates": True}, {"seed": 1.5}, {"patients": 2.5}])
def test_numbers_of_a_job_are_whole_or_refused(client, slip):
    answer = client.post("/api/jobs", json={"text": SMALL.format(title="t"), "replicates": 1, **slip})
    assert answer.status_code == 422
    assert next(iter(slip)) in answer.json()["problems"][0]["where"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_a_post_that_is_no_json_object_is_refused_in_words(client, body):
    for path in ("/api/check", "/api/jobs"):
        answer = client.post(path, content=body)
        assert answer.status_code == 422
        assert "must be one JSON object" in answer.json()["problems"][0]["text"]


def test_a_run_of_the_command_line_may_have_any_plain_name(client, home):
    name = "dose 9 µg, première (2)"
    shutil.copytree(home / "runs" / "tower-2", home / "runs" / name)
    assert f'href="/runs/{name}"' in client.get("/runs").text
    assert client.get(f"/runs/{name}").status_code == 200
    answer = client.get(f"/runs/{name}/files/run.json")
    assert answer.json()["seed"] == 2
    shutil.rmtree(home / "runs" / name)


@pytest.mark.parametrize("name", ["..", "../home", "%2e%2e", "tower-1/../tower-2", ".hidden", "a" * 200, "x\x00y"])
def test_names_lead_nowhere_else(home, name):
    with pytest.raises(InputError, match="none of this name"):
        named_inside(home / "runs", name, "run")


def test_files_of_a_run_are_a_closed_list(client):
    assert client.get("/runs/tower-1/files/..%2f..%2fjobs").status_code == 404
    assert client.get("/runs/tower-1/files/chunks").status_code == 404
    assert client.get("/runs/none/report.html").status_code == 404


def test_other_hosts_and_posts_of_other_pages_are_refused(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    body = {"text": SMALL.format(title="t"), "replicates": 1}
    assert client.post("/api/jobs", json=body, headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post("/api/jobs", json=body, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_beyond_this_machine_a_token_is_asked_for(home):
    from starlette.testclient import TestClient

    from engager.app.web.server import create_app

    token = "a-token-of-some-length"
    settings = Settings(home, hosts=("testserver",), token=token, makes_example=False)
    with TestClient(create_app(settings), follow_redirects=False) as visitor:
        assert visitor.get("/").headers["location"] == "/login"
        assert visitor.get("/api/jobs/x").status_code == 401
        assert visitor.post("/login", data={"token": "wrong"}).status_code == 401
        answer = visitor.post("/login", data={"token": token})
        assert answer.status_code == 303
        assert token not in answer.headers["set-cookie"]
        assert proof_of(token) == visitor.cookies[COOKIE]
        assert visitor.get("/").status_code == 200


def test_an_edited_study_says_how_it_differs_and_what_extrapolates(client):
    text = client.get("/api/study/tower").json()["text"]
    asked = {"text": text, "changes": {"arms/blinatumomab/n": 100}, "base": "tower"}
    told = client.post("/api/check", json=asked).json()
    assert told["differences"] == [{"key": "arms.blinatumomab.n", "base": "271", "own": "100"}]
    assert "outside" in told
    assert client.post("/api/check", json={"text": text, "base": "../tower.yaml"}).json()["differences"] == []


def test_each_virtual_trial_of_a_figure_is_there_with_what_was_published(client, home):
    from engager.study import RunFolder

    figures = client.get("/api/runs/tower-1/replicates").json()["figures"]
    one = next(row for row in figures if (row["arm"], row["endpoint"]) == ("blinatumomab", "CR"))
    assert one["published"] == pytest.approx(91 / 271)
    rows = RunFolder.open(home / "runs" / "tower-1").table("estimates")
    own = rows.filter((rows["arm"] == "blinatumomab") & (rows["endpoint"] == "CR"))["value"].to_list()
    assert all(value in own for value in one["values"])
    assert len(one["values"]) == 2
    names = [row["name"] for row in figures]
    assert "Neurologic event, grade 3+, blinatumomab" in names
    assert "EFS at 6 months, chemotherapy" in names
    assert len(set(names)) == len(names)


def test_a_run_says_what_its_intervals_cover(client):
    page = client.get("/runs/tower-1").text
    assert "No verdict: intervals from 2 virtual trials cover 33 %" in page
    assert "Simulated (33 % prediction interval)" in page
