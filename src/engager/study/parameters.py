"""Which population values a run uses: draws of a fitted posterior, its center, or the model's own table."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from engager.calibration import Posterior, course_settings, names_left_out, read_posterior, shipped_posterior
from engager.core import InputError, Problem, digest_object, nearest
from engager.model import load_model
from engager.population import PopulationValues, Settings

if TYPE_CHECKING:
    from engager.calibration import FitPlan, FittedEmulator

Choice = Literal["posterior", "center", "table"]
# `posterior:tower` is the posterior with what TOWER itself differs in; `posterior:own`, of many studies, each its own.
_OF_STUDY, OWN = "posterior:", "own"


@dataclass(frozen=True)
class Parameters:
    """Population values by replicate, and what a manifest should say of them.

    Attributes
    ----------
    used : posterior, posterior:STUDY, center, time-courses or table: what was there to be used.
    settings : values of a replicate; what it does not name comes from the model's table.
    hash : of every value that could be drawn.
    note : what the reader should know; may be empty.
    typical : one population in the middle of all: medians of the draws, or the values that all replicates share.
    """

    used: str
    settings: Settings
    hash: str
    note: str = ""
    typical: PopulationValues = field(default_factory=PopulationValues)

    @property
    def has_draws(self) -> bool:
        """Replicates have draws of a posterior each."""
        return self.used.startswith("posterior")


def population_parameters(model_id: str, seed: int, choice: str = "posterior") -> Parameters:
    """The population values of a run.

    Parameters
    ----------
    model_id : of the study.
    seed : of the run; with the replicate it fixes the draw.
    choice : ``posterior``, every replicate its own draw, so that intervals hold what the fit left unsure; a path
        ending in ``.json``, the same with a posterior of your own (``engager calibrate --out``);
        ``posterior:tower``, the posterior with what the fit found TOWER itself to differ in: that trial again, or
        planned otherwise, and not a new one like it;
        ``center``, its medians for all; ``table``, the model's own values. A model without a posterior uses
        its table, with what was fitted to time courses where that ships.

    Raises
    ------
    InputError
        When there is no such choice, or the file holds no posterior of this model.
    """
    is_file = choice.endswith(".json")
    if choice.startswith(_OF_STUDY) and not is_file:
        return _of_study(model_id, seed, choice.removeprefix(_OF_STUDY))
    if choice not in get_args(Choice) and not is_file:
        rule = "must be " + ", ".join(get_args(Choice)) + ", posterior:STUDY, or a posterior file (.json)"
        raise InputError(Problem("--parameters", choice, rule, nearest(choice, get_args(Choice))))
    model = load_model(model_id)
    posterior = shipped_posterior(model_id) if choice in ("posterior", "center") else None
    if is_file:
        posterior = read_posterior(Path(choice), model, "--parameters")
    if posterior is None:
        fixed = course_settings(model) if choice != "table" else PopulationValues()
        used = "time-courses" if fixed.written() else "table"
        note = "" if choice == "table" else f"no posterior ships for the model {model_id}; its {used} values are used"
        return Parameters(used, lambda replicate: fixed, digest_object(fixed.written()), note, fixed)
    is_shipped = choice in ("posterior", "center")
    note = ""
    if posterior.model_hash != model.hash:
        note = f"the posterior was fitted to another state of the model {model_id}; calibrate again"
    if is_file and (absent := names_left_out(posterior, model)):
        told = ", ".join(absent[:6]) + (f" and {len(absent) - 6} more" if len(absent) > 6 else "")
        own = f"the posterior says nothing of {told}: the values of the model's table are used"
        note = f"{note}; {own}" if note else own
    values = _shipped_hash(model_id) if is_shipped else posterior_hash(posterior)
    center = posterior.center()
    if choice == "center":
        return Parameters("center", lambda replicate: center, values, note, center)
    return Parameters("posterior", posterior.settings(seed), values, note, center)


def is_of_each(choice: str) -> bool:
    """Every study of the fit is to be predicted as itself."""
    return choice == f"{_OF_STUDY}{OWN}"


def of_each_study(choice: str, study: str, model_id: str) -> str:
    """The choice for one study: ``posterior:own`` is that study's own, or ``posterior`` where it was not fitted."""
    if not is_of_each(choice):
        return choice
    posterior = shipped_posterior(model_id)
    is_fitted = posterior is not None and study in posterior.provenance["studies"]
    return f"{_OF_STUDY}{study}" if is_fitted else "posterior"


def _of_study(model_id: str, seed: int, study: str) -> Parameters:
    from engager.calibration import own_effects, shipped_emulator

    posterior = shipped_posterior(model_id)
    if posterior is None:
        rule = f"must be table or center: no posterior ships for the model {model_id}"
        raise InputError(Problem("--parameters", f"{_OF_STUDY}{study}", rule))
    model, effects = load_model(model_id), own_effects(_shipped_plan(model_id), shipped_emulator(model_id), study)
    settings, center = posterior.settings_with(effects, model, seed), posterior.center_with(effects, model)
    note = f"with what the fit found {study} itself to differ in: that trial again, not a new one like it"
    used = f"{_OF_STUDY}{study}"
    drawn = {name: found.tolist() for name, found in effects.items()}
    return Parameters(used, settings, digest_object([_shipped_hash(model_id), drawn]), note, center)


def posterior_named(choice: str, model_id: str) -> Posterior:
    """The posterior that ships, or one from a file.

    Raises
    ------
    InputError
        When `choice` is neither ``posterior`` nor a posterior file of the model, or none ships.
    """
    if choice.endswith(".json"):
        return read_posterior(Path(choice), load_model(model_id), "--parameters")
    found = shipped_posterior(model_id) if choice == "posterior" else None
    if found is None:
        rule = "must be posterior or a posterior file (.json)"
        raise InputError(Problem("--parameters", choice, rule, "Without draws nothing can be left out."))
    return found


def emulator_named(choice: str, model_id: str) -> FittedEmulator:
    """The emulator behind the posterior that ships, or behind one from a file, which stands beside it.

    Raises
    ------
    InputError
        When there is none.
    """
    from engager.calibration import FittedEmulator, emulator_path, shipped_emulator

    return FittedEmulator.read(emulator_path(Path(choice))) if choice.endswith(".json") else shipped_emulator(model_id)


@cache
def _shipped_plan(model_id: str) -> FitPlan:
    """Of the fit behind the posterior that ships; reading its studies takes longer than a patient."""
    from engager.calibration import plan_behind

    posterior = shipped_posterior(model_id)
    assert posterior is not None
    return plan_behind(posterior)


@cache
def _shipped_hash(model_id: str) -> str:
    """Of the posterior that ships, which does not change while the program runs; it takes longer than a patient."""
    posterior = shipped_posterior(model_id)
    assert posterior is not None
    return posterior_hash(posterior)


def posterior_hash(posterior: Posterior) -> str:
    """Of every value that could be drawn."""
    return digest_object([posterior.names, posterior.draws.tolist(), posterior.fixed, posterior.trial_effects])
