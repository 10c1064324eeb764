"""Drug files that a study file names, read into the study: a run must not depend on files that lie beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from engager.core import InputError, Problem, read_at_most, read_plain
from engager.model import drug_from

_ENDINGS = (".yaml", ".yml")
_MOST_BYTES = 200_000


def with_drug_files(raw: dict[Any, Any], folder: Path) -> tuple[dict[Any, Any], list[Problem]]:
    """The content of a study file with each drug file under `drugs`, named by its id where it was named by its path.

    Parameters
    ----------
    raw : as read from the study file; it is not changed.
    folder : where the study file lies.
    """
    arms = raw.get("arms")
    if not isinstance(arms, dict):
        return raw, []
    problems: list[Problem] = []
    drugs = dict(raw["drugs"]) if isinstance(raw.get("drugs"), dict) else {}
    read: dict[str, str] = {}

    def named(where: str, value: Any) -> Any:
        if not isinstance(value, str) or not value.endswith(_ENDINGS):
            return value
        if value not in read:
            try:
                drug, content = _read(folder / value, where, value)
            except InputError as error:
                problems.extend(error.problems)
                return value
            if drug in drugs:
                problems.append(Problem(where, value, f"describes {drug}, which `drugs` or another file describes too"))
            drugs[drug], read[value] = content, drug
        return read[value]

    changed = {}
    for arm_id, arm in arms.items():
        if isinstance(arm, dict):
            arm = dict(arm)
            if "drug" in arm:
                arm["drug"] = named(f"arms.{arm_id}.drug", arm["drug"])
            regimen = arm.get("regimen")
            if isinstance(regimen, dict) and "drug" in regimen:
                arm["regimen"] = {**regimen, "drug": named(f"arms.{arm_id}.regimen.drug", regimen["drug"])}
        changed[arm_id] = arm
    return ({**raw, "arms": changed, **({"drugs": drugs} if drugs else {})} if read else raw), problems


def _read(path: Path, where: str, value: str) -> tuple[str, dict[str, Any]]:
    """Id and content of a drug file, checked."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(Problem(where, value, f"must be a file of at most {_MOST_BYTES} bytes"))
        content = read_plain(read_at_most(path, _MOST_BYTES).decode("utf-8"))
    except OSError as error:
        rule = f"must be a readable drug file beside the study file ({error.strerror})"
        raise InputError(Problem(where, value, rule, "Its path counts from the folder of the study file.")) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(Problem(where, value, f"must be YAML ({' '.join(str(error).split())})")) from None
    drug = drug_from(content, f"{path.name}: ")
    return drug.id, {key: one for key, one in content.items() if key != "drug"}
