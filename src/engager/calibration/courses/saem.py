"""Nonlinear mixed effects by stochastic approximation EM, for log-normal individual parameters.

Each patient i has log-parameters phi_i ~ Normal(mu, diag(omega^2)); a simulator gives each patient's
log-likelihood. An iteration draws phi by Metropolis-Hastings for all patients and chains in one go, then moves
mu, omega and the error's size toward what the draws imply, with steps that shrink (Kuhn and Lavielle 2005,
Comput Stat Data Anal 49:1020). Every draw is keyed by seed, iteration and patient, so a fit is a function of
its inputs. Standard errors: `time_courses_information`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engager.core import FloatArray, Stream


@dataclass(frozen=True)
class Effect:
    """One log-normal individual parameter.

    Attributes
    ----------
    mu, omega : typical value's logarithm and between-patient sd of the logarithm, at the start.
    moves_mu, moves_omega : estimated; else held.
    low, high : bounds of mu.
    why_fixed : the reason for what is held.
    """

    name: str
    mu: float
    omega: float
    moves_mu: bool = True
    moves_omega: bool = True
    low: float = -np.inf
    high: float = np.inf
    why_fixed: str = ""


@dataclass(frozen=True)
class Likelihood:
    """What the simulator says of proposed log-parameters.

    Attributes
    ----------
    terms : function (phi array (draw, effect), patient array (draw,), error sizes) ->
        (log-likelihood (draw,), squared standardized-free residuals (draw, error), counts (draw, error)):
        the sums of squares from which the error sizes are estimated.
    n_patients : how many patients there are.
    errors : starting sizes of the errors.
    """

    terms: Callable[[FloatArray, NDArray[np.int64], FloatArray], tuple[FloatArray, FloatArray, FloatArray]]
    n_patients: int
    errors: tuple[float, ...]


@dataclass
class Saem:
    """The state of a fit, and what it gave.

    Attributes
    ----------
    mu, omega : array (effect,). errors : array (error,).
    draws : array (sweep, patient, effect) of the final sampling, mu and omega held.
    trace : array (iteration, 2 effects + errors): mu, omega, errors along the way.
    """

    effects: tuple[Effect, ...]
    mu: FloatArray
    omega: FloatArray
    errors: FloatArray
    trace: FloatArray
    draws: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0)))


class _Chains:
    """Markov chains of all patients, side by side."""

    def __init__(self, effects: Sequence[Effect], likelihood: Likelihood, stream: Stream, n_chains: int):
        self.likelihood, self.stream, self.n_chains = likelihood, stream, n_chains
        self.patient = np.tile(np.arange(likelihood.n_patients, dtype=np.int64), n_chains)
        self.number = np.arange(self.patient.size, dtype=np.int64)
        self.phi = np.tile(np.array([one.mu for one in effects]), (self.patient.size, 1))
        self.step = np.full(len(effects), 0.6)
        self.n_sweeps = 0
        self.log_likelihood: FloatArray = np.full(self.patient.size, -np.inf)
        self.squares: FloatArray = np.zeros((0, 0))
        self.counts: FloatArray = np.zeros((0, 0))

    def refresh(self, errors: FloatArray) -> None:
        """Log-likelihoods under the present error sizes."""
        self.log_likelihood, self.squares, self.counts = self.likelihood.terms(self.phi, self.patient, errors)

    def sweep(self, mu: FloatArray, omega: FloatArray, errors: FloatArray, adapt: bool) -> None:
        """One pass: a proposal from the population, then random walks over blocks of effects."""
        n_effects = mu.size
        z = self._normal("population", n_effects)
        self._try(mu + omega * z, mu, omega, errors, symmetric=False)
        order = np.argsort(self._uniform("blocks", n_effects)[0])
        for block in np.array_split(order, max(1, n_effects // 3)):
            move = np.zeros_like(self.phi)
            move[:, block] = self._normal(f"walk{block[0]}", n_effects)[:, block]
            accepted = self._try(self.phi + move * self.step * omega, mu, omega, errors, symmetric=True)
            if adapt:
                self.step[block] *= np.exp(0.3 * (accepted - 0.3))
        self.step = np.clip(self.step, 0.02, 2.0)
        self.n_sweeps += 1

    def _try(
        self, proposed: FloatArray, mu: FloatArray, omega: FloatArray, errors: FloatArray, *, symmetric: bool
    ) -> float:
        log_likelihood, squares, counts = self.likelihood.terms(proposed, self.patient, errors)
        ratio = log_likelihood - self.log_likelihood
        if symmetric:
            ratio = ratio + log_prior(proposed, mu, omega) - log_prior(self.phi, mu, omega)
        with np.errstate(invalid="ignore"):
            taken = np.log(self._uniform(f"accept{symmetric}", 1)) < ratio
        taken &= np.isfinite(log_likelihood)
        self.phi[taken] = proposed[taken]
        self.log_likelihood[taken] = log_likelihood[taken]
        self.squares[taken], self.counts[taken] = squares[taken], counts[taken]
        self.n_tries = getattr(self, "n_tries", 0) + 1
        return float(taken.mean())

    def _normal(self, what: str, n: int) -> FloatArray:
        return self._purpose(what).normal(self.number, n).reshape(self.number.size, n)

    def _uniform(self, what: str, n: int) -> FloatArray:
        drawn = self._purpose(what).uniform(self.number, n)
        return drawn if n == 1 else drawn.reshape(self.number.size, n)

    def _purpose(self, what: str) -> Stream:
        tries = getattr(self, "n_tries", 0)
        return self.stream.of(f"saem/{self.n_sweeps}/{tries}/{what}")


def fit_saem(
    effects: Sequence[Effect],
    likelihood: Likelihood,
    stream: Stream,
    *,
    n_burn: int = 150,
    n_smooth: int = 150,
    n_chains: int = 4,
    n_final: int = 200,
    progress: Callable[[float], None] | None = None,
) -> Saem:
    """Estimate typical values, spreads and error sizes.

    Parameters
    ----------
    n_burn, n_smooth : iterations with full steps, then with steps 1/k^0.8.
    n_chains : Markov chains per patient.
    n_final : sweeps with everything held, for individual estimates and what follows from them.

    Returns
    -------
    Saem
    """
    mu = np.array([one.mu for one in effects])
    omega = np.array([one.omega for one in effects])
    errors = np.array(likelihood.errors, dtype=float)
    moves_mu = np.array([one.moves_mu for one in effects])
    moves_omega = np.array([one.moves_omega for one in effects])
    low, high = np.array([one.low for one in effects]), np.array([one.high for one in effects])
    chains = _Chains(effects, likelihood, stream, n_chains)
    chains.refresh(errors)
    first = second = None
    total: FloatArray = np.zeros(errors.size)
    trace = []
    n_all = n_burn + n_smooth
    for k in range(n_all):
        for _ in range(3 if k < 5 else 1):
            chains.sweep(mu, omega, errors, adapt=k < n_burn)
        gain = 1.0 if k < n_burn else (k - n_burn + 1.0) ** -0.8
        mean_phi = chains.phi.mean(axis=0)
        mean_square = (chains.phi**2).mean(axis=0)
        mean_error = chains.squares.sum(axis=0) / np.maximum(chains.counts.sum(axis=0), 1.0)
        if first is None or second is None:
            first, second, total = mean_phi, mean_square, mean_error
        first = first + gain * (mean_phi - first)
        second = second + gain * (mean_square - second)
        total = total + gain * (mean_error - total)
        mu = np.where(moves_mu, np.clip(first, low, high), mu)
        spread = np.sqrt(np.maximum(second - 2 * mu * first + mu**2, 1e-6))
        # Spreads may fall only slowly at first, so that chains still see the whole range.
        held = np.where(k < n_burn, np.maximum(spread, 0.95 * omega), spread)
        omega = np.where(moves_omega, np.maximum(held, 0.02), omega)
        errors = np.sqrt(np.where(k < n_burn, np.maximum(total, 0.9 * errors**2), total))
        chains.refresh(errors)
        trace.append(np.concatenate([mu, omega, errors]))
        if progress is not None:
            progress((k + 1) / (n_all + n_final))
    result = Saem(tuple(effects), mu, omega, errors, np.array(trace))
    _sample_at_the_end(result, chains, n_final, n_all, progress)
    return result


def _sample_at_the_end(
    fit: Saem, chains: _Chains, n_final: int, n_before: int, progress: Callable[[float], None] | None
) -> None:
    """Draw from each patient's conditional distribution."""
    kept = []
    for k in range(n_final):
        chains.sweep(fit.mu, fit.omega, fit.errors, adapt=False)
        kept.append(chains.phi.copy())
        if progress is not None:
            progress((n_before + k + 1) / (n_before + n_final))
    n = chains.likelihood.n_patients
    fit.draws = np.stack(kept).reshape(n_final * chains.n_chains, n, fit.mu.size)


def log_prior(phi: FloatArray, mu: FloatArray, omega: FloatArray) -> FloatArray:
    """Normal log-density without the constant, so that it pairs with densities likewise without it."""
    found: FloatArray = -0.5 * (((phi - mu) / omega) ** 2).sum(axis=1) - np.log(omega).sum()
    return found
