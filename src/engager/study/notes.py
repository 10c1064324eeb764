"""What the reader of a run should know about its study: what the file itself tells, and how it stands to what shipped.

In: a `Protocol`. Out: sentences. Nothing is wrong with a study that has notes.
"""

from __future__ import annotations

from engager.protocol import Protocol, Regimen, shipped_protocol, shipped_protocols


def run_notes(protocol: Protocol) -> list[str]:
    """Every note of a study: of its file, and of targets that were published for others."""
    return [*protocol.notes(), *_targets_of_others(protocol)]


def _targets_of_others(protocol: Protocol) -> list[str]:
    """A note when the targets of a record stand in a study of other patients or doses than the record's."""
    if protocol.record is None or not protocol.targets or (shipped := _shipped_of(protocol)) is None:
        return []
    changed = _changed(protocol, shipped)
    if not changed:
        return []
    return [
        f"targets: published for other patients or another dose: {', '.join(changed)} differ from the shipped study"
        f" {shipped.study} of record {protocol.record}, so what lies inside or outside says little; engager trial show"
        f" {shipped.study} --as-template leaves targets, record and title out"
    ]


def _shipped_of(protocol: Protocol) -> Protocol | None:
    """The shipped study of the same record, that of the same name first."""
    for study in sorted(shipped_protocols(), key=lambda study: study != protocol.study):
        shipped = shipped_protocol(study)
        if shipped.record == protocol.record:
            return shipped
    return None


def _changed(protocol: Protocol, shipped: Protocol) -> list[str]:
    """Keys about patients and doses that differ."""
    ours, theirs = protocol.population.model_dump(), shipped.population.model_dump()
    found = [f"population.{key}" for key in ours if ours[key] != theirs[key]]
    if protocol.eligibility != shipped.eligibility:
        found.append("eligibility")
    for arm_id, arm in protocol.arms.items():
        other = shipped.arms.get(arm_id)
        if other is None or _given(arm.regimen) != _given(other.regimen):
            found.append(f"arms.{arm_id}.regimen")
    return found


def _given(regimen: Regimen) -> dict[str, object]:
    """What is given; not what the regimen is called or what was assumed about it."""
    return regimen.model_dump(exclude={"id", "assumptions"})
