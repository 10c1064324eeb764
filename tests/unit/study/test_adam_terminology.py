"""The published codes that an export names are those of CDISC's own examples of Define-XML."""

from __future__ import annotations

import pytest

from engager.study.adam.terminology import LISTS, STANDARDS

# Read in the examples that CDISC publishes with Define-XML 2.0 (SDTM, ADaM) and 2.1 (ADaM): list, value, code.
SEEN = """
C66742 N C49487, C66742 Y C49488, C66731 F C16576, C66731 M C20197, C66781 YEARS C29848, C66768 FATAL C48275,
C66767 DOSE_NOT_CHANGED C49504, C66767 DRUG_INTERRUPTED C49501, C66767 DRUG_WITHDRAWN C49502,
C66769 MILD C41338, C66769 MODERATE C41339, C66769 SEVERE C41340, C124296 COMPLETED C25250, C124296 DISCONTINUED C25484
"""
# The same term of the thesaurus in another list (NA of C66742).
ELSEWHERE = {("C66767", "NOT APPLICABLE"): "C48660"}
PRINTED = {tuple(row.replace("_", " ") for row in one.split()) for one in SEEN.replace("\n", " ").split(",")}


@pytest.mark.parametrize("name", LISTS)
def test_a_code_is_one_that_was_seen(name):
    listed = LISTS[name]
    for value, (_, code) in listed.terms.items():
        if code and (listed.code, value) not in ELSEWHERE:
            assert (listed.code, value, code) in PRINTED
        elif code:
            assert ELSEWHERE[listed.code, value] == code


def test_packages_of_terminology_are_those_of_the_example():
    assert [one[3:] for one in STANDARDS if one[2] == "CT"] == [("2018-06-29", "SDTM"), ("2017-09-29", "ADaM")]
