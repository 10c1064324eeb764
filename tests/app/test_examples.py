"""Every example of a cohort runs, and shows what it is an example of."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from engager.trial import read_protocol_file, simulate_trial

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
SMALL = ("--patients", 20, "--replicates", 2, "--threads", 2, "--quiet", "--parameters", "table")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(engager, tmp_path, example):
    shortened = tmp_path / example.name
    content = yaml.safe_load(example.read_text())
    # Half a year holds every response window and a landmark; the years after it are only slow.
    content["follow_up"] = {**content.get("follow_up", {}), "months": 6.5}
    shortened.write_text(yaml.safe_dump(content))
    found = engager("trial", "run", shortened, *SMALL, "--out", tmp_path / "run", "--json")
    assert found.code == 0, found.err
    summary = json.loads(found.out)
    assert summary["n_failed"] == 0
    estimates = pl.read_parquet(tmp_path / "run" / "estimates.parquet")
    # every endpoint of the file is estimated, and shares are shares
    protocol = read_protocol_file(example)
    assert {endpoint.id for endpoint in protocol.endpoints} <= set(estimates["endpoint"])
    shares = estimates.filter(pl.col("statistic") == "proportion")["value"].drop_nans()
    assert ((shares >= 0) & (shares <= 1)).all()


def patients_of(name, **options):
    (path,) = [one for one in EXAMPLES if one.stem == name]
    protocol = read_protocol_file(path).with_patients(40)
    short = protocol.model_copy(update={"follow_up": protocol.follow_up.model_copy(update={"months": 3.0})})
    return simulate_trial(short, replicates=[0], seed=2, **options)


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
