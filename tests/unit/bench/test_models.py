"""A folder of models in both backends: the same, different, refused, slow, each by name."""

import json
import math

import numpy as np
import pytest

from engager.bench import compare_backends, reports_as_json
from engager.bench.models import largest_difference
from engager.core import InputError

FILES = {
    "decay.ant": "model m; y' = -y; y = 1; end",
    "event.ant": "model m; y' = -y; y = 1; e: at y < 0.5: y = 1; end",
    "pole.ant": "model m; y' = y^2; y = 1; end",
    "delayed.xml": "not a model",
}


def test_each_file_has_its_outcome(tmp_path):
    (tmp_path / "below").mkdir()
    for name, text in FILES.items():
        (tmp_path / "below" / name).write_text(text)
    seen = []
    reports = compare_backends(tmp_path, until=2.0, progress=lambda done, total: seen.append((done, total)))
    outcomes = {one.file: one.outcome for one in reports}
    assert outcomes == {
        "below/decay.ant": "same", "below/event.ant": "reference only", "below/pole.ant": "both failed",
        "below/delayed.xml": "refused",
    }  # fmt: skip
    assert seen[-1] == (4, 4)
    found = json.loads(json.dumps(reports_as_json(reports)))
    assert found["counts"]["same"] == 1
    assert sum(found["counts"].values()) == len(found["models"]) == 4


def test_a_file_that_takes_too_long_is_told_and_the_next_one_runs(tmp_path):
    (tmp_path / "a.ant").write_text("model m; " + "".join(f"y{k}' = sin(y{k - 1}); " for k in range(1, 400)) + "end")
    (tmp_path / "b.ant").write_text(FILES["decay.ant"])
    reports = compare_backends(tmp_path, until=1.0, seconds=0.05)
    assert reports[0].outcome == "slow"
    assert len(reports) == 2


def test_the_largest_difference_is_a_share_of_the_states_size():
    times = np.array([0.0, 1.0])
    reference = np.array([[1.0, 1e-20], [2.0, 0.0]])
    native = np.array([[1.0, 1e-20], [2.0, 5e-21]])
    share, where = largest_difference(native, reference, ("a", "b"), times)
    assert share == pytest.approx(0.5)
    assert where.startswith("b at time 1")
    native[1, 0] = math.nan
    assert largest_difference(native, reference, ("a", "b"), times)[0] == math.inf


def test_a_folder_without_models_is_told(tmp_path):
    with pytest.raises(InputError, match=r"\.ant"):
        compare_backends(tmp_path)
