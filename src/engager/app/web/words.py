"""Words of the dashboard: its pages, where the cases lead, the glossary."""

from __future__ import annotations

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
GLOSSARY: dict[str, str] = {
    "CR": "Complete remission: at most 5 % blasts in the marrow and recovered counts.",
    "CRh": "Complete remission with counts that have recovered in part.",
    "CRi": "Complete remission with counts that have hardly recovered.",
    "MRD": "Measurable residual disease: leukemia below what a microscope sees.",
    "OS": "Overall survival: time until death of any cause.",
    "EFS": "Event-free survival: time until no response, relapse or death.",
    "RFS": "Relapse-free survival: time from response until relapse or death.",
    "CRS": "Cytokine release syndrome, graded 1 to 5.",
    "HSCT": "Allogeneic hematopoietic stem-cell transplant.",
    "replicate": "One whole virtual trial; many of them show how far chance reaches.",
    "prediction interval": "Where the figure of one new trial of the same size is expected.",
}
