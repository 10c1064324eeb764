"""Correlated covariates of virtual patients, with body size filled in where a study is silent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engager.core import FloatArray, InputError, Problem, Stream, Streams, read_shipped_data
from engager.population.spread import Quantile, ndtr

Covariates = dict[str, FloatArray]
Condition = Callable[[Covariates], NDArray[np.bool_]]

_MOST_ATTEMPTS = 1000


def sample_covariates(
    spreads: Mapping[str, Quantile],
    stream: Stream | Streams,
    patient: NDArray[np.int64],
    eligible: Condition | None = None,
) -> Covariates:
    """Draw covariates, again for those who are not eligible.

    Parameters
    ----------
    spreads : quantile function of each covariate.
    stream : whose draws these are; of many replicates at once, `Streams`.
    patient : array (patient,) of numbers; each has its own draws, whoever else is sampled.
    eligible : tells which patients may enter; None: all.

    Returns
    -------
    array (patient,) per covariate; always with `age_years`, `female`, `weight_kg`, `height_cm`, `bsa_m2`.

    Raises
    ------
    InputError
        When hardly any draw is eligible.
    """
    result = _draw(spreads, stream, patient, 0)
    if eligible is None:
        return result
    waiting = np.flatnonzero(~eligible(result))
    for attempt in range(1, _MOST_ATTEMPTS):
        if waiting.size == 0:
            return result
        again = _draw(spreads, stream.chosen(waiting), patient[waiting], attempt)
        accepted = eligible(again)
        for name, values in again.items():
            result[name][waiting[accepted]] = values[accepted]
        waiting = waiting[~accepted]
    raise InputError(
        Problem(
            "eligibility",
            f"{waiting.size} of {patient.size} patients",
            f"were not eligible in {_MOST_ATTEMPTS} draws each",
            "Widen `eligibility`, or the distributions under `population`.",
        )
    )


def _draw(
    spreads: Mapping[str, Quantile], stream: Stream | Streams, patient: NDArray[np.int64], attempt: int
) -> Covariates:
    names = list(spreads)
    latent = {name: stream.of(f"covariate/{name}/{attempt}").normal(patient) for name in names}
    uniform = {name: ndtr(value) for name, value in _correlate(latent).items()}
    drawn = {name: spreads[name](uniform[name]) for name in names}
    return _with_body_size(drawn, stream, patient, attempt)


def _correlate(latent: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Mix independent normals so that the listed pairs are correlated; others are left untouched."""
    mixed = dict(latent)
    for pair in _correlations():
        a, b, r = pair["a"], pair["b"], float(pair["correlation"])
        if a in latent and b in latent:
            mixed[b] = r * latent[a] + np.sqrt(1.0 - r * r) * mixed[b]
    return mixed


def _with_body_size(
    drawn: Covariates, stream: Stream | Streams, patient: NDArray[np.int64], attempt: int
) -> Covariates:
    body = _body()
    age = drawn.get("age_years", np.full(patient.size, 40.0))
    female = drawn.get("female", np.zeros(patient.size)) > 0.5
    filled = dict(drawn)
    for name, sd in (("height_cm", body["height_sd_log"]), ("weight_kg", body["weight_sd_log"])):
        if name not in filled:
            medians = {sex: np.interp(age, body["age_years"], body[name][sex]) for sex in ("female", "male")}
            z = stream.of(f"covariate/{name}/{attempt}").normal(patient)
            filled[name] = np.where(female, medians["female"], medians["male"]) * np.exp(sd * z)
    # Mosteller 1987: the square root of height times weight over 3600
    filled["bsa_m2"] = np.sqrt(filled["height_cm"] * filled["weight_kg"] / 3600.0)
    return filled


@cache
def _correlations() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _data("correlations.yaml")["pairs"]
    return found


@cache
def _body() -> dict[str, Any]:
    found: dict[str, Any] = _data("body.yaml")
    return found


def _data(name: str) -> Any:
    return read_shipped_data((resources.files("engager.population") / "data" / name).read_text())
