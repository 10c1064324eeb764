"""A virtual trial, complete: what a study file says, with every default filled.

In: the mapping read from a study file (`protocol_text` reads the file). Out: a frozen `Protocol`, or one
`InputError` with everything that is wrong. Not here: simulating it.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from engager.core import InputError, Problem
from engager.evidence import trial_endpoints
from engager.protocol.checks import disagreements
from engager.protocol.curves import curve_notes
from engager.protocol.decision import DesignBlock
from engager.protocol.design import MOST_PATIENTS, Allocation, Arm, FollowUp, Transplant, Visits, usual_transplant
from engager.protocol.disease.model_choice import ModelChoice, disease_of, model_with
from engager.protocol.disease.needs import default_endpoint_names
from engager.protocol.endpoints import Endpoint, Target, default_endpoints
from engager.protocol.later_therapy import DEFAULT_YEAR, LaterTherapyBlock, lines_of_year
from engager.protocol.parts import Identifier, Part, refuse
from engager.protocol.population import LYMPHOMA, PopulationBlock

if TYPE_CHECKING:
    from engager.model import DiseaseRoles, Model
    from engager.protocol.estimand import Estimand

FORMAT_VERSION = 1


class Protocol(Part):
    """One study.

    Attributes
    ----------
    study : id, kebab-case. title : one line. record : evidence record it mirrors, or None.
    model : the disease model, and whose patients. drugs : engagers that the file describes, by id, each as in a drug
        file without the key `drug`. simulated_only : nothing was observed to compare with.
    population, eligibility : who is recruited; who fails one of the conditions is not.
    arms : by id, in the order of the file.
    allocation, visits, follow_up, hsct : how the study is run. later_therapy : what follows when it has failed.
    endpoints : what is counted. targets : what was observed. design : how the study is judged, or None.
    sources : where the figures of the file were read, by id; free text for the reader.
    """

    study: Identifier
    version: Literal[1] = 1
    title: str = ""
    record: str | None = None
    model: ModelChoice = Field(default_factory=ModelChoice)
    drugs: dict[Identifier, dict[str, Any]] = Field(default_factory=dict)
    simulated_only: bool = False
    population: PopulationBlock = Field(default_factory=lambda: PopulationBlock.model_validate({}))
    eligibility: tuple[str, ...] = ()
    arms: dict[Identifier, Arm] = Field(min_length=1)
    allocation: Allocation = Field(default_factory=Allocation)
    visits: Visits = Field(default_factory=Visits)
    follow_up: FollowUp = Field(default_factory=FollowUp)
    hsct: Transplant = Field(default_factory=lambda: Transplant.model_validate(usual_transplant("")))
    later_therapy: LaterTherapyBlock = Field(default_factory=lambda: LaterTherapyBlock.model_validate({}))
    endpoints: tuple[Endpoint, ...] = ()
    targets: tuple[Target, ...] = ()
    design: DesignBlock | None = None
    sources: dict[str, str] = Field(default_factory=dict)

    @field_validator("arms", mode="before")
    @classmethod
    def _name_inline_regimens(cls, raw: Any) -> Any:
        """An inline regimen is called after its arm unless it has an id."""
        if not isinstance(raw, dict):
            return raw
        named = {}
        for arm_id, arm in raw.items():
            regimen = arm.get("regimen") if isinstance(arm, dict) else None
            if isinstance(regimen, dict) and "id" not in regimen:
                arm = {**arm, "regimen": {"id": str(arm_id), **regimen}}
            named[str(arm_id)] = arm
        return named

    @field_validator("record")
    @classmethod
    def _record_exists(cls, name: str | None) -> str | None:
        if name is not None:
            from engager.evidence import record

            try:
                record(name)
            except InputError as error:
                refuse("must be an evidence record", error.problems[0].next_step or "See engager evidence list.")
        return name

    @model_validator(mode="before")
    @classmethod
    def _fill_by_setting_and_year(cls, raw: Any) -> Any:
        """Endpoints and transplant of the setting, later therapy of the year, where the file has none."""
        return with_usual_blocks(raw) if isinstance(raw, dict) else raw

    @model_validator(mode="after")
    def _blocks_agree(self) -> Protocol:
        problems = disagreements({name: getattr(self, name) for name in type(self).model_fields})
        if problems:
            # Raised as it is: pydantic lets foreign errors through, and this one holds every problem.
            raise InputError(problems)
        return self

    @property
    def n_patients(self) -> int:
        """Patients of one virtual trial, all arms."""
        return sum(arm.n for arm in self.arms.values())

    def model_of(self, arm_id: str) -> Model:
        """The disease model with the arm's drug in it."""
        return model_with(disease_of(self.model), self.arms[arm_id].regimen.drug, self.drugs)

    def model_hashes(self) -> dict[str, str]:
        """Hashes of the models that the study runs, one for each drug, by a name for manifests."""
        disease = disease_of(self.model)
        found = {f"model:{self.model}": disease.hash}
        for arm_id in self.arms:
            if (model := self.model_of(arm_id)).drug != disease.drug:
                found[f"model:{self.model}+{model.drug}"] = model.hash
        return found

    @property
    def arm_ids(self) -> tuple[str, ...]:
        return tuple(self.arms)

    def arm_of(self, target: Target) -> str:
        """The arm a target is about; the only one when the target names none."""
        return target.compared_arm or self.arm_ids[0]

    def arm_of_one(self, asked: Estimand) -> str:
        """One arm that is asked about: its arm, or the treated one of a comparison."""
        return asked.treatment or asked.arm or self.arm_ids[0]

    def endpoint(self, endpoint_id: str) -> Endpoint | None:
        """The first endpoint of that id, or None."""
        return next((one for one in self.endpoints if one.id == endpoint_id), None)

    def window_days(self, counted: Endpoint | Target | Estimand, arm_id: str) -> float | None:
        """Until which day something counts in an arm; None: whenever."""
        if counted.window_weeks is not None:
            return 7.0 * counted.window_weeks
        if counted.window_cycles is None:
            return None
        return float(self.arms[arm_id].regimen.cycle_start(counted.window_cycles + 1))

    def _repr_html_(self) -> str:
        """Title, arms and endpoints, for a notebook."""
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{arm.n}</td><td>{escape(arm.regimen.id or arm.regimen.drug)}</td></tr>"
            for name, arm in self.arms.items()
        )
        head = "<tr><th>arm</th><th>patients</th><th>regimen</th></tr>"
        endpoints = escape("; ".join(dict.fromkeys(trial_endpoints()[one.id].words for one in self.endpoints)))
        return (
            f"<p><b>{escape(self.title or self.study)}</b> ({escape(self.study)})</p><table>{head}{rows}</table>"
            f"<p>Endpoints: {endpoints}. {self.follow_up.months:g} months of follow-up.</p>"
        )

    def with_patients(self, n_patients: int) -> Protocol:
        """The same study with another number of patients, in the arms' proportions.

        A data cut by deaths and the events of a design move in proportion. Every arm keeps at least one patient.

        Raises
        ------
        InputError
            When there are fewer patients than arms, or more than an arm may have.
        """
        if n_patients < len(self.arms):
            rule = f"must be at least {len(self.arms)}, one patient for each arm"
            raise InputError(Problem("--patients", n_patients, rule, "Leave the option out for the study's own n."))
        if n_patients > MOST_PATIENTS:
            rule = f"must be at most {MOST_PATIENTS}"
            raise InputError(Problem("--patients", n_patients, rule, "Run more replicates."))
        counts = _apportion([arm.n for arm in self.arms.values()], n_patients)
        design = self.design and self.design.scaled(n_patients, self.n_patients)
        changed = self.model_copy(update={"design": design}).model_dump(mode="python", exclude_unset=False)
        raw = _raw(changed)
        for arm_id, count in zip(self.arms, counts, strict=True):
            raw["arms"][arm_id]["n"] = count
        cut = raw["follow_up"].get("data_cut")
        if cut and cut.get("deaths"):
            cut["deaths"] = max(1, math.ceil(cut["deaths"] * n_patients / self.n_patients))
        return Protocol.model_validate(raw)

    def notes(self) -> list[str]:
        """What a reader of the file should know: nothing is wrong, but something may be a slip."""
        found = []
        for arm_id, arm in self.arms.items():
            regimen = arm.regimen
            found += [f"arms.{arm_id}: {text}" for text in regimen.assumptions]
            if empty := regimen.cycles_without_dose():
                found.append(f"arms.{arm_id}.regimen: no dose in cycle {', '.join(map(str, empty))}")
            if isinstance(regimen.toxicity_rules, tuple):
                found += [
                    f"arms.{arm_id}.regimen.toxicity_rules[{i}]: other events are not simulated, so it never acts"
                    for i, rule in enumerate(regimen.toxicity_rules)
                    if rule.event == "other"
                ]
            for i, band in enumerate(regimen.weight_bands):
                silent = [c for c in range(1, regimen.cycles + 1) if not any(c in d.cycles for d in band.doses)]
                if silent:
                    found.append(
                        f"arms.{arm_id}.regimen.weight_bands[{i}]: cycles {silent[0]} to {silent[-1]} are not"
                        " named; the main doses apply there"
                    )
        found += [
            f"targets[{i}]: {target.endpoint} ({target.statistic}) is not simulated, so it is not compared"
            for i, target in enumerate(self.targets)
            if not target.is_simulated
        ]
        found += self._design_notes()
        counted: list[tuple[str, str, Endpoint | Target]]
        counted = [(f"endpoints[{i}]", one.id, one) for i, one in enumerate(self.endpoints)]
        counted += [(f"targets[{i}]", target.endpoint, target) for i, target in enumerate(self.targets)]
        found += [f"{where}: a window does not bound {name}" for where, name, one in counted if one.ignores_window]
        found += [
            f"targets[{i}].window is text for the reader; window_weeks or window_cycles bounds {target.endpoint}"
            for i, target in enumerate(self.targets)
            if target.window is not None and not target.has_window
        ]
        months = self.follow_up.months
        found += [
            f"targets[{i}]: {target.endpoint} at {target.at_months:g} months lies beyond follow_up.months ({months:g}),"
            " so it cannot be estimated"
            for i, target in enumerate(self.targets)
            if target.is_simulated and target.at_months is not None and target.at_months > months
        ]
        return found + curve_notes(self.targets, months)

    def how_allocated(self) -> str:
        """How patients came to their arms, in a sentence for a report."""
        allocation, sizes = self.allocation, [arm.n for arm in self.arms.values()]
        if allocation.counterfactual:
            return "The same patients are in every arm."
        if not allocation.deals(len(sizes)):
            return "Each arm's patients are drawn from the study's population; arms differ by chance only."
        ratio, block = ":".join(map(str, allocation.ratio_for(sizes))), allocation.block_for(sizes)
        within = f" within strata ({', '.join(allocation.stratum_words())})" if allocation.strata else ""
        return f"Patients are randomized {ratio} in permuted blocks of {block}{within}."

    def _allocation_notes(self) -> list[str]:
        """Keys of the allocation that do nothing, or other than they seem to."""
        allocation, sizes = self.allocation, [arm.n for arm in self.arms.values()]
        named = [key for key in ("ratio", "block") if getattr(allocation, key)]
        if not allocation.deals(len(sizes)):
            keys = ["randomized: false", *named] if len(sizes) == 1 and not allocation.randomized else named
            why = "with one arm there is nothing to allocate" if len(sizes) == 1 else "patients are not randomized"
            return [f"allocation.{key} does nothing: {why}" for key in keys]
        if allocation.block and allocation.block_for(sizes) != allocation.block:
            ratio = ":".join(map(str, allocation.ratio_for(sizes)))
            return [
                f"allocation.block: {allocation.block} holds no whole shares of {ratio} (from the arms' n);"
                f" blocks are {allocation.block_for(sizes)} long"
            ]
        return []

    def _design_notes(self) -> list[str]:
        """Numbers of the design that do nothing, or other than they seem to."""
        found = self._allocation_notes()
        mrd = self.visits.mrd
        if mrd.assay != "flow":
            found.append(
                f"visits.mrd.assay: {mrd.assay} is only a description; visits.mrd.limit ({mrd.limit:g}) decides"
            )
        ratio, sizes = self.allocation.ratio, [arm.n for arm in self.arms.values()]
        fair = [sum(sizes) * part / sum(ratio) for part in ratio]
        if any(abs(n - share) >= sum(ratio) for n, share in zip(sizes, fair, strict=False)):
            found.append(
                f"allocation.ratio {list(ratio)} is not that of the arms' n, {sizes}; the arms have the n they name"
            )
        if self.hsct.offer == "never":
            found.append("hsct: never, so no patient is transplanted, not even after later therapy")
        if self.later_therapy.offer == "never":
            found.append("later_therapy: never, so no treatment follows when the study drug has failed")
        cut = self.follow_up.data_cut
        if cut and cut.deaths and cut.deaths > sum(sizes):
            found.append(f"follow_up.data_cut: {cut.deaths} deaths cannot come in {sum(sizes)} patients; no cut")
        accrual = self.follow_up.accrual_months
        if cut and cut.months and cut.months < accrual:
            found.append(
                f"follow_up.data_cut: at {cut.months:g} months, while patients enter over {accrual:g}; those who would"
                " enter later are in no table"
            )
        if self.hsct.offer != "never" and isinstance(self.hsct.probability, dict):
            found += [
                f"hsct.probability: {arm} is not named, so no patient of it is transplanted"
                for arm in self.arms
                if arm not in self.hsct.probability
            ]
        return found


def with_usual_blocks(raw: dict[Any, Any]) -> dict[Any, Any]:
    """A study file with the endpoints and transplant of its setting, and later therapy of its year, if it has none."""
    population = raw.get("population")
    setting = str(population.get("setting") if isinstance(population, dict) else None)
    filled = dict(raw)
    if not raw.get("endpoints"):
        usual = default_endpoints(setting)
        if setting == LYMPHOMA and (roles := _roles_of(raw.get("model"))) is not None:
            usual = default_endpoint_names(roles, usual)
        filled["endpoints"] = [endpoint.model_dump() for endpoint in usual]
    if raw.get("hsct") is None:
        filled["hsct"] = usual_transplant(setting)
    follow_up, later = raw.get("follow_up"), raw.get("later_therapy")
    year = follow_up.get("start_year") if isinstance(follow_up, dict) else None
    if later is None and setting == LYMPHOMA:
        filled["later_therapy"] = "never"
    elif later is None or (isinstance(later, dict) and later.get("offer") != "never" and not later.get("lines")):
        lines = lines_of_year(year if isinstance(year, int) else DEFAULT_YEAR)
        filled["later_therapy"] = {**(later or {}), "lines": [line.model_dump() for line in lines]}
    return filled


def _roles_of(model: Any) -> DiseaseRoles | None:
    """Roles of the model that a file names; None when it cannot be read, which its own key tells."""
    try:
        return disease_of(ModelChoice.model_validate(model or {})).roles
    except (InputError, ValidationError):
        return None


def _apportion(sizes: list[int], total: int) -> list[int]:
    """Whole numbers in proportion to `sizes`, at least 1 each, summing to `total` (largest remainders)."""
    exact = [max(1.0, size * total / sum(sizes)) for size in sizes]
    scale = (total - len(sizes)) / max(sum(exact) - len(sizes), 1e-12)
    exact = [1 + (share - 1) * scale for share in exact]
    counts = [math.floor(share + 1e-9) for share in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda i: counts[i] - exact[i])
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def _raw(value: Any) -> Any:
    """Dumped blocks as the plain mappings and lists a file would hold."""
    if isinstance(value, dict):
        return {key: _raw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_raw(item) for item in value]
    return value
