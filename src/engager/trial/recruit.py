"""Who enters a virtual trial, when, and for how long they can be watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engager.core import (
    COVARIATES,
    DAYS_PER_MONTH,
    DAYS_PER_YEAR,
    WHOLE_NUMBERS,
    FloatArray,
    Stream,
    Streams,
    as_exponential,
    as_normal,
    key_table,
    parse_condition,
    uniform_with,
)
from engager.model import Model
from engager.population import (
    Covariates,
    Settings,
    sample_covariates,
    sample_patients,
    spread,
)
from engager.protocol import Bins, Constant, Distribution, MeanSpread, MedianRange, Protocol, Share, Table
from engager.trial.allocation import Strata, Stratify, dealt, one_stratum

if TYPE_CHECKING:
    import polars as pl

YES_NO = tuple(one.name for one in COVARIATES if one.kind == "yes_no")
_FROM_UNIFORM: dict[str, Callable[[FloatArray], FloatArray]] = {
    "uniform": lambda u: u,
    "normal": as_normal,
    "exponential": as_exponential,
}


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What chance holds for the patients of one arm over several replicates, in one row each.

    Attributes
    ----------
    replicate : array (patient,): whose stream a patient draws from.
    key : array (patient,): the number that the patient's draws are keyed by; in a randomized study the place in the
        list that is dealt to the arms, else the patient's number in the arm.
    stream_of : one stream per replicate, for every draw.
    """

    replicate: NDArray[np.int64]
    key: NDArray[np.int64]
    stream_of: dict[int, Stream]
    _key_tables: dict[str, NDArray[np.uint64]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def n(self) -> int:
        return self.key.size

    @cached_property
    def _place(self) -> NDArray[np.int64]:
        """Place of each patient's replicate among all, in rising order."""
        return np.searchsorted(sorted(self.stream_of), self.replicate)

    def draw(
        self,
        purpose: str,
        kind: str = "uniform",
        n_draws: int = 1,
        rows: NDArray[np.int64] | None = None,
        occasion: NDArray[np.int64] | None = None,
    ) -> FloatArray:
        """Keyed draws: array (patient,) or (patient, draw).

        Parameters
        ----------
        kind : uniform, normal or exponential.
        rows : whose draws; None: everybody's.
        occasion : array (row,): which time each patient draws for this purpose; None: the first, 0.
        """
        key = self.key if rows is None else self.key[rows]
        if purpose not in self._key_tables:
            streams = [self.stream_of[one].of(purpose) for one in sorted(self.stream_of)]
            self._key_tables[purpose] = key_table(streams)
        place = self._place if rows is None else self._place[rows]
        keys = self._key_tables[purpose][place]
        uniform = uniform_with(keys, key, n_draws, occasion)
        return _FROM_UNIFORM[kind](uniform)


@dataclass(frozen=True, kw_only=True)
class Recruits(Draws):
    """The patients of one arm over several replicates, in one row each.

    Attributes
    ----------
    number : array (patient,): with the replicate the patient's identity within the arm.
    covariates, parameters : as in `population.Patients`; a trial owns the parameters and writes into them the
        chemotherapy that each patient gets.
    entry_day : array (patient,) [day]: calendar day of randomization since the first patient could enter.
    observable_day : array (patient,) [day since randomization]: end of follow-up or dropout, before any data cut.
    is_treated : array (patient,): gets at least the first dose.
    """

    number: NDArray[np.int64]
    covariates: Covariates
    parameters: FloatArray
    entry_day: FloatArray
    observable_day: FloatArray
    is_treated: NDArray[np.bool_]


def recruit(
    protocol: Protocol,
    arm_id: str,
    model: Model,
    seed: int,
    replicates: Sequence[int],
    settings: Settings,
    common_chance: bool = False,
    lists: Lists | None = None,
) -> Recruits:
    """Patients of one arm.

    Parameters
    ----------
    settings : population values of a replicate, e.g. one posterior draw.
    common_chance : every replicate has the patients and the luck of replicate 0.
    lists : the study's, of these replicates, where other arms are recruited from them as well; None: dealt here.

    Notes
    -----
    A randomized study has one list of patients, keyed by their place in it, that is dealt to the arms in permuted
    blocks within strata (`allocation`). Else each arm draws its own patients, keyed by arm and number, so another arm
    changes nobody. With counterfactual arms the arm is left out of the key: the same people are in every arm.
    """
    arm = protocol.arms[arm_id]
    is_shared = protocol.allocation.counterfactual or protocol.allocation.deals(len(protocol.arms))
    world = protocol.study if is_shared else f"{protocol.study}/{arm_id}"
    streams = {replicate: Stream(seed, world, 0 if common_chance else replicate) for replicate in replicates}
    numbers = (lists or Lists(protocol, seed, replicates, common_chance)).numbers(arm_id)
    patients = sample_patients(
        model,
        _spreads(protocol),
        _side_by_side(list(streams.values()), arm.n),
        numbers,
        in_remission=protocol.population.setting == "mrd_positive",
        untreated=protocol.population.setting == "untreated",
        eligible=_eligibility(protocol),
        population=[settings(replicate) for replicate in streams],
    )
    draws = Draws(replicate=np.repeat(np.array(list(streams), dtype=np.int64), arm.n), key=numbers, stream_of=streams)
    follow_up = protocol.follow_up
    lost = np.full(draws.n, np.inf)
    if follow_up.dropout_per_year > 0:
        lost = draws.draw("dropout", "exponential") / follow_up.dropout_per_year * DAYS_PER_YEAR
    return Recruits(
        replicate=draws.replicate,
        key=draws.key,
        stream_of=streams,
        number=np.tile(np.arange(arm.n, dtype=np.int64), len(streams)),
        covariates=patients.covariates,
        parameters=patients.parameters,
        entry_day=draws.draw("entry") * follow_up.accrual_months * DAYS_PER_MONTH,
        observable_day=np.minimum(lost, follow_up.months * DAYS_PER_MONTH),
        is_treated=draws.draw("never-treated") >= arm.never_treated,
    )


def _side_by_side(streams: Sequence[Stream], n: int) -> Streams:
    """The streams of `n` patients of each replicate, one replicate after the other."""
    return Streams(tuple(streams), np.repeat(np.arange(len(streams)), n))


class Lists:
    """Who is in which arm: of a randomized study its lists of patients, one a replicate, dealt once for all arms.

    Parameters
    ----------
    seed, replicates, common_chance : as in `recruit`.
    """

    def __init__(self, protocol: Protocol, seed: int, replicates: Sequence[int], common_chance: bool = False):
        self._protocol = protocol
        self._streams = [
            Stream(seed, protocol.study, 0 if common_chance else replicate) for replicate in dict.fromkeys(replicates)
        ]

    def numbers(self, arm_id: str) -> NDArray[np.int64]:
        """Numbers of an arm's patients, replicate after replicate: those dealt to it, or simply the first n."""
        arms = self._protocol.arms
        if not self._protocol.allocation.deals(len(arms)):
            return np.tile(np.arange(arms[arm_id].n, dtype=np.int64), len(self._streams))
        return self._dealt[list(arms).index(arm_id)].ravel()

    @cached_property
    def _dealt(self) -> dict[int, NDArray[np.int64]]:
        allocation = self._protocol.allocation
        sizes = [one.n for one in self._protocol.arms.values()]
        ratio, block = allocation.ratio_for(sizes), allocation.block_for(sizes)
        return dealt(dict(enumerate(sizes)), ratio, block, self._streams, self._stratify())

    def _stratify(self) -> Stratify:
        """The study's strata; each is named by its answers to the questions, 1 for yes."""
        protocol = self._protocol
        conditions = [
            parse_condition(text, protocol.population.covariates(), f"allocation.strata[{i}]")
            for i, text in enumerate(protocol.allocation.stratum_conditions())
        ]
        if not conditions:
            return one_stratum
        names = ["".join(answers) for answers in product("01", repeat=len(conditions))]

        def stratify(asked: Sequence[Stream], numbers: NDArray[np.int64]) -> Strata:
            listed = np.tile(numbers, len(asked))
            streams = _side_by_side(asked, numbers.size)
            table = _asked(sample_covariates(_spreads(protocol), streams, listed, _eligibility(protocol)))
            place = np.zeros(listed.size, dtype=np.int64)
            for condition in conditions:
                place = 2 * place + condition.holds(table).to_numpy()
            return Strata(names, place.reshape(len(asked), numbers.size))

        return stratify


def _spreads(protocol: Protocol) -> dict[str, spread.Quantile]:
    """The quantile function of each covariate."""
    found = {name: quantile_of(one) for name, one in protocol.population.spreads().items()}
    found["start_year"] = spread.constant(protocol.follow_up.start_year)
    return found


def quantile_of(distribution: Distribution) -> spread.Quantile:
    """The quantile function of a distribution of the study file."""
    if isinstance(distribution, Constant):
        return spread.constant(distribution.value)
    if isinstance(distribution, Share):
        return spread.share(distribution.share)
    if isinstance(distribution, MedianRange):
        return spread.median_range(distribution.median, *distribution.range)
    if isinstance(distribution, MeanSpread):
        low, high = distribution.range or (-np.inf, np.inf)
        return spread.normal(distribution.mean, distribution.sd, low, high)
    if isinstance(distribution, Bins):
        return spread.bins(distribution.edges, distribution.shares)
    assert isinstance(distribution, Table)
    values = [float(key.rstrip("+")) for key in distribution.table]
    return spread.categories(values, distribution.shares)


def _eligibility(protocol: Protocol) -> Callable[[Covariates], NDArray[np.bool_]] | None:
    if not protocol.eligibility:
        return None
    conditions = [
        parse_condition(text, protocol.population.covariates(), f"eligibility[{i}]")
        for i, text in enumerate(protocol.eligibility)
    ]

    def eligible(covariates: Covariates) -> NDArray[np.bool_]:
        table = _asked(covariates)
        passed = np.ones(table.height, dtype=bool)
        for condition in conditions:
            passed &= condition.holds(table).to_numpy()
        return passed

    return eligible


def _asked(covariates: Covariates) -> pl.DataFrame:
    """Covariates as conditions of the study file ask for them: in remission, blasts are what the assay counts."""
    if "mrd_log10" in covariates:
        covariates = {**covariates, "marrow_blasts_percent": 100.0 * 10.0 ** covariates["mrd_log10"]}
    return covariate_frame(covariates)


def covariate_frame(covariates: Covariates) -> pl.DataFrame:
    """Covariates as a table: yes/no ones as booleans, the salvage line as a whole number."""
    import polars as pl

    table = pl.DataFrame(covariates)
    flags = [pl.col(name) > 0.5 for name in YES_NO if name in covariates]
    whole = [pl.col(name).round().cast(pl.Int32) for name in WHOLE_NUMBERS if name in covariates]
    return table.with_columns(*flags, *whole)
