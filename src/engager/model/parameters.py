"""A model as everybody uses it: equations, their parameter table, covariate effects, variants and roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engager.core import InputError, Problem, digest, nearest
from engager.model.roles import DiseaseRoles
from engager.model.system import System


@dataclass(frozen=True)
class Parameter:
    """One row of a parameter table.

    Attributes
    ----------
    value, unit : as given, e.g. 2.22 and ``L/h``.
    model_value : the value in the unit the equations use.
    sd_log : standard deviation between patients of the logarithm; 0 when all patients share the value.
    source : where the value was seen; `assumed` says why it was chosen where no source was seen.
    low, high : range thought possible, in `unit`; None when the source's value stands.
    is_fitted : calibration may move the value within the range (and sd_log within `sd_range`).
    is_share : the value is the share of patients who have 1, the others have 0.
    to_model : what a value in `unit` is multiplied by to be in the unit of the equations.
    """

    name: str
    value: float
    unit: str
    model_value: float
    meaning: str
    sd_log: float = 0.0
    source: str | None = None
    assumed: str | None = None
    note: str | None = None
    low: float | None = None
    high: float | None = None
    sd_range: tuple[float, float] | None = None
    is_fitted: bool = False
    is_share: bool = False
    to_model: float = 1.0

    @property
    def is_assumed(self) -> bool:
        """No source for the value was seen."""
        return self.source is None


@dataclass(frozen=True)
class Effect:
    """A covariate's effect: the parameter is multiplied by exp(log_per_unit x (covariate - center)).

    `low` and `high` bound what is thought possible; `is_fitted` lets calibration move the slope.
    """

    parameter: str
    covariate: str
    center: float
    log_per_unit: float
    source: str | None = None
    assumed: str | None = None
    low: float | None = None
    high: float | None = None
    is_fitted: bool = False


@dataclass(frozen=True)
class Variant:
    """Other patients for the same equations.

    Attributes
    ----------
    values : as given, in the table's units.
    model_values : the same in the units the equations use.
    """

    name: str
    meaning: str
    values: dict[str, float]
    model_values: dict[str, float]
    source: str | None = None
    assumed: str | None = None


@dataclass(frozen=True)
class Disease:
    """What a trial of a variant's patients has besides the variant.

    Attributes
    ----------
    values : parameter -> value in the table's unit. model_values : the same in the unit of the equations.
    effects : of covariates, besides those of the table. roles : of this disease. sources : citations by key.
    text : of the file, which belongs to the hash of a model that runs the disease.
    """

    values: Mapping[str, float]
    model_values: Mapping[str, float]
    effects: tuple[Effect, ...]
    roles: DiseaseRoles
    sources: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Model:
    """Equations with their parameter table.

    Attributes
    ----------
    system : the equations, with the table's values (in model units) as defaults.
    parameters : rows of the table by name.
    effects : how covariates shift parameters.
    sources : citation text by source key.
    text : the Antimony text of the equations.
    hash : of text and table together, and of what was changed since.
    variants : named sets of values of the table, by name.
    drug, target : whose drug parameters these are, and the antigen it binds.
    drug_fields : parameter of this model by the word that drug files use for it.
    roles : which of its names plays which part for a trial.
    diseases : what trials of a variant's patients have besides the variant, by its name.
    variant : whose patients these are; None: those of the table.
    own_values, own_spreads : parameters whose typical value, and whose spread between patients, a variant, a disease or
        a drug has given, so that a population fitted to the model's own patients and drug does not replace it.
    """

    id: str
    title: str
    system: System
    parameters: dict[str, Parameter]
    effects: tuple[Effect, ...]
    sources: dict[str, str]
    text: str
    hash: str
    variants: dict[str, Variant] = field(default_factory=dict)
    drug: str = "blinatumomab"
    target: str = "CD19"
    drug_fields: dict[str, str] = field(default_factory=dict)
    roles: DiseaseRoles = field(default_factory=lambda: DiseaseRoles(""))
    diseases: dict[str, Disease] = field(default_factory=dict)
    variant: str | None = None
    own_values: frozenset[str] = frozenset()
    own_spreads: frozenset[str] = frozenset()

    def with_variant(self, name: str) -> Model:
        """The model for other patients, as its table names them.

        Raises
        ------
        InputError
            When the table has no such variant.
        """
        if name not in self.variants:
            raise InputError(
                Problem(
                    f"model {self.id}: variant",
                    name,
                    "is no variant of this model",
                    nearest(name, self.variants),
                )
            )
        values = dict(self.variants[name].model_values)
        return replace(self.with_values(values), variant=name, own_values=self.own_values | set(values))

    def as_disease(self, variant: str | None) -> Model:
        """The model that trials of a variant's patients run: its values, and what ``diseases.yaml`` adds to them.

        Raises
        ------
        InputError
            When the table has no such variant.
        """
        if variant is None:
            return self
        patients = self.with_variant(variant)
        if (disease := self.diseases.get(variant)) is None:
            return patients
        values = dict(disease.model_values)
        valued = patients.with_values(values)
        return replace(
            valued,
            effects=(*valued.effects, *disease.effects),
            roles=disease.roles,
            sources={**valued.sources, **disease.sources},
            own_values=valued.own_values | set(values),
            hash=digest(valued.hash + disease.text),
        )

    def with_values(self, values: dict[str, float]) -> Model:
        """The same equations with other values (in model units) for some parameters.

        Raises
        ------
        InputError
            When a name is not a parameter of this model.
        """
        unknown = [name for name in values if name not in self.parameters]
        if unknown:
            raise InputError(
                [
                    Problem(f"model {self.id}: {name}", values[name], "is no parameter of this model",
                            nearest(name, self.parameters))
                    for name in unknown
                ]
            )  # fmt: skip
        rows = {
            name: replace(row, model_value=float(values[name]), value=float(values[name]) / row.to_model)
            if name in values
            else row
            for name, row in self.parameters.items()
        }
        system = replace(self.system, defaults={**self.system.defaults, **values})
        return replace(self, parameters=rows, system=system, hash=digest(self.hash + repr(sorted(values.items()))))
