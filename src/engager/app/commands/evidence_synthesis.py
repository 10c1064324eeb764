"""`engager evidence pool`, `forest`, `network`, `map`, `curve`, `prior`, `match`: what follows from the
records.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engager.app.console import print_json, print_table, remark
from engager.app.options import AsJson, Regimens, Tables

if TYPE_CHECKING:
    from engager.evidence import Pooled, Record

EndpointOption = Annotated[
    str, typer.Option("--endpoint", metavar="ENDPOINT", help="E.g. CR, CR/CRh/CRi, MRD_response, OS.")
]
DrugClass = Annotated[
    str | None, typer.Option("--class", metavar="CLASS", help="Class of regimen, e.g. t_cell_engager; any: all.")
]
Setting = Annotated[
    str | None, typer.Option(metavar="SETTING", help="E.g. mrd_positive; default relapsed_refractory; any: all.")
]
Lineage = Annotated[str | None, typer.Option(metavar="LINEAGE", help="B (the default), T or any.")]
AgeGroup = Annotated[str | None, typer.Option(metavar="AGE_GROUP", help="adult (the default), paediatric or any.")]
Design = Annotated[str | None, typer.Option(metavar="DESIGN", help="E.g. single_arm_trial.")]
Year = Annotated[str | None, typer.Option(metavar="YEAR", help="2015, 2010-2016, 2010- or -2005.")]
Statistic = Annotated[
    str | None,
    typer.Option(
        metavar="STATISTIC", help="proportion, median, survival_at or hazard_ratio; omitted: what fits the endpoint."
    ),
]
Landmark = Annotated[float | None, typer.Option("--at", metavar="NUMBER", help="Landmark in months, for survival_at.")]
Method = Annotated[str, typer.Option(metavar="METHOD", help="glmm, reml or common (shares only).")]
By = Annotated[str | None, typer.Option(metavar="BY", help="Subgroups: regimen, drug_class, setting or design.")]
Covariates = Annotated[
    list[str] | None,
    typer.Option("--covariate", metavar="COVARIATE", help="Meta-regression: year, age, first_salvage or blasts."),
]
Family = Annotated[bool, typer.Option("--family", help="Include related endpoints: the endpoint's family.")]
Overlap = Annotated[bool, typer.Option("--allow-overlap", help="Include arms that share patients.")]
Out = Annotated[Path, typer.Option("--out", metavar="PATH", help="File ending in .svg, .png or .html.")]


def pool(
    endpoint: EndpointOption,
    regimen: Regimens = None,
    drug_class: DrugClass = None,
    setting: Setting = None,
    design: Design = None,
    year: Year = None,
    lineage: Lineage = None,
    age_group: AgeGroup = None,
    statistic: Statistic = None,
    at: Landmark = None,
    method: Method = "glmm",
    by: By = None,
    covariate: Covariates = None,
    family: Family = False,
    allow_overlap: Overlap = False,
    level: Annotated[float, typer.Option(metavar="NUMBER", help="Level of the intervals.")] = 0.95,
    tables: Tables = None,
    as_json: AsJson = False,
) -> None:
    """Pool a published endpoint over trials; no patient counts twice, and figures left out are named with the reason.

    Example: engager evidence pool --endpoint CR --regimen blinatumomab
    """
    # Subgroups by class or setting ask for all of them.
    drug_class = drug_class or ("any" if by == "drug_class" else None)
    setting = setting or ("any" if by == "setting" else None)
    from engager.core import check_tables_path
    from engager.study import pooled_endpoint, write_pooled_tables

    if tables is not None:
        check_tables_path(tables)
    filters = filters_of(regimen, drug_class, setting, design, year, family, allow_overlap, lineage, age_group)
    pooled = pooled_endpoint(endpoint, filters, statistic, method, by, covariate, level, at)
    if as_json:
        print_json(pooled.as_dict())
    else:
        _print_pooled(pooled)
    if tables is not None:
        remark(f"Tables: {write_pooled_tables(pooled, tables)}")


def forest(
    endpoint: EndpointOption,
    out: Out = Path("forest.svg"),
    regimen: Regimens = None,
    drug_class: DrugClass = None,
    setting: Setting = None,
    design: Design = None,
    year: Year = None,
    lineage: Lineage = None,
    age_group: AgeGroup = None,
    statistic: Statistic = None,
    at: Landmark = None,
    method: Method = "glmm",
    family: Family = False,
    allow_overlap: Overlap = False,
    run: Annotated[
        list[Path] | None, typer.Option("--run", metavar="RUN", help="Run folder whose trial gets a row.")
    ] = None,
    run_arm: Annotated[str | None, typer.Option(metavar="ARM", help="Arm of the run; omitted: all.")] = None,
) -> None:
    """Draw a forest plot of a published endpoint; a simulated trial can be a row of its own.

    Example: engager evidence forest --endpoint CR/CRh --out forest.svg
    """
    from engager.evidence import draw_forest, forest_table, record, write_figure
    from engager.study import pooled_endpoint

    filters = filters_of(regimen, drug_class, setting, design, year, family, allow_overlap, lineage, age_group)
    pooled = pooled_endpoint(endpoint, filters, statistic, method, months=at)
    simulated = [row for folder in run or () for row in _simulated(folder, pooled, run_arm)]
    landmark = f" {at:g} months" if at is not None else ""
    title = f"{pooled.endpoint}, {pooled.statistic.replace('_', ' ')}{landmark}: published studies"
    words = "Squares: published (open: interval computed here). Diamond: pooled mean. Line below it: a new study."
    notes = (*pooled.remarks, *pooled.left_out)
    records = dict.fromkeys(str(row["record"]) for row in pooled.rows)
    references = [_numbered(record(name)) for name in records]
    figure, table = draw_forest(pooled, simulated), forest_table(pooled, simulated)
    write_figure(figure, out, title, words, table, notes, references)
    tell_written(out)
    _tell(pooled)


def _numbered(one: Record) -> str:
    """A citation behind the number that the figure prints beside the study."""
    from engager.evidence import cite

    return f"[{one.reference}] {cite(one)}" if one.reference is not None else cite(one)


def network(
    endpoint: EndpointOption = "OS",
    reference: Annotated[str | None, typer.Option(metavar="TREATMENT", help="Treatment to compare with.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="PATH", help="Draw it: .svg, .png or .html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the treatments of the randomized trials with one another, and rank them.

    Example: engager evidence network --endpoint OS --out network.svg
    """
    from engager.evidence import (
        draw_network,
        endpoint as endpoint_of,
        fit_network,
        network_remarks,
        network_table,
        published_network,
        write_figure,
    )

    studies, scale, left_out = published_network(endpoint)
    fit = fit_network(studies, reference)
    small_is_good = scale == "hazard_ratio" or endpoint_of(endpoint).better == "lower"
    table = network_table(fit, scale, small_is_good)
    notes = [*network_remarks(fit, studies), *left_out]
    if out is not None:
        words = "Each line is a randomized comparison with its number of studies."
        figure = draw_network(fit, endpoint_of(endpoint).name, scale, small_is_good)
        write_figure(figure, out, f"Randomized comparisons: {endpoint}", words, table, notes)
        tell_written(out)
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
                "remarks": list(network_remarks(fit, studies)),
                "left_out": left_out,
            }
        )
    elif out is None:
        print_table(table[0], table[1:])
        for note in notes:
            remark(note)


def draw_evidence_map(out: Out = Path("evidence-map.svg"), as_json: AsJson = False) -> None:
    """Draw how many patients stand behind the published figures of each regimen and endpoint.

    Example: engager evidence map --out map.svg
    """
    from engager.evidence import draw_map, make_map, map_table, write_figure

    found = make_map()
    table = map_table(found)
    if as_json:
        print_json([dict(zip(table[0], row, strict=True)) for row in table[1:]])
        return
    words = "Patients with a published figure, each counted once (trials in brackets in the table)."
    write_figure(draw_map(found), out, "Published evidence", words, table)
    tell_written(out)


def add_to(app: typer.Typer) -> None:
    """Put these commands into `engager evidence`."""
    commands: dict[str, Callable[..., None]] = {
        "pool": pool,
        "forest": forest,
        "network": network,
        "map": draw_evidence_map,
    }
    for name, command in commands.items():
        app.command(name)(command)


def filters_of(
    regimen: list[str] | None,
    drug_class: str | None,
    setting: str | None,
    design: str | None,
    year: str | None,
    family: bool,
    allow_overlap: bool,
    lineage: str | None = None,
    age_group: str | None = None,
) -> dict[str, Any]:
    """The filters of `select`, from the options of a command."""
    return {
        "regimens": regimen or (),
        "drug_class": drug_class,
        "setting": setting,
        "design": design,
        "year": year,
        "family": family,
        "allow_overlap": allow_overlap,
        "lineage": lineage,
        "age_group": age_group,
    }


def _simulated(folder: Path, pooled: Pooled, arm: str | None) -> list[dict[str, Any]]:
    """Rows of a run folder with the same endpoint and statistic: what it compared, else what it simulated."""
    from engager.core import InputError, Problem
    from engager.study import RunFolder

    run = RunFolder.open(folder)

    def rows_of(simulated: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"label": ", ".join(("simulated", run.id, row["arm"], *filter(None, [row.get("definition")]))),
             "value": row["median"], "low": row["low"], "high": row["high"], "is_outside": bool(run.outside_fit)}
            for row in simulated
            if row["endpoint"] == pooled.endpoint
            and row["statistic"] == pooled.statistic
            and row["time_months"] == pooled.time_months
            and row["median"] is not None
            and arm in (None, row["arm"])
        ]  # fmt: skip

    # A published target may ask for its own window; without one the study's endpoint stands as it is.
    compared = rows_of([{**row, **row["simulated"]} for row in run.comparisons])
    found = compared or rows_of(run.predictions())
    if not found:
        rule = f"has no {pooled.statistic} of {pooled.endpoint}"
        raise InputError(Problem("--run", folder, rule, "Choose another endpoint or run."))
    return found


def _print_pooled(pooled: Pooled) -> None:
    from engager.core import quantity
    from engager.evidence import forest_table

    table = forest_table(pooled)
    print_table(table[0], table[1:], right=("value", "weight"))
    _print_with_failures(
        ["method", "mean", "interval", "prediction", "tau2", "I2", "Q"],
        [_estimate_row(one, pooled.statistic) for one in (pooled.estimate, *pooled.others)],
    )
    if pooled.subgroups:
        _print_with_failures(
            ["subgroup", "studies", "mean", "interval"],
            [[name, str(n), *_mean_cells(one, pooled.statistic)] for name, one, n in pooled.subgroups],
        )
        if pooled.subgroup_p is not None:
            typer.echo(f"subgroups differ: p = {pooled.subgroup_p:.2g}")
    if pooled.regressions:
        slopes = [
            [
                one.covariate,
                str(one.n_studies),
                short(one.slope),
                "" if one.low is None else f"{quantity(one.low)} to {quantity(one.high)}",
                "" if one.p is None else f"{one.p:.2g}",
                one.failure or "",
            ]
            for one in pooled.regressions
        ]
        _print_with_failures(["covariate", "studies", "slope", "interval", "p"], slopes)
    if pooled.leave_one_out:
        _print_with_failures(
            ["leaving out", "mean", "interval"],
            [[name, *_mean_cells(one, pooled.statistic)] for name, one in pooled.leave_one_out],
        )
    _tell(pooled)


def _mean_cells(one: Any, statistic: str) -> list[str]:
    """Mean, interval and why it failed, if it did."""
    from engager.core import interval, number

    return [number(one.value, statistic), interval(one.low, one.high, statistic), one.failure or ""]


def _estimate_row(one: Any, statistic: str) -> list[str]:
    """A method of pooling with all that it gives."""
    from engager.core import interval, whole_percent

    mean, span, failure = _mean_cells(one, statistic)
    return [
        one.method,
        mean,
        span,
        interval(one.prediction_low, one.prediction_high, statistic),
        short(one.tau2),
        "" if one.i2 is None else whole_percent(one.i2),
        "" if one.q is None else f"{one.q:.1f} (p {one.q_p:.2g})",
        failure,
    ]


def _print_with_failures(columns: list[str], rows: list[list[str]]) -> None:
    """A table below a blank line whose rows end with why a model could not be fitted, if one could not."""
    typer.echo()
    if any(row[-1] for row in rows):
        print_table([*columns, "failed because"], rows)
    else:
        print_table(columns, [row[:-1] for row in rows])


def _tell(pooled: Pooled) -> None:
    for note in pooled.remarks:
        remark(note)
    if pooled.left_out:
        remark("left out:")
    for note in pooled.left_out:
        remark(f"  {note}")


def tell_written(out: Path) -> None:
    """Where a file was written, on stderr."""
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


def short(value: Any) -> str:
    """A number or word for a cell of a table."""
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
