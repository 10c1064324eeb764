"""`engager evidence pool`, `forest`, `network`, `map`, `curve`, `prior`, `match`: what follows from the
records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engager.app.console import print_json, print_table, remark

if TYPE_CHECKING:
    from engager.evidence import Pooled

EndpointOption = Annotated[str, typer.Option("--endpoint", help="E.g. CR, CR/CRh/CRi, MRD_response, OS.")]
Regimens = Annotated[
    list[str] | None, typer.Option("--regimen", help="Slug or name; may be given more than once.")
]
DrugClass = Annotated[str | None, typer.Option("--class", help="Class of regimen, e.g. t_cell_engager.")]
Setting = Annotated[str | None, typer.Option(help="E.g. relapsed_refractory.")]
Design = Annotated[str | None, typer.Option(help="E.g. single_arm_trial.")]
Year = Annotated[str | None, typer.Option(help="2015, 2010-2016, 2010- or -2005.")]
Statistic = Annotated[
    str | None, typer.Option(help="proportion, median or hazard_ratio; omitted: what fits the endpoint.")
]
Method = Annotated[str, typer.Option(help="glmm, reml or common (shares only).")]
By = Annotated[str | None, typer.Option(help="Subgroups: regimen, drug_class, setting or design.")]
Covariates = Annotated[
    list[str] | None, typer.Option("--covariate", help="Meta-regression: year, age, first_salvage or blasts.")
]
Family = Annotated[bool, typer.Option("--family", help="Take the endpoint's whole family.")]
Overlap = Annotated[bool, typer.Option("--allow-overlap", help="Take arms that share patients all the same.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[Path, typer.Option("--out", help="File ending in .svg, .png or .html.")]


def pool(
    endpoint: EndpointOption,
    regimen: Regimens = None,
    drug_class: DrugClass = None,
    setting: Setting = None,
    design: Design = None,
    year: Year = None,
    statistic: Statistic = None,
    method: Method = "glmm",
    by: By = None,
    covariate: Covariates = None,
    family: Family = False,
    allow_overlap: Overlap = False,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    as_json: AsJson = False,
) -> None:
    """Pool a published endpoint over trials: nobody twice, and a word on each figure left out."""
    filters = _filters(regimen, drug_class, setting, design, year, family, allow_overlap)
    pooled = _pooled(endpoint, statistic, filters, method, by, covariate, level)
    if as_json:
        print_json(pooled.as_dict())
    else:
        _print_pooled(pooled)


def forest(
    endpoint: EndpointOption,
    out: Out = Path("forest.svg"),
    regimen: Regimens = None,
    drug_class: DrugClass = None,
    setting: Setting = None,
    design: Design = None,
    year: Year = None,
    statistic: Statistic = None,
    method: Method = "glmm",
    family: Family = False,
    allow_overlap: Overlap = False,
    run: Annotated[
        list[Path] | None, typer.Option("--run", help="Run folder whose trial gets a row.")
    ] = None,
    run_arm: Annotated[str | None, typer.Option(help="Arm of the run; omitted: all.")] = None,
) -> None:
    """Draw the forest plot of a published endpoint, a simulated trial as its own row."""
    from engager.evidence import cite, draw_forest, forest_table, record, write_figure

    filters = _filters(regimen, drug_class, setting, design, year, family, allow_overlap)
    pooled = _pooled(endpoint, statistic, filters, method, None, None, 0.95)
    simulated = [row for folder in run or () for row in _simulated(folder, pooled, run_arm)]
    title = f"{pooled.endpoint}, {pooled.statistic.replace('_', ' ')}: published studies"
    words = (
        "Squares: published (open: interval computed here). Diamond: pooled mean. Line below it: a new study."
    )
    notes = (*pooled.remarks, *pooled.left_out)
    records = dict.fromkeys(str(row["record"]) for row in pooled.rows)
    references = [cite(record(name)) for name in records]
    figure, table = draw_forest(pooled, simulated), forest_table(pooled, simulated)
    write_figure(figure, out, title, words, table, notes, references)
    _tell_written(out)
    _tell(pooled)


def network(
    endpoint: EndpointOption = "OS",
    reference: Annotated[str | None, typer.Option(help="Treatment to compare with.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Draw it: .svg, .png or .html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the treatments of the randomized trials with one another, and rank them."""
    from engager.evidence import (
        draw_network,
        fit_network,
        network_remarks,
        network_table,
        published_network,
        write_figure,
    )
    from engager.evidence import endpoint as endpoint_of

    studies, scale, left_out = published_network(endpoint)
    fit = fit_network(studies, reference)
    small_is_good = scale == "hazard_ratio" or endpoint_of(endpoint).better == "lower"
    table = network_table(fit, scale, small_is_good)
    notes = [*network_remarks(fit), *left_out]
    if out is not None:
        words = "Each line is a randomized comparison with its number of studies."
        figure = draw_network(fit, endpoint_of(endpoint).name, scale, small_is_good)
        write_figure(figure, out, f"Randomized comparisons: {endpoint}", words, table, notes)
        _tell_written(out)
    if as_json:
        scores = fit.p_scores(small_is_good)
        print_json(
            {
                "endpoint": endpoint_of(endpoint).name,
                "scale": scale,
                "tau2": fit.tau2,
                "q": fit.q,
                "q_df": fit.q_df,
                "q_p": fit.q_p,
                "p_scores": scores,
                "studies": [study.label for study in studies],
                "comparisons": _comparisons(fit),
                "remarks": list(network_remarks(fit)),
                "left_out": left_out,
            }
        )
    elif out is None:
        print_table(table[0], table[1:])
        for note in notes:
            remark(note)


def draw_evidence_map(out: Out = Path("evidence-map.svg"), as_json: AsJson = False) -> None:
    """Draw how many patients the published figures of each regimen and endpoint rest on."""
    from engager.evidence import draw_map, make_map, map_table, write_figure

    found = make_map()
    table = map_table(found)
    if as_json:
        print_json([dict(zip(table[0], row, strict=True)) for row in table[1:]])
        return
    words = "Patients with a published figure, each counted once (trials in brackets in the table)."
    write_figure(draw_map(found), out, "Published evidence", words, table)
    _tell_written(out)


def curve(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="Record id, e.g. tower-2017.")],
    arm: Annotated[str, typer.Option(help="Arm of the record.")],
    endpoint: EndpointOption = "OS",
    until: Annotated[float | None, typer.Option(help="Last month to draw.")] = None,
    run: Annotated[
        Path | None, typer.Option(help="Run folder whose simulated curve is drawn beside it.")
    ] = None,
    run_arm: Annotated[
        str | None, typer.Option(help="Arm of the run; omitted: the arm of the same name.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Draw it: .svg, .png or .html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild an arm's survival curve from what was printed, with a band that honors every figure."""
    from engager.evidence import draw_curve, rebuild_curve, record, write_figure

    found = rebuild_curve(record(record_id), arm, endpoint, until)
    rows = [[f"{t:.1f}", f"{s:.3f}", f"{lo:.3f}", f"{hi:.3f}"] for t, s, lo, hi in _points(found)]
    columns = ["months", "survival", "band low", "band high"]
    if out is not None:
        words = "Diamonds are printed figures; nothing between them was."
        title = f"{found.endpoint} of {record_id}, {arm}"
        simulated = [] if run is None else [_simulated_curve(run, run_arm or arm, found.endpoint)]
        figure = draw_curve(found, simulated)
        write_figure(figure, out, title, words, [columns, *rows], found.assumptions)
        _tell_written(out)
    if as_json:
        print_json(found.as_dict())
    elif out is None:
        print_table(columns, rows, right=tuple(columns))
    for said in found.assumptions:
        remark(said)


def prior(
    endpoint: EndpointOption,
    regimen: Regimens = None,
    drug_class: DrugClass = None,
    setting: Setting = None,
    design: Design = None,
    year: Year = None,
    tau_scale: Annotated[
        float | None, typer.Option(help="Scale of the prior of tau; 1 for a share, 0.5 for a median.")
    ] = None,
    robust_weight: Annotated[float, typer.Option(help="Weight of the vague part, 0 to 1.")] = 0.2,
    as_json: AsJson = False,
) -> None:
    """A robust prior of a control arm from earlier ones, a share or a median survival, with its effective
    size.
    """
    from engager.evidence import known_endpoint, median_prior_from_records, prior_from_records, select

    filters = _filters(regimen, drug_class, setting, design, year, False, False)
    if known_endpoint(endpoint, "--endpoint").kind == "time_to_event":
        chosen = select(endpoint, "median", **filters)
        medians = median_prior_from_records(chosen, tau_scale or 0.5, robust_weight)
        parts = "log months", ("weight", "mean", "sd"), medians.as_dict()
        said = [
            f"predictive median {medians.median:.2f} months, 95 % from {medians.low:.2f} to {medians.high:.2f}",
            f"worth {medians.effective_events:.1f} deaths ({medians.effective_events_predictive:.1f} without the "
            f"vague part), from {medians.n_studies} studies",
        ]
    else:
        chosen = select(endpoint, **filters)
        shares = prior_from_records(chosen, tau_scale or 1.0, robust_weight=robust_weight)
        parts = "share", ("weight", "a", "b"), shares.as_dict()
        said = [
            f"predictive mean {100 * shares.mean:.1f} %, 95 % from {100 * shares.low:.1f} to {100 * shares.high:.1f} %",
            f"effective sample size {shares.effective_sample_size:.0f} patients "
            f"({shares.effective_sample_size_predictive:.0f} without the vague part), "
            f"from {shares.n_studies} studies of {shares.n_patients} patients",
        ]
    scale, keys, content = parts
    if as_json:
        print_json({"endpoint": chosen.endpoint, "scale": scale, **content})
        return
    rows = [[f"{part[key]:.3f}" for key in keys] for part in content["components"]]
    print_table(list(keys), rows, right=keys)
    for line in said:
        typer.echo(line)
    for note in (*chosen.remarks, *content["left_out"]):
        remark(note)


def match_patients(
    patients: Annotated[Path, typer.Argument(help="Patient table: Parquet or CSV, one row a patient.")],
    targets: Annotated[
        Path | None, typer.Argument(help="YAML: column to mean, sd, median, proportion.")
    ] = None,
    record_id: Annotated[
        str | None, typer.Option("--record", help="Take a record's published baseline.")
    ] = None,
    arm: Annotated[str | None, typer.Option(help="Arm of the record.")] = None,
    event: Annotated[str | None, typer.Option(help="Yes/no column whose weighted share is wanted.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Rows to use, e.g. arm=blinatumomab; may be given more than once."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the table with its weights (CSV).")] = None,
    as_json: AsJson = False,
) -> None:
    """Weight patients so that they match a published baseline; shows what the matching costs."""
    from engager.core import InputError, Problem, nearest
    from engager.evidence import baseline_targets, match, read_patients, read_targets, record

    if (targets is None) == (record_id is None or arm is None):
        rule = "give either a targets file or --record with --arm"
        raise InputError(Problem("evidence match", str(targets), rule, "`engager evidence show` lists arms."))
    frame = read_patients(patients, only or ())
    if event is not None and event not in frame.columns:
        raise InputError(Problem("--event", event, "is not a column", nearest(event, frame.columns)))
    if targets is not None:
        wanted = read_targets(targets)
    else:
        published = baseline_targets(record(str(record_id)), str(arm))
        wanted = {column: target for column, target in published.items() if column in frame.columns}
        for column in sorted(set(published) - set(wanted)):
            remark(f"{column} was published, but the patients have no such column")
    matched = match(frame, wanted)
    share = None if event is None else matched.proportion(frame[event].cast(float).to_numpy())
    if out is not None:
        from engager.evidence import write_weights

        write_weights(frame, matched, out)
        _tell_written(out)
    content = {
        "effective_sample_size": matched.effective_sample_size,
        "n_used": matched.n_used,
        "n_missing": matched.n_missing,
        "largest_weight": matched.largest,
        "balance": list(matched.balance),
        "event": None if share is None else dict(zip(("value", "low", "high"), share, strict=True)),
    }
    if as_json:
        print_json(content)
        return
    keys = ("covariate", "statistic", "target", "before", "after")
    print_table(list(keys), [[_short(row[key]) for key in keys] for row in matched.balance])
    typer.echo(f"effective sample size {matched.effective_sample_size:.1f} of {matched.n_used} patients")
    if share is not None:
        typer.echo(
            f"{event}: {100 * share[0]:.1f} % ({100 * share[1]:.1f} to {100 * share[2]:.1f}), weighted"
        )
    if matched.n_missing:
        remark(f"{matched.n_missing} patients lack a covariate and have no weight")


def add_to(app: typer.Typer) -> None:
    """Put these commands into `engager evidence`."""
    commands: dict[str, Callable[..., None]] = {
        "pool": pool,
        "forest": forest,
        "network": network,
        "map": draw_evidence_map,
        "curve": curve,
        "prior": prior,
        "match": match_patients,
    }
    for name, command in commands.items():
        app.command(name)(command)


def _filters(
    regimen: list[str] | None,
    drug_class: str | None,
    setting: str | None,
    design: str | None,
    year: str | None,
    family: bool,
    allow_overlap: bool,
) -> dict[str, Any]:
    return {
        "regimens": regimen or (),
        "drug_class": drug_class,
        "setting": setting,
        "design": design,
        "year": year,
        "family": family,
        "allow_overlap": allow_overlap,
    }


def _pooled(
    endpoint: str,
    statistic: str | None,
    filters: Mapping[str, Any],
    method: str,
    by: str | None,
    covariates: list[str] | None,
    level: float,
) -> Pooled:
    from engager.core import InputError, Problem
    from engager.evidence import known_endpoint, pool_hazard_ratios, pool_medians, pool_proportions, select

    if not 0 < level < 1:
        raise InputError(Problem("--level", level, "must be in 0 to 1, both excluded", "0.95 is usual."))
    is_time = known_endpoint(endpoint, "--endpoint").kind == "time_to_event"
    what = statistic or ("median" if is_time else "proportion")
    if what == "hazard_ratio":
        return pool_hazard_ratios(endpoint, filters["year"], level)
    if what not in ("proportion", "median"):
        rule = "must be proportion, median or hazard_ratio"
        raise InputError(Problem("--statistic", what, rule))
    selection = select(endpoint, statistic=what, **filters)
    if what == "median":
        return pool_medians(selection, by, covariates or (), level)
    return pool_proportions(selection, method, by, covariates or (), level)


def _simulated(folder: Path, pooled: Pooled, arm: str | None) -> list[dict[str, Any]]:
    """Rows of a run folder's comparisons of the same endpoint and statistic."""
    from engager.core import InputError, Problem
    from engager.study import RunFolder

    run = RunFolder.open(folder)
    found = [
        {
            "label": f"simulated, {run.id}, {row['arm']}",
            "value": row["simulated"]["median"],
            "low": row["simulated"]["low"],
            "high": row["simulated"]["high"],
        }
        for row in run.comparisons
        if row["endpoint"] == pooled.endpoint
        and row["statistic"] == pooled.statistic
        and row["simulated"]["median"] is not None
        and arm in (None, row["arm"])
    ]
    if not found:
        rule = f"compares no {pooled.statistic} of {pooled.endpoint}"
        raise InputError(Problem("--run", str(folder), rule, "Choose another endpoint or run."))
    return found


def _simulated_curve(folder: Path, arm: str, endpoint: str) -> dict[str, Any]:
    """The median curve of a run's replicates, with its prediction band."""
    from engager.analysis import survival_bands
    from engager.core import InputError, Problem, nearest
    from engager.study import RunFolder

    run = RunFolder.open(folder)
    patients = run.table("patients")
    arms = patients["arm"].unique().to_list()
    if arm not in arms:
        raise InputError(Problem("--run-arm", arm, f"is not an arm of {run.id}", nearest(arm, arms)))
    bands = survival_bands(patients, endpoint, arms=[arm]).drop_nans("survival")
    return {
        "label": f"simulated, {run.id}",
        "time_months": bands["month"].to_list(),
        "survival": bands["survival"].to_list(),
        "low": bands["low"].to_list(),
        "high": bands["high"].to_list(),
    }


def _print_pooled(pooled: Pooled) -> None:
    from engager.evidence import forest_table

    table = forest_table(pooled)
    print_table(table[0], table[1:], right=("value", "weight"))
    estimates = [
        [
            one.method,
            _number(one.value, pooled),
            _interval(one.low, one.high, pooled),
            _interval(one.prediction_low, one.prediction_high, pooled),
            _short(one.tau2),
            "" if one.i2 is None else f"{100 * one.i2:.0f} %",
            "" if one.q is None else f"{one.q:.1f} (p {one.q_p:.2g})",
            one.failure or "",
        ]
        for one in (pooled.estimate, *pooled.others)
    ]
    typer.echo()
    print_table(["method", "mean", "interval", "prediction", "tau2", "I2", "Q", "failed because"], estimates)
    if pooled.subgroups:
        typer.echo()
        groups = [
            [
                name,
                str(n),
                _number(one.value, pooled),
                _interval(one.low, one.high, pooled),
                one.failure or "",
            ]
            for name, one, n in pooled.subgroups
        ]
        print_table(["subgroup", "studies", "mean", "interval", "failed because"], groups)
        if pooled.subgroup_p is not None:
            typer.echo(f"subgroups differ: p = {pooled.subgroup_p:.2g}")
    if pooled.regressions:
        typer.echo()
        slopes = [
            [
                one.covariate,
                str(one.n_studies),
                _short(one.slope),
                "" if one.low is None else f"{one.low:.3g} to {one.high:.3g}",
                "" if one.p is None else f"{one.p:.2g}",
                one.failure or "",
            ]
            for one in pooled.regressions
        ]
        print_table(["covariate", "studies", "slope", "interval", "p", "failed because"], slopes)
    if pooled.leave_one_out:
        typer.echo()
        rows = [
            [name, _number(one.value, pooled), _interval(one.low, one.high, pooled), one.failure or ""]
            for name, one in pooled.leave_one_out
        ]
        print_table(["without", "mean", "interval", "failed because"], rows)
    _tell(pooled)


def _tell(pooled: Pooled) -> None:
    for note in pooled.remarks:
        remark(note)
    if pooled.left_out:
        remark("left out:")
    for note in pooled.left_out:
        remark(f"  {note}")


def _tell_written(out: Path) -> None:
    remark(f"written: {out}")


def _comparisons(fit: Any) -> list[dict[str, Any]]:
    import math

    return [
        {
            "treatment": first,
            "control": second,
            **dict(zip(("value", "low", "high"), map(math.exp, fit.comparison(first, second)), strict=True)),
            "n_direct": int(fit.n_direct[i, j]),
        }
        for i, first in enumerate(fit.treatments)
        for j, second in enumerate(fit.treatments)
        if first != second
    ]


def _points(found: Any) -> list[tuple[float, float, float, float]]:
    """About 25 times, the printed points among them."""
    last = float(found.time_months[-1])
    times = sorted({*(last * k / 24 for k in range(25)), *(a.time_months for a in found.anchors)})
    return [(t, *found.at(t)) for t in times]


def _number(value: float | None, pooled: Pooled) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if pooled.statistic == "proportion" else f"{value:.3g}"


def _interval(low: float | None, high: float | None, pooled: Pooled) -> str:
    return "" if low is None or high is None else f"{_number(low, pooled)} to {_number(high, pooled)}"


def _short(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
