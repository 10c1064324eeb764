"""Series of transplanted patients: whoever is recruited is transplanted at once, in remission or out of it."""

import pytest

from engager.protocol import shipped_protocol
from engager.trial import simulate_trial

SERIES = ("unrelated-marrow-in-remission", "unrelated-marrow-out-of-remission", "transplant-without-reinduction")


@pytest.mark.parametrize("study", SERIES)
def test_nearly_everybody_is_transplanted_within_three_weeks(study):
    protocol = shipped_protocol(study).with_patients(20)
    data = simulate_trial(protocol, replicates=[0], seed=3, n_sampled=0, n_threads=1)
    assert data.n_failed == 0
    days = data.patients["hsct_day"].fill_nan(None).drop_nulls()
    # a few die, or leave remission, in the week before
    assert days.len() >= 0.8 * data.patients.height
    assert days.max() <= 21
