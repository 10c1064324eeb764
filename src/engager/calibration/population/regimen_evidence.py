"""Which published remissions fix a regimen's strength, and in whose patients.

A shipped study that gives the regimen speaks for itself: its own patients, the figures it marks `use: fit`. A
regimen without a study takes the remissions of its evidence records, in patients like TOWER's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engager.calibration.population.hierarchy import STANDARD_REGIMENS
from engager.core import InputError
from engager.evidence import load_regimens, select
from engager.protocol import Protocol, Target, shipped_protocol, shipped_protocols

# Widest remission first: papers that count incomplete recovery print it together.
_ENDPOINTS = ("CR/CRh/CRi", "CR/CRi", "CR")
# Remissions count in the first 12 weeks; nothing later is needed.
_MONTHS = 4.0
_TOWER, _TOWER_ARM = "tower", "chemotherapy"


@dataclass(frozen=True)
class RemissionRate:
    """One published remission rate and the virtual trial that answers it.

    Attributes
    ----------
    trial : one arm, cut to four months, with the target in question among its targets.
    target : what was published. events, n : its counts.
    records : evidence records. study : the shipped study, or None where patients like TOWER's stand in.
    """

    trial: Protocol
    target: Target
    events: int
    n: int
    records: tuple[str, ...]
    study: str | None = None

    @property
    def endpoint(self) -> str:
        return self.target.endpoint


def remission_rates() -> dict[str, tuple[RemissionRate, ...]]:
    """Remission rates by regimen, of everything but engagers, transplants and standard chemotherapy."""
    found: dict[str, list[RemissionRate]] = {}
    for study in map(shipped_protocol, shipped_protocols()):
        if study.population.setting == "relapsed_refractory":
            for slug, rates in _of_study(study).items():
                found.setdefault(slug, []).extend(rates)
    published = _published()
    for slug in published.keys() - found.keys():
        found[slug] = [published[slug]]
    return {slug: tuple(found[slug]) for slug in sorted(found)}


def _of_study(study: Protocol) -> dict[str, list[RemissionRate]]:
    """Fitted remission rates of a study's arms, the widest remission of each arm only."""
    found: dict[str, list[RemissionRate]] = {}
    for arm_id, arm in study.arms.items():
        if not arm.regimen.is_chemotherapy or arm.regimen.id in STANDARD_REGIMENS or arm.regimen.strength:
            continue
        fitted = [one for one in study.targets if one.use == "fit" and one.n and study.arm_of(one) == arm_id]
        widest = next((name for name in _ENDPOINTS if any(one.endpoint == name for one in fitted)), None)
        chosen = tuple(one for one in fitted if one.endpoint == widest)
        if not chosen or study.record is None:
            continue
        trial = _one_arm(study, arm_id, chosen)
        found.setdefault(arm.regimen.id, []).extend(
            RemissionRate(trial, one, _events(one), int(one.n or 0), (study.record,), study.study) for one in chosen
        )
    return found


def _published() -> Mapping[str, RemissionRate]:
    """Remissions of each chemotherapy regimen, summed over the arms of its records, in patients like TOWER's."""
    found: dict[str, RemissionRate] = {}
    for slug, regimen in load_regimens().items():
        if "engager" in regimen.drug_class or regimen.drug_class == "transplant" or slug in STANDARD_REGIMENS:
            continue
        best: tuple[str, int, int, tuple[str, ...]] | None = None
        for endpoint in _ENDPOINTS:
            try:
                studies = select(endpoint, regimens=[slug], setting="relapsed_refractory").studies
            except InputError:
                continue
            counted = [study for study in studies if study.events is not None and study.n]
            n = sum(int(study.n or 0) for study in counted)
            if n and (best is None or n > best[2]):
                events = sum(int(study.events or 0) for study in counted)
                best = endpoint, events, n, tuple(sorted({study.record for study in counted}))
        if best is not None:
            endpoint, events, n, records = best
            target = Target.model_validate({"endpoint": endpoint, "events": events, "n": n, "use": "fit"})
            found[slug] = RemissionRate(_tower_like(target), target, events, n, records)
    return found


def _tower_like(target: Target) -> Protocol:
    """TOWER's patients, all of them treated."""
    tower = shipped_protocol(_TOWER)
    arm = tower.arms[_TOWER_ARM].model_copy(update={"never_treated": 0.0})
    return _one_arm(tower.model_copy(update={"arms": {_TOWER_ARM: arm}}), _TOWER_ARM, (target,))


def _one_arm(study: Protocol, arm_id: str, targets: tuple[Target, ...]) -> Protocol:
    """One arm of a study, followed as long as remissions take."""
    follow_up = study.follow_up.model_copy(update={"months": _MONTHS, "accrual_months": 0.0, "data_cut": None})
    allocation = study.allocation.model_copy(update={"randomized": False, "ratio": (), "block": None, "strata": ()})
    return study.model_copy(
        update={
            "arms": {arm_id: study.arms[arm_id]},
            "allocation": allocation,
            "follow_up": follow_up,
            "targets": targets,
        }
    )


def _events(target: Target) -> int:
    return target.events if target.events is not None else round(target.published * int(target.n or 0))
