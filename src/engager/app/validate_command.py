"""`engager validate`: published figures beside their predictions, over several studies."""

from __future__ import annotations

from typing import Annotated

import typer

from engager.app.console import print_comparisons, print_json, remark


def validate(
    against: Annotated[
        list[str] | None,
        typer.Option(help="A study file or id; may be repeated. Default: every shipped study."),
    ] = None,
    replicates: Annotated[int, typer.Option(help="Virtual trials of each study.")] = 40,
    seed: Annotated[int, typer.Option(help="Same seed, same numbers.")] = 1,
    parameters: Annotated[str, typer.Option(help="posterior, center or table.")] = "posterior",
    threads: Annotated[int | None, typer.Option(help="Default: all cores. Changes no number.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare virtual trials with every published figure: fitted ones, and ones that only check."""
    from engager.app.progress import share_progress
    from engager.calibration import fit_defaults
    from engager.study import load_protocol, studies_with_targets, validate_studies

    studies = [load_protocol(name) for name in against] if against else studies_with_targets()
    with share_progress(quiet) as tell:
        found = validate_studies(
            studies, replicates=replicates, seed=seed, parameters=parameters, n_threads=threads, progress=tell
        )
    content = found.as_json()
    if as_json:
        bands = fit_defaults()["acceptance"]
        print_json({**content, "acceptance": bands})
        return
    print_comparisons(content["targets"], with_trial=True)
    for use, words in (("fit", "fitted"), ("check", "checked")):
        inside, n = found.inside(use)
        if n:
            remark(f"{inside} of {n} {words} figures inside ({100 * inside / n:.0f} %).")
    if found.width_ratio is not None:
        remark(f"Prediction intervals are {found.width_ratio:.2f} times as wide as the published ones (median).")
    for text in found.not_simulated:
        remark(f"Not simulated: {text}")
    if found.n_failed:
        remark(f"{found.n_failed} patients could not be followed to the end and are left out of the figures.")
