"""Words of the dashboard: presets, sliders, where the cases lead, the glossary."""

from __future__ import annotations

# name, label, unit, least, most, step, usual
SLIDERS: tuple[tuple[str, str, str, float, float, float, float], ...] = (
    ("age_years", "Age", "years", 18, 85, 1, 37),
    ("weight_kg", "Weight", "kg", 40, 130, 1, 75),
    ("marrow_blasts_percent", "Blasts in marrow", "%", 5, 100, 1, 80),
    ("cd8_per_uL", "CD8 T cells in blood", "per uL", 10, 1000, 10, 200),
    ("CL", "Clearance of the drug", "L/h", 0.5, 8, 0.1, 2.2),
    ("cd19neg_fraction", "CD19-negative blasts, share", "", 0, 0.0001, 0.000001, 0.0),
)
PRESETS: dict[str, tuple[str, dict[str, float]]] = {
    "typical": ("A typical adult of TOWER", {}),
    "low-burden": ("Low burden", {"marrow_blasts_percent": 15}),
    "full-marrow": ("A full marrow and few T cells", {"marrow_blasts_percent": 98, "cd8_per_uL": 30}),
    "older": ("Seventy years old", {"age_years": 70}),
    "fast-clearance": ("Clears the drug fast", {"CL": 5}),
    "negative-clone": ("A CD19-negative clone", {"cd19neg_fraction": 0.0001}),
}
# What a moved slider says besides: a share of CD19-negative blasts is that of a patient who has such a clone.
IMPLIED: dict[str, dict[str, float]] = {"cd19neg_fraction": {"has_negative": 1.0}}
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
