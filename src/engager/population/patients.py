"""Virtual patients: covariates and, tied to them, one value of every model parameter per patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engager.core import BoolArray, FloatArray, Stream, Streams
from engager.model import DiseaseRoles, Model
from engager.population.covariates import Condition, Covariates, sample_covariates
from engager.population.mortality import population_mortality
from engager.population.spread import Quantile
from engager.population.values import PopulationValues

# Blood and marrow are in proportion to body weight; the model's numbers are those of an adult of 75 kg.
_ADULT_KG = 75.0
# A marrow read as 100 % blasts still holds other cells.
_MOST_BLASTS = 0.97
_T_LINEAGE = "t_lineage"
# Targets that a patient's malignant cells may lack, each with the covariate that says whether they have it. No cell of
# T lineage has any target of an engager against B cells.
_SHOWN_BY = {"CD20": "cd20_positive"}
# What is worked out from covariates before it becomes a parameter.
_BURDEN, _MORTALITY, _TUMOR = "marrow_blasts_percent", "population_mortality", "tumor_mL"


@dataclass(frozen=True)
class Patients:
    """Virtual patients before treatment.

    Attributes
    ----------
    numbers : array (patient,): who they are; draws of later events are keyed by these.
    covariates : array (patient,) per name; yes/no covariates are 0 or 1.
    parameters : array (patient, parameter) in the order of ``model.system.parameters``, model units.
    """

    numbers: NDArray[np.int64]
    covariates: Covariates
    parameters: FloatArray


def sample_patients(
    model: Model,
    spreads: Mapping[str, Quantile],
    stream: Stream | Streams,
    numbers: NDArray[np.int64],
    *,
    in_remission: bool = False,
    untreated: bool = False,
    eligible: Condition | None = None,
    population: PopulationValues | Sequence[PopulationValues] | None = None,
) -> Patients:
    """Draw patients.

    Parameters
    ----------
    model : gives typical values, variability and covariate effects.
    spreads : quantile function of each covariate.
    stream : seed, world and replicate the patients belong to; `Streams` where there are several replicates.
    numbers : array (patient,), >= 0; a patient's draws depend on its number alone.
    in_remission : patients enter in remission with measurable residual disease; `spreads` then holds
        ``mrd_log10``, else ``marrow_blasts_percent``.
    untreated : nobody was treated for the leukemia before.
    eligible : who may enter.
    population : values that replace those of the model's table, e.g. one draw of a posterior; or one for each of the
        replicates of `Streams`.

    Raises
    ------
    InputError
        When `population` names a parameter or an effect that the model does not have.
    """
    settings = _one_each(population, stream)
    for one in settings:
        one.refuse_unknown(model)
    which = stream.which if isinstance(stream, Streams) else np.zeros(numbers.size, dtype=np.int64)

    def each(values: list[float]) -> FloatArray:
        """Each patient's own, of one value per replicate."""
        return np.array(values, dtype=float)[which]

    covariates = sample_covariates(spreads, stream, numbers, eligible)
    covariates["in_remission"] = np.full(numbers.size, float(in_remission))
    covariates["untreated"] = np.full(numbers.size, float(untreated))
    derived = _derived(covariates)
    values: dict[str, FloatArray] = {}
    for name in model.system.parameters:
        row = model.parameters.get(name)
        usual = float(model.system.defaults.get(name, np.nan))
        values[name] = each([one.typical.get(name, usual) for one in settings])
        sd = [one.spread.get(name, row.sd_log if row else 0.0) for one in settings]
        if any(one > 0.0 for one in sd):
            values[name] *= np.exp(each(sd) * stream.of(f"parameter/{name}").normal(numbers))
    for effect in model.effects:
        if effect.covariate in derived:
            key = (effect.parameter, effect.covariate)
            slope = each([one.slope.get(key, effect.log_per_unit) for one in settings])
            values[effect.parameter] *= np.exp(slope * (derived[effect.covariate] - effect.center))
    _tie_to_covariates(values, covariates, in_remission, model)
    for name, row in model.parameters.items():
        if row.is_share:
            # Who has it: one uniform draw a patient, so that a larger share adds carriers and takes none away.
            values[name] = (stream.of(f"share/{name}").uniform(numbers) < values[name]).astype(float)
    parameters = np.stack([values[name] for name in model.system.parameters], axis=1)
    return Patients(numbers, covariates, np.ascontiguousarray(parameters))


def _one_each(
    population: PopulationValues | Sequence[PopulationValues] | None, stream: Stream | Streams
) -> Sequence[PopulationValues]:
    """Values of each replicate."""
    if isinstance(population, Sequence):
        return population
    n_replicates = len(stream.streams) if isinstance(stream, Streams) else 1
    return [population or PopulationValues()] * n_replicates


def _derived(covariates: Covariates) -> Covariates:
    """The covariates with those that only effects use."""
    derived = dict(covariates)
    if "remission_months" in covariates:
        derived["remission_log"] = np.log1p(np.maximum(covariates["remission_months"], 0.0) / 12.0)
    if "salvage_line" in covariates:
        derived["second_remission"] = covariates["in_remission"] * (covariates["salvage_line"] >= 1)
    return derived


def _tie_to_covariates(values: dict[str, FloatArray], covariates: Covariates, in_remission: bool, model: Model) -> None:
    """Parameters that a covariate fixes: body size, age, burden, counts."""
    roles = model.roles
    for parameter in roles.as_odds:
        # a log-normal draw is read as odds, so that no share exceeds 1
        values[parameter] = values[parameter] / (1.0 + values[parameter])
    size = covariates["weight_kg"] / _ADULT_KG
    for parameter in roles.with_weight:
        values[parameter] = values[parameter] * size
    for parameter in roles.with_tumor:
        values[parameter] = values[parameter] * (covariates[_TUMOR] / roles.tumor_mL)
    for covariate, parameters in roles.fixed_by.items():
        if covariate in covariates and covariate not in (_BURDEN, _MORTALITY):
            for parameter in parameters:
                values[parameter] = covariates[covariate].astype(float)
    if _MORTALITY in roles.fixed_by and {"age_years", "female"} <= covariates.keys():
        (parameter,) = roles.fixed_by[_MORTALITY]
        values[parameter] = population_mortality(covariates["age_years"], covariates["female"])
    lacking = _lacks_target(covariates, model.target)
    for parameter, value in roles.without_antigen.items():
        values[parameter] = np.where(lacking, value, values[parameter])
    if _BURDEN in roles.fixed_by:
        (parameter,) = roles.fixed_by[_BURDEN]
        if in_remission:
            share = 10.0 ** covariates["mrd_log10"]
            covariates["marrow_blasts_percent"] = 100.0 * share
        else:
            share = covariates["marrow_blasts_percent"] / 100.0
        values[parameter] = blasts_at(share, values, roles)


def _lacks_target(covariates: Covariates, target: str) -> BoolArray:
    """Whether a patient's malignant cells lack what the engager holds on to; one element where nobody says."""
    lacking = covariates.get(_T_LINEAGE, np.zeros(1)) > 0.5
    shown_by = _SHOWN_BY.get(target)
    if shown_by in covariates:
        lacking = lacking | (covariates[shown_by] < 0.5)
    return lacking


def blasts_at(share: FloatArray, values: Mapping[str, FloatArray], roles: DiseaseRoles) -> FloatArray:
    """Leukemic cells in a marrow in which they make up `share` of nucleated cells.

    Parameters
    ----------
    share : array (patient,), 0 to 1.
    values : model parameters by name. roles : which of them are the parts of `burden`.

    Returns
    -------
    array (patient,) [cells]. Solves share = L / (L + normal (1 - L/capacity) + floor) for L.
    """
    odds = np.minimum(share, _MOST_BLASTS)
    odds = odds / (1.0 - odds)
    capacity, normal_marrow, floor, reserve, recovery = (
        values[roles.burden[part]] for part in ("capacity", "normal_marrow", "normal_floor", "reserve", "recovery")
    )
    normal = normal_marrow * reserve * recovery
    return odds * (normal + floor) / (1.0 + odds * normal / capacity)
