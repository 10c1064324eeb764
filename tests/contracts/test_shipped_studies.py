"""What works for one study works for every study that ships, whatever its disease, model and drug.

That is a run with its estimates, comparisons and units, what a worker of a cluster simulates, an export as ADaM, a
design, sensitivity, a report. Few patients and one virtual trial each: the claim is that it works, not what it shows.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import polars as pl
import pytest
import yaml

from engager.calibration import PatientFunction, TrialFunction
from engager.core import InputError
from engager.evidence import trial_endpoints
from engager.population import PopulationValues
from engager.protocol import Protocol, disease_of, read_protocol, shipped_protocol, shipped_protocols, write_protocol
from engager.study import design_study, export_adam, run_study
from engager.study.run.distribute import _simulate_span
from engager.trial import simulate_trial

STUDIES = shipped_protocols()
# One study of each disease, model and drug, for what takes longer.
KINDS = (
    "tower", "blast", "hyper-cvad-ofatumumab", "unrelated-marrow-in-remission", "nelarabine-adults", "mt103-104",
    "mosunetuzumab-large-cell",
)  # fmt: skip
PUBLISHED_MECHANISM = {
    "study": "published-mechanism",
    "model": {"id": "hosseini-2020", "variant": "nhl"},
    "population": {"setting": "lymphoma"},
    "arms": {"a": {"n": 4, "regimen": "blinatumomab-nhl-phase1"}},
    "follow_up": {"months": 6},
}


@cache
def small(study: str) -> Protocol:
    """A study with one patient an arm, two at least."""
    protocol = (
        Protocol.model_validate(PUBLISHED_MECHANISM) if study == "published-mechanism" else shipped_protocol(study)
    )
    return protocol.with_patients(max(len(protocol.arms), 2))


@pytest.fixture(scope="module", params=[*STUDIES, "published-mechanism"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / request.param
    return run_study(small(request.param), replicates=1, seed=5, out=folder, n_threads=1, report=False)


def test_it_runs_with_an_estimate_of_every_endpoint_in_its_unit(run):
    protocol = run.protocol
    assert run.manifest["n_failed"] == 0
    estimates = pl.read_parquet(run.path / "estimates.parquet")
    assert {one.id for one in protocol.endpoints} <= set(estimates["endpoint"])
    shares = estimates.filter(pl.col("statistic").is_in(["proportion", "survival_at", "cumulative_at"]))["value"]
    assert shares.drop_nulls().drop_nans().is_between(0.0, 1.0).all()
    times = estimates.filter(pl.col("statistic") == "median")["value"].drop_nulls().drop_nans()
    assert times.filter(times.is_finite()).is_between(0.0, protocol.follow_up.months + 1e-6).all()
    assert len(run.comparisons) >= sum(target.is_simulated and not target.is_curve for target in protocol.targets)


def test_what_it_shows_its_model_has(run):
    protocol = run.protocol
    for arm in protocol.arms:
        roles = protocol.model_of(arm).roles
        assert not [one.id for one in protocol.endpoints if roles.lacking(trial_endpoints()[one.id].needs)]


def test_a_worker_simulates_the_same_bits_from_its_text(run):
    text = write_protocol(run.protocol)
    assert read_protocol(text) == run.protocol
    values = {0: PopulationValues()}
    _, packed = _simulate_span(text, (0, 1), 5, 1, values)
    here = simulate_trial(run.protocol, replicates=[0], seed=5, n_threads=1, settings=values.__getitem__)
    assert pl.read_ipc(packed["patients"]).equals(here.patients)


def test_it_is_exported_with_every_patient(run, tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    export_adam(run.path, tmp_path / "adam")
    subjects, _ = pyreadstat.read_xport(str(tmp_path / "adam" / "adsl.xpt"))
    assert len(subjects) == run.protocol.n_patients
    assert (tmp_path / "adam" / "define.xml").stat().st_size > 10_000


def test_a_patient_is_a_function_of_what_differs_between_patients(run):
    protocol = run.protocol
    for arm_id in protocol.arms:
        function = PatientFunction(protocol, arm_id, protocol.model_of(arm_id), PopulationValues())
        found = function(np.full((1, len(function.names)), 0.5))
        assert found.shape == (1, len(function.outputs))
        assert np.isfinite(found).all()
        assert TrialFunction(protocol, protocol.model_of(arm_id), patients=protocol.n_patients, seed=1).outputs


def test_a_slip_is_told_with_its_key_and_line(run):
    raw = yaml.safe_load(write_protocol(run.protocol))
    first = next(iter(raw["arms"]))
    raw["follow_up"]["months"] = -3
    if raw["arms"][first]["regimen"].get("doses"):
        raw["arms"][first]["regimen"]["doses"][0]["unit"] = "mL"
    with pytest.raises(InputError) as caught:
        read_protocol(yaml.safe_dump(raw, sort_keys=False))
    told = "\n".join(str(problem.where) for problem in caught.value.problems)
    assert re.search(r"follow_up\.months \(line \d+\)", told)
    assert ("unit" in told) == bool(raw["arms"][first]["regimen"].get("doses"))


@pytest.mark.parametrize("study", [*KINDS, "published-mechanism"])
def test_it_can_be_judged_by_a_design(study):
    protocol = small(study)
    won_by = [one for one in protocol.endpoints if not one.kind.is_harm and not one.is_competing]
    primary = next(one for one in won_by if one.kind.denominator == "randomized")
    raw = yaml.safe_load(write_protocol(protocol))
    raw.pop("targets", None)
    arms = list(raw["arms"])[:2]
    raw["arms"] = {name: {**raw["arms"][name], "n": 6} for name in arms}
    raw["allocation"] = {}
    if isinstance(raw["hsct"].get("probability"), dict):
        raw["hsct"]["probability"] = 0.3
    raw["endpoints"] = [one for one in raw["endpoints"] if one["id"] == primary.id][:1]
    raw["design"] = {"primary": primary.id}
    if primary.is_time_to_event:
        raw["design"]["events"] = [3]
    if len(arms) == 1:
        share = {"test": "exact", "null_share": 0.2}
        raw["design"] |= {} if primary.is_time_to_event else share
    if len(arms) == 1 and primary.is_time_to_event:
        pytest.skip("one arm and no share to judge by")
    found = design_study(Protocol.model_validate(raw), replicates=4, seed=1, n_threads=1)
    assert found.rows


@pytest.mark.parametrize("study", ["mt103-104", "nelarabine-adults", "published-mechanism"])
def test_its_report_is_written(study, tmp_path):
    run = run_study(small(study), replicates=2, seed=5, out=tmp_path / "run", n_threads=1, parameters="table")
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    is_tumor = run.protocol.population.setting == "lymphoma"
    assert "reached CR, CRh or CRi" not in page or not is_tumor
    for one in run.protocol.endpoints:
        assert trial_endpoints()[one.id].words in page
    roles = disease_of(run.protocol.model).roles
    harms = [one for one in trial_endpoints().values() if one.table == "safety" and roles.lacking(one.needs)]
    assert bool(harms) == (study != "mt103-104")
    assert not [one.words for one in harms if f">{one.words}<" in page]
