"""What options and arguments mean wherever they stand, and what a shell offers for them.

The rule of placeholders: ``N`` a whole number, ``NUMBER`` any number, ``PATH`` a file or folder, ``STUDY``, ``RUN``,
``RECORD``, ``REGIMEN`` and ``MODEL`` what they say, else the option's own name in capitals. Names of studies, records,
regimens and models that ship are completed by the shell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer


def completed(names: Callable[[], Iterable[str]], *words: str) -> Callable[[str], list[str]]:
    """A completion of the names, and the words beside them, that begin with what was typed; files are the shell's."""

    def offer(incomplete: str) -> list[str]:
        return sorted(name for name in (*names(), *words) if name.startswith(incomplete))

    return offer


def _studies() -> Iterable[str]:
    from engager.protocol import shipped_protocols

    return shipped_protocols()


def _records() -> Iterable[str]:
    from engager.evidence import load_records

    return load_records()


def _regimens() -> Iterable[str]:
    from engager.evidence import load_regimens

    return load_regimens()


def _models() -> Iterable[str]:
    from engager.model import model_ids

    return model_ids()


complete_study = completed(_studies)
complete_validated = completed(_studies, "observations")
complete_left_out = completed(_studies, "each")
complete_fitted = completed(_studies, "time-courses", "regimens")
complete_record = completed(_records)
complete_regimen = completed(_regimens)
complete_model = completed(_models)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same numbers.")]
Threads = Annotated[
    int | None, typer.Option("--threads", metavar="N", help="Cores to use; default: all. It changes no number.")
]
StudyArgument = Annotated[
    str,
    typer.Argument(metavar="STUDY", help="A shipped study, or a study file (.yaml).", autocompletion=complete_study),
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or its run.json.")]
RecordArgument = Annotated[
    str, typer.Argument(metavar="RECORD", help="A record, e.g. tower-2017.", autocompletion=complete_record)
]
RegimenArgument = Annotated[
    str,
    typer.Argument(metavar="REGIMEN", help="A regimen, e.g. blinatumomab.", autocompletion=complete_regimen),
]
Regimens = Annotated[
    list[str] | None,
    typer.Option(
        "--regimen",
        metavar="REGIMEN",
        help="One of `engager regimen list`; may be repeated.",
        autocompletion=complete_regimen,
    ),
]
Tables = Annotated[
    Path | None,
    typer.Option(
        "--tables",
        metavar="PATH",
        help="Also write every table, its columns explained: a new .xlsx file, or a new folder of CSV files.",
    ),
]
