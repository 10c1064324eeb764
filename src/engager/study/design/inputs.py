"""What a design study is asked for: its arguments checked, and what its manifest says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engager.core import DESIGN_REPLICATES, MOST_REPLICATES, InputError, Problem, digest, digest_object, versions
from engager.population import PopulationValues, Settings
from engager.protocol import Protocol, design_problems, write_protocol
from engager.study.design.plan import MEDIAN, POSTERIOR, plan_of
from engager.study.design.rules import Prior, two_stages
from engager.study.design.scenarios import scenarios_of
from engager.study.parameters import Parameters


def check_design(
    protocol: Protocol, replicates: int, seed: int, patients: Sequence[int], n_threads: int | None, parameters: str
) -> None:
    """Refuse bad arguments of `design_study`, all together."""
    problems = []
    if protocol.design is None:
        rule = "must be a study with a design block"
        problems.append(Problem("study", protocol.study, rule, "See docs/how-to/design.md."))
    elif patients:
        block = protocol.design.model_copy(update={"patients": tuple(patients)})
        blocks = {"design": block, "arms": protocol.arms, "endpoints": protocol.endpoints}
        found = design_problems({**blocks, "allocation": protocol.allocation})
        problems += [replace(one, where="--patients") for one in found if one.where == "design.patients"]
    if not 2 <= replicates <= MOST_REPLICATES:
        rule = f"must be between 2 and {MOST_REPLICATES}"
        problems.append(Problem("--replicates", replicates, rule, f"The default is {DESIGN_REPLICATES}."))
    if seed < 0:
        problems.append(Problem("--seed", seed, "must be a whole number from 0", "The default is 1."))
    if n_threads is not None and n_threads < 1:
        problems.append(Problem("--threads", n_threads, "must be at least 1", "Leave it out for all cores."))
    if parameters != "posterior" and not parameters.endswith(".json"):
        rule = "must be posterior, or a posterior file (.json)"
        problems.append(Problem("--parameters", parameters, rule, "The posterior's median is always told as well."))
    if problems:
        raise InputError(problems)


def patients_simulated(protocol: Protocol) -> int:
    """Patients that a design simulates for one virtual trial: its largest size, all scenarios, worlds and settings.

    Raises
    ------
    InputError
        When the study has no design, or a scenario leads nowhere.
    """
    check_design(protocol, DESIGN_REPLICATES, 0, (), None, "posterior")
    scenarios = scenarios_of(protocol)
    design = scenarios[0].protocol.design
    assert design is not None
    stages = two_stages(design) if design.test_of(protocol.arms) == "simon" else None
    settings: dict[str, Settings] = dict.fromkeys((POSTERIOR, MEDIAN), lambda replicate: PopulationValues())
    plans = [plan_of(one, settings, stages) for one in scenarios]
    return sum({job.key: job.n for plan in plans for jobs in plan.jobs.values() for job in jobs}.values())


def design_manifest(
    protocol: Protocol, seed: int, replicates: int, parameters: str, values: Parameters, prior: Prior | None
) -> dict[str, Any]:
    """Hashes of everything the numbers come from, seed and versions."""
    text = write_protocol(protocol)
    inputs = {
        "protocol": digest(text),
        **protocol.model_hashes(),
        f"parameters:{values.used}": values.hash,
    }
    if prior is not None:
        inputs["historical prior"] = digest_object(prior.as_dict())
    return {
        "kind": "design",
        "study": protocol.study,
        "seed": seed,
        "replicates": replicates,
        "parameters": parameters,
        "protocol": text,
        "inputs": inputs,
        "versions": versions(),
    }
