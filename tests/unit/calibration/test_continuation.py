"""A fit without a study, from what the whole fit kept, against the fit that never had it."""

import numpy as np
import pytest

from engager.calibration.population import continuation, fit
from engager.calibration.population.continuation import members_without
from engager.calibration.population.data_points import SimulatedPoints
from engager.calibration.population.fit import kept_portions, recovery_plan, smooth
from engager.core import InputError

LEFT_OUT = "mdacc-second-salvage"


@pytest.fixture(scope="module")
def plan():
    return recovery_plan(members=400, portions=3)


@pytest.fixture
def linear_simulator(plan, monkeypatch):
    """Every figure linear in the unknowns, so that carrying on by slopes is exact but for the regression."""
    concerns = fit.FitData.of(plan).concerns
    rng = np.random.default_rng(4)
    # each figure hangs on some of the unknowns that all share, and on the effects of its study
    is_own = np.array([" " in one.name for one in plan.unknowns])[:, None]
    slopes = concerns * ((rng.uniform(size=concerns.shape) < 0.15) | is_own) * rng.normal(size=concerns.shape)

    def simulated(plan, members, *_):
        values = plan.hierarchy.natural(plan.unknowns, members) @ slopes
        return SimulatedPoints(values, np.full(values.shape, 1e9))

    monkeypatch.setattr(fit, "simulate_members", simulated)


def test_leaving_nobody_out_gives_the_fit_itself(plan, linear_simulator, tmp_path):
    members, _ = smooth(plan, work=tmp_path)
    np.testing.assert_allclose(members_without(plan, kept_portions(tmp_path), ()), members, atol=1e-12)


def test_carrying_on_is_as_good_as_simulating_again(plan, linear_simulator, tmp_path, monkeypatch):
    members, _ = smooth(plan, work=tmp_path)
    kept = kept_portions(tmp_path)
    carried_on = members_without(plan, kept, (LEFT_OUT,))

    def simulated_again(hierarchy, unknowns, data, simulated_members, simulated, members):
        return fit.simulate_members(plan, members, 0)

    monkeypatch.setattr(continuation, "_carried", simulated_again)
    again = members_without(plan, kept, (LEFT_OUT,))
    common = len(plan.common)
    width = again[:, :common].std(axis=0)
    whole, without = (
        np.sqrt(np.mean(((one - again)[:, :common].mean(axis=0) / width) ** 2)) for one in (members, carried_on)
    )
    # what leaving it out moves, in standard deviations, and how much of that carrying on misses
    assert whole > 0.15
    assert without < 0.3 * whole
    np.testing.assert_allclose(carried_on[:, :common].std(axis=0) / width, 1.0, atol=0.1)


def test_what_only_the_study_left_out_informs_keeps_its_prior(plan, linear_simulator, tmp_path):
    smooth(plan, work=tmp_path)
    kept = kept_portions(tmp_path)
    carried_on = members_without(plan, kept, (LEFT_OUT,))
    own = [i for i, one in enumerate(plan.unknowns) if one.name.startswith(f"effect {LEFT_OUT}")]
    assert own
    np.testing.assert_allclose(carried_on[:, own], kept[0][0][:, own], atol=1e-4)


def test_a_folder_without_portions_is_refused(tmp_path):
    with pytest.raises(InputError, match="engager calibrate --work"):
        kept_portions(tmp_path)
    (tmp_path / "portion-00.npz").write_bytes(b"not an archive")
    with pytest.raises(InputError, match="must be a portion"):
        kept_portions(tmp_path)
