"""What drives the outcomes of a study: sensitivity of patients and of trials, and what the fit could tell.

In: a study. Out: a `Sensitivity`, which writes tables, figures and one page. Not here: any science; each step is
one call of the layer it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engager.calibration import (
    PATIENT_OUTPUTS,
    PATIENTS_AT_ONCE,
    TRIAL_OUTPUTS,
    PatientFunction,
    Posterior,
    SobolIndex,
    TrialFunction,
    assess_identifiability,
    fit_surrogate,
    one_arm,
    rank_correlations,
    read_posterior,
    saltelli_points,
    shipped_posterior,
    sobol_indices,
    surrogate_indices,
    tornado,
)
from engager.core import FloatArray, InputError, Interrupted, Problem, Stream, nearest, versions, working_in
from engager.model import Model, load_model
from engager.protocol import Protocol, write_protocol
from engager.study.parameters import population_parameters, posterior_hash
from engager.study.sensitivity.kept import KeptEvaluations
from engager.study.sensitivity.result import PatientLevel, Sensitivity, TrialLevel

if TYPE_CHECKING:
    pass

DEFAULT_SAMPLES = 1024
DEFAULT_SETS = 256
DEFAULT_PATIENTS = 300
MAX_SAMPLES = 65536
MAX_SETS = 100_000
# Virtual trials with all unknowns in the middle, from which the share of chance is read.
_REPEATS = 24
_SHARE_OF_PATIENTS, _SHARE_OF_SETS = 0.1, 0.4
# Parameter sets of one piece that is kept.
_SETS_AT_ONCE = 32

Progress = Callable[[str, float], None]


def study_sensitivity(
    protocol: Protocol,
    *,
    arm: str | None = None,
    outputs: Sequence[str] | None = None,
    samples: int = DEFAULT_SAMPLES,
    sets: int = DEFAULT_SETS,
    patients: int = DEFAULT_PATIENTS,
    over: str = "posterior",
    posterior: Path | None = None,
    seed: int = 1,
    n_threads: int | None = None,
    work: Path | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Find what moves the outcomes of one arm of a study.

    Parameters
    ----------
    protocol : the study. arm : None for its first arm with an engager.
    outputs : of `PATIENT_OUTPUTS` and `TRIAL_OUTPUTS`; None: all.
    samples : base samples of the patient level, a power of two; it simulates samples x (factors + 2) patients.
    sets : parameter sets of the trial level, each a virtual trial. patients : in each of them.
    over : ranges of a trial's unknowns: ``posterior`` of the fit, or its ``prior``.
    posterior : a file of `engager calibrate`; None: the posterior that ships.
    work : a folder that keeps finished evaluations, so that the same call goes on after an interruption; None: none.
    progress : told what is being done and the finished share.

    Raises
    ------
    InputError
        All bad arguments together; a missing SALib; another process works in `work`.
    Interrupted
        On Ctrl-C; what is finished is kept in `work`.
    """
    wanted = _check(outputs, samples, sets, patients, over, seed)
    single = one_arm(protocol, arm)
    model = single.model_of(single.arm_ids[0])
    fitted = _posterior(posterior, model)
    notes = _notes(fitted, model, over)
    tell = progress or (lambda label, share: None)
    of_patient = [name for name in wanted if name in PATIENT_OUTPUTS]
    of_trial = [name for name in wanted if name in TRIAL_OUTPUTS]
    kept = KeptEvaluations(work, _inputs(single, model, fitted, patients, over, seed))
    trial = None
    patient = None
    try:
        with working_in("--work", work):
            if of_patient:
                patient = _patient_level(single, model, fitted, of_patient, samples, seed, kept, tell)
            if of_trial:
                ranges = fitted if over == "posterior" else None
                function = TrialFunction(
                    single, model, patients=patients, seed=seed, posterior=ranges, n_threads=n_threads
                )
                if function.unknowns:
                    trial = _trial_level(function, of_trial, sets, "posterior" if ranges else "prior", kept, tell)
                else:
                    notes += (f"the model {model.id} has no unknowns of a fit, so whole trials are not varied",)
    except KeyboardInterrupt:
        if work is None:
            raise Interrupted("Interrupted; nothing was written.") from None
        raise Interrupted(kept.after_a_stop()) from None
    return Sensitivity(
        protocol=single,
        model=model,
        seed=seed,
        patient=patient,
        trial=trial,
        identifiability=assess_identifiability(fitted, load_model(model.id)) if fitted else None,
        notes=notes,
        posterior_hash=posterior_hash(fitted) if fitted else "",
    )


def _patient_level(
    protocol: Protocol, model: Model, fitted: Posterior | None, wanted: Sequence[str], samples: int, seed: int,
    kept: KeptEvaluations, tell: Progress,
) -> PatientLevel:  # fmt: skip
    center = fitted.center() if fitted else population_parameters(model.id, seed, "center").settings(0)
    function = PatientFunction(protocol, protocol.arm_ids[0], model, center)
    points = saltelli_points(len(function.names), samples, seed)
    names = function.outputs

    def evaluate(_: int, piece: FloatArray) -> FloatArray:
        return function(piece)

    def told(share: float) -> None:
        tell("patients", _SHARE_OF_PATIENTS * share)

    told(0.0)
    values = kept("patients", points, PATIENTS_AT_ONCE, evaluate, told)
    indices, n_left_out = sobol_indices(values, names, function.names, seed)
    swings = tornado(lambda shares: kept("patients", shares, PATIENTS_AT_ONCE, evaluate, _silent), names,
                     function.names, function.value)  # fmt: skip
    return PatientLevel(
        outputs=tuple(name for name in names if name in wanted),
        indices=tuple(one for one in indices if one.output in wanted),
        swings=tuple(one for one in swings if one.output in wanted),
        samples=samples,
        n_patients=len(points),
        n_left_out=n_left_out,
    )


def _silent(share: float) -> None:
    """For evaluations too few to tell of."""


def _trial_level(
    function: TrialFunction, wanted: Sequence[str], sets: int, over: str, kept: KeptEvaluations, tell: Progress
) -> TrialLevel:
    outputs = [name for name in function.outputs if name in wanted]
    columns = [function.outputs.index(name) for name in outputs]
    design = function.design(sets)
    # The last sets are all in the middle: what differs between them is chance.
    together = np.concatenate([design, np.zeros((_REPEATS, design.shape[1]))])

    def at(label: str, points: FloatArray, simulate: Callable[..., FloatArray], low: float, high: float) -> FloatArray:
        def told(share: float) -> None:
            tell(label, low + share * (high - low))

        def evaluate(first: int, piece: FloatArray) -> FloatArray:
            return simulate(piece, lambda share: told((first + share * len(piece)) / len(points)), first)

        return kept(label, points, _SETS_AT_ONCE, evaluate, told)[:, columns]

    seen = at("parameter sets", together, function.with_own_chance, _SHARE_OF_PATIENTS, _SHARE_OF_SETS)
    values, chance = seen[:sets], np.nanvar(seen[sets:], axis=0, ddof=1)
    indices: list[SobolIndex] = []
    q2, n_terms = {}, {}
    stream = Stream(function.seed, "sensitivity/bootstrap")
    for k, name in enumerate(outputs):
        surrogate = fit_surrogate(design, values[:, k], name)
        q2[name], n_terms[name] = surrogate.q2, len(surrogate.terms)
        indices += surrogate_indices(surrogate, design, values[:, k], function.names, stream.of(name), float(chance[k]))
    swings = tornado(
        lambda points: at("one unknown at a time", points, function.with_common_chance, _SHARE_OF_SETS, 1.0),
        outputs, function.names, function.value,
    )  # fmt: skip
    spread = np.nanstd(values, axis=0, ddof=1)
    return TrialLevel(
        outputs=tuple(outputs),
        over=over,
        indices=tuple(indices),
        swings=tuple(swings),
        ranks=tuple(rank_correlations(design, values, outputs, function.names)),
        q2=q2,
        n_terms=n_terms,
        chance_share={name: float(min(chance[k] / max(spread[k] ** 2, 1e-300), 1.0)) for k, name in enumerate(outputs)},
        center={name: float(np.nanmedian(values[:, k])) for k, name in enumerate(outputs)},
        spread={name: float(spread[k]) for k, name in enumerate(outputs)},
        sets=sets,
        patients=function.protocol.n_patients,
    )


def _inputs(protocol: Protocol, model: Model, fitted: Posterior | None, patients: int, over: str, seed: int) -> str:
    """What evaluations hang on beside the points."""
    fit = posterior_hash(fitted) if fitted else ""
    return repr((write_protocol(protocol), model.hash, fit, patients, over, seed, versions()))


def _posterior(path: Path | None, model: Model) -> Posterior | None:
    if path is None:
        return shipped_posterior(model.id)
    return read_posterior(path, model, "--posterior")


def _notes(fitted: Posterior | None, model: Model, over: str) -> tuple[str, ...]:
    if fitted is None:
        text = f"no posterior ships for the model {model.id}: ranges are those of the prior"
        return (text,) if over == "posterior" else ()
    if fitted.model_hash != model.hash:
        return (f"the posterior was fitted to another state of the model {model.id}; unknowns are matched by name",)
    return ()


def _check(
    outputs: Sequence[str] | None, samples: int, sets: int, patients: int, over: str, seed: int
) -> tuple[str, ...]:
    known = [*PATIENT_OUTPUTS, *TRIAL_OUTPUTS]
    wanted = tuple(outputs or known)
    problems = [
        Problem("--outputs", name, "is no output", nearest(name, known)) for name in wanted if name not in known
    ]
    if not 2 <= samples <= MAX_SAMPLES or samples & (samples - 1):
        rule = f"must be a power of two from 2 to {MAX_SAMPLES}"
        problems.append(Problem("--samples", samples, rule, f"The default is {DEFAULT_SAMPLES}."))
    if not 20 <= sets <= MAX_SETS:
        rule = f"must be between 20 and {MAX_SETS}"
        problems.append(Problem("--sets", sets, rule, f"The default is {DEFAULT_SETS}."))
    if patients < 1:
        problems.append(Problem("--patients", patients, "must be at least 1", f"The default is {DEFAULT_PATIENTS}."))
    if over not in ("posterior", "prior"):
        problems.append(Problem("--over", over, "must be posterior or prior", nearest(over, ("posterior", "prior"))))
    if seed < 0:
        problems.append(Problem("--seed", seed, "must be a whole number from 0"))
    if problems:
        raise InputError(problems)
    return wanted
