"""What the reader of a run should know about its study: what the file itself tells, and how it stands to what shipped.

In: a `Protocol`. Out: sentences. Nothing is wrong with a study that has notes.
"""

from __future__ import annotations

from engager.evidence import load_regimens
from engager.protocol import Protocol, Regimen, shipped_protocol, shipped_protocols
from engager.trial import regimen_strengths

# The 95 % interval of a rate near one half spans more than a quarter in fewer.
FEW_PATIENTS = 50
# Whether a premedication is given depends on no body size, only how much of it.
_ANY_BSA_M2 = 1.8


def run_notes(protocol: Protocol) -> list[str]:
    """Every note of a study: of its file, of its comparators' strengths, and of targets published for others."""
    strengths = [
        f"arms.{arm_id}.regimen: {_strength(arm.regimen)}"
        for arm_id, arm in protocol.arms.items()
        if arm.regimen.is_chemotherapy
    ]
    return [*protocol.notes(), *_without_premedication(protocol), *strengths, *_targets_of_others(protocol)]


def _without_premedication(protocol: Protocol) -> list[str]:
    """A note for each arm that gets an engager without the dexamethasone that its label's regimen starts with."""
    found = []
    for arm_id, arm in protocol.arms.items():
        is_given = arm.regimen.premedication.dose_mg(_ANY_BSA_M2).any()
        if is_given or (of_label := _premedicated(arm.regimen.drug)) is None:
            continue
        slug, dose = of_label
        why = (
            f"the source of {arm.regimen.id} does not state any, so none is given"
            if arm.regimen.id in load_regimens()
            else "none is given"
        )
        found.append(
            f"arms.{arm_id}: premedication: {why}; the label's regimen {slug} has {dose} of dexamethasone before the"
            " first dose. Without it this model shows more cytokine release"
        )
    return found


def _premedicated(drug: str) -> tuple[str, str] | None:
    """The first regimen of the catalogue with dexamethasone before this drug, and the dose; None: there is none."""
    for slug, published in load_regimens().items():
        if not any(one.drug == drug and one.role == "treatment" for one in published.drugs):
            continue
        for one in published.drugs:
            if one.role == "premedication" and one.drug == "dexamethasone" and one.amount is not None:
                return slug, f"{one.amount:g} {one.unit}"
    return None


def after_cut_sentence(n_after_cut: int, n_patients: int) -> str:
    """What to say of patients whose turn to enter came only after the data cut; empty when there are none."""
    if not n_after_cut:
        return ""
    return f"{n_after_cut} of {n_patients} patients would have entered only after the data cut, and are in no table."


def patients_behind(regimen: Regimen) -> int | None:
    """Patients whose remissions the strength of a chemotherapy regimen was found from; None: it has none of its own."""
    found = regimen_strengths().get(regimen.id) if regimen.strength is None else None
    return found.n if found else None


def _strength(regimen: Regimen) -> str:
    """How strong a comparator is, and what that rests on."""
    if regimen.strength is not None:
        return f"strength {regimen.strength:g} as given in the study file; no published figure supports it"
    found = regimen_strengths().get(regimen.id)
    if found is None:
        return f"{regimen.id} has no strength of its own and counts as standard salvage chemotherapy (strength 1)"
    few = f"FEW PATIENTS: based on only {found.n}; " if found.n < FEW_PATIENTS else ""
    missed = "" if found.is_reached else "; the model does not reach the published rate"
    return (
        f"{few}strength of {regimen.id} {found.strength:.2f} (95 % {found.low:.2f} to {found.high:.2f}; standard"
        f" salvage chemotherapy is 1), from {found.endpoint} in {found.events} of {found.n} patients"
        f" ({', '.join(found.records)}){missed}"
    )


def _targets_of_others(protocol: Protocol) -> list[str]:
    """A note when the targets of a record stand in a study of other patients or doses than the record's."""
    if protocol.record is None or not protocol.targets or (shipped := _shipped_of(protocol)) is None:
        return []
    changed = _changed(protocol, shipped)
    if not changed:
        return []
    return [
        f"targets: published for other patients or another dose: {', '.join(changed)}"
        f" differ{'s' if len(changed) == 1 else ''} from the shipped study"
        f" {shipped.study} of record {protocol.record}, so the verdicts mean little; engager trial show"
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
