"""What a design needs simulated: sizes, worlds and settings of each scenario, and the arms of each."""

from __future__ import annotations

from dataclasses import dataclass

from engager.analysis import TwoStage
from engager.population import Settings
from engager.protocol import NullArm, Protocol
from engager.study.design.arms import ArmJob, alone, months_needed
from engager.study.design.scenarios import Scenario
from engager.study.parameters import Parameters, population_parameters

POSTERIOR, MEDIAN = "posterior", "posterior_median"
ALTERNATIVE, NULL = "alternative", "null"


@dataclass(frozen=True)
class Plan:
    """A scenario's sizes, and the jobs of each world and setting: the treated arm, then the control arm."""

    scenario: Scenario
    sizes: tuple[dict[str, int], ...]
    jobs: dict[tuple[str, str], tuple[ArmJob, ...]]


def plan_of(scenario: Scenario, settings: dict[str, Settings], stages: TwoStage | None) -> Plan:
    """What a scenario needs simulated.

    Parameters
    ----------
    settings : by name, how population values are drawn. stages : of a Simon design, which give its size.
    """
    protocol = scenario.protocol
    design = protocol.design
    assert design is not None
    treated, control = design.treatment_of(protocol.arms), design.control_of(protocol.arms)
    totals = (stages.n,) if stages is not None else design.patients or (protocol.n_patients,)
    sizes = tuple({arm: one.n for arm, one in protocol.with_patients(n).arms.items()} for n in totals)
    largest = {arm: max(size[arm] for size in sizes) for arm in protocol.arms}
    worlds: dict[str, NullArm | None] = {ALTERNATIVE: None}
    if (null := null_arm_of(protocol)) is not None:
        worlds[NULL] = null
    jobs = {}
    for world, treatment in worlds.items():
        sides = [(treated, treatment), *([(control, None)] if control is not None else [])]
        for setting, draw in settings.items():
            jobs[world, setting] = tuple(
                ArmJob(alone(protocol, arm, largest[arm], _months(protocol, arm, null), null), arm, setting, draw)
                for arm, null in sides
            )
    return Plan(scenario, sizes, jobs)


def null_arm_of(protocol: Protocol) -> NullArm | None:
    """What a null world gives the treated; None when the study does not tell."""
    design = protocol.design
    assert design is not None
    control = design.control_of(protocol.arms)
    if design.null_arm is not None or control is None:
        return design.null_arm
    arm = protocol.arms[control]
    return NullArm(regimen=arm.regimen, never_treated=arm.never_treated)


def _months(protocol: Protocol, arm: str, null: NullArm | None) -> float:
    design = protocol.design
    assert design is not None
    if design.is_time_to_event:
        return protocol.follow_up.months
    return months_needed(protocol, window_of(protocol, arm, null))


def window_of(protocol: Protocol, arm: str, null: NullArm | None = None) -> float | None:
    """Days within which the primary endpoint counts in an arm, or under what a null world gives it."""
    assert protocol.design is not None
    endpoint = protocol.endpoint(protocol.design.primary)
    if endpoint is None:
        return None
    if null is not None and endpoint.window_cycles is not None:
        return float(null.regimen.cycle_start(endpoint.window_cycles + 1))
    return protocol.window_days(endpoint, arm)


def settings_of(protocol: Protocol, seed: int, parameters: str) -> tuple[Parameters, dict[str, Settings]]:
    """The population values, and how each setting draws them; one setting when nothing was fitted."""
    values = population_parameters(protocol.model.id, seed, parameters)
    if not values.has_draws:
        return values, {POSTERIOR: values.settings}
    return values, {POSTERIOR: values.settings, MEDIAN: lambda replicate: values.typical}
