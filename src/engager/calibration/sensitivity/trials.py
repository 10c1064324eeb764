"""A virtual trial as a function of the unknowns of a fit: what a whole population shows when they move.

In: one arm of a study and, for each unknown, a normal spread on the unbounded scale of the fit: that of its
prior or of a posterior. Out: remission, MRD response, survival and cytokine release of virtual trials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engager.analysis import EndpointRequest, estimate_endpoints
from engager.calibration.population.posterior import Posterior, course_settings
from engager.calibration.population.unknowns import Unknown, as_settings, unknowns_of
from engager.calibration.sensitivity.identifiability import prior_of, unbounded
from engager.core import RESPONSE_WINDOW_DAYS, FloatArray, InputError, Problem, Stream, nearest
from engager.evidence import trial_endpoints
from engager.model import Model
from engager.population import PopulationValues
from engager.protocol import Protocol
from engager.trial import TrialData, simulate_trial

Progress = Callable[[float], None]

# Endpoint and statistic of each output; a response counts within the usual window.
_COUNTED = {
    "CR/CRh/CRi": ("CR/CRh/CRi", "proportion"),
    "ORR": ("ORR", "proportion"),
    "MRD_response": ("MRD_response", "proportion"),
    "OS_median": ("OS", "median"),
    "CRS_grade3plus": ("CRS_grade3plus", "proportion"),
}


def _words(endpoint: str, statistic: str) -> str:
    known = trial_endpoints()[endpoint]
    return f"{known.words}, median (months)" if statistic == "median" else f"{known.words} (%)"


def _request(endpoint: str, statistic: str) -> EndpointRequest:
    is_windowed = trial_endpoints()[endpoint].window == "response"
    return EndpointRequest(endpoint, statistic, window_days=RESPONSE_WINDOW_DAYS if is_windowed else None)


TRIAL_OUTPUTS = {name: _words(*what) for name, what in _COUNTED.items()}
_REQUESTS = {name: _request(*what) for name, what in _COUNTED.items()}
# Patients in remission at entry have no remission to reach.
_NOT_IN_REMISSION = tuple(name for name, (one, _) in _COUNTED.items() if trial_endpoints()[one].is_response)
FOLLOW_UP_MONTHS = 24.0
# As in calibration: a median that was not reached counts as half again the follow-up.
_BEYOND_FOLLOW_UP = 1.5


def one_arm(protocol: Protocol, arm: str | None = None, months: float = FOLLOW_UP_MONTHS) -> Protocol:
    """One arm of a study as a study of its own, without targets and data cut.

    Parameters
    ----------
    arm : None for the first arm that gets an engager, else the first.
    months : everybody can be followed at most as long.

    Raises
    ------
    InputError
        When the study has no such arm.
    """
    engagers = [name for name, one in protocol.arms.items() if not one.regimen.is_chemotherapy]
    chosen = arm or (engagers or list(protocol.arms))[0]
    if chosen not in protocol.arms:
        rule = f"must be an arm of {protocol.study}"
        raise InputError(Problem("--arm", chosen, rule, nearest(chosen, protocol.arms)))
    raw = protocol.model_dump(mode="json", exclude_none=True)
    raw["arms"] = {chosen: raw["arms"][chosen]}
    for part in ("targets", "allocation"):
        raw.pop(part, None)
    raw["follow_up"].pop("data_cut", None)
    raw["follow_up"]["months"] = min(float(raw["follow_up"]["months"]), months)
    if isinstance(raw.get("hsct", {}).get("probability"), dict):
        raw["hsct"]["probability"] = {k: v for k, v in raw["hsct"]["probability"].items() if k == chosen}
    return Protocol.model_validate(raw)


class TrialFunction:
    """Virtual trials of one arm by the unknowns of a fit.

    Parameters
    ----------
    protocol : with one arm; see `one_arm`.
    model : of the study.
    patients : of each virtual trial.
    seed : of all chance.
    posterior : spreads are those of its draws; None: of the prior.
    """

    def __init__(
        self,
        protocol: Protocol,
        model: Model,
        *,
        patients: int,
        seed: int,
        posterior: Posterior | None = None,
        n_threads: int | None = None,
    ):
        self.protocol, self.seed, self.n_threads = protocol.with_patients(patients), seed, n_threads
        # a value that a variant or a drug has given is no unknown of the fit
        by_name = {one.name: one for one in unknowns_of(model) if one.name not in model.own_values}
        if posterior is None:
            self.fixed = course_settings(model)
            self.unknowns = tuple(one for name, one in by_name.items() if name not in self.fixed)
            self.mean, self.sd = prior_of(self.unknowns)
        else:
            self.fixed = PopulationValues.read(posterior.fixed)
            kept = [k for k, name in enumerate(posterior.names) if name in by_name]
            self.unknowns = tuple(by_name[posterior.names[k]] for k in kept)
            z = unbounded(self.unknowns, posterior.draws[:, kept])
            self.mean, self.sd = z.mean(axis=0), z.std(axis=0, ddof=1)
        in_remission = protocol.population.setting == "mrd_positive"
        shown = [name for name, (one, _) in _COUNTED.items() if not model.roles.lacking(trial_endpoints()[one].needs)]
        self.outputs = [name for name in shown if not (in_remission and name in _NOT_IN_REMISSION)]

    @property
    def names(self) -> list[str]:
        """Of the unknowns, in order."""
        return [one.name for one in self.unknowns]

    def value(self, k: int, share: float) -> float:
        """The value of unknown k at a share in (0, 1) of its spread, model units."""
        return float(_at(self.unknowns[k], self.mean[k] + self.sd[k] * _normal(np.array([share]))[0]))

    def settings(self, normal: FloatArray) -> PopulationValues:
        """Population values of one set: array (unknown,) of standard normal numbers."""
        return self.fixed | as_settings(self.unknowns, self.mean + self.sd * normal)

    def design(self, n_sets: int) -> FloatArray:
        """A Latin hypercube of standard normal sets: array (set, unknown); the same for the same seed."""
        stream = Stream(self.seed, "sensitivity/sets")
        uniform = np.asarray(stream.of("within").uniform(np.arange(n_sets), len(self.unknowns)))
        order = np.asarray(stream.of("order").uniform(np.arange(n_sets), len(self.unknowns)))
        shape = (n_sets, len(self.unknowns))
        cells = np.argsort(order.reshape(shape), axis=0, kind="stable")
        return _normal((cells + uniform.reshape(shape)) / n_sets)

    def with_own_chance(self, normal: FloatArray, progress: Progress | None = None, first: int = 0) -> FloatArray:
        """Each set is a virtual trial with patients and chance of its own: array (set, output).

        Sets are simulated together, as replicates; what chance adds is independent between sets.

        Parameters
        ----------
        normal : array (set, unknown). first : number of the first set, where these are some of many.
        """
        return self._observed(self._simulate(normal, progress, first), range(first, first + len(normal)))

    def with_common_chance(self, shares: FloatArray, progress: Progress | None = None, first: int = 0) -> FloatArray:
        """Each set is the same virtual trial, same patients and same chance, with other values: array (set, output).

        Parameters
        ----------
        shares : array (set, unknown) in (0, 1). first : number of the first set, where these are some of many.
        """
        data = self._simulate(_normal(shares), progress, first, common_chance=True)
        return self._observed(data, range(first, first + len(shares)))

    def _simulate(
        self, normal: FloatArray, tell: Progress | None, first: int, *, common_chance: bool = False
    ) -> TrialData:
        """Each set as a replicate."""
        settings = {first + k: self.settings(row) for k, row in enumerate(normal)}
        return simulate_trial(
            self.protocol, replicates=list(settings), seed=self.seed, settings=settings.__getitem__, n_sampled=0,
            n_threads=self.n_threads, progress=tell, only_patients=True, common_chance=common_chance,
        )  # fmt: skip

    def _observed(self, data: TrialData, replicates: Sequence[int]) -> FloatArray:
        """What each replicate shows, percent or months: array (replicate, output)."""
        import polars as pl

        requests = [_REQUESTS[name] for name in self.outputs]
        estimates = estimate_endpoints(
            data, requests, self.protocol.population.setting, arms=self.protocol.arm_ids, replicates=replicates
        )
        columns = []
        for i, name in enumerate(self.outputs):
            values = estimates.filter(pl.col("request") == i).sort("replicate")["value"].to_numpy().astype(float)
            if name == "OS_median":
                longest = _BEYOND_FOLLOW_UP * self.protocol.follow_up.months
                columns.append(np.where(np.isinf(values), longest, values))
            else:
                columns.append(100.0 * values)
        return np.stack(columns, axis=1)


def _normal(shares: FloatArray) -> FloatArray:
    from scipy.special import ndtri

    found: FloatArray = ndtri(shares)
    return found


def _at(unknown: Unknown, z: float) -> float:
    return float(unknown.value(np.array([z]))[0])
