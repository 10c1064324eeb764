"""Blood counts and lymphocytes of the ALL model under chemotherapy and after a transplant.

Published: neutrophils above 500/uL a median of 26.5 days (17 to 38) after the start of FLAG-Ida in relapsed or
refractory acute leukemia, platelets above 50 000/uL after 31 days (25 to 51); 16 patients (Blood 2006;108:4561).
"""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import Stream
from engager.engine import Action, OdeProblem, solve
from engager.model import evaluate_outputs, initial_states, load_model
from engager.population import sample_patients, spread
from engager.protocol import executable_regimen
from engager.trial.dosing import planned_actions

N = 200
DAYS = np.arange(0.0, 71.0)
SPREADS = {
    "age_years": spread.median_range(40, 18, 75),
    "female": spread.share(0.4),
    "marrow_blasts_percent": spread.median_range(80, 5, 100),
    "salvage_line": spread.constant(1.0),
    "prior_hsct": spread.constant(0.0),
    "extramedullary": spread.constant(0.0),
    "remission_months": spread.constant(12.0),
}


@pytest.fixture(scope="module")
def under_flag():
    """Counts of patients through one course of FLAG, with who has a clear marrow on day 28."""
    model = load_model("b-all")
    patients = sample_patients(model, SPREADS, Stream(1, "counts"), np.arange(N))
    body = patients.covariates
    schedule = planned_actions(executable_regimen("flag"), body["weight_kg"], body["bsa_m2"], 27, model)
    initial = initial_states(model.system, patients.parameters)
    problem = OdeProblem(
        system=model.system,
        parameters=patients.parameters,
        save_times=DAYS,
        inputs=np.zeros((N, 1)),
        initial=initial,
        schedule=schedule,
    )
    tolerance = np.maximum(1e-6, 1e-9 * np.abs(initial).max(axis=0))
    solution = solve(problem, method="rodas5p", rtol=1e-4, atol=tolerance)
    assert np.all(solution.status == 0)
    names = ["neutrophils", "platelets", "cd8_per_uL", "marrow_blasts_percent"]
    found = evaluate_outputs(model.system, names, solution.values, patients.parameters, np.zeros((N, 1)))
    return found | {"clear": found["marrow_blasts_percent"][:, 28] <= 5}


def first_day_back(counts, limit):
    """Day from which a patient stays at the limit or above, after having been below it by day 25."""
    days = []
    for course in counts:
        below = np.flatnonzero(course[:25] < limit)
        if below.size:
            back = np.flatnonzero(course[below[-1] :] >= limit)
            days.append(below[-1] + back[0] if back.size else np.inf)
    return np.array(days)


def test_most_patients_are_below_500_on_day_14_of_flag(under_flag):
    assert (under_flag["neutrophils"][:, 14] < 500).mean() > 0.85
    assert np.median(under_flag["neutrophils"][:, 10]) < np.median(under_flag["neutrophils"][:, 0])


def test_neutrophils_recover_in_the_published_time(under_flag):
    days = first_day_back(under_flag["neutrophils"][under_flag["clear"]], 500)
    assert 17 <= np.median(days) <= 38


def test_platelets_recover_in_the_published_time_and_after_neutrophils(under_flag):
    clear = under_flag["clear"]
    platelets = first_day_back(under_flag["platelets"][clear], 50_000)
    assert 25 <= np.median(platelets) <= 51
    assert np.median(platelets) > np.median(first_day_back(under_flag["neutrophils"][clear], 500))


def test_lymphocytes_fall_and_are_slow_to_return(under_flag):
    cd8 = np.median(under_flag["cd8_per_uL"], axis=0)
    assert cd8[14] < 0.4 * cd8[0]
    assert cd8[14] < cd8[56] < cd8[0]


def test_a_graft_makes_its_own_counts(follow):
    """Whatever earlier treatment left of the patient's marrow, counts after a transplant are those of the graft."""
    model = load_model("b-all")
    graft = [
        (0.0, Action.SET_STATE, "grafted", 1.0),
        (0.0, Action.SET_STATE, "stem", 0.03),
        *[(0.0, Action.MULTIPLY_STATE, name, 0.03) for name in ("progenitor", "myeloid", "megakaryocytes")],
    ]
    poor = {"blasts_start": 1e5, "reserve": 0.4, "reserve_n": 0.3, "reserve_p": 0.3}
    good = {"blasts_start": 1e5}
    run = follow(model, [0.0, 10.0, 120.0], patients=[poor, good], acts=graft)
    without = follow(model, [0.0, 10.0, 120.0], patients=[poor])
    assert run["neutrophils"][0, 2] > 3 * without["neutrophils"][0, 2]
    assert run["neutrophils"][0, 2] == pytest.approx(run["neutrophils"][1, 2], rel=0.05)
    assert run["neutrophils"][1, 1] < 500
