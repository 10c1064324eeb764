"""Words of the dashboard: its pages, where the cases lead, the glossary."""

from __future__ import annotations

from engager.evidence import known_endpoint, trial_endpoints

# address, words, names of the templates that belong there
PAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("/patient", "Patient", ("patient", "model")),
    ("/story", "Story", ("story",)),
    ("/trial", "Trial", ("trial",)),
    ("/design", "Design", ("design",)),
    ("/runs", "Runs", ("runs", "run", "job", "handout")),
    ("/evidence", "Evidence", ("evidence", "record", "synthesis", "add_record")),
    ("/review", "Review", ("review",)),
    ("/trust", "Trust", ("trust",)),
)
# Where a case of the gallery leads, by its name; the others lead to their study.
CASE_LINKS: dict[str, str] = {
    "no-response": "/story?patient=2",
    "escape": "/patient?preset=negative-clone&days=168",
    "or-chemotherapy": "/patient?other=flag",
    "review": "/review",
}


def _told(name: str) -> str:
    """What the vocabulary says of an endpoint, as a sentence."""
    what = trial_endpoints()[name].meaning
    if trial_endpoints()[name].kind == "time":
        what = f"{known_endpoint(name).label}: time until {what}"
    return f"{what[:1].upper()}{what[1:]}."


GLOSSARY: dict[str, str] = {
    **{name: _told(name) for name in ("CR", "CRh", "CRi", "OS", "EFS", "RFS")},
    "MRD": "Measurable residual disease: leukemia below what a microscope sees.",
    "CRS": "Cytokine release syndrome, graded 1 to 5.",
    "HSCT": "Allogeneic hematopoietic stem-cell transplant.",
    "replicate": "One whole virtual trial; many of them show how far chance reaches.",
    "prediction interval": "Where the figure of one new trial of the same size is expected.",
}
