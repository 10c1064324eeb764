"""What is exported as SBML and Antimony: libRoadRunner loads it and comes to our numbers."""

from dataclasses import replace

import numpy as np
import pytest
import roadrunner
from test_roadrunner_models import FUNCTIONS, MODELS, TIMES, theirs

from engager.engine import OdeProblem
from engager.engine.reference.backend import solve_reference
from engager.model import load_model, read_antimony, read_sbml, to_antimony, to_sbml
from engager.model.sbml.antimony import antimony_to_sbml


def solved(system, times):
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    result = solve_reference(OdeProblem(system, parameters, times), rtol=1e-10, atol=1e-13)
    assert result.n_failed == 0
    return {name: result.values[0, :, k] for k, name in enumerate(system.states)}


def close(found, expected):
    for name, values in expected.items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(found[name], values, rtol=1e-7, atol=1e-8 * scale + 1e-12, err_msg=name)


@pytest.mark.parametrize("name", MODELS)
def test_exported_model_agrees_with_roadrunner(name):
    system = read_antimony(f"{FUNCTIONS}model m; {MODELS[name]}; end")
    expected = solved(system, TIMES)
    close(theirs(to_sbml(system), TIMES, list(system.states)), expected)
    close(theirs(antimony_to_sbml(to_antimony(system)), TIMES, list(system.states)), expected)


def test_reading_back_gives_the_same_system():
    system = read_antimony("model m; x' = -k*x + max(0, 1 - x); x = 2*k; k = 0.1; third = 1/3; y := x^2; end")
    for again in (read_sbml(to_sbml(system)), read_antimony(to_antimony(system))):
        assert again.states == system.states
        assert again.defaults == system.defaults
        assert {"y", "k", "third"} <= {*again.outputs, *again.parameters}
        values = {"x": 0.7, "k": 0.3, "time": 0.0}
        assert again.graph.evaluate(again.rates, values) == system.graph.evaluate(system.rates, values)


def test_minimum_and_maximum_stay_what_they_are():
    text = to_sbml(read_antimony("model m; x' = max(0, 1 - x) - min(x, 3); x = 1; end"))
    assert "<max/>" in text
    assert "<min/>" in text
    assert "piecewise" not in text


def test_shared_parts_are_written_once():
    formula = "x"
    for _ in range(8):
        formula = f"exp(-({formula})*({formula})*k)"
    system = read_antimony(f"model m; x' = {formula}; x = 1; k = 0.5; end")
    # each level is used twice: written out, the text would double eight times
    assert len(to_sbml(system)) < 20_000
    close(theirs(to_sbml(system), TIMES, ["x"]), solved(system, TIMES))


def test_floating_species_show_all_states():
    runner = roadrunner.RoadRunner(to_sbml(read_antimony("model m; a' = 1; a = 0; $B -> C; B; B = 2; C = 0; end")))
    assert set(runner.model.getFloatingSpeciesIds()) == {"a", "C"}


@pytest.mark.parametrize("model_id", ["b-all", "hosseini-2020"])
def test_shipped_model_under_infusion_agrees_with_roadrunner(model_id):
    system = load_model(model_id).system
    system = replace(system, defaults={**system.defaults, "infusion": 28.0})
    times = np.array([0.0, 1.0, 7.0, 14.0])
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    result = solve_reference(OdeProblem(system, parameters, times, np.array([[28.0]])), rtol=1e-9, atol=1e-12)
    assert result.n_failed == 0
    for text in (to_sbml(system), antimony_to_sbml(to_antimony(system))):
        found = theirs(text, times, list(system.states))
        for k, name in enumerate(system.states):
            ours = result.values[0, :, k]
            # CVODE leaves noise of its absolute tolerance on states that are at rest or almost gone
            np.testing.assert_allclose(
                found[name], ours, rtol=1e-5, atol=1e-7 * np.abs(ours).max() + 1e-9, err_msg=name
            )
