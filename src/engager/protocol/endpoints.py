"""What a study counts (`endpoints`) and what was observed (`targets`), in the evidence records' words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, WithJsonSchema, field_validator, model_validator

from engager.core import MONTHS_PER, nearest
from engager.evidence import STATISTICS_OF, TrialEndpoint, trial_endpoints, trial_names
from engager.protocol.curves import check_curve, printed_curve
from engager.protocol.estimand import Estimand
from engager.protocol.parts import Count, Fraction, Number, Part, Positive, Whole, refuse
from engager.protocol.published import filled_from_record

if TYPE_CHECKING:
    from engager.evidence import CurveInformation

# Endpoints a virtual trial can answer, by kind; what each of them is stands in the evidence vocabulary.
BINARY_ENDPOINTS = trial_names("share")
TIME_ENDPOINTS = trial_names("time")
COMPETING_ENDPOINTS = trial_names("competing")
SIMULATED_ENDPOINTS = trial_names()
# Endpoints whose window says until when responses count.
WINDOWED_RESPONSES = tuple(name for name, one in trial_endpoints().items() if one.window == "response")
_AMONG = ("all", *(name for name, one in trial_endpoints().items() if one.is_response))

Statistic = Literal[
    "proportion",
    "median",
    "survival_at",
    "cumulative_at",
    "hazard_ratio",
    "odds_ratio",
    "difference",
    "follow_up_median",
    "curve",
]
_MEASURES = {"HR": "hazard_ratio", "OR": "odds_ratio", "difference": "difference"}
# Papers round percentages, and sometimes print them over a slightly other n.
_ROUNDING = 0.02


def _read_among(name: str | None) -> str | None:
    if name is not None and name not in _AMONG:
        refuse("must be 'all' or a response such as CR/CRh/CRi", nearest(name, _AMONG))
    return name


Among = Annotated[str | None, AfterValidator(_read_among)]


class Endpoint(Part):
    """One thing the study counts.

    Attributes
    ----------
    id : a name of `SIMULATED_ENDPOINTS`.
    window_weeks, window_cycles : counts within this time from the first dose; None: within the widest window that
        the study names (12 weeks when it names none), and an adverse event whenever it comes.
    among : a response; only patients who reached it are counted.
    origin : where time starts; left out: response for RFS, DFS and DoR, else randomization.
    censor_at_hsct : leave at the transplant.
    no_response : for EFS, when patients who never respond count as an event: at the start, at the window's
        end, or not at all.
    """

    id: str
    window_weeks: Positive | None = None
    window_cycles: Count | None = None
    among: Among = None
    origin: Literal["randomization", "treatment_start", "response", "hsct", "failure"] = "randomization"
    censor_at_hsct: bool = False
    no_response: Literal["event_at_start", "event_at_window_end", "ignored"] | None = None

    @field_validator("id")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in SIMULATED_ENDPOINTS:
            refuse("must be an endpoint a virtual trial can answer", nearest(name, SIMULATED_ENDPOINTS))
        return name

    @model_validator(mode="before")
    @classmethod
    def _origin_by_endpoint(cls, raw: Any) -> Any:
        if isinstance(raw, str):
            raw = {"id": raw}
        if not isinstance(raw, dict):
            return raw
        filled = dict(raw)
        if (known := trial_endpoints().get(str(raw.get("id")))) is not None:
            for key in ("origin", "no_response", "among"):
                if (usual := getattr(known, key)) is not None:
                    filled.setdefault(key, usual)
        return filled

    @model_validator(mode="after")
    def _one_window(self) -> Endpoint:
        if self.window_weeks is not None and self.window_cycles is not None:
            refuse("must give window_weeks or window_cycles, not both")
        return self

    @property
    def kind(self) -> TrialEndpoint:
        """What the vocabulary says of it."""
        return trial_endpoints()[self.id]

    @property
    def is_time_to_event(self) -> bool:
        return self.kind.kind == "time"

    @property
    def has_window(self) -> bool:
        return self.window_weeks is not None or self.window_cycles is not None

    @property
    def ignores_window(self) -> bool:
        """Whether a window is given that the endpoint does not have."""
        return self.has_window and self.kind.window == "none"

    @property
    def is_competing(self) -> bool:
        return self.kind.kind == "competing"


def default_endpoints(setting: str) -> tuple[Endpoint, ...]:
    """What is counted when a study file does not say."""
    entries: list[dict[str, Any]] = [
        {"id": "OS"},
        {"id": "RFS"},
        {"id": "CRS_grade3plus"},
        {"id": "neurologic_grade3plus"},
        {"id": "HSCT_on_study"},
    ]
    if setting == "lymphoma":
        names = ["ORR", "CR", "PFS", "TTP", "OS", "DoR", "CRS_any", "CRS_grade3plus", "neurologic_grade3plus",
                 "discontinuation_neurologic", "b_cell_depletion", "il6_high"]  # fmt: skip
        entries = [{"id": name} for name in names]
    elif setting == "mrd_positive":
        # Everyone is in remission: MRD is counted among all.
        entries = [
            {"id": "complete_MRD_response", "window_cycles": 1, "among": None},
            {"id": "MRD_response", "window_cycles": 1, "among": None},
            *entries,
        ]
    else:
        entries = [
            {"id": "CR", "window_weeks": 12},
            {"id": "CR/CRh", "window_weeks": 12},
            {"id": "CR/CRh/CRi", "window_weeks": 12},
            {"id": "MRD_response", "window_cycles": 2},
            {"id": "EFS", "window_weeks": 12},
            {"id": "DoR"},
            {"id": "HSCT_after_response"},
            *entries,
        ]
    return tuple(Endpoint.model_validate(entry) for entry in entries)


_IntervalBound = Annotated[Number | None, WithJsonSchema({"type": ["number", "null"]})]


class Target(Part):
    """One published figure the study is compared with; keys as in an evidence record.

    Attributes
    ----------
    arm : the arm's id; may be left out in a study of one arm, and of a comparison.
    endpoint, statistic : what the figure is; a proportion when counts or a share are given.
    events, n, proportion : counts and share; `n` also carries the size behind a median or landmark.
    value : share, survival or ratio; times go to value_months (or _weeks, _days, _years).
    time_months (or _weeks, _days, _years) : the landmark.
    ci95 : the published interval, in the unit of the value; null: that bound was not reached.
    measure, treatment, control : for a comparison, HR, OR or difference between two arms.
    record : evidence record that holds the figure, or the points of a curve; the numbers are then looked up, and
        `source` names one of several. record_arm : the arm's name there when it differs from `arm`.
    record_endpoint : the record's word, where the paper's CR is the study's CR/CRh/CRi. record_subgroup : the words of
        the record for `subgroup`.
    subgroup : a condition over covariates.
    window_weeks, window_cycles, among : as for an endpoint, where the paper differs from it.
    use : fit or check, for calibration.
    """

    arm: str | None = None
    endpoint: str
    statistic: Statistic = "proportion"
    events: Whole | None = None
    n: Count | None = None
    proportion: Fraction | None = None
    value: Number | None = None
    value_months: Positive | None = None
    value_weeks: Positive | None = None
    value_days: Positive | None = None
    value_years: Positive | None = None
    time_months: Positive | None = None
    time_weeks: Positive | None = None
    time_days: Positive | None = None
    time_years: Positive | None = None
    ci95: tuple[_IntervalBound, _IntervalBound] | None = None
    measure: Literal["HR", "OR", "difference"] | None = None
    treatment: str | None = None
    control: str | None = None
    record: str | None = None
    record_arm: str | None = None
    record_endpoint: str | None = None
    record_subgroup: str | None = None
    subgroup: str | None = None
    window_weeks: Positive | None = None
    window_cycles: Count | None = None
    window: str | None = None
    among: Among = None
    use: Literal["fit", "check"] | None = None
    definition: str | None = None
    derived: bool = False
    p: str | float | None = None
    source: str | tuple[str, ...] | None = None
    note: str | None = None

    @field_validator("endpoint")
    @classmethod
    def _is_an_endpoint(cls, name: str) -> str:
        if name in SIMULATED_ENDPOINTS:
            return name
        # A word of the evidence vocabulary that no virtual trial answers may stay; `notes` tells so.
        from engager.evidence import endpoint

        if not endpoint(name).known:
            refuse("must be an endpoint of the evidence vocabulary", nearest(name, SIMULATED_ENDPOINTS))
        return endpoint(name).name

    @model_validator(mode="before")
    @classmethod
    def _statistic_from_keys(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        if raw.get("record") is not None and raw.get("statistic") != "curve":
            raw = filled_from_record(raw)
        if raw.get("statistic") is not None:
            return raw
        measure = raw.get("measure")
        if isinstance(measure, str) and measure in _MEASURES:
            return {**raw, "statistic": _MEASURES[measure]}
        if any(raw.get(f"time_{unit}") is not None for unit in MONTHS_PER):
            return {**raw, "statistic": "survival_at"}
        if any(raw.get(f"value_{unit}") is not None for unit in MONTHS_PER):
            return {**raw, "statistic": "median"}
        return raw

    @model_validator(mode="after")
    def _says_one_thing(self) -> Target:
        if self.measure and (self.treatment is None or self.control is None):
            refuse(f"measure {self.measure} needs treatment and control, two arms")
        if self.measure and _MEASURES[self.measure] != self.statistic:
            refuse(f"measure {self.measure} is not the statistic {self.statistic}", "Leave statistic out.")
        if self.statistic in _MEASURES.values() and not self.measure:
            refuse(f"statistic {self.statistic} needs measure, treatment and control")
        if self.window_weeks is not None and self.window_cycles is not None:
            refuse("must give window_weeks or window_cycles, not both")
        if self.events is not None and self.n is not None and self.events > self.n:
            refuse(f"events {self.events} must not exceed n {self.n}")
        if self.is_curve:
            check_curve(self)
            return self
        if self.record is None and any((self.record_arm, self.record_endpoint, self.record_subgroup)):
            refuse("record_arm, record_endpoint and record_subgroup belong to a record", "Name the record.")
        _check_value(self)
        _check_interval(self)
        return self

    @property
    def is_curve(self) -> bool:
        """Whether the target is a survival curve, all printed points of it together."""
        return self.statistic == "curve"

    @property
    def curve(self) -> CurveInformation:
        """The printed points of a curve target and the covariance of their errors."""
        return printed_curve(self)

    @property
    def published(self) -> float:
        """The figure: a share, a survival share, a ratio, or a time [months]. A curve has `curve` instead."""
        found = _published(self)
        assert found is not None  # checked when the file was read
        return found

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The published 95 % interval in the unit of `published`; None where not printed or not reached."""
        if self.ci95 is None:
            return None, None
        # An interval is printed in the unit of its value.
        scale = next((MONTHS_PER[u] for u in MONTHS_PER if getattr(self, f"value_{u}") is not None), 1.0)
        low, high = self.ci95
        return (None if low is None else low * scale), (None if high is None else high * scale)

    @property
    def at_months(self) -> float | None:
        """The landmark [months], or None."""
        return _in_months(self, "time")

    @property
    def estimand(self) -> Estimand:
        """What the figure is of, without the figure."""
        return Estimand(
            self.endpoint,
            self.statistic,
            arm=self.arm,
            treatment=self.treatment,
            control=self.control,
            measure=self.measure,
            at_months=self.at_months,
            subgroup=self.subgroup,
            among=self.among,
            window_weeks=self.window_weeks,
            window_cycles=self.window_cycles,
        )

    @property
    def compared_arm(self) -> str | None:
        """The arm, or ``treatment vs control``."""
        return f"{self.treatment} vs {self.control}" if self.measure else self.arm

    @property
    def has_window(self) -> bool:
        return self.window_weeks is not None or self.window_cycles is not None

    @property
    def ignores_window(self) -> bool:
        """Whether a window is given that the endpoint does not have."""
        return (
            self.has_window
            and self.endpoint in SIMULATED_ENDPOINTS
            and trial_endpoints()[self.endpoint].window == "none"
        )

    @property
    def is_simulated(self) -> bool:
        """Whether a virtual trial can answer this target."""
        return self.endpoint in SIMULATED_ENDPOINTS and self.statistic in _answerable(self.endpoint)


def _answerable(endpoint: str) -> tuple[str, ...]:
    """Statistics a virtual trial gives for an endpoint."""
    kind = trial_endpoints()[endpoint].kind
    return (*STATISTICS_OF[kind], "curve") if kind == "time" else STATISTICS_OF[kind]


def _published(target: Target) -> float | None:
    if target.statistic == "proportion":
        if target.events is not None and target.n:
            return target.events / target.n
        return target.proportion if target.proportion is not None else target.value
    timed = _in_months(target, "value")
    return timed if timed is not None else target.value


def _in_months(target: Target, prefix: str) -> float | None:
    given = [getattr(target, f"{prefix}_{u}") * by for u, by in MONTHS_PER.items() if getattr(target, f"{prefix}_{u}")]
    return given[0] if given else None


def _check_value(target: Target) -> None:
    value, statistic = _published(target), target.statistic
    if value is None:
        wanted = {"proportion": "events and n, or proportion", "median": "value_months"}.get(statistic, "value")
        refuse(f"a {statistic} needs {wanted}")
    if target.endpoint in TIME_ENDPOINTS and statistic in STATISTICS_OF["share"]:
        refuse(f"{target.endpoint} is a time to event and has no {statistic}", "Give its median or survival_at.")
    if target.endpoint in BINARY_ENDPOINTS and statistic not in STATISTICS_OF["share"]:
        refuse(f"{target.endpoint} is yes or no and has no {statistic}", "Give events and n, or a proportion.")
    if statistic in ("median", "follow_up_median") and target.value is not None:
        refuse(f"a {statistic} is a time", "Write value_months instead of value.")
    if statistic in ("proportion", "survival_at", "cumulative_at") and not 0 <= value <= 1:
        refuse(f"a {statistic} of {value:g} must be a share between 0 and 1", "Write 31 % as 0.31.")
    if statistic in ("hazard_ratio", "odds_ratio") and value <= 0:
        refuse(f"a {statistic} of {value:g} must be above 0")
    if statistic in ("survival_at", "cumulative_at") and target.at_months is None:
        refuse(f"{statistic} needs a landmark", "Add time_months.")
    if target.proportion is not None and target.events is not None and target.n:
        share = target.events / target.n
        if abs(share - target.proportion) > _ROUNDING:
            counts = f"{target.events}/{target.n} = {share:.3f}"
            refuse(f"proportion {target.proportion:g} must agree with {counts}")


def _check_interval(target: Target) -> None:
    low, high = target.interval
    value = target.published
    if low is not None and high is not None and low > high:
        refuse("ci95 must rise from its first to its second number")
    # Printed values are rounded, so the interval may miss the value by a rounding.
    slack = 0.01 * max(1.0, abs(value))
    if (low is not None and value < low - slack) or (high is not None and value > high + slack):
        refuse(f"ci95 must hold the value {value:g}")
