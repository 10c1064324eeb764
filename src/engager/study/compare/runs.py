"""Runs set beside each other: the same figure in each, and its difference replicate by replicate.

In: finished run folders. Out: a `RunComparison`. Nothing is simulated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engager.analysis import AT_ONE_TIME, Prediction, difference_interval, prediction_interval, survival_bands
from engager.core import COVARIATES, FloatArray, InputError, Problem, parse_condition
from engager.protocol import Protocol
from engager.study.compare.result import ComparedFigure, RunComparison
from engager.study.run.folder import RunFolder
from engager.study.run.requests import definitions_of, page_requests_of

if TYPE_CHECKING:
    import polars as pl

MAX_RUNS = 6
# Shares differ by points and times by months; a time near zero would make any factor meaningless.
_BY_FACTOR = ("hazard_ratio", "odds_ratio")
_CURVES = ("OS", "EFS", "RFS")
_KEY = ("arm", "endpoint", "statistic", "time_months", "definition")

Key = tuple[str, str, str, float | None, str]


class _Trials(NamedTuple):
    """A figure in every virtual trial, and the patients behind it: array (replicate,) each."""

    values: FloatArray
    n: FloatArray


def compare_runs(paths: Sequence[str | Path]) -> RunComparison:
    """Set finished runs beside the first of them.

    Parameters
    ----------
    paths : run folders (or their ``run.json``), 2 to 6.

    Returns
    -------
    RunComparison: the endpoints of the studies, and adverse events that they do not name but a report shows.
    Intervals are over replicates and cover what so many replicates can claim. Differences are taken replicate by
    replicate, and told where 95 % of the replicates tell them. Runs of one study id, seed, parameters and number of
    replicates share draws of parameters, what a trial differs in, and the patients who exist in both, which fall out of
    the difference; else the interval is wider.

    Raises
    ------
    InputError
        When there are fewer than two runs or more than six, or one is not a finished run.
    """
    if not 2 <= len(paths) <= MAX_RUNS:
        rule = f"must be 2 to {MAX_RUNS} finished runs"
        raise InputError(Problem("runs", len(paths), rule, "Runs are folders with a run.json."))
    runs = [RunFolder.open(path) for path in paths]
    trials = [_values(run) | _adverse_events(run) for run in runs]
    manifests = [run.manifest for run in runs]
    shared = {(run.protocol.study, run.manifest["seed"], run.manifest["replicates"], str(run.manifest["parameters"]))
              for run in runs}  # fmt: skip
    study_changes = _changes(_studies(runs))
    keys = list(dict.fromkeys(key for one in trials for key in one))
    return RunComparison(
        names=tuple(_names(runs)),
        titles=tuple(run.protocol.title or run.protocol.study for run in runs),
        sizes=tuple(int(one["patients_per_replicate"]) for one in manifests),
        is_paired=len(shared) == 1,
        follow_each_other=_follow_each_other(runs, study_changes),
        figures=tuple(_figure(key, trials) for key in keys),
        study_changes=tuple(study_changes),
        input_changes=tuple(_input_changes(manifests)),
        curves=curves_of(runs),
        n_replicates=tuple(int(one["replicates"]) for one in manifests),
        outside_fit=tuple(tuple(run.outside_fit) for run in runs),
    )


def _names(runs: Sequence[RunFolder]) -> list[str]:
    """Names of the run folders; a folder above is added where two are called the same."""
    names = [run.path.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [f"{run.path.resolve().parent.name}/{run.path.resolve().name}" for run in runs]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]


def _values(run: RunFolder) -> dict[Key, _Trials]:
    """Each figure of a run, in the order of the replicates."""
    definitions = definitions_of(run.protocol)
    found: dict[Key, _Trials] = {}
    keys = ["request", "arm", "endpoint", "statistic", "time_months"]
    for told, rows in run.table("estimates").group_by(keys, maintain_order=True):
        arm, endpoint, statistic, months = told[1:]
        key = (str(arm), str(endpoint), str(statistic), _months(months), definitions[int(told[0])])
        found[key] = _trials(rows)
    return found


def _adverse_events(run: RunFolder) -> dict[Key, _Trials]:
    """Figures that the run's report shows although its study does not name them."""
    from engager.analysis import estimate_endpoints

    protocol = run.protocol
    asked = page_requests_of(protocol)
    if not asked:
        return {}
    found: dict[Key, _Trials] = {}
    rows_of = estimate_endpoints(
        run.table("patients"), asked, protocol.population.setting, arms=protocol.arm_ids, replicates=run.replicates
    )
    for told, rows in rows_of.group_by(["arm", "endpoint", "statistic", "time_months"], maintain_order=True):
        arm, endpoint, statistic, months = told
        key = (str(arm), str(endpoint), str(statistic), _months(months), "")
        found[key] = _trials(rows)
    return found


def _trials(rows: pl.DataFrame) -> _Trials:
    ordered = rows.sort("replicate")
    return _Trials(*(ordered[name].to_numpy().astype(float) for name in ("value", "n")))


def _months(value: Any) -> float | None:
    return None if value is None else float(value)


def _figure(key: Key, trials: Sequence[Mapping[Key, _Trials]]) -> ComparedFigure:
    found = [one.get(key) for one in trials]
    own = [None if one is None else one.values for one in found]
    by_factor = key[2] in _BY_FACTOR
    differences: list[Prediction | None] = [None]
    for other in own[1:]:
        if own[0] is None or other is None:
            differences.append(None)
            continue
        n = min(own[0].size, other.size)
        differences.append(difference_interval(_against(other[:n], own[0][:n], by_factor)))
    return ComparedFigure(
        *key,
        runs=tuple(
            None if one is None else prediction_interval(one.values, n=one.n, at_one_time=key[2] in AT_ONE_TIME)
            for one in found
        ),
        differences=tuple(differences),
        difference_scale="ratio" if by_factor else "difference",
    )


def _against(value: FloatArray, first: FloatArray, by_factor: bool) -> FloatArray:
    """Difference or ratio by replicate; NaN where it has no size (a time not reached, nothing to divide by)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = value / first if by_factor else value - first
    found[~(np.isfinite(value) & np.isfinite(first)) | ~np.isfinite(found)] = np.nan
    return found


def study_differences(first: Protocol, second: Protocol) -> list[tuple[str, str | None, str | None]]:
    """Dotted keys in which two studies differ, with the value in each; None where a study has no such key."""
    told = [one.model_dump(mode="json", exclude_none=True) for one in (first, second)]
    return [(key, values[0], values[1]) for key, values in _changes(told)]


def figures_by_replicate(run: RunFolder) -> list[dict[str, Any]]:
    """Each figure of a run in every virtual trial, and what was published of it.

    Returns
    -------
    Rows ``arm, endpoint, statistic, time_months, definition, values, n_beyond, published``: values are those of the
    replicates that have one, `n_beyond` counts those whose value lies beyond the data (a median not reached); shares
    are fractions, times months; published is None where nothing was.
    """
    published = {
        (one["arm"], one["endpoint"], one["statistic"], _months(one["time_months"])): one["published"]["value"]
        for one in run.comparisons
        if not one.get("subgroup")
    }
    return [
        {**dict(zip(_KEY, key, strict=True)), "values": values[np.isfinite(values)].tolist(),
         "n_beyond": int(np.isposinf(values).sum()), "published": published.get(key[:4])}
        for key, (values, _) in _values(run).items()
    ]  # fmt: skip


def _inputs(manifest: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("seed", "replicates", "parameters", "patients_per_replicate", "versions")
    # the study itself is compared key by key
    inputs = {name: value for name, value in manifest.get("inputs", {}).items() if name != "protocol"}
    return {**{key: manifest.get(key) for key in kept}, "inputs": inputs}


def _input_changes(manifests: Sequence[Mapping[str, Any]]) -> list[tuple[str, tuple[str | None, ...]]]:
    """What differs in how runs were made; a record that one study does not name is told among the studies' keys."""
    told = _changes([_inputs(one) for one in manifests])
    return [(key, values) for key, values in told if not (key.startswith("inputs.record:") and None in values)]


def _follow_each_other(runs: Sequence[RunFolder], changes: Sequence[tuple[str, tuple[str | None, ...]]]) -> bool:
    """Whether an arm that is the same in all runs is cut at another day, since deaths of the others time the cut."""
    arms = {arm for run in runs for arm in run.protocol.arm_ids}
    changed = {arm for arm in arms if any(key.startswith(f"arms.{arm}.") for key, _ in changes)}
    by_deaths = [run for run in runs if (cut := run.protocol.follow_up.data_cut) is not None and cut.deaths]
    return bool(by_deaths and changed and arms - changed)


def _studies(runs: Sequence[RunFolder]) -> list[dict[str, Any]]:
    """The studies as they were run; where one has no targets, those of the others are only counted."""
    found = [run.protocol.model_dump(mode="json", exclude_none=True) for run in runs]
    if not all(one["targets"] for one in found):
        for one in found:
            n = len(one["targets"])
            one["targets"] = "none" if not n else "1 published figure" if n == 1 else f"{n} published figures"
    return found


def _changes(told: Sequence[Mapping[str, Any]]) -> list[tuple[str, tuple[str | None, ...]]]:
    """Dotted keys whose values differ between runs, with the value in each."""
    flat = [_flat(one) for one in told]
    keys = list(dict.fromkeys(key for one in flat for key in one))
    rows = [(key, tuple(one.get(key) for one in flat)) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _flat(content: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(content, Mapping) and content:
        found: dict[str, str] = {}
        for key, value in content.items():
            found |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
        return found
    if isinstance(content, list) and any(isinstance(one, Mapping | list) for one in content):
        found = {}
        for place, value in enumerate(content):
            found |= _flat(value, f"{prefix}[{place}]")
        return found
    return {prefix: ", ".join(map(_plain, content)) if isinstance(content, list) else _plain(content)}


def _plain(value: Any) -> str:
    """A value as a study file would hold it: 28, not 28.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def curves_of(runs: Sequence[RunFolder], subgroup: str | None = None) -> pl.DataFrame:
    """Median survival curves by month: frame ``run, arm, endpoint, month, survival, low, high, at_risk``.

    Parameters
    ----------
    subgroup : condition over covariates, e.g. ``age_years >= 55``; None: all patients.

    Raises
    ------
    InputError
        When the condition cannot be read, or asks for something that is no covariate.
    """
    import polars as pl

    from engager.study.run.requests import request_for

    frames = []
    for name, run in zip(_names(runs), runs, strict=True):
        protocol, patients = run.protocol, run.table("patients")
        months = np.arange(0.0, protocol.follow_up.months + 1e-9, 0.25)
        drawn = {one.id: one for one in reversed(protocol.endpoints) if one.is_time_to_event}
        for endpoint in (drawn[one] for one in _CURVES if one in drawn):
            request = request_for(protocol, endpoint, protocol.arm_ids[0], "median")
            if subgroup:
                known = [one.name for one in COVARIATES if one.name in patients.columns]
                request = replace(request, subgroup=parse_condition(subgroup, known, "subgroup").text)
            bands = survival_bands(patients, request, months, protocol.arm_ids, replicates=run.replicates)
            frames.append(bands.select(pl.lit(name).alias("run"), pl.all()))
    if not frames:
        return pl.DataFrame(schema={"run": pl.String, "arm": pl.String, "endpoint": pl.String, "month": pl.Float64})
    return pl.concat(frames)
