"""How the courses of a virtual patient are shown: words, unit, panel, axis. Figures and pages read it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engager.report import Panel
from engager.study.run.content import MARROW, NEUTROPHILS, PLATELETS


@dataclass(frozen=True)
class CourseLook:
    """How a course is shown.

    Attributes
    ----------
    label, column : what it is called, and its column of the trajectories.
    unit, scale : of the axis, and what the column is multiplied by to be in it.
    panel : courses of one panel share an axis. floor : lowest value drawn. limits : words at a level.
    """

    label: str
    column: str
    unit: str
    panel: str
    floor: float
    limits: Mapping[float, str] = field(default_factory=dict)
    scale: float = 1.0


def _of_panel(label: str, panel: Panel) -> CourseLook:
    """As the report of a run shows it: the panel has one column."""
    (column,) = panel.columns
    return CourseLook(label, column, panel.unit, panel.title, panel.floor or 0.0, panel.limits, panel.scale)


COURSES = (
    CourseLook("drug", "drug_pg_per_mL", "pg/mL", "Drug in serum", 1.0),
    CourseLook("CD8 T cells", "cd8_per_uL", "cells/uL", "Lymphocytes in blood", 0.1),
    CourseLook("B cells", "b_per_uL", "cells/uL", "Lymphocytes in blood", 0.1),
    CourseLook("resting", "marrow_T_resting", "cells", "T cells in marrow", 1e5),
    CourseLook("activated", "marrow_T_activated", "cells", "T cells in marrow", 1e5),
    CourseLook("exhausted", "marrow_T_exhausted", "cells", "T cells in marrow", 1e5),
    CourseLook("CD19 positive", "blasts_cd19_positive", "cells", "Leukemic cells", 1.0),
    CourseLook("CD19 negative", "blasts_cd19_negative", "cells", "Leukemic cells", 1.0),
    CourseLook("sanctuary", "sanctuary_blasts", "cells", "Leukemic cells", 1.0),
    _of_panel("blasts", MARROW),
    CourseLook("IL-6", "il6_pg_per_mL", "pg/mL", "Cytokines", 1.0),
    CourseLook("IL-10", "il10_pg_per_mL", "pg/mL", "Cytokines", 1.0),
    CourseLook("IFN-gamma", "ifng_pg_per_mL", "pg/mL", "Cytokines", 1.0),
    _of_panel("neutrophils", NEUTROPHILS),
    _of_panel("platelets", PLATELETS),
)  # fmt: skip
