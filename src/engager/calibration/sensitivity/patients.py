"""One virtual patient as a function of what differs between patients: the first four weeks of an arm's treatment.

In: an arm's regimen and the spreads of parameters and covariates, each as a number in (0, 1). Out: the depth of
response, residual disease, the IL-6 peak and the course of CD8 cells. Doses are given as planned and nothing is
left to chance, so outputs differ by the factors alone. Covariates are taken as independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engager.core import FloatArray, Stream
from engager.engine import OdeProblem, solve
from engager.model import Model, evaluate_outputs, initial_states
from engager.population import PopulationValues, blasts_at, sample_covariates, sample_patients, spread
from engager.protocol import Protocol, Regimen
from engager.trial import planned_actions, quantile_of

PATIENT_OUTPUTS = {
    "blast_reduction": "Blast reduction by day 29 (log10)",
    "response": "Marrow blasts 5 % or fewer on day 29",
    "mrd_response": "MRD below 1e-4 on day 29",
    "tumor_reduction": "Reduction of the tumor's cells by day 29 (log10)",
    "tumor_response": "Size of the tumor halved by day 29",
    "il6_peak": "IL-6 peak (log10 pg/mL)",
    "cd8_nadir": "CD8 nadir in week 1 (log10 cells/µL)",
    "cd8_day14": "CD8 on day 14 (log10 fold of entry)",
}
YES_NO_OUTPUTS = ("response", "mrd_response", "tumor_response")

# Courses of the model that each output is made of; a model without them does not have the output.
_NEEDED = {
    "blast_reduction": ("blasts_cd19_positive", "blasts_cd19_negative"),
    "response": ("marrow_blasts_percent",),
    "mrd_response": ("log10_mrd",),
    "tumor_reduction": ("tumor_cells",),
    "tumor_response": ("tumor_cells",),
    "il6_peak": ("il6_pg_per_mL",),
    "cd8_nadir": ("cd8_per_uL",),
    "cd8_day14": ("cd8_per_uL",),
}
# A diameter product goes with the volume to this power (`trial.response.images`).
_SIZE_POWER, _HALF = 2.0 / 3.0, 0.5
_LAST_DAY = 28
_REMISSION_PERCENT = 5.0
_MRD_LOG10 = -4.0
# Below one cell a clone is gone; IL-6 and counts below these are below any assay.
_LEAST_CELLS, _LEAST_IL6, _LEAST_CD8 = 1.0, 0.1, 0.01
_RTOL = 1e-4
PATIENTS_AT_ONCE = 4000
# Patients behind the marginal spreads of height and weight where a study gives none.
_N_BODIES = 4001


@dataclass(frozen=True)
class PatientFactor:
    """Something that differs between patients.

    Attributes
    ----------
    name : of a parameter of the model, or of a covariate.
    sd_log : between-patient standard deviation of a parameter's logarithm; 0 for a covariate or a share.
    is_share : a parameter that only a share of patients have, 0 or 1 in each.
    """

    name: str
    quantile: spread.Quantile
    sd_log: float = 0.0
    is_share: bool = False

    @property
    def is_covariate(self) -> bool:
        """A covariate rather than a parameter."""
        return self.sd_log == 0.0 and not self.is_share


def _as_given(column: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """A covariate whose value at each point is set, whatever the draw."""
    return lambda _: column


class PatientFunction:
    """Virtual patients of one arm by their factors.

    Parameters
    ----------
    protocol, arm : whose population and regimen.
    model : of the study.
    population : typical values and spreads in place of the table's, e.g. the center of a posterior.

    Raises
    ------
    InputError
        When the model lacks what every output needs.
    """

    def __init__(self, protocol: Protocol, arm: str, model: Model, population: PopulationValues):
        offered = model.roles.courses
        self.outputs = [name for name in PATIENT_OUTPUTS if all(one in offered for one in _NEEDED[name])]
        if not self.outputs:
            wanted = "|".join(f"courses.{name}" for name in sorted({one for used in _NEEDED.values() for one in used}))
            model.roles.refuse_without([wanted], f"sensitivity of patients in arm {arm}")
        self.protocol, self.arm, self.model, self.population = protocol, arm, model, population.for_model(model)
        self.n_failed = 0

    @cached_property
    def factors(self) -> tuple[PatientFactor, ...]:
        """Parameters with a between-patient spread, then covariates that differ between patients."""
        spreads = {name: quantile_of(one) for name, one in self.protocol.population.spreads().items()}
        # A covariate of this name takes the parameter's place in every patient.
        fixed = self.model.roles.fixed_by.items()
        replaced = {parameter for covariate, given in fixed if covariate in spreads for parameter in given}
        found = []
        for name, row in self.model.parameters.items():
            sd = float(self.population.spread.get(name, row.sd_log))
            if sd > 0 and name not in replaced and name in self.model.system.parameters:
                typical = float(self.population.typical.get(name, row.model_value))
                found.append(PatientFactor(name, spread.log_normal(typical, sd), sd))
            if row.is_share:
                share = float(self.population.typical.get(name, row.model_value))
                found.append(PatientFactor(name, spread.share(share), is_share=True))
        for name, quantile in {**spreads, **self._bodies(spreads)}.items():
            if np.ptp(quantile(np.array([0.001, 0.25, 0.5, 0.75, 0.999]))) > 0:
                found.append(PatientFactor(name, quantile))
        return tuple(found)

    @property
    def names(self) -> list[str]:
        """Of the factors, in order."""
        return [one.name for one in self.factors]

    def value(self, k: int, share: float) -> float:
        """The value of factor k at a share in (0, 1), model units."""
        return float(self.factors[k].quantile(np.array([share]))[0])

    def __call__(self, points: FloatArray) -> FloatArray:
        """Outputs of virtual patients: array (patient, output) in the order of `outputs`.

        Parameters
        ----------
        points : array (patient, factor) in (0, 1). A patient the solver cannot follow has NaN.
        """
        parts = [
            self._simulate(points[start : start + PATIENTS_AT_ONCE])
            for start in range(0, len(points), PATIENTS_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _bodies(self, spreads: Mapping[str, spread.Quantile]) -> dict[str, spread.Quantile]:
        """Height and weight where the study gives none: their spread over its patients, age and sex aside."""
        missing = [name for name in ("height_cm", "weight_kg") if name not in spreads]
        if not missing:
            return {}
        drawn = sample_covariates(spreads, Stream(0, "sensitivity"), np.arange(_N_BODIES))
        return {name: _empirical(np.sort(drawn[name])) for name in missing}

    def _simulate(self, points: FloatArray) -> FloatArray:
        parameters, weight, bsa = self._patients(points)
        system = self.model.system
        times = _times(self.protocol.arms[self.arm].regimen)
        solved = solve(
            OdeProblem(
                system=system,
                parameters=parameters,
                save_times=times,
                inputs=np.zeros((len(points), len(system.inputs))),
                initial=initial_states(system, parameters),
                schedule=planned_actions(self.protocol.arms[self.arm].regimen, weight, bsa, _LAST_DAY, self.model),
            ),
            method="rodas5p",
            rtol=_RTOL,
        )
        self.n_failed += solved.n_failed
        needed = dict.fromkeys(one for name in self.outputs for one in _NEEDED[name])
        offered = {column: self.model.roles.courses[column] for column in needed}
        inputs = np.zeros((1, len(system.inputs)))
        seen = evaluate_outputs(system, list(offered.values()), solved.values, parameters, inputs)
        return _outputs(times, {column: seen[name] for column, name in offered.items()}, self.outputs)

    def _patients(self, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Parameters (patient, parameter), weights and body-surface areas (patient,)."""
        n = len(points)
        spreads = {name: quantile_of(one) for name, one in self.protocol.population.spreads().items()}
        for k, factor in enumerate(self.factors):
            if factor.is_covariate:
                column = np.asarray(factor.quantile(points[:, k]), dtype=float)
                spreads[factor.name] = _as_given(column)
        in_remission = self.protocol.population.setting == "mrd_positive"
        patients = sample_patients(
            self.model, spreads, Stream(0, "sensitivity"), np.arange(n), in_remission=in_remission,
            population=self.population.without_spread(self.model.parameters),
        )  # fmt: skip
        place = {name: i for i, name in enumerate(self.model.system.parameters)}
        parameters = patients.parameters.copy()
        for k, factor in enumerate(self.factors):
            if factor.is_share:
                parameters[:, place[factor.name]] = factor.quantile(points[:, k])
            elif not factor.is_covariate:
                # Covariates have already shifted the typical value; the patient's own deviation goes on top.
                middle = factor.quantile(np.array([0.5]))[0]
                parameters[:, place[factor.name]] *= factor.quantile(points[:, k]) / middle
        for start in self.model.roles.fixed_by.get("marrow_blasts_percent", ()):
            values = {name: parameters[:, i] for name, i in place.items()}
            share = patients.covariates["marrow_blasts_percent"] / 100.0
            parameters[:, place[start]] = blasts_at(share, values, self.model.roles)
        return parameters, patients.covariates["weight_kg"], patients.covariates["bsa_m2"]


def _empirical(ordered: FloatArray) -> spread.Quantile:
    return lambda u: np.quantile(ordered, u)


def _times(regimen: Regimen) -> FloatArray:
    """Every two hours for two days after the first dose and each step of cycle 1, else every half day."""
    starts = {float(segment.first_day - 1) for segment in regimen.segments(1) if segment.first_day <= _LAST_DAY}
    fine = [start + np.arange(25) / 12 for start in sorted(starts | {0.0})]
    times = np.concatenate([*fine, np.arange(0, 2 * _LAST_DAY + 1) / 2])
    return np.unique(np.round(times[times <= _LAST_DAY], 9))


def _outputs(times: FloatArray, seen: Mapping[str, FloatArray], wanted: Sequence[str]) -> FloatArray:
    """The wanted outputs: array (patient, output); NaN for a patient whose course was lost."""
    week, day14 = times <= 7.0, int(np.argmin(np.abs(times - 14.0)))

    def cells(*columns: str) -> FloatArray:
        counted: FloatArray = np.sum([seen[one] for one in columns], axis=0)
        return np.maximum(counted, _LEAST_CELLS)

    def cd8() -> FloatArray:
        return np.maximum(seen["cd8_per_uL"], _LEAST_CD8)

    def reduction(counted: FloatArray) -> FloatArray:
        found: FloatArray = np.log10(counted[:, 0] / counted[:, -1])
        return found

    rules: dict[str, Callable[[], FloatArray]] = {
        "blast_reduction": lambda: reduction(cells("blasts_cd19_positive", "blasts_cd19_negative")),
        "response": lambda: (seen["marrow_blasts_percent"][:, -1] <= _REMISSION_PERCENT).astype(float),
        "mrd_response": lambda: (seen["log10_mrd"][:, -1] < _MRD_LOG10).astype(float),
        "tumor_reduction": lambda: reduction(cells("tumor_cells")),
        "tumor_response": lambda: (10.0 ** -(_SIZE_POWER * reduction(cells("tumor_cells"))) <= _HALF).astype(float),
        "il6_peak": lambda: np.log10(np.maximum(seen["il6_pg_per_mL"].max(axis=1), _LEAST_IL6)),
        "cd8_nadir": lambda: np.log10(cd8()[:, week].min(axis=1)),
        "cd8_day14": lambda: np.log10(cd8()[:, day14] / cd8()[:, 0]),
    }
    found = np.stack([rules[name]() for name in wanted], axis=1)
    found[~np.isfinite(next(iter(seen.values()))[:, -1])] = np.nan
    return found
