"""Semantic cases of our own, with results from closed forms: one construct each, in the layout of the public suite."""

import csv
import json

import numpy as np
import pytest

from engager.core import InputError
from engager.engine import verify_directory
from engager.model.sbml.antimony import antimony_to_sbml

T = np.linspace(0, 4, 9)


def after(when, then, before):
    return np.where(when <= T, then, before)


# name -> (Antimony, {variable: (kind, expected)}); kind: a amount, c concentration, n neither
CASES = {
    "decay": ("S -> ; k*S; S = 2; k = 0.5", {"S": ("c", 2 * np.exp(-0.5 * T))}),
    "amount-in-volume": (
        "compartment V = 4; species S in V; S -> ; k*S*V; S = 2; k = 0.5",
        {"S": ("a", 8 * np.exp(-0.5 * T)), "V": ("n", 4 + 0 * T)},
    ),
    "concentration-in-volume": (
        "compartment V = 4; species S in V; S -> ; k*S; S = 2; k = 0.5", {"S": ("c", 2 * np.exp(-0.125 * T))},
    ),
    "substance-only": (
        "compartment V = 4; substanceOnly species S in V; S -> ; k*S; S = 2; k = 0.5",
        {"S": ("c", 0.5 * np.exp(-0.5 * T))},
    ),
    "stoichiometry": ("2 S -> 3 P; k; S = 10; P = 0; k = 0.5", {"S": ("a", 10 - T), "P": ("a", 1.5 * T)}),
    "assignment": ("x := 2*y; y := time + 1", {"x": ("n", 2 * T + 2), "y": ("n", T + 1)}),
    "initial-assignment": ("x = y^2; y = 3; x' = -x", {"x": ("n", 9 * np.exp(-T))}),
    "growing-compartment": (
        "compartment V; V = 1; V' = 0.5; species S in V; S = 3",
        {"S": ("c", 3 / (1 + 0.5 * T)), "V": ("n", 1 + 0.5 * T)},
    ),
    "assigned-compartment": (
        "compartment V; V := 1 + time; species S in V; S -> ; k*S*V; S = 3; k = 1", {"S": ("a", 3 * np.exp(-T))},
    ),
    "rate-rule-of-a-concentration": (
        "compartment V; V = 1; V' = 1; species S in V; S = 3; S' = 2", {"S": ("a", (3 + 2 * T) * (1 + T))},
    ),
    "boundary": ("$B -> S; k*B; B = 2; S = 0; k = 1", {"S": ("c", 2 * T), "B": ("c", 2 + 0 * T)}),
    "event": ("x' = 1; x = 0; at (time >= 1.75): x = 10", {"x": ("n", after(1.75, 10 + T - 1.75, T))}),
    "event-on-state": ("x' = 1; x = 0; at (x >= 2.25): x = 0", {"x": ("n", after(2.25, T - 2.25, T))}),
    "event-delay": ("x' = 0; x = 1; at 1 after (time > 0.75): x = 5", {"x": ("n", after(1.75, 5, 1))}),
    "event-at-start": ("x' = 0; x = 1; at (time >= 0), t0=false: x = 5", {"x": ("n", 5 + 0 * T)}),
    "event-priority": (
        "x' = 0; x = 1; at (time > 0.75), priority=1, fromTrigger=false: x = 2*x;"
        " at (time > 0.75), priority=2, fromTrigger=false: x = x + 5",
        {"x": ("n", after(0.76, 12, 1))},
    ),
    "event-cascade": (
        "x' = 0; y' = 0; x = 0; y = 0; at (time > 0.75): x = 1; at (x > 0.5): y = x + 1",
        {"x": ("n", after(0.76, 1, 0)), "y": ("n", after(0.76, 2, 0))},
    ),
    "event-changes-size": (
        "compartment V; V = 2; species S in V; S = 3; at (time >= 1.75): V = 6",
        {"S": ("c", after(1.75, 1, 3)), "V": ("n", after(1.75, 6, 2))},
    ),
    "event-sets-concentration": (
        "compartment V; V = 2; species S in V; S = 3; at (time >= 1.75): S = 7", {"S": ("a", after(1.75, 14, 6))},
    ),
    "event-sets-parameter": (
        "x' = k; x = 0; k = 1; at (time >= 1.75): k = 0",
        {"x": ("n", np.minimum(T, 1.75)), "k": ("n", after(1.75, 0, 1))},
    ),
    "piecewise": ("x' = piecewise(1, time < 1.75, -1); x = 0", {"x": ("n", np.where(T < 1.75, T, 3.5 - T))}),
    "minimum-and-maximum": ("x' = max(0, 2 - time); x = 0; y := min(time, 3, 1 + time)",
                            {"x": ("n", np.where(T < 2, 2 * T - T**2 / 2, 2)), "y": ("n", np.minimum(T, 3))}),
    "rate-of": ("x' = -2*x; x = 1; y := rateOf(x)", {"y": ("n", -2 * np.exp(-2 * T))}),
    "reaction-as-symbol": ("J: S -> ; k*S; S = 2; k = 0.5; x' = J; x = 0", {"x": ("n", 2 - 2 * np.exp(-0.5 * T)),
                                                                      "J": ("n", np.exp(-0.5 * T))}),
    "not-a-number": ("x = NaN; y = inf; z' = 1; z = 0", {"x": ("n", np.nan * T), "y": ("n", np.inf + 0 * T)}),
    "algebra-free-time": ("x := avogadro*1e-23; y := exponentiale^2", {"x": ("n", 6.02214179 + 0 * T),
                                                                     "y": ("n", np.exp(2) + 0 * T)}),
}  # fmt: skip


def write_case(folder, antimony, columns, prefix=""):
    folder.mkdir()
    model = f"{prefix}sbml-l3v2.xml" if prefix else "model.xml"
    (folder / model).write_text(antimony_to_sbml(f"model case; {antimony}; end"))
    names = ", ".join(columns)
    amount = ", ".join(name for name, (kind, _) in columns.items() if kind == "a")
    concentration = ", ".join(name for name, (kind, _) in columns.items() if kind == "c")
    (folder / f"{prefix}settings.txt").write_text(
        f"start: 0\nduration: 4\nsteps: 8\nvariables: {names}\nabsolute: 1e-7\nrelative: 1e-6\n"
        f"amount: {amount}\nconcentration: {concentration}\n"
    )
    with (folder / f"{prefix}results.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", *columns])
        writer.writerows(zip(T, *(values for _, values in columns.values()), strict=True))


@pytest.fixture
def directory(tmp_path):
    for name, (antimony, columns) in CASES.items():
        write_case(tmp_path / name, antimony, columns)
    return tmp_path


def test_every_case_passes(directory):
    report = verify_directory(directory, processes=1)
    assert {name: case.reason for name, case in report.cases.items() if case.status != "passed"} == {}
    assert report.passed == len(CASES)


def test_names_with_the_number_of_the_case_are_read(tmp_path):
    write_case(tmp_path / "00001", *CASES["decay"], prefix="00001-")
    assert verify_directory(tmp_path).cases["00001"].status == "passed"


def test_wrong_expectations_fail_and_say_where(tmp_path):
    antimony, columns = CASES["decay"]
    write_case(tmp_path / "wrong", antimony, {"S": ("c", columns["S"][1] + 1e-4 * (T > 2))})
    report = verify_directory(tmp_path)
    assert (report.passed, report.failed) == (0, 1)
    assert report.cases["wrong"].reason.startswith("S at time 2.5")


def test_unsupported_models_are_refused_with_the_construct(tmp_path):
    write_case(tmp_path / "delay", "x = 1; x' = -delay(x, 1)", {"x": ("n", 0 * T)})
    report = verify_directory(tmp_path)
    assert (report.refused, report.cases["delay"].status) == (1, "refused")
    assert "delay" in report.cases["delay"].reason


def test_broken_cases_fail_without_stopping_the_others(directory):
    (directory / "decay" / "model.xml").write_text("<sbml")
    (directory / "boundary" / "results.csv").unlink()
    (directory / "piecewise" / "settings.txt").write_text("steps: many")
    report = verify_directory(directory, processes=1)
    assert (report.failed, report.passed) == (3, len(CASES) - 3)


def test_report_is_plain_json(directory):
    seen = []
    report = verify_directory(directory, processes=1, progress=lambda done, total: seen.append((done, total)))
    loaded = json.loads(json.dumps(report.to_json()))
    assert (loaded["passed"], loaded["failed"], loaded["refused"]) == (len(CASES), 0, 0)
    assert loaded["cases"]["decay"] == {"status": "passed", "reason": ""}
    assert seen[-1] == (len(CASES), len(CASES))


def test_a_folder_without_cases_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"settings\.txt"):
        verify_directory(tmp_path)
    with pytest.raises(InputError, match="folder"):
        verify_directory(tmp_path / "nowhere")


def test_several_processes_give_the_same_report(directory):
    assert verify_directory(directory, processes=2).to_json() == verify_directory(directory, processes=1).to_json()
