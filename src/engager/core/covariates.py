"""What is known of a patient at entry: each covariate's kind, words, typical value and name in an export.

The one list: `protocol` takes from it which names a condition may ask for, `trial` how a column is typed, `study` what
a patient of whom nothing is said has, what a figure calls it, and what `study.adam` exports. Which distributions a
study file may give is said by the fields of `protocol.PopulationBlock`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "category", "yes_no"]


@dataclass(frozen=True)
class Covariate:
    """One covariate.

    Attributes
    ----------
    name : in study files and in the tables.
    kind : a number, a whole number of classes, or yes and no.
    meaning : what a figure calls it.
    typical : of the typical adult (`engager patient`); None: nothing is said.
    is_known : every study has it, so that every condition may ask for it.
    adam : variable and label of an ADaM export; None: exported otherwise or not at all.
    column : in the patients table when it has another name there.
    spoken : in a condition told to readers: noun and unit, or what a patient is said to be for yes and for no.
    """

    name: str
    kind: Kind
    meaning: str
    typical: float | None = None
    is_known: bool = False
    adam: tuple[str, str] | None = None
    column: str = ""
    spoken: tuple[str, str] | None = None

    @property
    def in_table(self) -> str:
        """Its column in the patients table."""
        return self.column or self.name


# Typical values are TOWER's medians (evidence record tower-2017); size and counts of an average adult, assumed.
COVARIATES = (
    Covariate("age_years", "number", "age", 37.0, spoken=("age", "years")),
    Covariate("female", "yes_no", "sex", 0.0, is_known=True, spoken=("women", "men")),
    Covariate("weight_kg", "number", "weight", 75.0, True, ("WEIGHTBL", "Weight at Baseline (kg)"),
              spoken=("weight", "kg")),
    Covariate("height_cm", "number", "height", 172.0, True, ("HEIGHTBL", "Height at Baseline (cm)"),
              spoken=("height", "cm")),
    Covariate("bsa_m2", "number", "body surface", None, True, ("BSABL", "Body Surface Area at Baseline (m2)"),
              spoken=("body surface", "m²")),
    Covariate("marrow_blasts_percent", "number", "marrow blasts at entry", 80.0, True,
              ("BMBLSTBL", "Marrow Blasts at Baseline (%)"), spoken=("marrow blasts", "%")),
    Covariate("blood_blasts_per_uL", "number", "blasts in blood at entry",
              adam=("PBBLSTBL", "Blood Blasts at Baseline (/uL)"), spoken=("blasts in blood", "per µL")),
    Covariate("cd8_per_uL", "number", "CD8 T cells in blood at entry", adam=("CD8BL", "CD8 T Cells at Baseline (/uL)"),
              spoken=("CD8 T cells in blood", "per µL")),
    Covariate("mrd_log10", "number", "residual disease at entry", adam=("MRDBL", "Log10 MRD at Baseline"),
              column="entry_mrd_log10", spoken=("log10 of residual disease", "")),
    Covariate("salvage_line", "category", "salvage line", 1.0, True, ("SALVLINE", "Line of Salvage (0 = None)"),
              spoken=("salvage line", "")),
    Covariate("performance", "category", "performance status", None, True,
              ("ECOGBL", "ECOG Performance Status at Baseline"), spoken=("performance status", "")),
    Covariate("remission_months", "number", "length of the last remission",
              adam=("REMDURBL", "Last Remission before Entry (Months)"), spoken=("last remission", "months")),
    Covariate("prior_hsct", "yes_no", "earlier transplant", 0.0, True, ("PRHSCTFL", "Prior HSCT Flag"),
              spoken=("earlier transplant", "no earlier transplant")),
    Covariate("ph_positive", "yes_no", "Philadelphia chromosome", 0.0, True,
              ("PHFL", "Philadelphia Chromosome Positive Flag"), spoken=("Ph-positive", "Ph-negative")),
    Covariate("extramedullary", "yes_no", "extramedullary disease", 0.0, True,
              ("EMDFL", "Extramedullary Disease Flag"), spoken=("extramedullary disease", "no extramedullary disease")),
    # of a study that names them
    Covariate("tumor_mL", "number", "volume of the tumor at entry", adam=("TUMORBL", "Tumor Volume at Baseline (mL)"),
              spoken=("tumor", "mL")),
    Covariate("indolent", "yes_no", "indolent lymphoma", adam=("INDOLFL", "Indolent Lymphoma Flag"),
              spoken=("indolent lymphoma", "lymphoma that is not indolent")),
    Covariate("t_lineage", "yes_no", "T lineage", adam=("TLINFL", "T Lineage Flag"), spoken=("T lineage", "B lineage")),
    Covariate("cd20_positive", "yes_no", "CD20 on blasts", adam=("CD20FL", "CD20 Positive Flag"),
              spoken=("CD20-positive", "CD20-negative")),
    Covariate("unrelated_donor", "yes_no", "unrelated donor", adam=("UNRDONFL", "Unrelated Donor Flag"),
              spoken=("unrelated donor", "related donor")),
    # made from the study and from other covariates
    Covariate("in_remission", "yes_no", "remission at entry", adam=("INREMFL", "Entered in Remission Flag"),
              spoken=("in remission at entry", "not in remission at entry")),
    Covariate("untreated", "yes_no", "no earlier treatment", adam=("UNTRTFL", "Leukemia Never Treated Before Flag"),
              spoken=("untreated", "treated before")),
    Covariate("remission_log", "number", "length of the last remission"),
    Covariate("second_remission", "yes_no", "second or later remission",
              spoken=("second or later remission", "first remission")),
    Covariate("start_year", "number", "first year of the study", is_known=True, spoken=("first year of the study", "")),
)  # fmt: skip
WHOLE_NUMBERS = (*(one.name for one in COVARIATES if one.kind == "category"), "start_year")


def covariate(name: str) -> Covariate | None:
    """The covariate of that name; None for one of a study's own."""
    return next((one for one in COVARIATES if one.name == name), None)
