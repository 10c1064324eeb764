"""Operating characteristics of a study's design, by virtual trials.

In: a study with a `design` block. Out: a `DesignResult`, which writes a page and tables. Not here: any science; each
step is one call of the layer it belongs to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from engager.analysis import Decisions, TwoStage, characteristics, decide
from engager.core import DESIGN_REPLICATES, InputError, Interrupted, Problem, versions, working_in
from engager.protocol import DesignBlock, Protocol
from engager.study.design.arms import ARM_FILE, ArmStore
from engager.study.design.folder import with_sizes
from engager.study.design.inputs import check_design, design_manifest
from engager.study.design.looks import Simulated, simulate_looks
from engager.study.design.plan import ALTERNATIVE, NULL, POSTERIOR, Plan, null_arm_of, plan_of, settings_of, window_of
from engager.study.design.prior import historical_control
from engager.study.design.result import DesignResult, DesignRow
from engager.study.design.rules import Prior, Rules, exact_curve, rules_of, two_stages
from engager.study.design.scenarios import scenarios_of
from engager.study.parameters import Parameters

_SHARE_OF_SIMULATION = 0.9

Progress = Callable[[str, float], None]


def design_study(
    protocol: Protocol,
    *,
    replicates: int = DESIGN_REPLICATES,
    seed: int = 1,
    patients: Sequence[int] = (),
    parameters: str = "posterior",
    n_threads: int | None = None,
    work: Path | None = None,
    progress: Progress | None = None,
) -> DesignResult:
    """Operating characteristics of the design of a study.

    Parameters
    ----------
    protocol : a study with a `design` block.
    replicates : virtual trials of each scenario, size, world and setting.
    seed : any whole number >= 0; the same seed gives the same bits.
    patients : sizes instead of the design's own, all arms together.
    parameters : ``posterior``, or the path of a posterior file of your own.
    n_threads : None for all cores. It changes no number.
    work : a folder that keeps finished arms, so that the same call goes on after an interruption, and one with more
        replicates simulates only those that are not there; None: none.
    progress : told what is done and the finished share.

    Raises
    ------
    InputError
        All bad arguments together; another process works in `work`.
    Interrupted
        On Ctrl-C; what is finished is kept in `work`.

    Notes
    -----
    The largest size is simulated once for each scenario; smaller ones are its first patients. A null world differs
    in the treated arm alone, and arms that scenarios share are simulated once.
    """
    clock, started = time.perf_counter(), datetime.now(UTC)
    check_design(protocol, replicates, seed, patients, n_threads, parameters)
    protocol = with_sizes(protocol, patients)
    scenarios = scenarios_of(protocol)
    design = scenarios[0].protocol.design
    assert design is not None
    test = design.test_of(protocol.arms)
    prior, selection = historical_control(design) if test == "bayesian" else (None, None)
    stages = two_stages(design) if test == "simon" else None
    values, settings = settings_of(protocol, seed, parameters)
    store = ArmStore(replicates, seed, n_threads, work, _inputs(protocol, values))
    plans = [plan_of(one, settings, stages) for one in scenarios]
    rules = _rules(plans, protocol.n_patients, stages)
    tell = progress or (lambda label, share: None)
    jobs = [job for plan in plans for worlds in plan.jobs.values() for job in worlds]
    try:
        with working_in("--work", work):
            store.add(jobs, lambda share: tell("simulating", _SHARE_OF_SIMULATION * share))
            rows, trials, counts = _judge(plans, rules, store, prior, tell)
    except KeyboardInterrupt:
        if work is None:
            raise Interrupted("Interrupted; nothing was written. Name a folder with --work to keep arms.") from None
        raise Interrupted(_interrupted(store, work)) from None
    manifest = design_manifest(protocol, seed, replicates, parameters, values, prior)
    manifest["replicates_kept"] = store.n_kept
    manifest |= {"started": started.isoformat(timespec="seconds"), "seconds": round(time.perf_counter() - clock, 2)}
    notes = _notes(protocol, design, values, rows)
    return DesignResult(protocol, tuple(rows), trials, prior, selection, counts, notes, manifest)


def _interrupted(store: ArmStore, work: Path) -> str:
    """What a stopped design leaves."""
    n, goes_on = store.n_finished, "Go on with the same options."
    if n:
        return f"Interrupted; {n} finished arm{'s are' if n != 1 else ' is'} kept in {work}. {goes_on}"
    if any(work.glob(f"*{ARM_FILE}")):
        return f"Interrupted before another arm was finished; those of earlier calls are kept in {work}. {goes_on}"
    return "Interrupted before the first arm was finished; nothing was written."


def _inputs(protocol: Protocol, values: Parameters) -> str:
    """What simulated patients hang on beside study, seed and replicates."""
    models = {arm: protocol.model_of(arm).hash for arm in protocol.arm_ids}
    return repr((models, values.used, values.hash, versions()))


def _rules(plans: list[Plan], n_study: int, stages: TwoStage | None) -> list[list[Rules]]:
    """The rules of every size by scenario; all sizes that cannot be judged are told together."""
    found: list[list[Rules]] = []
    problems: list[Problem] = []
    for plan in plans:
        found.append([])
        for size in plan.sizes:
            try:
                found[-1].append(rules_of(plan.scenario.protocol, sum(size.values()), n_study, stages))
            except InputError as error:
                problems += [one for one in error.problems if one not in problems]
    if problems:
        raise InputError(problems)
    return found


def _judge(
    plans: list[Plan], rules_by_plan: list[list[Rules]], store: ArmStore, prior: Prior | None, tell: Progress
) -> tuple[list[DesignRow], pl.DataFrame, dict[str, int]]:
    """Every scenario and size against its rules."""
    rows: list[DesignRow] = []
    frames: list[pl.DataFrame] = []
    counts: dict[str, int] = {}
    n_parts = sum(len(plan.sizes) * len(plan.jobs) for plan in plans)
    done = 0
    for plan, rules_by_size in zip(plans, rules_by_plan, strict=True):
        protocol = plan.scenario.protocol
        design = protocol.design
        assert design is not None
        for size, rules in zip(plan.sizes, rules_by_size, strict=True):
            results = {}
            for (world, setting), jobs in plan.jobs.items():
                null = null_arm_of(protocol) if world == NULL else None
                tables = [store.patients(job) for job in jobs]
                seen = simulate_looks(protocol, tables, size, rules, prior, null, window_of)
                decided = decide(seen.trials, rules.upper, rules.lower)
                results[world, setting] = characteristics(seen.trials, decided, seen.truth)
                frames.append(_trial_rows(plan.scenario.name, sum(size.values()), world, setting, seen, decided))
                if not counts and (world, setting) == (ALTERNATIVE, POSTERIOR):
                    counts = seen.counts
                done += 1
                tell("judging", _SHARE_OF_SIMULATION + (1 - _SHARE_OF_SIMULATION) * done / n_parts)
            exact = exact_curve(design, rules, prior) if _is_exact(protocol, design) else []
            rows.append(DesignRow(plan.scenario.name, plan.scenario.changes, size, rules, results, exact))
    return rows, pl.concat(frames), counts


def _is_exact(protocol: Protocol, design: DesignBlock) -> bool:
    endpoint = protocol.endpoint(design.primary)
    is_counted = endpoint is not None and not design.is_time_to_event and design.counts_everybody(endpoint)
    return is_counted and design.control_of(protocol.arms) is None


def _trial_rows(scenario: str, n: int, world: str, setting: str, seen: Simulated, decided: Decisions) -> pl.DataFrame:
    """How each simulated trial ended."""
    trials, look = seen.trials, decided.look
    rows = np.arange(look.size)
    return pl.DataFrame(
        {
            "scenario": [scenario] * look.size,
            "patients_planned": [n] * look.size,
            "world": [world] * look.size,
            "setting": [setting] * look.size,
            "replicate": rows,
            "look": look + 1,
            "success": decided.success,
            "statistic": trials.statistic[rows, look],
            "estimate": trials.estimate[rows, look],
            "patients": trials.patients[rows, look],
            "events": trials.events[rows, look],
            "months": trials.months[rows, look],
        }
    )


def _unused_cut(protocol: Protocol, design: DesignBlock) -> str:
    """That the study's data cut does not time the analyses of its design; empty where it does, or there is none."""
    cut = protocol.follow_up.data_cut
    if cut is None:
        return ""
    if not design.is_time_to_event:
        return "follow_up.data_cut is not used: looks take place when the outcomes of their patients are known"
    if design.events:
        return "follow_up.data_cut is not used: looks take place at the numbers of design.events"
    if cut.deaths is None:
        return ""
    return (
        f"follow_up.data_cut: {cut.deaths} deaths do not time the analysis, which takes place at the end of all"
        " follow-up; design.events sets a number of events"
    )


def _notes(protocol: Protocol, design: DesignBlock, values: Parameters, rows: Sequence[DesignRow]) -> tuple[str, ...]:
    found = [values.note] if values.note else []
    if not values.has_draws:
        found.append("the model has no fitted posterior: power is at one set of values, without their uncertainty")
    if design.control_of(protocol.arms) is None and design.null_arm is None:
        found.append("no design.null_arm: a null world was not simulated")
    if unused := _unused_cut(protocol, design):
        found.append(unused)
    short = max((one.short for row in rows for one in row.results.values()), default=0.0)
    if short > 0:
        found.append(
            f"in up to {100 * short:.0f} % of the trials follow-up ended before the planned events; they were judged"
            " then, with the final bound; lengthen follow_up.months"
        )
    n_failed = sum(one.n_failed for row in rows for one in row.results.values())
    if n_failed:
        found.append(f"{n_failed} patients could not be followed to the end and are left out")
    return tuple(found)
