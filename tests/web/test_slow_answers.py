"""A slow or dying server: nothing that somebody typed is lost, what runs is what was typed, and a job is watched on."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

PATIENTS = "arms/blinatumomab/n"
AGE = "population/age_years/median"


@pytest.fixture
def held(page):
    """Questions of the editor that wait for their answer from the moment they are held."""
    page.goto("/trial?study=tower")
    _told(page, "405 patients")
    waiting: list = []
    page.route("**/api/check", lambda route: waiting.append(route))
    return waiting


def test_an_answer_that_comes_while_a_field_is_typed_in_leaves_the_field_alone(page, held):
    text = page.locator("#text")
    text.fill(text.input_value().replace("n: 134", "n: 100", 1))
    _wait_for(page, held, 1)  # the text is checked; the form will be drawn anew
    field = _field(page, PATIENTS)
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("20")
    with page.expect_response("**/api/check"):
        held.pop().continue_()
    page.wait_for_timeout(200)  # the form would be drawn by now
    page.keyboard.type("0")
    page.keyboard.press("Tab")
    _wait_for(page, held, 1)
    held.pop().continue_()
    _told(page, "300 patients")
    assert _text(page)["arms"]["blinatumomab"]["n"] == 200
    page.locator("#find").focus()  # nobody types in the form any more
    assert _field(page, "arms/chemotherapy/n").input_value() == "100"
    assert _field(page, PATIENTS).input_value() == "200"


def test_an_edit_overtaken_by_another_question_is_kept(page, held):
    _edit(page, PATIENTS, "200")
    page.locator("#replicates").fill("2")
    page.locator("#replicates").blur()  # asks as well, before the first answer
    _wait_for(page, held, 2)
    for one in held:
        one.continue_()
    _told(page, "334 patients")
    assert _text(page)["arms"]["blinatumomab"]["n"] == 200
    assert _field(page, PATIENTS).input_value() == "200"


def test_text_typed_while_an_edit_is_under_way_is_kept_with_it(page, held):
    _edit(page, PATIENTS, "200")
    _wait_for(page, held, 1)
    text = page.locator("#text")
    text.fill(text.input_value().replace("n: 134", "n: 100", 1))
    held.pop().continue_()
    _wait_for(page, held, 1)
    held.pop().continue_()
    _told(page, "300 patients")
    assert [arm["n"] for arm in _text(page)["arms"].values()] == [200, 100]
    assert _field(page, "arms/chemotherapy/n").input_value() == "100"


def test_a_refused_edit_stays_wrong_when_another_is_made(page, held):
    page.unroute("**/api/check")
    _edit(page, AGE, "-5")
    slip = page.locator(f"[id='e-{AGE}']")
    slip.get_by_text("must").wait_for()
    _edit(page, PATIENTS, "200")
    page.wait_for_timeout(1000)
    assert slip.text_content()
    assert page.get_by_role("button", name="Run").is_disabled()
    _edit(page, AGE, "40")
    _told(page, "334 patients")
    assert _text(page)["population"]["age_years"]["median"] == 40


def test_run_sends_what_was_typed_last(page, held):
    asked: list[dict] = []

    def refuse(route):
        asked.append(json.loads(route.request.post_data))
        route.fulfill(status=200, json={"problems": [{"text": "not in this test"}]})

    page.route("**/api/jobs", refuse)
    field = _field(page, PATIENTS)
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("200")
    page.get_by_role("button", name="Run").click()  # leaves the field, and so asks and sends in one breath
    _wait_for(page, held, 2)
    assert asked == []
    for one in held:
        one.continue_()
    page.locator("#problems").get_by_text("not in this test").wait_for()
    (sent,) = asked
    assert yaml.safe_load(sent["text"])["arms"]["blinatumomab"]["n"] == 200


@pytest.mark.parametrize("typed_before", ["", "20"])
def test_a_field_keeps_the_focus_when_another_window_comes_to_the_front(page, typed_before):
    context = page.context
    page.goto("/trial?study=tower")
    _told(page, "405 patients")
    inspector = context.new_cdp_session(page)
    inspector.send("Emulation.setFocusEmulationEnabled", {"enabled": False})  # a tester's page always has the focus
    page.bring_to_front()
    field = _field(page, PATIENTS)
    field.focus()
    text = page.locator("#text").input_value().replace("n: 134", "n: 100", 1)
    with page.expect_response("**/api/check"):  # as when the text was typed in just before
        page.evaluate("text => { const box = document.getElementById('text'); box.value = text;"
                      " box.dispatchEvent(new Event('input')); }", text)  # fmt: skip
    page.wait_for_timeout(200)  # the answer waits with its fields
    page.keyboard.press("Control+A")
    page.keyboard.type(typed_before)
    other = context.new_page()
    other.goto("about:blank")
    other.bring_to_front()
    _wait_for_focus(page, False)
    page.wait_for_timeout(300)  # the form would be drawn by now
    other.close()
    page.bring_to_front()
    _wait_for_focus(page, True)
    assert page.evaluate("document.activeElement.dataset.key") == PATIENTS
    page.keyboard.type("200"[len(typed_before) :])
    page.keyboard.press("Tab")
    _told(page, "300 patients")
    assert _text(page)["arms"]["blinatumomab"]["n"] == 200


def _edit(page, key, value):
    field = _field(page, key)
    field.fill(value)
    field.blur()


def _field(page, key):
    page.evaluate("for (const box of document.querySelectorAll('#fields details')) box.open = true")
    return page.locator(f"[data-key='{key}']")


def _text(page):
    return yaml.safe_load(page.locator("#text").input_value())


def _wait_for_focus(page, is_there):
    """Asked from here: a condition that the page itself looks at again and again is forbidden to it as a string."""
    for _ in range(300):
        if page.evaluate("document.hasFocus()") == is_there:
            return
        page.wait_for_timeout(100)
    pytest.fail("the focus stayed where it was")


def _told(page, words):
    page.locator("#told", has_text=words).wait_for()


def _wait_for(page, held, n):
    for _ in range(300):
        if len(held) >= n:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"{len(held)} questions were asked, not {n}")


def test_an_answer_that_a_dying_server_cut_off_is_asked_for_again(page, home):
    from playwright.sync_api import expect

    told = {"state": "canceled", "share": 0.5, "before": 0, "line": "", "note": "", "result": None}
    answers = ['{"state": "runn', json.dumps(told)]
    page.route("**/api/jobs/stopped", lambda route: route.fulfill(body=answers.pop(0), content_type="application/json"))
    kept = {"id": "stopped", "kind": "trial", "title": "Stopped", "state": "canceled", "arguments": [], "made": ""}
    (home / "jobs" / "stopped").mkdir(parents=True)
    (home / "jobs" / "stopped" / "job.json").write_text(json.dumps(kept))
    try:
        page.goto("/jobs/stopped")
        expect(page.locator("#job-state")).to_contain_text("does not answer")
        expect(page.locator("#job-state")).to_have_text("canceled")
    finally:
        shutil.rmtree(home / "jobs" / "stopped")
