"""Headings say what the whole study says."""

from engager.protocol import shipped_headings, shipped_protocol, shipped_protocols


def test_headings_are_those_of_the_studies():
    found = shipped_headings()
    assert tuple(one.id for one in found) == shipped_protocols()
    for one in found:
        study = shipped_protocol(one.id)
        assert (one.title, one.record) == (study.title, study.record), one.id
        assert one.arms == {name: arm.n for name, arm in study.arms.items()}, one.id
        assert (one.n_patients, one.n_targets) == (study.n_patients, len(study.targets)), one.id
