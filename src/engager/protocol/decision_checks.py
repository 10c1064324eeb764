"""What is wrong within the `design` block of a study file, and between it and the other blocks.

In: parsed blocks. Out: problems; empty when ``engager design`` can be run.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from engager.core import Problem, nearest
from engager.protocol.decision import DesignBlock, SimonChoice

_TESTS = ("log_rank", "score", "fisher", "exact", "simon", "bayesian")
_RANDOMIZED = ("log_rank", "score", "fisher", "bayesian")
_SINGLE = ("exact", "simon", "bayesian")
_LARGEST = 1_000_000


def design_problems(blocks: dict[str, Any]) -> list[Problem]:
    """What is wrong within the design block, and between it and the other blocks of a study.

    Parameters
    ----------
    blocks : parsed blocks by name, as `disagreements` takes them.
    """
    design, arms = blocks.get("design"), blocks.get("arms")
    if design is None or not arms:
        return []
    found = _arm_problems(design, list(arms))
    if found:
        return found
    endpoints = blocks.get("endpoints") or ()
    names = [one.id for one in endpoints]
    if names and design.primary not in names:
        rule = "must be an endpoint of the study"
        found.append(_wrong("primary", design.primary, rule, nearest(design.primary, names)))
    allocation = blocks.get("allocation")
    is_single = design.control_of(arms) is None
    if not is_single and allocation is not None and allocation.counterfactual:
        rule = "must be false for a design that compares arms"
        found.append(Problem("allocation.counterfactual", True, rule, "The same patients in both arms are no trial."))
    test = design.test_of(arms)
    found += _test_problems(design, test, is_single)
    primary = next((one for one in endpoints if one.id == design.primary), None)
    if test in ("exact", "simon") and primary is not None and not design.counts_everybody(primary):
        rule = f"must be an endpoint that counts every patient, for the test {test}"
        found.append(_wrong("primary", design.primary, rule, "test: bayesian takes any denominator."))
    return [*found, *_look_problems(design, test), *_size_problems(design, test, arms)]


def _arm_problems(design: DesignBlock, arms: list[str]) -> list[Problem]:
    hint = "Arms: " + ", ".join(arms) + "."
    found = [
        _wrong(key, name, "must be an arm of the study", hint)
        for key in ("treatment", "control")
        if (name := getattr(design, key)) is not None and name not in arms
    ]
    if design.treatment is not None and design.treatment == design.control:
        found.append(_wrong("control", design.control, "must differ from the treatment"))
    if not found and len(arms) == 1 and design.control is not None and design.treatment is None:
        found.append(_wrong("control", design.control, "leaves no arm for the treatment"))
    if len(arms) > 2:
        found.append(Problem("arms", arms, "must be one or two in a study with a design", "Leave the others out."))
    return found


def _test_problems(design: DesignBlock, test: str, is_single: bool) -> list[Problem]:
    """The test fits arms and endpoint, and has what it needs and nothing else."""
    found = []
    allowed = _SINGLE if is_single else _RANDOMIZED
    fitting = ("log_rank", "bayesian") if design.is_time_to_event else tuple(t for t in _TESTS if t != "log_rank")
    if test not in allowed:
        rule = f"must be one of {', '.join(allowed)} with {'one arm' if is_single else 'two arms'}"
        found.append(_wrong("test", test, rule))
    elif test not in fitting:
        kind = "a time to event" if design.is_time_to_event else "a yes/no endpoint"
        found.append(_wrong("test", test, f"must be one of {', '.join(fitting)} for {design.primary}, {kind}"))
    needed = {"exact": ("null_share",), "simon": ("null_share", "simon"), "bayesian": ("prior",)}.get(test, ())
    found += [_wrong(key, None, f"is needed by the test {test}") for key in needed if getattr(design, key) is None]
    belongs = {"null_share": ("exact", "simon"), "simon": ("simon",), "prior": ("bayesian",)}
    belongs |= {"threshold": ("bayesian",), "treatment_prior": ("bayesian",), "margin": ("bayesian",)}
    belongs |= {"ratio": ("bayesian",), "spending": ("log_rank", "score", "fisher")}
    found += [
        _wrong(key, getattr(design, key), f"belongs to {' or '.join(tests)}; the test is {test}")
        for key, tests in belongs.items()
        if _is_set(design, key) and test not in tests
    ]
    for key, wrong_kind, words in (("margin", True, "a yes/no endpoint"), ("ratio", False, "a time to event")):
        if _is_set(design, key) and test == "bayesian" and design.is_time_to_event is wrong_kind:
            found.append(_wrong(key, getattr(design, key), f"belongs to {words}; {design.primary} is none"))
    if design.simon is not None and test == "simon":
        found += _simon_problems(design.simon, design.null_share)
    return found


def _simon_problems(simon: SimonChoice, null_share: float | None) -> list[Problem]:
    given = {key: getattr(simon, key) for key in ("n1", "r1", "n", "r")}
    if any(value is not None for value in given.values()):
        absent = [key for key, value in given.items() if value is None]
        if absent:
            return [_wrong(f"simon.{key}", None, "is needed with a design of your own") for key in absent]
        n1, r1, n, r = (int(value) for value in given.values() if value is not None)
        if not (r1 < n1 < n and r1 <= r < n):
            return [_wrong("simon", given, "must have r1 < n1 < n and r1 <= r < n")]
        return []
    if simon.alternative_share is None:
        return [_wrong("simon.alternative_share", None, "is needed, or n1, r1, n and r")]
    if null_share is not None and simon.alternative_share <= null_share:
        return [_wrong("simon.alternative_share", simon.alternative_share, f"must be above null_share {null_share:g}")]
    return []


def _look_problems(design: DesignBlock, test: str) -> list[Problem]:
    found = []
    for key in ("information", "events"):
        values = getattr(design, key)
        if any(later <= earlier for earlier, later in pairwise(values)):
            found.append(_wrong(key, list(values), "must rise from look to look"))
    if design.information and design.information[-1] != 1:
        found.append(_wrong("information", list(design.information), "must end with 1, the final analysis"))
    if design.information and len(design.events) > 1:
        found.append(_wrong("events", list(design.events), "must be one number when information is given"))
    n_looks = len(design.fractions)
    if test in ("exact", "simon") and (design.information or design.events):
        hint = "test: simon looks once before the end, test: bayesian as often as you say."
        found.append(_wrong("information", list(design.information), f"has no place with the test {test}", hint))
    if design.events and not design.is_time_to_event:
        found.append(_wrong("events", list(design.events), "belongs to a time to event; looks come by patients"))
    if design.is_time_to_event and n_looks > 1 and not design.events:
        found.append(_wrong("events", None, "is needed for looks at a time to event", "Give the final number."))
    if design.futility and len(design.futility) != n_looks - 1:
        rule = f"must have {n_looks - 1} values, one a look but the last"
        found.append(_wrong("futility", list(design.futility), rule))
    if test == "bayesian" and any(not 0 <= value < design.threshold for value in design.futility):
        found.append(_wrong("futility", list(design.futility), f"must be probabilities below {design.threshold:g}"))
    return found


def _size_problems(design: DesignBlock, test: str, arms: dict[str, Any]) -> list[Problem]:
    found = []
    if test == "simon" and design.patients:
        found.append(_wrong("patients", list(design.patients), "follows from the two stages", "Leave it out."))
    found += [
        _wrong("patients", n, f"must be at least {len(arms)}, one patient an arm, and at most {_LARGEST}")
        for n in design.patients
        if not len(arms) <= n <= _LARGEST
    ]
    if len(set(design.patients)) != len(design.patients):
        found.append(_wrong("patients", list(design.patients), "must name each size once"))
    n_study = None if any(arm is None for arm in arms.values()) else sum(arm.n for arm in arms.values())
    if design.events and n_study is not None and design.events[-1] > n_study:
        rule = f"must not be more than the study's {n_study} patients"
        found.append(_wrong("events", design.events[-1], rule, "Other sizes get events in proportion."))
    return found


def _is_set(design: DesignBlock, key: str) -> bool:
    """Whether a key says something else than its default; a study printed in full names every key."""
    return bool(getattr(design, key) != DesignBlock.model_fields[key].default)


def _wrong(key: str, value: Any, rule: str, hint: str = "") -> Problem:
    return Problem(f"design.{key}", value, rule, hint)
