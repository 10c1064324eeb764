"""A fit without a study, under the emulator that the whole fit left, against the fit that never had it."""

import numpy as np
import pytest

from engager.calibration import FittedEmulator, emulator_path, members_without
from engager.calibration.population import fit
from engager.calibration.population.data_points import SimulatedPoints
from engager.calibration.population.fit import fit_draws, labels_of, recovery_plan
from engager.core import InputError

LEFT_OUT = "tower"
DRAWS = 250


@pytest.fixture(scope="module")
def plan():
    return recovery_plan(members=DRAWS, rounds=2)


@pytest.fixture(scope="module")
def linear(plan):
    """Slopes of every figure: on some of the unknowns that all share, and on the effects of its study."""
    concerns = fit.FitData.of(plan).concerns
    rng = np.random.default_rng(4)
    is_own = np.array([" " in one.name for one in plan.unknowns])[:, None]
    return concerns * ((rng.uniform(size=concerns.shape) < 0.15) | is_own) * rng.normal(size=concerns.shape)


@pytest.fixture(scope="module")
def simulator(linear):
    def simulated(plan, members, *_):
        labels = [point.label for study in recovery_plan(members=2, rounds=1).points for point in study]
        own = [labels.index(point.label) for study in plan.points for point in study]
        natural = plan.hierarchy.natural_scale(plan.unknowns).of(members)
        whole = recovery_plan(members=2, rounds=1).unknowns
        rows = [[one.name for one in whole].index(one.name) for one in plan.unknowns]
        values = natural @ linear[np.ix_(rows, own)]
        noise = 0.2 * np.random.default_rng(members.size).normal(size=values.shape)
        return SimulatedPoints(values + noise, np.full(values.shape, 1e9))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "simulate_members", simulated)
        # figures are linear here, and chains begin in their normal approximation
        patch.setattr(fit, "TRAJECTORIES", 60)
        patch.setattr(fit, "FINAL_TRAJECTORIES", 150)
        yield


@pytest.fixture(scope="module")
def whole(plan, simulator):
    return fit_draws(plan, n_threads=1)


@pytest.fixture(scope="module")
def emulator(plan, whole):
    return FittedEmulator(whole.emulator, *labels_of(plan), whole.members)


def test_leaving_nobody_out_gives_the_fit_s_distribution(plan, whole, emulator):
    members = members_without(plan, emulator, (), DRAWS)
    width = whole.members.std(axis=0)
    # two sets of independent draws: mean distances of sqrt(2/n) widths
    away = (members.mean(axis=0) - whole.members.mean(axis=0)) / width
    assert np.sqrt(np.mean(away**2)) < 2.0 * np.sqrt(2 / DRAWS)
    np.testing.assert_allclose(np.median(members.std(axis=0) / width), 1.0, atol=0.06)


def test_leaving_a_study_out_is_as_good_as_never_having_had_it(plan, whole, emulator):
    others = plan.with_studies([one for one in plan.studies if one.study != LEFT_OUT])
    never = fit_draws(others, n_threads=1).members
    without = members_without(plan, emulator, (LEFT_OUT,), DRAWS)
    common = len(plan.common)
    width = never[:, :common].std(axis=0)

    def distance(members):
        away = members[:, :common].mean(axis=0) - never[:, :common].mean(axis=0)
        return np.sqrt(np.mean((away / width) ** 2))

    moved, missed = distance(whole.members), distance(without)
    # what leaving it out moves, in standard deviations; chance of so many draws alone is 0.09
    assert moved > 0.2
    assert missed < 0.75 * moved


def test_what_only_the_study_left_out_informs_has_its_prior(plan, emulator):
    without = members_without(plan, emulator, (LEFT_OUT,), 400)
    own = [i for i, one in enumerate(plan.unknowns) if one.name.startswith(f"effect {LEFT_OUT}")]
    assert own
    np.testing.assert_allclose(without[:, own].mean(axis=0), 0.0, atol=0.2)
    np.testing.assert_allclose(without[:, own].std(axis=0), 1.0, atol=0.15)


def test_an_emulator_is_written_and_read_back(plan, emulator, tmp_path):
    path = emulator_path(tmp_path / "posterior.json")
    emulator.write(path)
    assert path.name == "posterior.npz"
    back = FittedEmulator.read(path)
    assert (back.unknowns, back.data_points) == (emulator.unknowns, emulator.data_points)
    x = np.random.default_rng(1).normal(size=(3, len(plan.unknowns)))
    np.testing.assert_array_equal(back.emulator.expected(x), emulator.emulator.expected(x))


def test_a_file_that_is_no_emulator_is_refused(emulator, tmp_path):
    with pytest.raises(InputError, match="beside its posterior"):
        FittedEmulator.read(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(InputError, match="beside its posterior"):
        FittedEmulator.read(tmp_path / "text.npz")
    emulator.write(tmp_path / "cut.npz")
    with np.load(tmp_path / "cut.npz") as kept:
        arrays = dict(kept)
    np.savez(tmp_path / "cut.npz", **{**arrays, "slopes": arrays["slopes"][:, 1:]})
    with pytest.raises(InputError, match="beside its posterior"):
        FittedEmulator.read(tmp_path / "cut.npz")


def test_an_emulator_of_other_studies_is_refused(plan, emulator):
    fewer = plan.with_studies(plan.studies[:-1])
    with pytest.raises(InputError, match="figures of the present studies"):
        members_without(fewer, emulator, (), 2)
