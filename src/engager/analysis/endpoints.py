"""What each endpoint means: who is counted, what counts as an event, and from when.

In: the patients table of a virtual trial. Out: polars expressions over its columns. Each endpoint is one
entry of `ENDPOINTS`, in the words of the evidence vocabulary.

Denominators follow the usual analysis: efficacy over randomized patients, safety over treated ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from engager.core import DISEASES, RESPONSE_WINDOW_DAYS, InputError, Problem, nearest
from engager.evidence import STATISTICS_OF, trial_endpoints

if TYPE_CHECKING:
    import polars as pl

RESPONSES = ("CR", "CRh", "CRi")
# Whoever responded at all, by marrow or by the size of a tumor.
_RESPONDERS = (*RESPONSES, "PR")


class Kind(Enum):
    """How an endpoint is counted."""

    SHARE = "share"
    TIME = "time"
    COMPETING = "competing"


STATISTICS = {kind: STATISTICS_OF[kind.value] for kind in Kind}
NEEDS_TIME = ("survival_at", "cumulative_at")
BETWEEN_ARMS = ("hazard_ratio", "difference", "odds_ratio")


@dataclass(frozen=True)
class EndpointRequest:
    """One number wanted from a trial.

    Attributes
    ----------
    endpoint : a word of `ENDPOINTS`, or categories joined by ``/``, e.g. ``CR/CRh``.
    statistic : one of `STATISTICS` for that kind of endpoint.
    time_months : landmark of ``survival_at`` and ``cumulative_at``.
    arm : one arm, or None for each arm in turn. Not for a comparison of arms.
    treatment, control : the two arms of a ``hazard_ratio``, ``difference`` or ``odds_ratio``.
    subgroup : condition over covariates, e.g. ``marrow_blasts_percent >= 50``; None for all patients.
    among : ``all`` (for MRD: all who were assessed), ``everyone``, or the
        response categories that make the denominator, e.g. ``CR/CRh``; None: as usual
        for that endpoint.
    origin : ``randomization``, ``treatment``, ``response``, ``hsct`` or ``failure`` (of the study's treatment); None:
        as usual for that endpoint.
    censor_at_hsct : stop the clock at transplant.
    no_response_event_day : EFS: day on which a patient who never reached remission counts as failed
        (TOWER: day 1); None counts only relapse and death.
    response_window_days : EFS: a patient without remission, alive but last seen before this day, is censored
        on that day rather than counted as failed.
    induction_days : ``death_induction``: days from randomization.
    window_days : a yes/no endpoint counts when it came by this day; None: whenever it was observed. A response
        is then the best within the window, an adverse event is judged by the day of the first of its kind.
    control_window_days : the same for the control arm, where its cycles have another length; None: as `window_days`.
    strata : conditions or yes/no columns; a hazard ratio and its log-rank test compare within them.
    """

    endpoint: str
    statistic: str = "proportion"
    time_months: float | None = None
    arm: str | None = None
    treatment: str | None = None
    control: str | None = None
    subgroup: str | None = None
    among: str | None = None
    origin: str | None = None
    censor_at_hsct: bool = False
    no_response_event_day: float | None = 1.0
    response_window_days: float = RESPONSE_WINDOW_DAYS
    induction_days: float = 42.0
    window_days: float | None = None
    strata: Sequence[str] = ()
    control_window_days: float | None = None


class Share(NamedTuple):
    """Yes/no expressions: who is counted, who had it."""

    counted: pl.Expr
    event: pl.Expr


class Times(NamedTuple):
    """Expressions: who is counted, days from the origin, and 0 (censored), 1 (event) or 2 (competing)."""

    counted: pl.Expr
    days: pl.Expr
    cause: pl.Expr


@dataclass(frozen=True)
class EndpointRule:
    """One endpoint: its kind, a sentence for readers, and what builds its expressions."""

    kind: Kind
    meaning: str
    build: Callable[[EndpointRequest], Share | Times]


def endpoint_rule(name: str, where: str = "endpoint") -> EndpointRule:
    """The definition of an endpoint.

    Raises
    ------
    InputError
        When the word is unknown; the nearest known words are offered.
    """
    if name in ENDPOINTS:
        return ENDPOINTS[name]
    if response_categories(name):
        return EndpointRule(Kind.SHARE, f"best response {name.replace('/', ', ')}", _response)
    rule = "is not an endpoint this package estimates"
    raise InputError(Problem(where, name, rule, nearest(name, ENDPOINTS)))


def response_categories(name: str | None) -> tuple[str, ...]:
    """Best responses that count for a word like ``CR/CRh``; empty when it is no such word.

    ``CR/CRi`` without ``CRh`` comes from papers that had no CRh category: partial recovery was CRi there, so
    CRh counts.
    """
    parts = tuple((name or "").split("/"))
    if not all(part in RESPONSES for part in parts) or len(set(parts)) != len(parts):
        return ()
    if set(parts) == {"CR", "CRi"}:
        return RESPONSES
    return parts


def _col(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name)


def _everyone() -> pl.Expr:
    import polars as pl

    return pl.lit(True)


def _counted(request: EndpointRequest) -> pl.Expr:
    """The denominator: that of the vocabulary, or of the request those with certain best responses."""
    usual = _denominator(request.endpoint)
    everybody = _everyone()
    if usual == "treated":
        everybody = _col("treated").fill_null(False)
    elif usual == "transplanted":
        everybody = _col("hsct_day").is_not_null()
    elif usual == "relapsed":
        everybody = _col("relapse_day").is_not_null()
    if request.among is None and usual in ("responders", "assessed_responders"):
        return everybody & _col("best_response").is_in(_RESPONDERS).fill_null(False)
    chosen = request.among or "all"
    if chosen in ("all", "everyone"):
        return everybody
    categories = response_categories(chosen)
    if not categories:
        rule = "must be 'all' or response categories like CR/CRh/CRi"
        raise InputError(Problem(f"{request.endpoint}: among", chosen, rule))
    return everybody & _col("best_response").is_in(categories).fill_null(False)


def _denominator(name: str) -> str:
    """Who is counted when nobody says; responses that the vocabulary does not list count everybody."""
    known = trial_endpoints().get(name)
    return "randomized" if known is None else known.denominator


def _response(request: EndpointRequest) -> Share:
    categories = response_categories(request.endpoint)
    return Share(_counted(request), _best_response(request).is_in(categories).fill_null(False))


def _overall_response(request: EndpointRequest) -> Share:
    return Share(_counted(request), _by(_day(request), request) & _col("best_response").is_in(_RESPONDERS))


def _progression_free(request: EndpointRequest) -> Times:
    import polars as pl

    failure = pl.min_horizontal("progression_day", "death_day")
    return _clock(request, _counted(request), origin_day(request), failure)


def _time_to_progression(request: EndpointRequest) -> Times:
    return _clock(request, _counted(request), origin_day(request), _col("progression_day"))


def _by_day(request: EndpointRequest) -> Share:
    """Whether the day of the endpoint came, by the window when there is one."""
    return Share(_counted(request), _by(_day(request), request))


def _stopped_for(*events: str) -> Callable[[EndpointRequest], Share]:
    """Study drug stopped for good because of one of these events."""

    def build(request: EndpointRequest) -> Share:
        reasons = [f"{event} toxicity" for event in events]
        stopped = _col("treatment_end_reason").is_in(reasons).fill_null(False)
        return Share(_counted(request), stopped & _by(_day(request), request))

    return build


def _best_response(request: EndpointRequest) -> pl.Expr:
    import polars as pl

    if request.window_days is None:
        return pl.col("best_response")
    return (
        pl.when(_by("cr_day", request))
        .then(pl.lit("CR"))
        .when(_by("crh_day", request))
        .then(pl.lit("CRh"))
        .when(_by("response_day", request))
        .then(pl.lit("CRi"))
    )


def _by(day: str, request: EndpointRequest) -> pl.Expr:
    """Whether something came within the request's window; without one, whether it came."""
    import polars as pl

    if request.window_days is None:
        return _col(day).is_not_null()
    limit = pl.lit(request.window_days)
    if request.control is not None and request.control_window_days is not None:
        limit = pl.when(_col("arm") == request.control).then(request.control_window_days).otherwise(limit)
    return (_col(day) <= limit).fill_null(False)


def _day(request: EndpointRequest) -> str:
    """Column of the day on which the endpoint came."""
    return trial_endpoints()[request.endpoint].day


def _mrd(column: str) -> Callable[[EndpointRequest], Share]:
    """MRD status among responders whose assay was read."""

    def build(request: EndpointRequest) -> Share:
        if request.window_days is None:
            assessed, event = _col("mrd_day").is_not_null(), _col(column).fill_null(False)
        else:
            assessed, event = _by("mrd_first_day", request), _by(_day(request), request)
        if request.among == "everyone":
            assessed = _everyone()
        return Share(_counted(request) & assessed, event)

    return build


def _hsct_after_response(request: EndpointRequest) -> Share:
    return Share(_counted(request), _col("hsct_in_response").fill_null(False) & _by(_day(request), request))


def _response_in_cycle_1(request: EndpointRequest) -> Share:
    return Share(_counted(request), (_col("response_cycle") == 1).fill_null(False))


def _toxicity(column: str, lowest_grade: int) -> Callable[[EndpointRequest], Share]:
    """Worst grade at or above a bound, over treated patients."""

    def build(request: EndpointRequest) -> Share:
        struck = (_col(column) >= lowest_grade).fill_null(False)
        if request.window_days is not None:
            struck &= _by(_day(request), request)
        return Share(_counted(request), struck)

    return build


def _death_induction(request: EndpointRequest) -> Share:
    """Death before any remission within the induction period."""
    early = _col("death_day") <= (request.window_days or request.induction_days)
    unresponsive = _col("response_day").is_null() | (_col("response_day") > _col("death_day"))
    return Share(_counted(request), (early & unresponsive).fill_null(False))


def _early_death_30d(request: EndpointRequest) -> Share:
    soon = (_col("death_day") - _col("start_day")) <= 30.0
    return Share(_counted(request), soon.fill_null(False))


def _fatal_ae(request: EndpointRequest) -> Share:
    """Death reported as an adverse event, during treatment or within 30 days after it, over treated patients."""
    soon = _col("treatment_end_day").is_null() | (_col("death_day") - _col("treatment_end_day") <= 30.0)
    reported = _col("fatal_adverse_event")
    return Share(_counted(request), (soon & reported).fill_null(False) & _by(_day(request), request))


# Column of the day on which a clock starts; of failure two columns tell it.
_ORIGINS = {
    "randomization": None,
    "treatment": "start_day",
    "response": "response_day",
    "hsct": "hsct_day",
    "failure": None,
}


def origin_of(request: EndpointRequest) -> str:
    """Name of where the clock of a time starts: the request's, else the usual one of its endpoint."""
    return request.origin or trial_endpoints()[request.endpoint].origin or "randomization"


def origin_day(request: EndpointRequest) -> pl.Expr:
    """Day on which the clock of a time starts; null in patients for whom it never does.

    Notes
    -----
    Failure of the study's treatment is the relapse of who responded, and the end of treatment of who did not and lived
    to see it: those who die on treatment have none.

    Raises
    ------
    InputError
        When the origin is not known.
    """
    import polars as pl

    chosen = origin_of(request)
    if chosen not in _ORIGINS:
        rule = f"must be one of {', '.join(_ORIGINS)}"
        raise InputError(Problem(f"{request.endpoint}: origin", chosen, rule))
    if chosen == "failure":
        unresponsive = _col("response_day").is_null()
        return pl.when(unresponsive).then(_col("treatment_end_day")).otherwise(_col("relapse_day"))
    column = _ORIGINS[chosen]
    return pl.lit(0.0) if column is None else pl.col(column)


def _clock(request: EndpointRequest, counted: pl.Expr, origin: pl.Expr, *days: pl.Expr) -> Times:
    """The first of several event days, by cause, against the last day of observation.

    The first of `days` is cause 1, the second cause 2; at equal days the first wins. Who had an event before the clock
    starts (a relapse before the transplant that time is counted from) is not counted.
    """
    import polars as pl

    end = pl.col("followup_day")
    if request.censor_at_hsct:
        end = pl.min_horizontal(end, pl.col("hsct_day"))
    first = pl.min_horizontal(*days)
    happened = (first <= end).fill_null(False)
    cause = pl.when(~happened).then(0).when((days[0] == first).fill_null(False)).then(1).otherwise(2)
    elapsed = pl.when(happened).then(first).otherwise(end) - origin
    return Times(counted & origin.is_not_null() & (elapsed >= 0).fill_null(False), elapsed, cause)


def _overall_survival(request: EndpointRequest) -> Times:
    return _clock(request, _counted(request), origin_day(request), _col("death_day"))


def _remission_duration(request: EndpointRequest) -> Times:
    import polars as pl

    failure = pl.min_horizontal("relapse_day", "death_day")
    return _clock(request, _counted(request), origin_day(request), failure)


def _event_free_survival(request: EndpointRequest) -> Times:
    import polars as pl

    failure = pl.min_horizontal("relapse_day", "death_day")
    if request.no_response_event_day is not None:
        never = ~pl.col("best_response").is_in(RESPONSES).fill_null(False)
        judged = (pl.col("followup_day") >= request.response_window_days) | pl.col("death_day").is_not_null()
        failed = pl.min_horizontal(pl.lit(request.no_response_event_day), failure)
        failure = pl.when(never & judged).then(failed).otherwise(failure)
    return _clock(request, _counted(request), origin_day(request), failure)


def _relapse_incidence(request: EndpointRequest) -> Times:
    return _clock(
        request,
        _counted(request),
        origin_day(request),
        _col("relapse_day"),
        _col("death_day"),
    )


def _transplant_mortality(request: EndpointRequest) -> Times:
    """Death without relapse after a transplant; relapse after it, or death of the disease, comes in its way."""
    import polars as pl

    of_disease = pl.col("death_cause").is_in(DISEASES).fill_null(False)
    later_relapse = pl.when(pl.col("relapse_day") > pl.col("hsct_day")).then(pl.col("relapse_day"))
    return _clock(
        request,
        _counted(request),
        origin_day(request),
        pl.when(~of_disease).then(pl.col("death_day")),
        pl.min_horizontal(later_relapse, pl.when(of_disease).then(pl.col("death_day"))),
    )


def _cd19_negative_relapse(request: EndpointRequest) -> Share:
    """Among patients who relapsed, by the window when there is one."""
    relapsed = _counted(request) & _by(_day(request), request)
    return Share(relapsed, (_col("relapse_cd19") == "negative").fill_null(False))


# How each endpoint of the vocabulary is worked out; what it is stands there.
_RULES: dict[str, Callable[[EndpointRequest], Share | Times]] = {
    "CR": _response,
    "CRh": _response,
    "CRi": _response,
    "CR/CRh": _response,
    "CR/CRi": _response,
    "CR/CRh/CRi": _response,
    "MRD_response": _mrd("mrd_below_limit"),
    "complete_MRD_response": _mrd("mrd_undetectable"),
    "ORR": _overall_response,
    "response_in_cycle_1": _response_in_cycle_1,
    "HSCT_after_response": _hsct_after_response,
    "HSCT_on_study": _by_day,
    "CRS_any": _toxicity("crs_grade", 1),
    "CRS_grade3plus": _toxicity("crs_grade", 3),
    "neurologic_any": _toxicity("neurologic_grade", 1),
    "neurologic_grade3plus": _toxicity("neurologic_grade", 3),
    "discontinuation_AE": _stopped_for("CRS", "neurologic"),
    "discontinuation_neurologic": _stopped_for("neurologic"),
    "b_cell_depletion": _by_day,
    "il6_high": _by_day,
    "death_induction": _death_induction,
    "early_death_30d": _early_death_30d,
    "fatal_AE": _fatal_ae,
    "cd19_negative_relapse": _cd19_negative_relapse,
    "OS": _overall_survival,
    "EFS": _event_free_survival,
    "PFS": _progression_free,
    "TTP": _time_to_progression,
    "RFS": _remission_duration,
    "DFS": _remission_duration,
    "DoR": _remission_duration,
    "CIR": _relapse_incidence,
    "TRM": _transplant_mortality,
}
ENDPOINTS: dict[str, EndpointRule] = {
    name: EndpointRule(Kind(one.kind), one.meaning, _RULES[name])
    for name, one in trial_endpoints().items()
    if name in _RULES
}
