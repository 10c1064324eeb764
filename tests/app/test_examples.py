"""Every example of a cohort runs, and shows what it is an example of."""

import json
from pathlib import Path

import polars as pl
import pytest

from engager.analysis import estimate_endpoints
from engager.calibration import compare
from engager.protocol import read_protocol_file
from engager.study.run.requests import requests_of
from engager.trial import simulate_trial

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example):
    protocol = shortened(read_protocol_file(example).with_patients(20), 6.5)
    data = simulate_trial(protocol, replicates=range(2), seed=1, n_sampled=0)
    assert data.n_failed == 0
    estimates = estimate_endpoints(data, requests_of(protocol), protocol.population.setting)
    # every endpoint of the file is estimated, and shares are shares
    assert {endpoint.id for endpoint in protocol.endpoints} <= set(estimates["endpoint"])
    shares = estimates.filter(pl.col("statistic") == "proportion")["value"].drop_nans()
    assert ((shares >= 0) & (shares <= 1)).all()
    assert len(compare(data)) == len(protocol.targets)


def test_the_command_runs_an_example_and_compares_it_with_its_targets(engager):
    (path,) = [one for one in EXAMPLES if one.stem == "first-salvage"]
    found = engager("validate", "--against", path, "--replicates", 2, "--json", "--quiet")
    assert found.code == 0, found.err
    targets = json.loads(found.out)["targets"]
    assert [one["use"] for one in targets] == ["fit", None, None, None]
    assert all(one["simulated"]["median"] is not None for one in targets)
    # two virtual trials judge nothing
    assert {one["inside"] for one in targets} == {None}


def shortened(protocol, months):
    """Half a year holds every response window and a landmark; the years after it are only slow."""
    return protocol.model_copy(update={"follow_up": protocol.follow_up.model_copy(update={"months": months})})


def patients_of(name, **options):
    (path,) = [one for one in EXAMPLES if one.stem == name]
    return simulate_trial(shortened(read_protocol_file(path).with_patients(40), 3.0), replicates=[0], seed=2, **options)


def test_children_get_less_drug_than_adults_for_the_same_level():
    data = patients_of("children", n_sampled=40)
    assert data.patients["age_years"].max() < 18
    first = data.trajectories.filter(pl.col("day") == 7.0).join(
        data.patients.select("arm", "patient", "replicate", "weight_kg", "bsa_m2"), on=["arm", "patient", "replicate"]
    )
    small = first.filter(pl.col("weight_kg") < 45)
    expected = (5 * small["bsa_m2"]).clip(upper_bound=9)
    treated = small["dose_ug_per_day"] > 0
    assert treated.sum() > 10
    assert (small["dose_ug_per_day"] - expected).filter(treated).abs().max() < 1e-9
    heavy = first.filter((pl.col("weight_kg") >= 45) & (pl.col("dose_ug_per_day") > 0))
    assert (heavy["dose_ug_per_day"] == 9).all()


def test_injections_reach_the_blood_and_fade():
    data = patients_of("subcutaneous", n_sampled=20)
    level = data.trajectories.group_by("day").agg(pl.col("drug_pg_per_mL").median()).sort("day")
    at = dict(level.iter_rows())
    assert at[0.0] == 0
    assert at[7.0] > 10
    assert at[35.0] < 0.7 * max(at.values())


def test_in_deep_remission_nobody_is_above_the_entry_limit():
    patients = patients_of("consolidation", n_sampled=0).patients
    assert patients["entry_mrd_log10"].max() <= -4
    assert (patients["best_response"] == "CR").all()
