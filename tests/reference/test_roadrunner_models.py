"""Small models, one construct each, against libRoadRunner (CVODE).

The call on the other side is ``RoadRunner(sbml)``, ``integrator.relative_tolerance = 1e-10``,
``integrator.absolute_tolerance = 1e-14`` and ``simulate(times=[...], selections=[...])``; ``[S]`` is a
concentration, ``S`` an amount.
"""

import numpy as np
import pytest
import roadrunner

from engager.engine import OdeProblem
from engager.engine.reference.backend import solve_reference
from engager.model import evaluate_outputs, read_sbml
from engager.model.sbml.antimony import antimony_to_sbml

FUNCTIONS = "function f(x, y) x^2/(y + x^2); end; function g(x) f(x, 2) + 1; end; "
TIMES = np.array([0.0, 0.7, 1.3, 2.1, 3.3, 4.9, 7.1, 9.7])

MODELS = {
    "reaction": "S1 -> S2; k*S1; S1 = 10; S2 = 1; k = 0.4",
    "volume": "compartment V = 2.5; species S1 in V, S2 in V; S1 -> S2; k*S1*V; S1 = 10; S2 = 1; k = 0.4",
    "two compartments": """compartment V = 2.5, W = 0.3; species S1 in V, S2 in W;
        S1 -> S2; k*(S1 - S2); S1 = 10; S2 = 1; k = 0.4""",
    "amount species": """compartment V = 2.5; species S1 in V; substanceOnly species S2 in V;
        S1 -> S2; k*S1; S2 -> ; 0.1*S2; S1 = 10; S2 = 1; k = 0.4""",
    "boundary": "species $B; B = 3; B' = -0.2*B; $B + S1 -> S2; k*S1*B; S1 = 10; S2 = 1; k = 0.1",
    "growing compartment": """compartment V; V = 1; V' = 0.1*V; species S1 in V, S2 in V;
        S1 -> S2; k*S1*V; S1 = 10; S2 = 1; k = 0.4""",
    "assigned compartment": """compartment V; V := 1 + 0.5*sin(time); species S1 in V, S2 in V;
        S1 -> S2; k*S1; S1 = 10; S2 = 1; k = 0.4""",
    "compartment in event": """compartment V; V = 1; species S1 in V, S2 in V;
        S1 -> S2; k*S1*V; S1 = 10; S2 = 1; k = 0.4; at (time > 2): V = 2; at (time > 4): S1 = 7""",
    "assignment rules": "S1 -> S2; v; v := k2*S1; k2 := 2*k; k := 0.1 + 0.01*S2; S1 = 10; S2 = 0",
    "initial assignments": "S1 -> S2; k*S1; S1 = 2*a; a = b + 1; b = 3; S2 = S1/4; k = a/10",
    "functions": "S1 -> S2; k*g(S1); S1 = 10; S2 = 1; k = 0.4",
    "stoichiometry": "2 S1 -> 3 S2; k*S1; S1 = 10; S2 = 1; k = 0.1",
    "piecewise in time": "x' = piecewise(1, time < 1, -0.5, time < 3, 0.25) - 0.1*x; x = 0",
    "piecewise in state": "x' = piecewise(1, x < 2, 0.3) ; x = 0",
    "event resets": "x' = 1; x = 0; n = 0; n' = 0; at (x >= 2.5): x = 0, n = n + 1",
    "event with delay": "x' = -x; x = 10; at 1.5 after (x < 5): x = x + 3",
    "delay, values at execution": "x' = -x; x = 10; at 1.5 after (x < 5), fromTrigger=false: x = x + 3",
    "event not persistent": """x' = 1; x = 0; y' = 0; y = 0;
        at 1 after (x > 2 && x < 2.5), persistent=false: y = 1; at (x > 4): y = y + 10""",
    "event at start": "x' = 1; x = 5; y' = 0; y = 0; at (x > 2), t0=false: y = 1; at (x > 3), t0=true: y = 7",
    "priorities": """x' = 0; x = 1; at (time > 2), priority=1: x = x*3; at (time > 2), priority=2: x = x + 1;
        at (time > 4), priority=1, fromTrigger=false: x = x*3; at (time > 4), priority=2: x = x + 1""",
    "cascade": """a' = 0; b' = 0; c' = 0; a = 0; b = 0; c = 0;
        at (time > 1): a = 1; at (a > 0.5): b = 2; at (b > 1.5): c = a + b""",
    "event on rule": "S1 -> ; k*S1; S1 = 10; k = 0.3; y := 2*S1; at (y < 6): S1 = 10; at (y < 15): k = k*1.1",
    "event parameter": "x' = -k*x; x = 1; k = 0.1; at (time > 2.5): k = 1",
    "oscillating trigger": "x' = cos(2*time); x = 0; n' = 0; n = 0; at (x > 0.25): n = n + 1",
    "min and max": "x' = max(0, 1 - time) - min(x, 0.5); x = 0",
    "trigonometry": "x' = sec(0.1*time) + coth(1 + time) - arcsinh(x) + arctan(time); x = 0",
    "logic": "x' = piecewise(1, (time > 1 && time < 2) || !(time < 4), 0); x = 0",
    "powers": "x' = -x^1.5 + root(3, 1 + time) + log10(10 + time) - ln(2 + x); x = 1",
    "amount of a concentration": """compartment V = 0.2; species S1 in V;
        S1 = 3; S1 -> ; k*S1; k = 0.1; y := S1*V""",
    "rate of parameter and species": "x' = -y*x; y' = 0.1*x; x = 2; y = 1; S1 -> ; x*y*S1; S1 = 3",
    "constant boundary": """compartment V = 4; species $B in V, S1 in V;
        B = 3; $B -> S1; k*B; S1 = 0; k = 0.1""",
}


def theirs(sbml, times, selections):
    runner = roadrunner.RoadRunner(sbml)
    runner.integrator.relative_tolerance = 1e-10
    runner.integrator.absolute_tolerance = 1e-14
    runner.integrator.maximum_num_steps = 100_000
    result = runner.simulate(times=list(times), selections=["time", *selections])
    return {name: np.asarray(result)[:, k + 1] for k, name in enumerate(selections)}


def quantities(sbml):
    """Selections of libRoadRunner and the keys of ours."""
    runner = roadrunner.RoadRunner(sbml)
    model = runner.model  # lives no longer than the runner
    species = [*model.getFloatingSpeciesIds(), *model.getBoundarySpeciesIds()]
    pairs = {f"[{name}]": f"[{name}]" for name in species} | {name: f"amount({name})" for name in species}
    others = [*model.getGlobalParameterIds(), *model.getCompartmentIds()]
    return pairs | {name: name for name in others}


def ours(sbml, times, keys):
    system = read_sbml(sbml)
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    solved = solve_reference(OdeProblem(system, parameters, times), rtol=1e-10, atol=1e-13)
    assert solved.n_failed == 0
    return evaluate_outputs(system, keys, solved.values, parameters, None, times[None, :])


@pytest.mark.parametrize("name", MODELS)
def test_model_agrees_with_roadrunner(name):
    sbml = antimony_to_sbml(f"{FUNCTIONS}model m; {MODELS[name]}; end")
    pairs = quantities(sbml)
    expected = theirs(sbml, TIMES, list(pairs))
    found = ours(sbml, TIMES, list(pairs.values()))
    for selection, key in pairs.items():
        scale = np.abs(expected[selection]).max()
        np.testing.assert_allclose(
            found[key][0], expected[selection], rtol=1e-7, atol=1e-8 * scale + 1e-12, err_msg=selection
        )
