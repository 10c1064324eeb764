"""The engine's own error changes what becomes of hardly any patient."""

import numpy as np
import polars as pl
import pytest

from engager.protocol import shipped_protocol
from engager.trial import simulate_trial

_PATIENTS = 400
# Of so many one may stand so near a limit that any error decides (1 in 5,000 was seen).
_MOST_OTHERWISE = 1


@pytest.mark.parametrize("study", ["tower", "mt103-206", "mosunetuzumab-large-cell"])
def test_hardly_a_patient_ends_otherwise_than_without_error(study, monkeypatch):
    protocol = shipped_protocol(study).with_patients(_PATIENTS)
    used = patients_of(protocol)
    monkeypatch.setattr("engager.trial.simulate.RTOL", 1e-7)
    exact = patients_of(protocol)
    assert used.select("arm", "patient").equals(exact.select("arm", "patient"))
    differs, moved = np.zeros(exact.height, dtype=bool), []
    for name in exact.columns:
        if not exact[name].dtype.is_float():
            differs |= used[name].ne_missing(exact[name]).to_numpy()
            continue
        ours, theirs = used[name].to_numpy(), exact[name].to_numpy()
        differs |= np.isfinite(ours) != np.isfinite(theirs)
        if name.endswith("_day"):
            moved.append(np.nan_to_num(np.abs(ours - theirs)))
    assert differs.sum() <= _MOST_OTHERWISE
    # by a quarter of a day at most, but for one in a hundred
    assert np.quantile(np.max(moved, axis=0), 0.99) < 0.25
    assert np.max(moved) > 0.0


def patients_of(protocol) -> pl.DataFrame:
    return simulate_trial(protocol, replicates=[0], seed=11, n_sampled=0, only_patients=True).patients
