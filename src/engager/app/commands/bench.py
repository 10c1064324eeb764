"""`engager bench`: the options of the comparison with other solvers; the comparison itself is `bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engager.app.options import AsJson


def compare_solvers(
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="cpu, or cuda for a GPU beside the CPU; with --trial, instead of it.")
    ] = "cpu",
    patients: Annotated[int, typer.Option(metavar="N", help="Patients that the engine solves.")] = 2000,
    gpu_patients: Annotated[
        int, typer.Option(metavar="N", help="Patients a GPU solves: it takes many to fill one.")
    ] = 30_000,
    peer_patients: Annotated[
        int, typer.Option(metavar="N", help="Patients each peer solves, the first of the same.")
    ] = 24,
    rounds: Annotated[
        int, typer.Option(metavar="N", help="Runs of each solver; the fastest counts, with --trial the median.")
    ] = 5,
    solver: Annotated[list[str] | None, typer.Option(metavar="SOLVER", help="Only this one; may be repeated.")] = None,
    model: Annotated[list[str] | None, typer.Option(metavar="MODEL", help="Only this one; may be repeated.")] = None,
    stream: Annotated[
        int | None, typer.Option(metavar="N", help="Instead: stream so many patients to Parquet and measure memory.")
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Instead: run the model files of a folder in native and reference."),
    ] = None,
    until: Annotated[
        float, typer.Option(metavar="NUMBER", help="With --models: last time, in each model's unit.")
    ] = 100.0,
    seconds: Annotated[
        float, typer.Option(metavar="NUMBER", help="With --models: a file that takes longer is slow.")
    ] = 60.0,
    trial: Annotated[
        bool, typer.Option("--trial", help="Instead: a whole trial beside the same courses solved in one go.")
    ] = False,
    replicates: Annotated[
        int | None, typer.Option(metavar="N", help="With --trial: virtual trials of TOWER; default: 74 for each core.")
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="With --trial: cores to try; may be repeated. Default: one, and all."),
    ] = None,
    dashboard: Annotated[
        int | None, typer.Option(metavar="N", help="Instead: ask the dashboard for so many patients, as sliders do.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the engine with other solvers on the same model and patients; or its backends on a folder of models.

    Example: engager bench --patients 500 --rounds 1
    """
    from engager.app.console import answer_alone
    from engager.bench import BENCH_CASES, run_bench
    from engager.core import InputError, Problem, nearest
    from engager.engine import require_gpu

    counts = [("patients", patients), ("gpu-patients", gpu_patients), ("peer-patients", peer_patients)]
    counts += [("rounds", rounds)]
    counts += [("threads", count) for count in threads or ()]
    counts += [("dashboard", dashboard)] if dashboard is not None else []
    counts += [("replicates", replicates)] if replicates is not None else []
    problems = [Problem(f"--{name}", value, "must be at least 1") for name, value in counts if value < 1]
    if device not in ("cpu", "cuda"):
        problems.append(Problem("--device", device, "must be cpu or cuda"))
    if stream is not None and stream < 1:
        problems.append(Problem("--stream", stream, "must be at least 1"))
    problems += [
        Problem("--model", name, "must be a model of the bench", nearest(name, BENCH_CASES))
        for name in model or ()
        if name not in BENCH_CASES
    ]
    problems += [
        Problem(f"--{name}", value, "must be a finite number > 0")
        for name, value in (("until", until), ("seconds", seconds))
        if not 0 < value < float("inf")
    ]
    if problems:
        raise InputError(problems)
    if device == "cuda":
        require_gpu()
    if models is not None:
        _models(models, until, seconds, as_json)
        return
    if dashboard is not None:
        _dashboard(dashboard, as_json)
        return
    if trial:
        _trial(replicates, threads, rounds, device, as_json)
        return
    if stream is not None:
        _stream(stream, (model or ["hosseini-2020"])[0], as_json)
        return
    run_bench(
        device=device,
        json=as_json,
        patients=patients,
        gpu_patients=gpu_patients,
        peer_patients=peer_patients,
        rounds=rounds,
        solvers=solver or None,
        models=model or None,
        write=answer_alone() if as_json else lambda text: typer.echo(text),
    )


def _models(folder: Path, until: float, seconds: float, as_json: bool) -> None:
    from engager.app.console import print_json, print_table, remark
    from engager.bench import compare_backends, reports_as_json

    def tell(done: int, total: int) -> None:
        if done % 50 == 0 or done == total:
            remark(f"{done} of {total} files")

    reports = compare_backends(folder, until=until, seconds=seconds, progress=tell)
    found: dict[str, Any] = reports_as_json(reports)
    if as_json:
        print_json(found)
        return
    shown = [one for one in reports if one.outcome not in ("same", "reference only")]
    columns = ["file", "states", "outcome", "difference", "where or why"]
    rows = [
        [one.file, str(one.states), one.outcome, f"{one.difference:.1e}" if one.outcome == "differs" else "", one.where]
        for one in shown
    ]
    if rows:
        print_table(columns, rows, right=("states", "difference"))
    counts = found["counts"]
    typer.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count))


def _stream(n_patients: int, model: str, as_json: bool) -> None:
    from engager.app.console import print_json, remark
    from engager.bench import measure_stream

    found = measure_stream(n_patients, model, remark)
    if as_json:
        print_json(found)
        return
    typer.echo(
        f"{found['model']}: {found['patients']} patients x {found['times']} times in {found['seconds']:.0f} s, "
        f"{found['failed']} failed, {found['parquet_bytes'] / 2**30:.2f} GiB of Parquet, "
        f"{found['resident_bytes'] / 2**30:.2f} GiB resident at most"
    )


def _dashboard(moves: int, as_json: bool) -> None:
    from engager.app.console import print_json, remark
    from engager.bench import measure_dashboard

    found = measure_dashboard(moves, remark)
    if as_json:
        print_json(found)
        return
    early, late = found["resident_start_bytes"] / 2**20, found["resident_end_bytes"] / 2**20
    typer.echo(
        f"{moves} moves: median {found['median_s']:.3f} s, p95 {found['p95_s']:.3f} s,"
        f" longest {found['longest_s']:.2f} s ({found['cpu_s_per_move']:.3f} CPU s each);"
        f" start page {found['first_page_s']:.2f} s;"
        f" memory {early:.0f} MiB after a tenth of them, {late:.0f} MiB after all"
    )


def _trial(replicates: int | None, threads: list[int] | None, rounds: int, device: str, as_json: bool) -> None:
    from engager.app.console import print_json, remark
    from engager.bench import measure_trial

    found = measure_trial(replicates, threads, rounds, device, remark)
    if as_json:
        print_json(found)
        return
    typer.echo(
        f"{found['study']}, {found['replicates']} replicates, {found['patients']} patients; medians of {rounds} turns"
    )
    typer.echo("threads  patients/s  ceiling/s  share of ceiling  share in solver")
    for row in found["rows"]:
        typer.echo(
            f"{row['threads']:7d}  {row['patients_per_s']:10.0f}  {row['ceiling_patients_per_s']:9.0f}  "
            f"{row['share_of_ceiling']:16.2f}  {row['share_in_solver']:15.2f}"
        )
