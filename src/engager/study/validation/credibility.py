"""The page on how far the model can be trusted: a validation, or a fit to courses, put into the report's own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engager.calibration import TimeCourseFit, fit_defaults, shipped_posterior, width_ratio
from engager.core import DASH, quantity, versions, whole_percent, write_whole
from engager.model import Model, load_model
from engager.population import PopulationValues, ValueName
from engager.report import CredibilityContent, render_credibility
from engager.study.parameters import of_each_study, population_parameters
from engager.study.run.comparing import told_comparisons
from engager.study.run.individuals import OBSERVED_MODEL, section_of
from engager.study.sensitivity.drivers import drivers_section
from engager.study.sensitivity.words import meaning_of
from engager.study.validation.validate import Validation

_SHIPPED = "the values of the fit to these readings that ships"


def credibility_content(
    found: Validation | None, observations: Sequence[Mapping[str, Any]], command: str, seed: int
) -> CredibilityContent:
    """What the page of a validation shows.

    Parameters
    ----------
    found : None: only individual patients are shown.
    observations : rows of `calibration.validate_observations`.
    command : the line that made it. seed : of the virtual patients.
    """
    model = load_model(OBSERVED_MODEL)
    predictive = section_of(None, seed, _SHIPPED) if observations else None
    made = [f"Made by {command} on {datetime.now(UTC):%Y-%m-%d}.", _provenance(model)]
    facts = [(model.id, "model"), (str(seed), "seed")]
    if found is None:
        return CredibilityContent(
            title="Individual patients and the model",
            facts=facts,
            predictive=predictive,
            observations=observations,
            made=made,
            versions=versions(),
        )
    told = told_comparisons(found.comparisons, found.uncertainties, found.has_draws)
    choice = of_each_study(found.parameters, "", model.id)
    studies: dict[str, list[dict[str, Any]]] = {}
    for one, row in zip(found.comparisons, told, strict=True):
        studies.setdefault(one.study, []).append(row | {"width_ratio": width_ratio(one)})
    counted = [(use, words, *found.inside(use)) for use, words in (("fit", "fitted"), ("check", "checked"))]
    facts = [*((f"{inside} of {n}", f"{words} figures inside") for _, words, inside, n in counted if n),
             (str(found.replicates), "virtual trials of each study"), *facts]  # fmt: skip
    sentences = [f"Note: {note}." for note in found.notes]
    if found.n_failed:
        sentences.append(f"{found.n_failed} virtual patients could not be followed to the end and are left out.")
    return CredibilityContent(
        title="How far the model can be trusted",
        facts=facts,
        sentences=sentences,
        bands=_bands(found),
        studies=studies,
        tells_parameters=found.has_draws,
        not_simulated=found.not_simulated,
        predictive=predictive,
        observations=observations,
        drivers=drivers_section(model.id, population_parameters(model.id, seed, choice)),
        made=made,
        versions=versions(),
    )


def calibration_content(fit: TimeCourseFit, command: str) -> CredibilityContent:
    """What the page of a fit to courses shows: its estimates, what it held, and individual patients."""
    model = load_model(fit.provenance["model"])
    seed = int(fit.provenance["seed"])
    free = [name for name in fit.population if name in fit.standard_errors]
    # Of a value that was estimated, it is the spread that was held.
    held = {str(ValueName("spread", name)) if name in free else name: reason for name, reason in fit.held.items()}
    n_unpinned = sum(fit.standard_errors[name] is None for name in free)
    notes = [
        "Typical values, and as .sd the standard deviation of the logarithm between patients."
        " Standard errors are of the logarithm, about % of the value. Shrinkage: 0 % when the readings fix each"
        " patient's own value, 100 % when they say nothing of an individual.",
    ]
    if n_unpinned:
        notes.append(f"{n_unpinned} values have no standard error: their likelihood does not fall on both sides.")
    return CredibilityContent(
        title="Fit to readings of individual patients",
        facts=[(model.id, "model"), (str(seed), "seed"), (str(len(free)), "values estimated")],
        sentences=[f"Method: {fit.provenance['method']}."] if "method" in fit.provenance else [],
        parameters=[_estimate(name, fit, model) for name in free],
        held=[{"name": name, "meaning": meaning_of(name, model), "reason": reason} for name, reason in held.items()],
        notes=notes,
        predictive=section_of(PopulationValues.read(fit.population), seed, "the values of this fit"),
        made=[f"Made by {command} on {datetime.now(UTC):%Y-%m-%d}.", f"Model {model.id} {model.hash[:12]}."],
        versions=versions(),
    )


def write_credibility(content: CredibilityContent, path: Path) -> None:
    """Write the page; an old one is replaced as a whole."""
    write_whole(path, render_credibility(content))


def _estimate(name: str, fit: TimeCourseFit, model: Model) -> dict[str, str]:
    error, ends = fit.standard_errors[name], fit.profiles.get(name)
    row = model.parameters.get(name)
    scale = row.to_model if row else 1.0
    shrinkage = fit.shrinkage.get(name)
    low, high = ("open" if end is None else quantity(end / scale) for end in ends) if ends else ("", "")
    return {
        "name": name,
        "meaning": meaning_of(name, model),
        "estimate": quantity(fit.population[name] / scale),
        "unit": row.unit if row and row.unit != "1" else "",
        "error": whole_percent(error),
        "interval": f"{low} to {high}" if ends else DASH,
        "shrinkage": whole_percent(shrinkage),
    }


def _bands(found: Validation) -> list[dict[str, Any]]:
    rows = []
    for band in found.acceptance():
        is_share = band.inside is not None
        value = DASH if band.found is None else whole_percent(band.found) if is_share else f"{band.found:.2f}"
        if is_share:
            value += f" ({band.inside} of {band.n})"
        limit = f"{100 * band.limit:.0f} %" if is_share else f"{band.limit:g}"
        words = band.words[:1].upper() + band.words[1:]
        rows.append(
            {
                "what": words,
                "band": f"at {'most' if band.is_most else 'least'} {limit}",
                "found": value,
                "met": band.is_met,
            }
        )
    return rows


def _provenance(model: Model) -> str:
    posterior = shipped_posterior(fit_defaults()["model"])
    text = f"Model {model.id} {model.hash[:12]}."
    if posterior is None:
        return f"{text} No posterior ships with it."
    made = posterior.provenance
    return (
        f"{text} Posterior that ships: {len(posterior.draws)} draws from {len(made.get('data_points', ()))} figures,"
        f" seed {made.get('seed')}, model {posterior.model_hash[:12]}."
    )
