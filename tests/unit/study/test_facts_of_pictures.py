"""Limits that pictures, columns and words print are those that a trial judges by."""

from __future__ import annotations

import re

from engager.core import B_CELLS_GONE_PER_UL, IL6_HIGH_PG_PER_ML
from engager.evidence import trial_endpoints
from engager.study.patients.looks import COURSES
from engager.study.run.content import MARROW, NEUTROPHILS, PLATELETS
from engager.trial import assumption_table


def test_lines_in_pictures_of_counts_are_the_limits_of_recovery():
    assumed = {name: one["value"] for name, one in assumption_table().items()}
    for panel, count in ((NEUTROPHILS, "neutrophils"), (PLATELETS, "platelets")):
        assert panel.limits == {assumed[f"cr_{count}_per_uL"]: "CR", assumed[f"crh_{count}_per_uL"]: "CRh"}
    assert min(MARROW.limits, key=lambda limit: abs(limit - 0.05)) == assumed["remission_blasts_percent"] / 100.0


def test_a_patient_is_drawn_with_the_lines_of_a_report():
    looks = {one.column: one for one in COURSES}
    for panel in (MARROW, NEUTROPHILS, PLATELETS):
        (column,) = panel.columns
        assert looks[column].limits == panel.limits
        assert (looks[column].unit, looks[column].panel) == (panel.unit, panel.title)


def test_words_of_an_endpoint_print_the_limit_it_is_judged_by():
    for name, limit in (("il6_high", IL6_HIGH_PG_PER_ML), ("b_cell_depletion", B_CELLS_GONE_PER_UL)):
        one = trial_endpoints()[name]
        assert re.search(rf"\b{limit:g}\b", one.meaning), one.meaning
