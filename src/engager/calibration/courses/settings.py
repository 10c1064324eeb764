"""The virtual patients and doses that answer an observation: who they are, what they get, how they fared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engager.core import FloatArray, InputError, Problem, Stream, nearest
from engager.engine import Action, OdeProblem, Schedule, solve
from engager.model import Model, evaluate_outputs
from engager.population import PopulationValues, sample_patients, spread

_RTOL = 1e-4
# Residual disease of the MRD-positive cohort is not published by patient; the level that qualified for trials.
_MRD_LOG10 = -3.0


@dataclass(frozen=True)
class Setting:
    """Patients of one kind and their doses.

    Attributes
    ----------
    kind : ``mrd_positive``, ``relapsed``, ``lymphoma`` or ``culture``.
    doses : (day, rate) pairs; the rate holds until the next one.
    per_m2 : rates are ug/m2/day; else ug/day.
    """

    kind: str
    doses: tuple[tuple[float, float], ...]
    per_m2: bool = True


SETTINGS = {
    "mrd_positive_15": Setting("mrd_positive", ((0, 15), (28, 0), (42, 15), (70, 0))),
    "relapsed_9": Setting("relapsed", ((0, 9),), per_m2=False),
    "relapsed_28": Setting("relapsed", ((0, 28),), per_m2=False),
    "relapsed_steps": Setting("relapsed", ((0, 9), (7, 28), (28, 0)), per_m2=False),
    "lymphoma_steps": Setting("lymphoma", ((0, 5), (7, 15), (14, 60))),
    "lymphoma_60": Setting("lymphoma", ((0, 60),)),
    "lymphoma_5": Setting("lymphoma", ((0, 5),)),
    "lymphoma_0.5": Setting("lymphoma", ((0, 0.5),)),
    "culture": Setting("culture", ((0, 1000),), per_m2=False),
    "culture_with_break": Setting("culture", ((0, 1000), (7, 0)), per_m2=False),
}


@dataclass(frozen=True)
class Seen:
    """What became of the virtual patients.

    Attributes
    ----------
    days : array (time,). values : array (patient, time) by output or state.
    n_failed : patients whose integration failed; their values are NaN.
    """

    days: FloatArray
    values: dict[str, FloatArray]
    n_failed: int

    def __getitem__(self, name: str) -> FloatArray:
        return self.values[name]

    def between(self, name: str, first: float, last: float) -> FloatArray:
        """Array (patient, time) of the days from `first` to `last`."""
        return self.values[name][:, (self.days >= first - 1e-9) & (self.days <= last + 1e-9)]

    def at(self, name: str, day: float) -> FloatArray:
        """Array (patient,) at the saved day nearest to `day`."""
        return self.values[name][:, int(np.argmin(np.abs(self.days - day)))]


def observe(
    model: Model,
    setting: str,
    days: Sequence[float] | FloatArray,
    outputs: Sequence[str],
    stream: Stream,
    numbers: NDArray[np.int64],
    population: PopulationValues | None = None,
) -> Seen:
    """Simulate virtual patients of a setting.

    Parameters
    ----------
    model : the ALL model as its table has it.
    setting : a key of `SETTINGS`.
    days : when to look; the first is 0.
    outputs : columns of a trial's trajectories, or outputs and states of the model.
    stream : seed of the draws; patients of one kind are the same in all settings of that kind.
    numbers : array (patient,) of patient numbers.
    population : typical values and spreads in place of the table's, as `sample_patients` takes them.
    """
    if setting not in SETTINGS:
        raise InputError(Problem("setting", setting, "is no setting", nearest(setting, SETTINGS)))
    chosen = SETTINGS[setting]
    parameters, bsa = _patients(model, chosen.kind, stream, numbers, population or PopulationValues())
    system = model.system
    place = system.inputs.index(model.roles.doses["iv_continuous"])
    n, n_doses = numbers.size, len(chosen.doses)
    rates = np.outer(bsa if chosen.per_m2 else np.ones(n), [rate for _, rate in chosen.doses])
    schedule = Schedule(
        np.arange(n + 1, dtype=np.int64) * n_doses,
        np.tile(np.array([float(day) for day, _ in chosen.doses]), n),
        np.full(n * n_doses, int(Action.SET_INPUT), dtype=np.int64),
        np.full(n * n_doses, place, dtype=np.int64),
        rates.ravel(),
    )
    solution = solve(
        OdeProblem(
            system=system,
            parameters=parameters,
            save_times=np.asarray(days, dtype=float),
            inputs=np.zeros((n, len(system.inputs))),
            schedule=schedule,
        ),
        method="rodas5p",
        rtol=_RTOL,
    )
    roles = model.roles
    own = {name: roles.courses.get(name) or roles.t_cells.get(name, name) for name in outputs}
    values = evaluate_outputs(system, list(own.values()), solution.values, parameters)
    seen = {name: np.asarray(values[state]) for name, state in own.items()}
    return Seen(np.asarray(days, dtype=float), seen, solution.n_failed)


def _patients(
    model: Model, kind: str, stream: Stream, numbers: NDArray[np.int64], population: PopulationValues
) -> tuple[FloatArray, FloatArray]:
    """Parameters (patient, parameter) and body-surface areas (patient,)."""
    own: dict[str, float] = {}
    if kind == "lymphoma":
        own = dict(model.variants["lymphoma"].model_values)
    if kind == "culture":
        own = dict(model.roles.culture)
        population = population.without_spread(model.parameters)
    burden = {"mrd_log10": spread.constant(_MRD_LOG10)}
    if kind != "mrd_positive":
        burden = {"marrow_blasts_percent": spread.median_range(80, 5, 100)}
    patients = sample_patients(
        model, burden, stream.within(kind), numbers, in_remission=kind == "mrd_positive",
        population=population | PopulationValues(typical=own),
    )  # fmt: skip
    parameters = patients.parameters
    for name in model.roles.fixed_by["marrow_blasts_percent"]:
        if name in own:
            parameters[:, model.system.parameters.index(name)] = own[name]
    return parameters, patients.covariates["bsa_m2"]
