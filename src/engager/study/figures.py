"""The figures of a finished run as files of their own, for a paper or a talk.

In: a run folder. Out: a new folder with survival by arm for each endpoint that is a time, and every figure published
beside simulated, as SVG and PNG.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engager.core import whole_folder
from engager.study.run.folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 200


def export_figures(run: str | Path, out: str | Path) -> list[str]:
    """Write the figures of a run.

    Parameters
    ----------
    run : a run folder or its ``run.json``. out : new folder.

    Returns
    -------
    Names of the figures, each there as ``.svg`` and ``.png``.

    Raises
    ------
    InputError
        When there is no finished run, or `out` exists or cannot be made.
    """
    figures = _figures(RunFolder.open(run))
    with whole_folder(Path(out)) as place:
        for name, figure in figures.items():
            figure.savefig(place / f"{name}.svg")
            figure.savefig(place / f"{name}.png", dpi=_DPI)
    return list(figures)


def _figures(run: RunFolder) -> dict[str, Figure]:
    from engager.report import figure_comparisons, figure_kaplan_meier
    from engager.study.compare.runs import curves_of

    arms = list(run.protocol.arm_ids)
    found: dict[str, Figure] = {}
    curves = curves_of([run])
    if "survival" in curves.columns:
        for endpoint in curves["endpoint"].unique(maintain_order=True).to_list():
            bands = curves.filter(curves["endpoint"] == endpoint)
            found[f"survival-{endpoint.lower()}"] = figure_kaplan_meier(bands, run.comparisons, endpoint, arms)
    if run.comparisons:
        found["published-beside-simulated"] = figure_comparisons(run.comparisons, arms)
    return found
