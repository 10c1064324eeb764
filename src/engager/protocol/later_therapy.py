"""What patients get when the study's treatment has failed: the `later_therapy` block, lines in sequence.

A study that does not say gets what was usual in its year (`lines_of_year`); `engager trial show` prints it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from engager.protocol.parts import Fraction, Identifier, NotNegative, Part, Positive, refuse

Agent = Literal["chemotherapy", "antibody", "car_t"]


class LaterLine(Part):
    """One line of later therapy.

    Attributes
    ----------
    id : what the tables call it.
    agent : chemotherapy is a salvage course on top of the kill below; the others are that kill alone.
    share : of patients whose treatment has failed and who live to start it.
    otherwise : what the others get, `nothing` more or the `next_line` at once.
    delay_days : from failure to its first day.
    regimen : a chemotherapy regimen, whose strength is taken. strength : killing by the course, relative to standard
        salvage chemotherapy; left out: the regimen's, or 1.
    log10_kill, log10_kill_sd : logs of leukemia taken, mean and standard deviation between patients; never below 0.
    spares_cd19_negative : directed at CD19.
    hsct : chance of a transplant in the remission that it brings.
    """

    id: Identifier
    agent: Agent = "chemotherapy"
    share: Fraction
    otherwise: Literal["nothing", "next_line"] = "nothing"
    delay_days: NotNegative = 21.0
    regimen: Identifier | None = None
    strength: Positive | None = None
    log10_kill: Annotated[NotNegative, Field(le=12)] = 0.5
    log10_kill_sd: Annotated[NotNegative, Field(le=6)] = 1.5
    spares_cd19_negative: bool = False
    hsct: Fraction = 0.4

    @model_validator(mode="after")
    def _course_is_chemotherapy(self) -> LaterLine:
        if self.agent != "chemotherapy" and (self.regimen or self.strength):
            refuse(f"{self.id}: regimen and strength belong to agent chemotherapy", "Give log10_kill instead.")
        if self.regimen and self.strength is None:
            from engager.protocol.catalogue import executable_regimen

            if not executable_regimen(self.regimen).is_chemotherapy:
                refuse(f"{self.id}: regimen {self.regimen} is no chemotherapy", "Use agent: antibody.")
        return self


class LaterTherapyBlock(Part):
    """Therapy after failure: `never`, or lines that follow one another, each when the one before has failed."""

    offer: Literal["by_lines", "never"] = "by_lines"
    lines: tuple[LaterLine, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _never_as_a_word(cls, raw: Any) -> Any:
        if raw == "never":
            return {"offer": "never"}
        if isinstance(raw, dict) and raw.get("offer") != "never" and not raw.get("lines"):
            return {**raw, "lines": [line.model_dump() for line in lines_of_year(DEFAULT_YEAR)]}
        return raw

    @model_validator(mode="after")
    def _lines_are_offered(self) -> LaterTherapyBlock:
        if self.offer == "never" and self.lines:
            refuse("offer: never has no lines", "Leave out lines, or offer.")
        return self


DEFAULT_YEAR = 2015
# Years in which most patients of trial centers could get them: approvals in the United States of blinatumomab in 2014,
# inotuzumab in 2017 and CAR-T cells in 2017 (young) and 2021 (adults), as told by jhoonline 2023, 16:44; two to three
# years earlier in trials.
_ANTIBODIES_IN_TRIALS, _ANTIBODIES, _CAR_T = 2011, 2015, 2018


def lines_of_year(year: int) -> tuple[LaterLine, ...]:
    """Usual later therapy of patients whose study began in `year`.

    Notes
    -----
    Shares, delays and transplant chances are assumed, with what was seen: inotuzumab after blinatumomab brought
    remission in 68 %, 12 of 19 in remission were transplanted, 99 days lay between the antibodies (Blood Adv 2022,
    6:1432); CD19 CAR-T cells brought remission in 20 of 31 blinatumomab non-responders (J Clin Oncol 2022, 40:932). In
    the model 68 % takes 3 logs with a standard deviation of 1.5 (2.3 for remission after four weeks). The fit moves the
    shares, the kill and the transplant chances of all lines together (``later_*`` among the trial's assumptions).
    """
    course = LaterLine(id="salvage", share=0.75, delay_days=14, log10_kill=0.5, log10_kill_sd=1.5, hsct=0.4)
    second = course.model_copy(update={"id": "second-salvage", "share": 0.5, "hsct": 0.25})
    third = course.model_copy(update={"id": "third-salvage", "share": 0.3, "hsct": 0.15})
    antibody = LaterLine(
        id="antibody", agent="antibody", share=0.75, delay_days=14, log10_kill=3.0, log10_kill_sd=1.5, hsct=0.55
    )
    car_t = LaterLine(
        id="car-t", agent="car_t", share=0.4, delay_days=45, log10_kill=3.5, log10_kill_sd=2.5,
        spares_cd19_negative=True, hsct=0.25,
    )  # fmt: skip
    if year >= _CAR_T:
        return (antibody, car_t, second)
    if year >= _ANTIBODIES:
        return (antibody, second, third)
    if year >= _ANTIBODIES_IN_TRIALS:
        return (course, antibody.model_copy(update={"share": 0.4, "hsct": 0.4}), third)
    return (course, second, third)
