"""How a study is run: arms, allocation, visits, follow-up, transplant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from engager.core import COVARIATES, condition_words
from engager.protocol.catalogue import NamedRegimen
from engager.protocol.later_therapy import DEFAULT_YEAR
from engager.protocol.parts import Count, Fraction, NotNegative, Part, Positive, Whole, refuse
from engager.protocol.spans import Days, Spans

MOST_PATIENTS = 10_000_000
# A ratio that a file leaves out: the smallest numbers within 1 % of the arms' shares, or the nearest up to 12 in all.
_CLOSE_RATIO = 0.01
_LONGEST_RATIO = 12
# Named strata, as conditions over covariates; TOWER's stratification factors (evidence record tower-2017).
STRATA = {
    "age_group": "age_years < 35",
    "prior_salvage": "salvage_line > 1",
    "prior_hsct": "prior_hsct",
    "sex": "female",
    "extramedullary": "extramedullary",
    "ph_positive": "ph_positive",
    "marrow_blasts_group": "marrow_blasts_percent >= 50",
}


class Arm(Part):
    """One arm: how many patients, and what they get.

    Attributes
    ----------
    n : patients of one virtual trial.
    regimen : the treatment; a file may name one of ``engager regimen list``.
    drug : an engager that is given in place of the regimen's, at its doses: the model's own, the id of one that ships
        or is described under `drugs`, or a drug file beside the study file; None: the regimen's.
    never_treated : share of patients who are randomized but never get a dose (lost before day 1).
    """

    n: Count = Field(le=MOST_PATIENTS)
    regimen: NamedRegimen
    drug: str | None = None
    never_treated: Fraction = 0.0

    @model_validator(mode="after")
    def _drug_into_regimen(self) -> Arm:
        """The regimen with the arm's drug, called after both when it was the catalogue's for another."""
        if self.drug is None or self.drug == self.regimen.drug:
            return self
        if self.regimen.is_chemotherapy:
            refuse(
                f"drug: {self.drug} cannot be given as {self.regimen.id}, which is chemotherapy", "Name an engager's."
            )
        given = self.regimen.model_copy(update={"drug": self.drug, "id": f"{self.drug}-as-{self.regimen.id}"})
        return self.model_copy(update={"regimen": given})


class Allocation(Part):
    """Who goes to which arm.

    Attributes
    ----------
    randomized : one list of patients is dealt to the arms in permuted blocks within strata; False: each arm draws its
        own patients. With one arm there is nothing to deal.
    ratio : patients per arm within a block, in the order of the arms; empty: small numbers close to the arms' n.
    block : block length, a multiple of the sum of `ratio`; None: the sum itself.
    strata : names of `STRATA` or conditions over covariates.
    counterfactual : the same patients in every arm (then nothing is randomized).
    """

    randomized: bool = True
    ratio: tuple[Count, ...] = ()
    block: Count | None = None
    strata: tuple[str, ...] = ()
    counterfactual: bool = False

    @model_validator(mode="after")
    def _block_fits_ratio(self) -> Allocation:
        if self.block and self.ratio and self.block % sum(self.ratio):
            refuse(f"block {self.block} must be a multiple of the ratio's sum, {sum(self.ratio)}")
        if self.counterfactual and self.randomized and "randomized" in self.model_fields_set:
            refuse("counterfactual: true needs randomized: false", "The same patients cannot be randomized.")
        return self

    def deals(self, n_arms: int) -> bool:
        """Whether one list of patients is dealt to so many arms."""
        return self.randomized and not self.counterfactual and n_arms > 1

    def ratio_for(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Patients per arm within a block, for arms of these sizes."""
        if self.ratio:
            return self.ratio
        total = sum(sizes)
        found = []
        for length in range(len(sizes), _LONGEST_RATIO + len(sizes)):
            parts = tuple(max(1, round(n * length / total)) for n in sizes)
            miss = max(abs(part / sum(parts) - n / total) for part, n in zip(parts, sizes, strict=True))
            if miss <= _CLOSE_RATIO:
                return parts
            found.append((miss, parts))
        return min(found)[1]

    def block_for(self, sizes: Sequence[int]) -> int:
        """Block length for arms of these sizes; one that holds no whole shares is lengthened until it does."""
        share = sum(self.ratio_for(sizes))
        return -(-(self.block or share) // share) * share

    def stratum_words(self) -> tuple[str, ...]:
        """The strata as readers know them, e.g. ``age group`` or ``age below 55 years``."""
        named = {one.name: one.meaning for one in COVARIATES}
        return tuple(
            named.get(name, name.replace("_", " ")) if name in STRATA else condition_words(name) for name in self.strata
        )

    def stratum_conditions(self) -> tuple[str, ...]:
        """The strata as conditions over covariates."""
        return tuple(STRATA.get(name, name) for name in self.strata)


class MrdAssay(Part):
    """How residual disease is measured: the smallest share of leukemic cells the assay tells from none."""

    assay: Literal["flow", "pcr", "ngs"] = "flow"
    limit: Annotated[Positive, Field(lt=1)] = 1.0e-4


class Visits(Part):
    """When patients are looked at.

    Attributes
    ----------
    marrow_days : days within each cycle on which marrow is examined.
    counts_every_days : days between blood counts, from day 1 of a cycle.
    mrd : the assay, on marrow days.
    after_treatment_every_days : days between visits once off treatment.
    """

    marrow_days: Days = Spans(((29, 29),))
    counts_every_days: Count = 7
    mrd: MrdAssay = MrdAssay()
    after_treatment_every_days: Count = 28

    @field_validator("marrow_days")
    @classmethod
    def _has_an_end(cls, days: Spans) -> Spans:
        if days.last is None:
            refuse("must name days, not an open range", "Write marrow_days: [29].")
        return days

    def marrow_day_list(self) -> list[int]:
        """The marrow days within a cycle, rising."""
        return [day for first, last in self.marrow_days.closed(0) for day in range(first, last + 1)]


class DataCut(Part):
    """When the data are cut: after this many deaths, or this many months after the first randomization."""

    deaths: Count | None = None
    months: Positive | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> DataCut:
        if (self.deaths is None) == (self.months is None):
            refuse("must give either deaths or months")
        return self


class FollowUp(Part):
    """How long patients are watched.

    Attributes
    ----------
    months : longest follow-up of a patient.
    accrual_months : calendar months over which patients enter, evenly; 0: all at once.
    dropout_per_year : hazard of being lost to follow-up [1/year].
    data_cut : None: every patient is followed for `months`.
    start_year : first calendar year of treatment: supportive care, transplantation and later therapy are of their time.
    """

    months: Annotated[Positive, Field(le=600)] = 24.0
    accrual_months: Annotated[NotNegative, Field(le=600)] = 0.0
    dropout_per_year: Annotated[NotNegative, Field(le=50)] = 0.0
    data_cut: DataCut | None = None
    start_year: Annotated[Whole, Field(ge=1970, le=2100)] = DEFAULT_YEAR


class Transplant(Part):
    """Allogeneic transplantation as part of the strategy.

    Attributes
    ----------
    offer : never, in_response (CR, CRh or CRi) or in_mrd_response.
    probability : share of eligible patients who get there, one number or one for each arm.
    earliest_after_cycle : not before this cycle is over.
    delay_days : days from the decision to the transplant.
    without_remission : share of patients who are transplanted although treatment has failed, out of remission.

    Notes
    -----
    A file without the block gets `usual_transplant` of its setting; `hsct: never` is a word for `offer: never`.
    """

    offer: Literal["never", "in_response", "in_mrd_response"] = "never"
    probability: Annotated[
        Fraction | dict[str, Fraction],
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "number", "minimum": 0, "maximum": 1},
                    {
                        "type": "object",
                        "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
                    },
                ]
            }
        ),
    ] = 0.4
    earliest_after_cycle: Count = 1
    delay_days: NotNegative = 14.0
    without_remission: Fraction = 0.1

    @model_validator(mode="before")
    @classmethod
    def _offered_when_described(cls, raw: Any) -> Any:
        if isinstance(raw, str):
            return {"offer": raw}
        # A file that says how likely a transplant is means it to happen.
        if isinstance(raw, dict) and "probability" in raw and "offer" not in raw:
            return {"offer": "in_response", **raw}
        return raw

    @property
    def outside_remission(self) -> float:
        """Share transplanted without remission; 0 when no transplant is offered."""
        return 0.0 if self.offer == "never" else self.without_remission

    def probability_of(self, arm: str) -> float:
        """The probability in one arm; 0 when no transplant is offered."""
        if self.offer == "never":
            return 0.0
        return self.probability.get(arm, 0.0) if isinstance(self.probability, dict) else self.probability


# Assumed: most adults in relapse are referred, donors and fitness are there for about four in ten of those in remission
# (32 of 81 responders of MT103-211, record topp-2015-phase2); in MRD-positive remission two thirds (74 of 110, record
# blast-2014); in first-line treatment by risk.
_USUAL_TRANSPLANT: dict[str, dict[str, Any]] = {
    "relapsed_refractory": {"offer": "in_response", "probability": 0.4},
    "mrd_positive": {"offer": "in_response", "probability": 0.65},
    "untreated": {"offer": "in_response", "probability": 0.3, "earliest_after_cycle": 2},
    "lymphoma": {"offer": "never"},
}


def usual_transplant(setting: str) -> dict[str, Any]:
    """The `hsct` block of a study that has none, by setting."""
    return dict(_USUAL_TRANSPLANT.get(setting, _USUAL_TRANSPLANT["relapsed_refractory"]))
