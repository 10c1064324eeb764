"""What is wrong between the blocks of a study file that are each right alone.

In: parsed blocks. Out: problems by key. Not here: notes on what is right but may be a slip (`Protocol.notes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engager.core import InputError, Problem, nearest, parse_condition
from engager.evidence import trial_endpoints
from engager.protocol.curves import curve_problems
from engager.protocol.decision_checks import design_problems
from engager.protocol.disease.model_choice import ModelChoice, disease_of, drug_problems, known_drugs, model_with
from engager.protocol.disease.needs import missing_parts
from engager.protocol.population import LYMPHOMA, PopulationBlock
from engager.protocol.regimen import CHEMOTHERAPY

if TYPE_CHECKING:
    import polars as pl

_USUAL_MARROW_DAY = 29
_USUAL_DRUGS = ("blinatumomab", CHEMOTHERAPY)
# Parts that the usual model has for lymphoma alone.
_NODAL = {"tumor", "seen.b_per_uL", "seen.il6_pg_per_mL"}


def disagreements(blocks: dict[str, Any]) -> list[Problem]:
    """What is wrong between blocks that are each right alone.

    Parameters
    ----------
    blocks : parsed blocks by name. A block that could not be read is missing, an arm or a target that could
        not be read is None; what needs them is skipped.
    """
    return [
        *_model_problems(blocks),
        *_allocation_problems(blocks),
        *_condition_problems(blocks),
        *_transplant_problems(blocks),
        *_target_problems(blocks),
        *_curve_problems(blocks),
        *_visit_problems(blocks),
        *design_problems(blocks),
    ]


def _model_problems(blocks: dict[str, Any]) -> list[Problem]:
    """A model that shows what the study asks for, and arms that give an engager that it takes, or chemotherapy."""
    choice, described = blocks.get("model"), blocks.get("drugs") or {}
    arms = {arm_id: arm for arm_id, arm in (blocks.get("arms") or {}).items() if arm is not None}
    if choice is None or _is_usual(blocks, arms):
        return []  # what nearly every file has needs no model to be read
    problems = drug_problems(described)
    try:
        disease = disease_of(choice)
    except InputError as error:
        return [*problems, *error.problems]
    problems += missing_parts(blocks, disease, str(choice))
    wrong = {problem.where.split(".")[1] for problem in problems if problem.where.startswith("drugs.")}
    for arm_id, arm in arms.items():
        drug = arm.regimen.drug
        if drug in wrong:
            continue
        known = known_drugs(disease, described)
        if drug not in (*known, CHEMOTHERAPY):
            rule = f"must be an engager that the model takes ({', '.join(known)}), or {CHEMOTHERAPY}"
            hint = nearest(drug, known) or "Describe it under `drugs`, or name a drug file beside the study file."
            problems.append(Problem(f"arms.{arm_id}.regimen.drug", drug, rule, hint))
            continue
        try:
            model_with(disease, drug, described)
        except InputError as error:
            problems += [Problem(f"arms.{arm_id}.regimen.drug", drug, f"{one.where}: {one.rule}", one.next_step)
                         for one in error.problems]  # fmt: skip
    return problems


def _is_usual(blocks: dict[str, Any], arms: dict[str, Any]) -> bool:
    """Whether a study is one of leukemia in the usual model with its own drug, which has all the parts of that."""
    choice, population = blocks["model"], blocks.get("population")
    named = [one.id for one in blocks.get("endpoints") or () if one is not None]
    named += [one.endpoint for one in blocks.get("targets") or () if one is not None and one.is_simulated]
    return (
        choice == ModelChoice()
        and not blocks.get("drugs")
        and (population is None or population.setting != LYMPHOMA)
        and all(arm.regimen.drug in _USUAL_DRUGS for arm in arms.values())
        and not any(_NODAL & set(trial_endpoints()[one].needs) for one in named)
    )


def _allocation_problems(blocks: dict[str, Any]) -> list[Problem]:
    allocation, arms = blocks.get("allocation"), blocks.get("arms")
    if allocation is None or arms is None or not allocation.ratio:
        return []
    if len(allocation.ratio) != len(arms):
        rule = f"must have one number for each of the {len(arms)} arms"
        return [Problem("allocation.ratio", list(allocation.ratio), rule)]
    return []


def _condition_problems(blocks: dict[str, Any]) -> list[Problem]:
    population = blocks.get("population")
    # Without a population that can be read, conditions are read but their names are not looked up.
    names = None if population is None else population.covariates()
    eligibility = enumerate(blocks.get("eligibility") or ())
    texts = [(f"eligibility[{i}]", text) for i, text in eligibility if text is not None]
    if (allocation := blocks.get("allocation")) is not None:
        texts += [(f"allocation.strata[{i}]", text) for i, text in enumerate(allocation.stratum_conditions())]
    for i, target in enumerate(blocks.get("targets") or ()):
        if target is not None and target.subgroup is not None:
            texts.append((f"targets[{i}].subgroup", target.subgroup))
    problems: list[Problem] = []
    for where, text in texts:
        try:
            condition = parse_condition(text, names, where)
            if population is not None:
                condition.holds(_anybody(population))
        except InputError as error:
            problems += [Problem(where, text, one.rule, one.next_step) for one in error.problems]
    return problems


def _anybody(population: PopulationBlock) -> pl.DataFrame:
    """One patient, so that a condition that compares unlike things is refused before anything is simulated."""
    import polars as pl

    values = {"number": pl.Series([1.0]), "category": pl.Series([1], dtype=pl.Int32), "yes_no": pl.Series([True])}
    return pl.DataFrame({name: values[kind] for name, kind in population.covariates().items()})


def _transplant_problems(blocks: dict[str, Any]) -> list[Problem]:
    hsct, arms = blocks.get("hsct"), blocks.get("arms")
    if hsct is None or arms is None or not isinstance(hsct.probability, dict):
        return []
    return [
        Problem(
            f"hsct.probability.{name}",
            hsct.probability[name],
            "must be an arm of the study",
            _arms_hint(arms),
        )
        for name in hsct.probability
        if name not in arms
    ]


def _target_problems(blocks: dict[str, Any]) -> list[Problem]:
    arms, targets = blocks.get("arms"), blocks.get("targets")
    if arms is None or targets is None:
        return []
    problems = []
    for i, target in enumerate(targets):
        if target is None:
            continue
        keys = ("treatment", "control") if target.measure else ("arm",)
        for key in keys:
            name = getattr(target, key)
            if name is None and len(arms) > 1:
                problems.append(Problem(f"targets[{i}].{key}", None, "must name an arm", _arms_hint(arms)))
            elif name is not None and name not in arms:
                problems.append(Problem(f"targets[{i}].{key}", name, "must be an arm of the study", _arms_hint(arms)))
        if target.measure and target.treatment == target.control:
            problems.append(Problem(f"targets[{i}].control", target.control, "must differ from the treatment"))
    if blocks.get("simulated_only") and targets:
        problems.append(
            Problem("simulated_only", True, "must be false when there are targets", "Remove one of the two.")
        )
    return problems


def _curve_problems(blocks: dict[str, Any]) -> list[Problem]:
    follow_up = blocks.get("follow_up")
    return curve_problems(blocks.get("targets") or (), None if follow_up is None else follow_up.months)


def _visit_problems(blocks: dict[str, Any]) -> list[Problem]:
    visits = blocks.get("visits")
    regimens = [arm.regimen for arm in (blocks.get("arms") or {}).values() if arm is not None]
    if visits is None or not regimens:
        return []
    longest = max(regimen.longest_cycle for regimen in regimens)
    last = visits.marrow_days.last
    # The usual day after four weeks of treatment may stand: in a shorter cycle it means the end of the cycle.
    if last is not None and last > max(longest, _USUAL_MARROW_DAY):
        rule = f"must lie within a cycle; the longest has {longest} days"
        return [Problem("visits.marrow_days", str(visits.marrow_days), rule)]
    return []


def _arms_hint(arms: dict[str, Any]) -> str:
    return "Arms: " + ", ".join(arms) + "."
