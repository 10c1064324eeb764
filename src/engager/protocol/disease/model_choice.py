"""The models of a study: `model` with its variant, and the drug of each arm in it.

In: the blocks of a study file. Out: a `Model` for each arm. A drug is the model's own engager, one that ships as a
file, or one that the study describes under `drugs` (a file named in `drug:` is read into that block, so that a study
can be carried out wherever its text is).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import model_serializer, model_validator

from engager.core import InputError, Problem, nearest
from engager.model import Drug, Model, apply_drug, drug_from, drug_ids, load_model, model_ids, read_drug
from engager.protocol.parts import Part
from engager.protocol.regimen import CHEMOTHERAPY

USUAL_MODEL = "b-all"
# What a mapping under `drugs` is called in messages.
_WHERE = "drugs.{}."


class ModelChoice(Part):
    """A disease model, and whose patients: `b-all`, or `{id: b-all, variant: lymphoma}`.

    Attributes
    ----------
    id : of `engager model list`. variant : named in the model's table; None: the patients of the table itself.
    """

    id: str = USUAL_MODEL
    variant: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _id_as_a_word(cls, raw: Any) -> Any:
        return {"id": raw} if isinstance(raw, str) else raw

    @model_serializer
    def _as_written(self) -> Any:
        return self.id if self.variant is None else {"id": self.id, "variant": self.variant}

    def __str__(self) -> str:
        return self.id if self.variant is None else f"{self.id}/{self.variant}"


@cache
def disease_of(choice: ModelChoice) -> Model:
    """The model of a study's patients, with its own drug.

    Raises
    ------
    InputError
        When there is no such model or variant; the nearest ones are offered.
    """
    if choice.id not in model_ids():
        hint = nearest(choice.id, model_ids()) or "See engager model list."
        raise InputError(Problem("model", choice.id, "must be a disease model", hint))
    model = load_model(choice.id)
    if choice.variant is not None and choice.variant not in model.variants:
        has = ", ".join(model.variants) or "none"
        rule = f"must be a variant of {choice.id}, which has {has}"
        raise InputError(Problem("model.variant", choice.variant, rule, nearest(choice.variant, model.variants)))
    return model.as_disease(choice.variant)


def model_with(disease: Model, drug: str, described: Mapping[str, Any]) -> Model:
    """The disease with an arm's drug: its own for chemotherapy, which no engager's parameters touch.

    Parameters
    ----------
    drug : of the arm's regimen. described : drugs that the study describes, by id.

    Raises
    ------
    InputError
        When the model does not take the drug.
    """
    if drug in (CHEMOTHERAPY, disease.drug):
        return disease
    return apply_drug(disease, described_drug(drug, described))


def described_drug(drug: str, described: Mapping[str, Any]) -> Drug:
    """A drug by its id: described in the study, else shipped."""
    if drug in described:
        return drug_from(_with_id(drug, described[drug]), _WHERE.format(drug))
    return read_drug(drug)


def known_drugs(disease: Model, described: Mapping[str, Any]) -> list[str]:
    """Ids that an arm of the study may name."""
    shipped = drug_ids() if disease.drug_fields else []
    return [disease.drug, *dict.fromkeys([*described, *shipped])]


def drug_problems(described: Mapping[str, Any]) -> list[Problem]:
    """What is wrong in the drugs that a study describes, each alone."""
    found: list[Problem] = []
    for drug, content in described.items():
        try:
            drug_from(_with_id(drug, content), _WHERE.format(drug))
        except InputError as error:
            found += error.problems
    return found


def _with_id(drug: str, content: Any) -> Any:
    return {"drug": drug, **content} if isinstance(content, dict) else content
