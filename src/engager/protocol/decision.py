"""How a study will be judged: the `design` block of a study file, for ``engager design``.

In: what the file says. Out: a `DesignBlock`. What is wrong between it and the other blocks: `protocol_decision_checks`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from engager.core import nearest
from engager.evidence import trial_endpoints
from engager.protocol.catalogue import NamedRegimen
from engager.protocol.endpoints import BINARY_ENDPOINTS, TIME_ENDPOINTS, Endpoint
from engager.protocol.parts import Count, Fraction, Identifier, Number, Part, Positive, Whole, refuse

Test = Literal["log_rank", "score", "fisher", "exact", "simon", "bayesian"]
_OPEN_FRACTION = Field(gt=0, lt=1)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, int | float | str) and not isinstance(value, bool) else value


class PriorChoice(Part):
    """Which earlier arms tell what the control would do, and how far they are trusted.

    Attributes
    ----------
    endpoint : in the words of the evidence records; left out: the primary endpoint.
    regimens, drug_class, setting, study_design, year : which arms, as in ``engager evidence prior``.
    records : only these records (``tower-2017``) or arms of them (``tower-2017/chemotherapy``); empty: all.
    tau_scale : how much earlier trials may differ; left out: 1 for a share, 0.5 for a median.
    robust_weight : weight of the vague part. robust_mean : its mean share.
    """

    endpoint: str | None = None
    regimens: tuple[str, ...] = ()
    drug_class: str | None = None
    setting: str | None = None
    study_design: str | None = None
    year: str | None = None
    records: tuple[str, ...] = ()
    tau_scale: Positive | None = None
    robust_weight: Annotated[Fraction, Field(lt=1)] = 0.2
    robust_mean: Annotated[Fraction, _OPEN_FRACTION] = 0.5

    @field_validator("year", mode="before")
    @classmethod
    def _year_as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class SimonChoice(Part):
    """A two-stage design, searched for or given.

    Attributes
    ----------
    alternative_share, power : what the search aims at. choose : optimal or minimax.
    n1, r1, n, r : a design of your own: stop after n1 with at most r1 responders; success above r of n.
    """

    alternative_share: Annotated[Fraction, _OPEN_FRACTION] | None = None
    power: Annotated[Fraction, Field(ge=0.5, lt=1)] = 0.8
    choose: Literal["optimal", "minimax"] = "optimal"
    n1: Count | None = None
    r1: Whole | None = None
    n: Count | None = None
    r: Whole | None = None

    @property
    def is_given(self) -> bool:
        return None not in (self.n1, self.r1, self.n, self.r)


class NullArm(Part):
    """What the treated would get if the treatment were no better: the control's regimen.

    Attributes
    ----------
    regimen : one of ``engager regimen list``, or inline as in an arm. never_treated : as in an arm.
    """

    regimen: NamedRegimen
    never_treated: Fraction = 0.0

    @field_validator("regimen", mode="before")
    @classmethod
    def _with_id(cls, value: Any) -> Any:
        return {"id": "null", **value} if isinstance(value, dict) else value


class DesignBlock(Part):
    """How the study is judged, and which variants of it are to be compared.

    Attributes
    ----------
    primary : the endpoint that decides, one of the study's.
    treatment, control : arms; left out: the first and the second.
    test : log_rank, score, fisher, exact, simon or bayesian; left out: what fits endpoint and arms.
    patients : sizes to be compared, all arms together; left out: the study's own.
    alpha : one-sided.
    information : fractions of the final information at which the data are looked at; left out: only the end.
    events : of the final analysis for the study's own size (others in proportion), or one number a look.
    spending : of alpha over the looks.
    futility : by look but the last: stop at or below this z value (of a Bayesian design, this probability).
    stratified : compare within the strata of the allocation.
    null_share : the share that a single arm must beat. simon : its two stages.
    prior : the historical control. treatment_prior : a and b of the treated share's beta prior.
    margin : by which the control share must be beaten. ratio : of medians, for a time to event.
    threshold : posterior probability from which the trial is a success.
    null_arm : what a null world gives the treated; left out: the control arm's regimen.
    scenarios : by name, other values of the study's keys by dotted path.
    """

    primary: str
    treatment: Identifier | None = None
    control: Identifier | None = None
    test: Test | None = None
    patients: Annotated[tuple[Count, ...], BeforeValidator(_as_list)] = ()
    alpha: Annotated[Fraction, Field(gt=0, lt=0.5)] = 0.025
    information: Annotated[tuple[Annotated[Fraction, Field(gt=0)], ...], BeforeValidator(_as_list)] = ()
    events: Annotated[tuple[Count, ...], BeforeValidator(_as_list)] = ()
    spending: Literal["obrien_fleming", "pocock"] = "obrien_fleming"
    futility: Annotated[tuple[Number, ...], BeforeValidator(_as_list)] = ()
    stratified: bool = True
    null_share: Annotated[Fraction, _OPEN_FRACTION] | None = None
    simon: SimonChoice | None = None
    prior: PriorChoice | None = None
    treatment_prior: tuple[Positive, Positive] = (0.5, 0.5)
    margin: Annotated[Number, Field(ge=-1, le=1)] = 0.0
    ratio: Positive = 1.0
    threshold: Annotated[Fraction, _OPEN_FRACTION] = 0.975
    null_arm: NullArm | None = None
    scenarios: dict[Identifier, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("primary")
    @classmethod
    def _can_be_won(cls, name: str) -> str:
        if name in trial_endpoints() and trial_endpoints()[name].is_harm:
            refuse("must be an endpoint of which more is better, not a harm", "A response or a survival time.")
        if name not in (*BINARY_ENDPOINTS, *TIME_ENDPOINTS):
            refuse("must be a yes/no endpoint or a time to event", nearest(name, (*BINARY_ENDPOINTS, *TIME_ENDPOINTS)))
        return name

    @property
    def is_time_to_event(self) -> bool:
        return self.primary in TIME_ENDPOINTS

    def counts_everybody(self, endpoint: Endpoint) -> bool:
        """Whether every patient is in the denominator, so that the number of patients is known beforehand."""
        return endpoint.kind.denominator == "randomized" and endpoint.among in (None, "all")

    def treatment_of(self, arms: Iterable[str]) -> str:
        """The treated arm among the study's."""
        return self.treatment or next(one for one in arms if one != self.control)

    def control_of(self, arms: Iterable[str]) -> str | None:
        """The control arm among the study's; None in a study of one arm."""
        treated = self.treatment_of(arms := list(arms))
        return self.control or next((one for one in arms if one != treated), None)

    def test_of(self, arms: Iterable[str]) -> str:
        """The test, by name or by what fits endpoint and arms."""
        if self.test is not None:
            return self.test
        if self.prior is not None:
            return "bayesian"
        if self.control_of(arms) is not None:
            return "log_rank" if self.is_time_to_event else "score"
        return "simon" if self.simon is not None else "exact"

    @property
    def fractions(self) -> tuple[float, ...]:
        """Information fractions of all looks, the final 1 among them."""
        if len(self.events) > 1:
            return tuple(count / self.events[-1] for count in self.events)
        return self.information or (1.0,)

    def scaled(self, n_patients: int, n_study: int) -> DesignBlock:
        """The block for a study of another size: events in proportion, at the same fractions."""
        if not self.events:
            return self
        final = max(1, math.ceil(self.events[-1] * n_patients / n_study))
        information = self.fractions if len(self.fractions) > 1 else ()
        return self.model_copy(update={"events": (final,), "information": information})

    def events_at(self, n_patients: int, n_study: int) -> tuple[int, ...]:
        """Events planned at each look of a trial of `n_patients`; empty: the trial ends by the calendar."""
        if not self.events:
            return ()
        final = max(1, round(self.events[-1] * n_patients / n_study))
        return tuple(max(1, round(final * fraction)) for fraction in self.fractions)
