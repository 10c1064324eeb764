"""The studies of salvage therapy print what their records print, and nobody is fitted twice."""

from importlib import resources

import pytest
import yaml

from engager.evidence import record
from engager.protocol import shipped_protocol, shipped_protocols
from engager.trial import simulate_trial

RELAPSED = tuple(
    name for name in shipped_protocols() if shipped_protocol(name).population.setting == "relapsed_refractory"
)
SALVAGE = tuple(name for name in RELAPSED if not name.startswith(("tower", "mt103")))
# A printed share is rounded to a percent, a time to about a tenth of a month.
_ROUNDING = {True: 0.006, False: 0.07}


def printed(name):
    """Every share and time of a record's outcomes and subgroups, in the record's own file."""
    path = resources.files("engager.evidence") / "data" / "records" / f"{name}.yaml"
    raw = yaml.safe_load(path.read_text())
    lines = [line for arm in raw["arms"] for line in arm["outcomes"]]
    lines += [*raw.get("subgroups", ()), *raw.get("comparisons", ())]
    for line in lines:
        if line.get("events") is not None and line.get("n"):
            yield line["events"] / line["n"]
        for key in ("proportion", "value", "value_months"):
            if isinstance(line.get(key), int | float):
                yield float(line[key])


@pytest.mark.parametrize("study", SALVAGE)
def test_every_target_is_a_figure_of_its_record(study):
    protocol = shipped_protocol(study)
    for target in protocol.targets:
        sources = (target.source,) if isinstance(target.source, str) else target.source
        records = {source.split("#")[0] for source in sources}
        assert records == {protocol.record}
        if target.definition and target.definition.startswith("sum of"):
            continue  # of two printed counts, as the definition says
        if target.is_curve:
            assert target.record == protocol.record
            continue  # its points are read from the record itself
        wanted = target.published
        near = _ROUNDING[wanted <= 1]
        assert any(abs(figure - wanted) <= near for figure in printed(protocol.record)), target


@pytest.mark.parametrize("study", RELAPSED)
def test_patients_are_described_by_what_chemotherapy_depends_on(study):
    written = yaml.safe_load(
        (resources.files("engager.protocol") / "data" / "protocols" / f"{study}.yaml").read_text()
    )["population"]
    assert {"age_years", "salvage_line", "prior_hsct", "ph_positive", "marrow_blasts_percent"} <= set(written)
    assert "remission_months" in written


@pytest.mark.parametrize("study", SALVAGE)
def test_an_arm_fits_each_endpoint_once(study):
    protocol = shipped_protocol(study)
    for arm in protocol.arms:
        fitted = [one for one in protocol.targets if one.use == "fit" and protocol.arm_of(one) == arm]
        remissions = [one for one in fitted if one.endpoint.startswith("CR")]
        whole = [one for one in remissions if one.subgroup is None]
        # the whole arm, or its parts, not both
        assert not (whole and len(remissions) > 1)
        # a median and a landmark are two points of one curve, the same point is not fitted twice
        survival = [(one.statistic, one.at_months, one.subgroup) for one in fitted if one.endpoint == "OS"]
        assert len(set(survival)) == len(survival)


def test_a_later_line_of_the_same_patients_is_only_checked():
    assert {target.use for target in shipped_protocol("gmall-second-salvage").targets} == {"check"}


def test_every_salvage_regimen_of_a_study_is_one_of_its_record():
    for study in SALVAGE:
        protocol = shipped_protocol(study)
        if record(protocol.record).population.setting == "transplant":
            continue  # its record's arms are transplants; what patients had before is the study's
        if protocol.endpoints[0].origin == "failure":
            continue  # its record's arm is what followed the drug of the study
        for arm in protocol.arms.values():
            assert arm.regimen.id in {one.regimen for one in record(protocol.record).arms}


@pytest.mark.parametrize("study", ["ino-vate", "flam-palg", "eim", "vsli-second-salvage", "clofarabine-children"])
def test_salvage_studies_run(study):
    protocol = shipped_protocol(study)
    follow_up = protocol.follow_up.model_copy(update={"months": 3.0})
    short = protocol.with_patients(10 * len(protocol.arms)).model_copy(update={"follow_up": follow_up})
    data = simulate_trial(short, replicates=[0], seed=1, n_sampled=0)
    assert data.patients.height == 10 * len(protocol.arms)
    assert data.n_failed == 0
