"""Who is recruited: the `population` block of a study file.

What is left out is filled from `_DEFAULTS` by setting, so that `engager trial show` prints everybody in full.
"""

from __future__ import annotations

from keyword import iskeyword
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from engager.core import COVARIATES, broken_rule, patient_columns
from engager.protocol.distribution import CategoryTable, Distribution, Lineage, YesNo, numeric
from engager.protocol.parts import Part, refuse

Setting = Literal["relapsed_refractory", "mrd_positive", "untreated", "lymphoma"]
LYMPHOMA = "lymphoma"

Age = numeric(0, 110, "Age [years].")
Weight = numeric(2, 300, "Body weight [kg].")
Height = numeric(40, 230, "Height [cm].")
Percent = numeric(0, 100, "Percent.")
Log10Level = numeric(-8, 0, "Leukemic share of marrow cells, log10.")
AnyNumber = numeric(-1e12, 1e12, "A number.")
CellCount = numeric(0, 1e9, "Cells per microliter of blood.")
Months = numeric(0, 600, "Months.")
Volume = numeric(0.1, 20_000, "Milliliters.")

# Adults with relapsed or refractory disease look like TOWER's blinatumomab arm (evidence record tower-2017:
# age, blasts, sex, salvage line, prior transplant). Extramedullary disease and the length of the last remission
# are assumed. MRD-positive and
# untreated adults: assumed; the settings' own trials print these in their full reports. Lymphoma: age, sex and lines of
# earlier treatment like the B-cell lymphomas of engager trials (median of three lines: goebeler-2011 and
# budde-2022-mosunetuzumab); volume assumed around that of hosseini-2020, 49.6 mL.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "relapsed_refractory": {
        "age_years": {"median": 37, "range": [18, 80]},
        "female": 0.40,
        "ph_positive": 0.0,
        "marrow_blasts_percent": {"median": 80, "range": [5, 100]},
        "salvage_line": {"1": 0.42, "2": 0.34, "3+": 0.24},
        "prior_hsct": 0.35,
        "extramedullary": 0.1,
        "remission_months": {"median": 6, "range": [0, 36]},
        "performance": {"0": 0.35, "1": 0.5, "2": 0.15},
    },
    "mrd_positive": {
        "age_years": {"median": 45, "range": [18, 76]},
        "female": 0.45,
        "ph_positive": 0.0,
        "salvage_line": {"0": 0.65, "1": 0.35},
        "prior_hsct": 0.0,
        "extramedullary": 0.0,
        "mrd_log10": {"median": -2.0, "range": [-4, -1]},
        "performance": {"0": 0.6, "1": 0.4},
    },
    "untreated": {
        "age_years": {"median": 40, "range": [18, 80]},
        "female": 0.45,
        "ph_positive": 0.0,
        "marrow_blasts_percent": {"median": 85, "range": [20, 100]},
        "salvage_line": {"0": 1.0},
        "prior_hsct": 0.0,
        "extramedullary": 0.1,
        "performance": {"0": 0.35, "1": 0.45, "2": 0.2},
    },
    LYMPHOMA: {
        "age_years": {"median": 62, "range": [20, 88]},
        "female": 0.4,
        "ph_positive": 0.0,
        "salvage_line": {"1": 0.15, "2": 0.3, "3+": 0.55},
        "prior_hsct": 0.0,
        "extramedullary": 0.0,
        "performance": {"0": 0.5, "1": 0.45, "2": 0.05},
        "tumor_mL": {"median": 50, "range": [3, 1000]},
        "indolent": 0.5,
    },
}
# Covariates of a marrow, which a patient with lymphoma is not asked for.
_OF_MARROW = ("marrow_blasts_percent", "remission_months", "blood_blasts_per_uL")
_OF_TUMOR = ("tumor_mL", "indolent")


class PopulationBlock(Part):
    """The patients a study recruits from.

    Attributes
    ----------
    setting : what the patients' disease is at entry.
    age_years, weight_kg, height_cm : spreads; a weight or height left out follows from age and sex.
    female, ph_positive, prior_hsct, extramedullary : shares of patients.
    marrow_blasts_percent : blasts among marrow cells at entry; none in the setting mrd_positive.
    salvage_line : 0 no salvage yet, 1 first salvage, ...; an open class such as ``3+`` is 3 or more.
    mrd_log10 : leukemic share of marrow cells, log10; setting mrd_positive only.
    remission_months : length of the last remission before this relapse; 0: refractory to the last treatment.
    performance : ECOG classes at entry, 0 to 4; trials ask for 0 to 2, registries take all.
    blood_blasts_per_uL, cd8_per_uL : spreads; left out: from the model.
    tumor_mL, indolent : volume of the tumor, and share of slowly growing lymphomas; setting lymphoma only.
    lineage : of the blasts, B or T or the share of each; T has no CD19 and no CD22. Left out: B.
    cd20_positive : share of patients with CD20 on their blasts; an engager of CD20 does nothing to those without.
    unrelated_donor : share of patients whose donor, were they transplanted, is not a relative.
    other : further numeric covariates by name, for eligibility and subgroups.
    """

    setting: Setting = "relapsed_refractory"
    age_years: Age  # type: ignore[valid-type]
    female: YesNo
    weight_kg: Weight | None = None  # type: ignore[valid-type]
    height_cm: Height | None = None  # type: ignore[valid-type]
    ph_positive: YesNo
    marrow_blasts_percent: Percent | None = None  # type: ignore[valid-type]
    salvage_line: CategoryTable
    prior_hsct: YesNo
    performance: CategoryTable | None = None
    extramedullary: YesNo
    mrd_log10: Log10Level | None = None  # type: ignore[valid-type]
    blood_blasts_per_uL: CellCount | None = None  # type: ignore[valid-type]
    cd8_per_uL: CellCount | None = None  # type: ignore[valid-type]
    remission_months: Months | None = None  # type: ignore[valid-type]
    tumor_mL: Volume | None = None  # type: ignore[valid-type]
    indolent: YesNo | None = None
    lineage: Lineage | None = None
    cd20_positive: YesNo | None = None
    unrelated_donor: YesNo | None = None
    other: dict[str, AnyNumber] = Field(default_factory=dict)  # type: ignore[valid-type]

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        setting = raw.get("setting", "relapsed_refractory")
        defaults = _DEFAULTS.get(setting) if isinstance(setting, str) else None
        # A wrong setting is reported by its own field; any defaults keep the rest readable.
        return {**(defaults or _DEFAULTS["relapsed_refractory"]), **raw}

    @model_validator(mode="after")
    def _burden_fits_setting(self) -> PopulationBlock:
        if self.setting == "mrd_positive" and self.marrow_blasts_percent is not None:
            refuse(
                "marrow_blasts_percent has no place in the setting mrd_positive (below 5 % by definition)",
                "Give mrd_log10 instead.",
            )
        if self.setting != "mrd_positive" and self.mrd_log10 is not None:
            refuse("mrd_log10 belongs to the setting mrd_positive", "Give marrow_blasts_percent instead.")
        is_nodal = self.setting == LYMPHOMA
        misplaced = [name for name in (_OF_MARROW if is_nodal else _OF_TUMOR) if getattr(self, name) is not None]
        if misplaced:
            other = "the settings of leukemia" if is_nodal else "the setting lymphoma"
            refuse(f"{', '.join(misplaced)}: belongs to {other}", "Leave it out.")
        taken = [name for name in self.other if not _is_free(name)]
        if taken:
            refuse(
                f"other: {', '.join(map(repr, taken))} must be a new plain name such as ldh_per_uln",
                "Names of the population's keys and of the tables' columns are taken.",
            )
        return self

    def spreads(self) -> dict[str, Distribution]:
        """Every covariate that is given a spread, in the order of the file format."""
        named = {name: getattr(self, name) for name in type(self).model_fields if name not in _NOT_A_SPREAD}
        named = {_COLUMN.get(name, name): spread for name, spread in named.items()}
        return {name: spread for name, spread in {**named, **self.other}.items() if spread is not None}

    def covariates(self) -> dict[str, str]:
        """Names usable in eligibility and subgroups, each with its kind: number, category or yes_no."""
        own = {name: "number" for name in self.spreads()}
        absent = _OF_MARROW if self.setting == LYMPHOMA else ()
        known = [one for one in COVARIATES if (one.is_known and one.name not in absent) or one.name in own]
        return {**own, **{one.name: one.kind for one in known}}


def broken_rule_of(name: str, value: float) -> tuple[str, str] | None:
    """The rule that this value of a covariate breaks, and what to do; None when a patient can have it."""
    try:
        PopulationBlock.model_validate({name: value})
    except ValidationError as error:
        return broken_rule(error.errors()[0])
    return None


def _is_free(name: str) -> bool:
    """Whether a covariate of one's own may have this name: no key, column or word of a condition has it."""
    taken = name in PopulationBlock.model_fields or name in RESERVED
    return name.isidentifier() and not iskeyword(name) and name.lower() not in ("true", "false", "none") and not taken


_NOT_A_SPREAD = ("setting", "other")
# What a key is called as a covariate, where it has another name.
_COLUMN = {"lineage": "t_lineage"}
# Columns of the patients table and covariates that are made, not given; an outcome of the name of a key is none.
RESERVED = tuple(one.name for one in patient_columns())
