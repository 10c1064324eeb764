"""Series of transplanted patients: whoever is recruited is transplanted at once, in remission or out of it."""

import pytest

from engager.population import PopulationValues
from engager.protocol import Protocol, shipped_protocol
from engager.trial import simulate_trial
from engager.trial.recruit import recruit

SERIES = (
    "unrelated-marrow-in-remission", "unrelated-marrow-out-of-remission", "transplant-without-reinduction",
    "transplant-first-remission", "transplant-after-salvage", "transplant-after-inotuzumab",
)  # fmt: skip


@pytest.mark.parametrize("study", SERIES)
def test_nearly_everybody_is_transplanted_within_three_weeks(study):
    protocol = shipped_protocol(study).with_patients(20)
    data = simulate_trial(protocol, replicates=[0], seed=3, n_sampled=0, n_threads=1)
    assert data.n_failed == 0
    days = data.patients["hsct_day"].fill_nan(None).drop_nulls()
    # a few die, or leave remission, in the week before
    assert days.len() >= 0.8 * data.patients.height
    assert days.max() <= 21


def test_unrelated_donors_earlier_treatment_and_active_disease_bring_more_deaths_of_the_transplant():
    raw = shipped_protocol("transplant-first-remission").model_dump(mode="json", exclude_none=True)
    raw["targets"] = []

    def hazard(**population):
        study = Protocol.model_validate({**raw, "population": {**raw["population"], **population}})
        study = study.with_patients(40)
        model = study.model_of("transplant")
        place = model.system.parameters.index("h_transplant")
        recruits = recruit(study, "transplant", model, 3, [0], lambda _: PopulationValues())
        return recruits.parameters[:, place].mean()

    sibling, unrelated = hazard(unrelated_donor=0), hazard(unrelated_donor=1)
    assert unrelated > 1.1 * sibling
    assert hazard(unrelated_donor=0, salvage_line={"2": 1.0}) > 1.2 * sibling
