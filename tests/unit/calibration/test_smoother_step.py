"""One step of the smoother on numbers small enough to follow by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engager.calibration.population.ensemble import _narrowing, _trust, assimilate, misfit, portion_variance

FIVE = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])[:, None]


class Still:
    """A stream whose draws are given; 0: the observations are not perturbed."""

    def __init__(self, draws=0.0):
        self.draws = draws

    def normal(self, numbers, n_draws):
        return np.broadcast_to(np.asarray(self.draws, dtype=float), (len(numbers), n_draws)).ravel()


@pytest.mark.parametrize("observed", [0.0, 3.0, -7.0])
def test_a_step_goes_by_the_gain_towards_the_datum(observed):
    # members of variance 2.5 that are the datum itself, of error 2.5: half of the way, of which chance takes a fifth
    found = assimilate(FIVE, FIVE, np.array([observed]), np.array([2.5]), Still())
    assert found == pytest.approx(FIVE + 0.4 * (observed - FIVE))


def test_each_member_meets_its_own_perturbed_datum():
    draws = np.array([0.1, -0.2, 0.0, 0.3, -0.2])
    found = assimilate(FIVE, FIVE, np.array([3.0]), np.array([2.5]), Still(draws[:, None].repeat(1, axis=1)))
    assert found == pytest.approx(FIVE + 0.4 * (3.0 + np.sqrt(2.5) * draws[:, None] - FIVE))


def test_a_datum_that_is_known_better_counts_more():
    # error of a tenth of the members' variance: 10/11 of the way
    found = assimilate(FIVE, FIVE, np.array([3.0]), np.array([0.25]), Still())
    assert found == pytest.approx(FIVE + 0.8 * 10 / 11 * (3.0 - FIVE))


def test_two_data_of_one_kind_are_one_of_half_the_error():
    twice = assimilate(FIVE, np.hstack([FIVE, FIVE]), np.array([3.0, 3.0]), np.array([5.0, 5.0]), Still())
    once = assimilate(FIVE, FIVE, np.array([3.0]), np.array([2.5]), Still())
    assert twice == pytest.approx(once)


def test_a_datum_that_cannot_concern_an_unknown_does_not_move_it():
    members = np.hstack([FIVE, FIVE])
    found = assimilate(members, FIVE, np.array([3.0]), np.array([2.5]), Still(), np.array([[True], [False]]))
    assert found[:, 1] == pytest.approx(FIVE[:, 0])
    assert found[:, 0] == pytest.approx(FIVE[:, 0] + 0.4 * (3.0 - FIVE[:, 0]))


def test_what_a_member_could_not_estimate_is_the_middle_of_the_others():
    simulated = FIVE.copy()
    simulated[2] = np.nan  # the middle itself
    assert assimilate(FIVE, simulated, np.array([3.0]), np.array([2.5]), Still()) == pytest.approx(
        assimilate(FIVE, FIVE, np.array([3.0]), np.array([2.5]), Still())
    )


def test_an_unknown_without_spread_stays():
    members = np.hstack([FIVE, np.ones((5, 1))])
    found = assimilate(members, FIVE, np.array([3.0]), np.array([2.5]), Still())
    assert found[:, 1].tolist() == [1.0] * 5


@pytest.mark.parametrize(
    ("step", "kept"),
    # of FIVE's own: narrowing steps are kept up to the one that mirrors the members, of a longer one the part that
    # mirrors them, a widening step not at all
    [(-0.5, -0.5), (-2.0, -2.0), (-3.0, -2.0), (-4.0, -2.0), (0.5, 0.0)],
)
def test_no_step_widens(step, kept):
    assert _narrowing(FIVE / 2.0, step * FIVE + 7.0) == pytest.approx((step * FIVE + 7.0) * kept / step)


def test_a_step_that_is_the_same_for_all_changes_no_width():
    assert _narrowing(FIVE / 2.0, np.full((5, 1), 7.0)).tolist() == [[0.0]] * 5


def columns_of_correlation(correlation, n):
    """Two columns of mean 0 with this correlation."""
    first = np.tile([1.0, -1.0], n // 2)
    other = np.repeat([1.0, -1.0, 1.0, -1.0], n // 4) if n % 4 == 0 else None
    other = other - first * (first @ other) / n
    other *= np.sqrt(n / (other @ other))
    return first[:, None], (correlation * first + np.sqrt(1 - correlation**2) * other)[:, None]


@pytest.mark.parametrize(
    ("correlation", "kept"),
    # of 100 members: nothing below 0.2, then what is left of the square when a hundredth is taken off
    [(0.0, 0.0), (0.199, 0.0), (0.201, 1 - 0.01 / 0.201**2), (-0.5, 0.96), (1.0, 0.99)],
)
def test_a_correlation_is_believed_above_twice_its_error(correlation, kept):
    assert _trust(*columns_of_correlation(correlation, 100)) == pytest.approx(np.array([[kept]]), abs=1e-9)


def test_trust_has_a_row_for_each_unknown_and_a_column_for_each_datum():
    first, other = columns_of_correlation(0.5, 100)
    found = _trust(np.hstack([first, np.zeros((100, 1))]), np.hstack([other, first, -3.0 * other]))
    assert found == pytest.approx(np.array([[0.96, 0.99, 0.96], [0.0, 0.0, 0.0]]), abs=1e-9)


def test_the_variance_of_a_portion_leaves_out_what_the_trials_bring():
    found = portion_variance(np.array([1.0, 4.0, 2.0]), np.array([0.5, 20.0, 0.0]), 0.25)
    # all of it but the trials' own; never less than a tenth
    assert found == pytest.approx([3.5, 1.6, 8.0])


def test_misfit_is_the_mean_squared_distance_in_standard_errors():
    simulated = np.array([[1.0, 4.0], [np.nan, 2.0]])
    assert misfit(simulated, np.array([0.0, 2.0]), np.array([1.0, 4.0])) == pytest.approx([(1.0 + 1.0) / 2, 0.0])
