"""Studies are found by id or by path."""

import pytest

from engager.analysis.endpoints import ENDPOINTS, STATISTICS
from engager.core import InputError
from engager.protocol import shipped_protocol, write_protocol
from engager.protocol.endpoints import SIMULATED_ENDPOINTS
from engager.study import load_protocol
from engager.study.run.requests import requests_of


def test_a_shipped_study_and_its_file_are_the_same(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(write_protocol(shipped_protocol("tower")))
    assert load_protocol(path) == load_protocol("tower")
    assert load_protocol(str(path)) == load_protocol("tower")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("towr", "Did you mean tower"),
        ("no/such.yaml", "must be a readable file"),
        ("x.yml", "must be a readable file"),
    ],
)
def test_what_is_not_there_is_told(name, told):
    with pytest.raises(InputError, match=told):
        load_protocol(name)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        load_protocol(path)
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    with pytest.raises(InputError, match="readable file"):
        load_protocol(folder)


def test_endpoints_a_study_may_name_are_endpoints_the_analysis_knows():
    assert set(SIMULATED_ENDPOINTS) <= set(ENDPOINTS)


def test_requests_cover_every_endpoint_with_a_statistic_it_has():
    protocol = shipped_protocol("tower")
    requests = requests_of(protocol)
    assert {request.endpoint for request in requests} == {endpoint.id for endpoint in protocol.endpoints}
    for request in requests:
        assert request.statistic in STATISTICS[ENDPOINTS[request.endpoint].kind]
    ratio = next(r for r in requests if (r.endpoint, r.statistic) == ("OS", "hazard_ratio"))
    assert (ratio.treatment, ratio.control) == ("blinatumomab", "chemotherapy")
    assert ratio.strata == ("age_years < 35", "salvage_line > 1", "prior_hsct")
