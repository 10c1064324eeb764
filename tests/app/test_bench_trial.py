"""The bench of a whole trial: promised columns, and a ceiling that is the same courses."""

import json

import numpy as np
import pytest

from engager.bench import measure_trial
from engager.bench.trial import record_courses
from engager.engine import solve
from engager.protocol import shipped_protocol
from engager.trial import METHOD


def test_the_ceiling_ends_where_the_trial_ended():
    for course in record_courses(shipped_protocol("tower").with_patients(60), [0], 1):
        atol = np.array(course.roles.tolerance_of(course.system.states))
        found = solve(course.problem(), method=METHOD, rtol=1e-8, atol=atol)
        names = ("drug_b", "neutrophils", "platelets", "R_b")
        places = [course.system.index(name) for name in names]
        ended = found.values[:, -1][:, places]
        kept = course._last[:, places]
        # the same doses, days and losses of clones: the solver's tolerance apart for nearly all
        close = np.abs(ended - kept) <= 1e-2 * np.abs(kept) + 1e-2
        assert close.all(axis=1).mean() > 0.9


def test_json_has_the_promised_columns(monkeypatch):
    import engager.bench.trial as module

    monkeypatch.setattr(module, "_RECORDED_TRIALS", 1)
    found = measure_trial(1, threads=[1], rounds=1)
    (row,) = json.loads(json.dumps(found))["rows"]
    columns = {"threads", "patients_per_s", "ceiling_patients_per_s", "share_of_ceiling", "share_in_solver"}
    assert set(row) == columns
    assert row["share_of_ceiling"] == pytest.approx(row["patients_per_s"] / row["ceiling_patients_per_s"])
    assert 0 < row["share_in_solver"] < 1


def test_a_wrong_number_is_told():
    from engager.app.commands.bench import compare_solvers
    from engager.core import InputError

    with pytest.raises(InputError, match=r"--threads"):
        compare_solvers(trial=True, replicates=1, threads=[0])
