"""Which arms share patients, so that nobody is counted twice.

Links come from ``data/overlaps.yaml`` and, for records that share a registry number, from the records
themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from engager.core import InputError, Problem
from engager.evidence.records.reading import read_yaml
from engager.evidence.records.vocabulary import DATA

if TYPE_CHECKING:
    from engager.evidence.records.schema import PublishedArm, RecordFile

_ROLES = ("whole", "part", "pool")
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Overlap:
    """Arms that share patients.

    Attributes
    ----------
    name, why : of the group.
    roles : arm (``record/arm``) to whole, part or pool.
    apart : sets of members that share no patient with each other.
    is_certain : False when the sharing is likely but not stated.
    """

    name: str
    why: str
    roles: Mapping[str, str]
    apart: tuple[frozenset[str], ...] = ()
    is_certain: bool = True

    def joins(self, first: str, second: str) -> bool:
        """Whether the group says that two arms share patients."""
        if first not in self.roles or second not in self.roles or first == second:
            return False
        return not any(first in group and second in group for group in self.apart)


@dataclass(frozen=True)
class LeftOut:
    """An arm an analysis did not take, and why; `is_certain` is False when the sharing is likely but not stated."""

    arm: str
    instead: str
    why: str
    is_certain: bool = True

    def __str__(self) -> str:
        if self.is_certain:
            return f"{self.arm}: shares patients with {self.instead} ({self.why})"
        return f"{self.arm}: likely shares patients with {self.instead}, not stated ({self.why})"


def uncertain_remark(left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    """A word on arms that were left out on a guess; empty when there are none."""
    guessed = [entry.arm for entry in left_out if not entry.is_certain]
    if not guessed:
        return ()
    told = "likely share patients with an arm taken, which nobody states; --allow-overlap takes them"
    return (f"left out although it is not certain that they must be: {'; '.join(guessed)} ({told})",)


@cache
def declared_overlaps() -> tuple[Overlap, ...]:
    """The groups of ``data/overlaps.yaml``."""
    groups = []
    for name, entry in _file()["groups"].items():
        roles = {arm: role for role in _ROLES for arm in entry.get(role, ())}
        apart = tuple(frozenset(arms) for arms in entry.get("apart", ()))
        groups.append(Overlap(name, entry["why"], roles, apart, entry.get("certain", True)))
    return tuple(groups)


def find_overlaps(records: Mapping[str, RecordFile]) -> tuple[Overlap, ...]:
    """All groups that matter for `records`: declared ones, and one per registry number that records share.

    Within a record, arms share patients only when a declared group says so; arms of one trial are disjoint.
    """
    return declared_overlaps() + _registry_overlaps(records) + _overlaps_in_records(records)


def check_overlaps(records: Mapping[str, RecordFile]) -> None:
    """Every arm named in the overlaps file exists.

    Raises
    ------
    InputError
        With every arm that does not.
    """
    known = {f"{record.id}/{arm.id}" for record in records.values() for arm in record.arms}
    named = [(group.name, arm) for group in declared_overlaps() for arm in group.roles]
    named += [("external_controls", arm) for arm in external_controls()]
    problems = [
        Problem(f"overlaps.yaml: {group}", arm, "is not an arm of a record", "Write it as record/arm.")
        for group, arm in named
        if arm not in known
    ]
    if problems:
        raise InputError(problems)


@cache
def external_controls() -> frozenset[str]:
    """Arms a paper set beside its own patients."""
    return frozenset(_file()["external_controls"])


def without_overlap(
    arms: Sequence[tuple[str, int, _Item]], records: Mapping[str, RecordFile]
) -> tuple[list[_Item], list[LeftOut]]:
    """The items whose arms share no patient, the fullest reports first, and what was left out.

    Parameters
    ----------
    arms : (``record/arm``, n, item), n being how many patients the item counts.
    records : the records the arms are from.

    Returns
    -------
    items kept, in the order given; and one `LeftOut` for each arm not taken.

    Notes
    -----
    Greedy: whole reports before parts before pools, more patients before fewer, then the order given. A
    pool is taken only when none of the trials in it is.
    """
    groups = find_overlaps(records)
    rank = {
        arm: min((_ROLES.index(group.roles[arm]) for group in groups if arm in group.roles), default=0)
        for arm, _, _ in arms
    }
    order = sorted(range(len(arms)), key=lambda i: (rank[arms[i][0]], -arms[i][1], i))
    kept: list[int] = []
    left_out: list[LeftOut] = []
    for index in order:
        arm = arms[index][0]
        clash = next(
            ((arms[taken][0], group) for taken in kept for group in groups if group.joins(arm, arms[taken][0])),
            None,
        )
        if clash is None:
            kept.append(index)
        else:
            instead, group = clash
            left_out.append(LeftOut(arm, instead, group.why, group.is_certain))
    return [arms[index][2] for index in sorted(kept)], left_out


def n_patients(record: RecordFile) -> int | None:
    """Patients a record is about: nobody twice, external controls left out; None when no number was seen."""
    if record.design and record.design.n_randomized is not None:
        return record.design.n_randomized
    own = [arm for arm in record.arms if f"{record.id}/{arm.id}" not in external_controls()]
    counted: list[tuple[str, int, PublishedArm]] = [
        (f"{record.id}/{arm.id}", arm.n or arm.n_evaluable or 0, arm) for arm in own
    ]
    kept, _ = without_overlap([entry for entry in counted if entry[1]], {record.id: record})
    return sum(arm.n or arm.n_evaluable or 0 for arm in kept) or None


def _registry_overlaps(records: Mapping[str, RecordFile]) -> tuple[Overlap, ...]:
    members: dict[str, list[RecordFile]] = {}
    for record in records.values():
        for number in _registry_numbers(record.citation.registry):
            members.setdefault(number, []).append(record)
    found = []
    for number, sharing in sorted(members.items()):
        if len(sharing) < 2:
            continue
        arms = [[f"{record.id}/{arm.id}" for arm in record.arms] for record in sharing]
        own = [arm for arm in (name for names in arms for name in names) if arm not in external_controls()]
        # Only arms of different records are linked; arms of one record are apart unless declared otherwise.
        # Control and treatment arms of one trial reported twice have different regimens and share nobody.
        regimen_of = {f"{record.id}/{arm.id}": arm.regimen for record in sharing for arm in record.arms}
        for regimen in sorted({regimen_of[arm] for arm in own}):
            same = [arm for arm in own if regimen_of[arm] == regimen]
            apart = tuple(frozenset(arm for arm in same if arm in names) for names in arms)
            roles = {arm: _declared_role(arm) for arm in same}
            found.append(Overlap(f"{number}/{regimen}", f"the same registry number {number}", roles, apart))
    return tuple(found)


def _overlaps_in_records(records: Mapping[str, RecordFile]) -> tuple[Overlap, ...]:
    """Sharing that a record states of its own arms (`shares_patients_with`)."""
    found = []
    for record in records.values():
        for arm in record.arms:
            name = f"{record.id}/{arm.id}"
            for other in arm.shares_patients_with:
                full = other if "/" in other else f"{record.id}/{other}"
                roles = {name: _declared_role(name), full: _declared_role(full)}
                found.append(Overlap(f"{name}+{full}", "the record says so", roles))
    return tuple(found)


def _declared_role(arm: str) -> str:
    ranks = [_ROLES.index(group.roles[arm]) for group in declared_overlaps() if arm in group.roles]
    return _ROLES[min(ranks, default=0)]


def _registry_numbers(registry: str | Iterable[str] | None) -> list[str]:
    text = registry if isinstance(registry, str) else " ".join(registry or ())
    skipped = set(_file()["registry_not_one_trial"])
    return [number for number in dict.fromkeys(re.findall(r"NCT\d{8}", text)) if number not in skipped]


@cache
def _file() -> dict[str, Any]:
    return read_yaml(DATA / "overlaps.yaml")
