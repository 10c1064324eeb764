"""`engager evidence curve`, `prior`, `match`: the records put to use for a trial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from engager.app.commands.evidence_synthesis import (
    AgeGroup,
    Design,
    DrugClass,
    EndpointOption,
    Lineage,
    Setting,
    Year,
    filters_of,
    short,
    tell_written,
)
from engager.app.console import print_json, print_table, remark
from engager.app.options import AsJson, RecordArgument, Regimens, complete_record
from engager.core import figure, interval, number

_MOST_PARTS = 10


def curve(
    record_id: RecordArgument,
    arm: Annotated[str, typer.Option(metavar="ARM", help="Arm of the record.")],
    endpoint: EndpointOption = "OS",
    until: Annotated[float | None, typer.Option(metavar="NUMBER", help="Last month to draw.")] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Run folder whose simulated curve is drawn beside it.")
    ] = None,
    run_arm: Annotated[
        str | None, typer.Option(metavar="ARM", help="Arm of the run; omitted: the arm of the same name.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="PATH", help="Draw it: .svg, .png or .html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild an arm's survival curve from what was printed, with a band that agrees with every printed figure.

    Example: engager evidence curve blast-2014 --arm blinatumomab --endpoint RFS --out curve.svg
    """
    from engager.core import InputError
    from engager.evidence import curve_information, draw_curve, rebuild_curve, record, write_figure

    found = rebuild_curve(record(record_id), arm, endpoint, until)
    try:
        information, untold = curve_information(record_id, arm, endpoint), ""
    except InputError as error:
        information, untold = None, error.problems[0].rule
    rows = [[f"{t:.1f}", f"{s:.3f}", f"{lo:.3f}", f"{hi:.3f}"] for t, s, lo, hi in _points(found)]
    columns = ["months", "survival", "band low", "band high"]
    if out is not None:
        words = "Diamonds are printed figures; the curve between them is rebuilt."
        title = f"{found.endpoint} of {record_id}, {arm}"
        simulated = [] if run is None else [_simulated_curve(run, run_arm or arm, found.endpoint)]
        figure = draw_curve(found, simulated)
        write_figure(figure, out, title, words, [columns, *rows], found.assumptions)
        tell_written(out)
    if as_json:
        print_json({**found.as_dict(), "information": None if information is None else information.as_dict()})
    elif out is None:
        print_table(columns, rows, right=tuple(columns))
    for said in found.assumptions:
        remark(said)
    if information is None:
        remark(f"cannot be a target of a study: {untold}")
    else:
        n_points = len(information.time_months)
        printed = f"{n_points} printed point{'s' if n_points > 1 else ''}"
        remark(
            f"as a target of a study: {printed}, as informative as {information.events:.0f} deaths among"
            f" {information.n:.0f} patients"
        )


def prior(
    endpoint: EndpointOption,
    regimen: Regimens = None,
    drug_class: DrugClass = None,
    setting: Setting = None,
    design: Design = None,
    year: Year = None,
    lineage: Lineage = None,
    age_group: AgeGroup = None,
    tau_scale: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Scale of the prior of tau; 1 for a share, 0.5 for a median.")
    ] = None,
    robust_weight: Annotated[float, typer.Option(metavar="NUMBER", help="Weight of the vague part, 0 to 1.")] = 0.2,
    as_json: AsJson = False,
) -> None:
    """Make a robust prior for a control arm from earlier trials: a share or a median survival, and what it is worth.

    Example: engager evidence prior --endpoint CR --class chemotherapy
    """
    from engager.evidence import (
        CONTROL_CLASS,
        known_endpoint,
        median_prior_from_records,
        prior_from_records,
        select,
        with_defaults,
    )
    from engager.study import chosen_by_default

    filters = filters_of(regimen, drug_class, setting, design, year, False, False, lineage, age_group)
    filters, told = with_defaults(filters, CONTROL_CLASS)
    if known_endpoint(endpoint, "--endpoint").kind == "time_to_event":
        chosen = chosen_by_default(told, lambda: select(endpoint, "median", **filters))
        medians = median_prior_from_records(chosen, 0.5 if tau_scale is None else tau_scale, robust_weight)
        parts = "log months", ("weight", "mean", "sd"), medians.as_dict()
        said = [
            f"predictive median {medians.median:.2f} months, 95 % from {medians.low:.2f} to {medians.high:.2f}",
            f"worth {medians.effective_events:.1f} deaths ({medians.effective_events_predictive:.1f} without the "
            f"vague part), from {medians.n_studies} studies",
        ]
    else:
        chosen = chosen_by_default(told, lambda: select(endpoint, **filters))
        shares = prior_from_records(chosen, 1.0 if tau_scale is None else tau_scale, robust_weight=robust_weight)
        parts = "share", ("weight", "a", "b"), shares.as_dict()
        said = [
            f"predictive mean {number(shares.mean, 'proportion')}, 95 % from"
            f" {interval(shares.low, shares.high, 'proportion')} %",
            f"effective sample size {shares.effective_sample_size:.0f} patients "
            f"({shares.effective_sample_size_predictive:.0f} without the vague part), "
            f"from {shares.n_studies} studies of {shares.n_patients} patients",
        ]
    scale, keys, content = parts
    if as_json:
        print_json({"endpoint": chosen.endpoint, "scale": scale, **content, "remarks": list(chosen.remarks)})
        return
    rows = [[f"{part[key]:.3f}" for key in keys] for part in content["components"]]
    if len(rows) <= _MOST_PARTS:
        print_table(list(keys), rows, right=keys)
    else:
        remark(f"a mixture of {len(rows)} parts; --json prints them")
    for line in said:
        typer.echo(line)
    for note in (*chosen.remarks, *content["left_out"]):
        remark(note)


def match_patients(
    patients: Annotated[Path, typer.Argument(metavar="PATIENTS", help="Parquet or CSV, one row for each patient.")],
    targets: Annotated[
        Path | None, typer.Argument(metavar="BASELINE", help="YAML: column to mean, sd, median, proportion.")
    ] = None,
    record_id: Annotated[
        str | None,
        typer.Option(
            "--record", metavar="RECORD", help="Take a record's published baseline.", autocompletion=complete_record
        ),
    ] = None,
    arm: Annotated[str | None, typer.Option(metavar="ARM", help="Arm of the record.")] = None,
    event: Annotated[
        str | None,
        typer.Option(
            metavar="EVENT", help="Event whose weighted share is wanted: a yes/no column, or e.g. best_response=CR."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Rows to use, e.g. arm=blinatumomab; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="Write the table with its weights (CSV).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Weight patients so that they match a published baseline, and show the effective number of patients that remains.

    Example: engager evidence match patients.csv --record tower-2017 --arm blinatumomab
    """
    from engager.core import InputError, Problem
    from engager.evidence import baseline_targets, event_of, match, read_patients, read_targets, record

    if (targets is None) == (record_id is None or arm is None):
        rule = "give either a targets file or --record with --arm"
        raise InputError(Problem("evidence match", str(targets), rule, "`engager evidence show` lists arms."))
    frame = read_patients(patients, only or ())
    had_event = None if event is None else event_of(frame, event)
    if targets is not None:
        wanted = read_targets(targets)
    else:
        published = baseline_targets(record(str(record_id)), str(arm))
        wanted = {column: target for column, target in published.items() if column in frame.columns}
        for column in sorted(set(published) - set(wanted)):
            remark(f"{column} was published, but the patients have no such column")
    matched = match(frame, wanted)
    share = None if had_event is None else matched.proportion(had_event)
    if out is not None:
        from engager.evidence import write_weights

        write_weights(frame, matched, out)
        tell_written(out)
    content = {
        "effective_sample_size": matched.effective_sample_size,
        "n_used": matched.n_used,
        "n_missing": matched.n_missing,
        "largest_weight": matched.largest,
        "balance": list(matched.balance),
        "event": None if share is None else dict(zip(("value", "low", "high"), share, strict=True)),
        "remarks": list(matched.remarks),
    }
    if as_json:
        print_json(content)
        return
    keys = ("covariate", "statistic", "target", "before", "after")
    print_table(list(keys), [[short(row[key]) for key in keys] for row in matched.balance])
    typer.echo(f"effective sample size {matched.effective_sample_size:.1f} of {matched.n_used} patients")
    if share is not None:
        typer.echo(f"{event}: {figure(*share, 'proportion')}, weighted")
    for note in matched.remarks:
        remark(note)
    if matched.n_missing:
        remark(f"{matched.n_missing} patients lack a covariate and have no weight")


def add_to(app: typer.Typer) -> None:
    """Put these commands into `engager evidence`."""
    commands: dict[str, Callable[..., None]] = {"curve": curve, "prior": prior, "match": match_patients}
    for name, command in commands.items():
        app.command(name)(command)


def _simulated_curve(folder: Path, arm: str, endpoint: str) -> dict[str, Any]:
    """The median curve of a run's replicates, with its prediction band."""
    from engager.analysis import survival_bands
    from engager.core import InputError, Problem, nearest
    from engager.study import RunFolder

    run = RunFolder.open(folder)
    arms = run.protocol.arm_ids
    if arm not in arms:
        raise InputError(Problem("--run-arm", arm, f"is not an arm of {run.id}", nearest(arm, arms)))
    bands = survival_bands(run.table("patients"), endpoint, arms=[arm], replicates=run.replicates).drop_nans("survival")
    return {
        "label": f"simulated, {run.id}",
        "time_months": bands["month"].to_list(),
        "survival": bands["survival"].to_list(),
        "low": bands["low"].to_list(),
        "high": bands["high"].to_list(),
    }


def _points(found: Any) -> list[tuple[float, float, float, float]]:
    """About 25 times, the printed points among them."""
    last = float(found.time_months[-1])
    times = sorted({*(last * k / 24 for k in range(25)), *(a.time_months for a in found.anchors)})
    return [(t, *found.at(t)) for t in times]
