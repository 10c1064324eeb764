"""What a study asks of its model: where doses go, what its visits see, what its endpoints count.

In: the blocks of a study. Out: the parts that the model lacks, told by the key that asks for them. A model without
hazards of death, say, runs a study that counts responses, and a study that names OS is refused for OS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engager.core import Problem
from engager.evidence import trial_endpoints
from engager.model import DiseaseRoles, Model
from engager.protocol.endpoints import Endpoint
from engager.protocol.population import LYMPHOMA, PopulationBlock

# Of the disease at entry, by setting.
_OF_LEUKEMIA = (
    "clones", "sanctuary", "pools.antigen_positive", "seen.marrow_blasts_percent", "seen.log10_mrd",
    "seen.blood_blasts_per_uL", "seen.neutrophils_per_uL", "seen.platelets_per_uL", "fixed_by.marrow_blasts_percent",
)  # fmt: skip
_OF_LYMPHOMA = ("tumor", "with_tumor")
_OF_CHEMOTHERAPY = ("doses.chemotherapy", "chemotherapy_sensitivity")
_OF_TRANSPLANT = tuple(f"transplant.{part}" for part in ("emptied", "stem", "grafted", "window", "late_effects"))


def missing_parts(blocks: dict[str, Any], model: Model, name: str) -> list[Problem]:
    """Parts that a study asks for and its model does not offer.

    Parameters
    ----------
    blocks : parsed blocks of the study by name; what could not be read is missing.
    name : of the model, for messages.
    """
    problems = []
    for where, value, parts in _asked(blocks):
        if missing := model.roles.lacking(parts):
            names = ", ".join(one.replace("|", " or ") for one in missing)
            rule = f"needs what the model {name} does not have: {names}"
            having = [one for one, disease in model.diseases.items() if not disease.roles.lacking(missing)]
            other = "".join(f" model: {{id: {model.id}, variant: {one}}} has it." for one in having)
            problems.append(Problem(where, value, rule, f"{_hint(where)}{other}"))
    return problems


def default_endpoint_names(roles: DiseaseRoles, endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Those of a setting's usual endpoints that the model can show."""
    return tuple(one for one in endpoints if not roles.lacking(one.kind.needs))


def _asked(blocks: dict[str, Any]) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """Key, value and the parts that it asks for."""
    population: PopulationBlock | None = blocks.get("population")
    if population is not None:
        is_nodal = population.setting == LYMPHOMA
        yield "population.setting", population.setting, _OF_LYMPHOMA if is_nodal else _OF_LEUKEMIA
        if population.lineage is not None:
            yield "population.lineage", str(population.lineage), ("without_antigen",)
        if population.cd20_positive is not None:
            yield "population.cd20_positive", str(population.cd20_positive), ("without_antigen",)
    for arm_id, arm in (blocks.get("arms") or {}).items():
        if arm is None:
            continue
        if arm.regimen.is_chemotherapy:
            yield f"arms.{arm_id}.regimen.drug", arm.regimen.drug, (*_OF_CHEMOTHERAPY, "marrow_toxicity")
        else:
            yield f"arms.{arm_id}.regimen.route", arm.regimen.route, (f"doses.{arm.regimen.route}",)
    if (hsct := blocks.get("hsct")) is not None and hsct.offer != "never":
        yield "hsct.offer", hsct.offer, _OF_TRANSPLANT
    if (later := blocks.get("later_therapy")) is not None:
        for i, line in enumerate(later.lines):
            courses = _OF_CHEMOTHERAPY if line.agent == "chemotherapy" else ()
            yield f"later_therapy.lines[{i}].agent", line.agent, ("pools.antigen_positive", *courses)
    for i, endpoint in enumerate(blocks.get("endpoints") or ()):
        if endpoint is not None:
            yield f"endpoints[{i}].id", endpoint.id, endpoint.kind.needs
    for i, target in enumerate(blocks.get("targets") or ()):
        if target is not None and target.is_simulated:
            yield f"targets[{i}].endpoint", target.endpoint, trial_endpoints()[target.endpoint].needs


def _hint(where: str) -> str:
    return {
        "population": "setting: lymphoma belongs to models with a nodal tumor, the others to those with a marrow.",
        "hsct": "Write hsct: never.",
        "later_therapy": "Write later_therapy: never.",
    }.get(where.partition(".")[0], "Leave it out, or choose another model.")
