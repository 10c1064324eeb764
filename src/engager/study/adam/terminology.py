"""Published code lists and standards that an export refers to.

Codes are those of the NCI Thesaurus, which CDISC publishes its terminology through; only values that an export can
hold stand here. A code stands only where it was seen in the examples that CDISC publishes with Define-XML, which name
the packages below; a term whose code was not seen has none.

References
----------
CDISC Define-XML 2.0 and 2.1, examples for SDTM and ADaM (as kept with github.com/defineEditor/parse-define-xml,
test/data): SDTM Controlled Terminology of 2018-06-29, ADaM Controlled Terminology of 2017-09-29. ADaMIG 1.1; ADaM OCCDS
1.0; ADaM BDS for TTE 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass

SDTM_TERMS, ADAM_TERMS = "STD.CT.SDTM", "STD.CT.ADAM"
# OID, Name, Type, Version and, for terminology, PublishingSet, as Define-XML 2.1 declares standards.
STANDARDS = (
    ("STD.ADAMIG", "ADaMIG", "IG", "1.1", ""),
    ("STD.OCCDS", "ADaM OCCDS", "IG", "1.0", ""),
    ("STD.TTE", "BDS for TTE", "IG", "1.0", ""),
    (SDTM_TERMS, "CDISC/NCI", "CT", "2018-06-29", "SDTM"),
    (ADAM_TERMS, "CDISC/NCI", "CT", "2017-09-29", "ADaM"),
)
OID_OF_GUIDE = {"ADaMIG": "STD.ADAMIG", "OCCDS": "STD.OCCDS", "TTE": "STD.TTE"}


@dataclass(frozen=True)
class CodeList:
    """A published code list: its NCI code and publisher, by value the meaning and the NCI code (empty: not seen)."""

    name: str
    code: str
    publisher: str
    terms: dict[str, tuple[str, str]]


LISTS = {
    "NY": CodeList("No Yes Response", "C66742", SDTM_TERMS, {"N": ("No", "C49487"), "Y": ("Yes", "C49488")}),
    "Y": CodeList("No Yes Response, subset Y", "C66742", SDTM_TERMS, {"Y": ("Yes", "C49488")}),
    "SEX": CodeList("Sex", "C66731", SDTM_TERMS, {"F": ("Female", "C16576"), "M": ("Male", "C20197")}),
    "AGEU": CodeList("Age Unit", "C66781", SDTM_TERMS, {"YEARS": ("Year", "C29848")}),
    "OUT": CodeList("Outcome of Adverse Event", "C66768", SDTM_TERMS, {"FATAL": ("Fatal", "C48275")}),
    "ACN": CodeList(
        "Action Taken with Study Treatment",
        "C66767",
        SDTM_TERMS,
        {
            "DOSE NOT CHANGED": ("Dose not changed", "C49504"),
            "DRUG INTERRUPTED": ("Drug interrupted", "C49501"),
            "DRUG WITHDRAWN": ("Drug withdrawn", "C49502"),
            "NOT APPLICABLE": ("Not applicable", "C48660"),
        },
    ),
    "AESEV": CodeList(
        "Severity/Intensity Scale for Adverse Events",
        "C66769",
        SDTM_TERMS,
        {"MILD": ("Grade 1", "C41338"), "MODERATE": ("Grade 2", "C41339"), "SEVERE": ("Grade 3", "C41340")},
    ),
    "SBJTSTAT": CodeList(
        "Subject Trial Status",
        "C124296",
        ADAM_TERMS,
        {
            "COMPLETED": ("Completed", "C25250"),
            "DISCONTINUED": ("Discontinued", "C25484"),
            "ONGOING": ("Ongoing", ""),
        },
    ),
}
_BY_NAME = {
    "SEX": "SEX",
    "AGEU": "AGEU",
    "EOTSTT": "SBJTSTAT",
    "EOSSTT": "SBJTSTAT",
    "AESEV": "AESEV",
    "AEOUT": "OUT",
    "AEACN": "ACN",
    "AESER": "NY",
    "AESDTH": "NY",
}
# Flags that are either Y or missing; a population flag is Y or N.
_EITHER = frozenset({"ITTFL", "SAFFL", "PRHSCTFL", "PHFL", "EMDFL", "INREMFL", "UNTRTFL", "CRIT1FL", "HSCTRSFL"})


def standard_list_of(name: str, kind: str) -> str:
    """The published code list of a variable by its name, empty when there is none."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if kind == "text" and name.endswith("FL"):
        return "NY" if name in _EITHER else "Y"
    return ""
