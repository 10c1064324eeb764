"""What the shipped studies are called, without reading the rest of them: for lists.

In: the package's study files. Out: their `Heading`s. Not here: checks, defaults, anything a simulation needs (`text`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engager.core import read_shipped_data

SHIPPED = Path(__file__).parents[1] / "data" / "protocols"


@dataclass(frozen=True)
class Heading:
    """One study in a list.

    Attributes
    ----------
    id, title : of the study. record : the published trial it carries out, if any.
    arms : patients of each arm.
    n_targets : published figures it is compared with.
    """

    id: str
    title: str
    record: str | None
    arms: dict[str, int]
    n_targets: int

    @property
    def n_patients(self) -> int:
        return sum(self.arms.values())


def shipped_protocols() -> tuple[str, ...]:
    """Ids of the studies in the package."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def shipped_headings() -> tuple[Heading, ...]:
    """The studies in the package, by id."""
    return tuple(_heading(study) for study in shipped_protocols())


def _heading(study: str) -> Heading:
    content = read_shipped_data((SHIPPED / f"{study}.yaml").read_text(encoding="utf-8"))
    return Heading(
        id=study,
        title=content.get("title", ""),
        record=content.get("record"),
        arms={arm: int(one["n"]) for arm, one in content["arms"].items()},
        n_targets=len(content.get("targets", ())),
    )
