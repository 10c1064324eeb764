"""What every random-effects fit can say, however it was fitted: intervals and predictions from its coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, stdtrit

from engager.core import FloatArray


def too_few(n_studies: int, n_terms: int) -> str:
    """Why so few studies cannot be fitted: it takes one more than there are terms."""
    have = "1 study is" if n_studies == 1 else f"{n_studies} studies are"
    aim = "to be pooled" if n_terms == 1 else f"for {n_terms} coefficients"
    return f"{have} too few {aim}; it takes at least {n_terms + 1}"


class RandomEffects:
    """Methods of a fit; the fit itself brings the numbers.

    Attributes
    ----------
    coefficients : array (coefficient,). covariance : array (coefficient, coefficient).
    tau2 : variance between studies. df : degrees of freedom of the interval; None: normal. level : of the interval.
    """

    coefficients: FloatArray
    covariance: FloatArray
    tau2: float
    df: int | None
    level: float

    @property
    def standard_errors(self) -> FloatArray:
        """Array (coefficient,)."""
        found: FloatArray = np.sqrt(np.diag(self.covariance))
        return found

    def critical(self) -> float:
        """The quantile that makes the interval."""
        tail = 0.5 + self.level / 2
        return float(ndtri(tail) if self.df is None else stdtrit(self.df, tail))

    def at(self, row: Sequence[float] = (1.0,)) -> tuple[float, float, float]:
        """Mean on the fit's scale and its interval, at a row of the design matrix."""
        x = np.asarray(row, dtype=float)
        mean = float(x @ self.coefficients)
        half = self.critical() * float(np.sqrt(x @ self.covariance @ x))
        return mean, mean - half, mean + half

    def prediction(self, row: Sequence[float] = (1.0,)) -> tuple[float, float]:
        """Where the true value of a new study would lie."""
        x = np.asarray(row, dtype=float)
        mean = float(x @ self.coefficients)
        half = self.critical() * float(np.sqrt(x @ self.covariance @ x + self.tau2))
        return mean - half, mean + half
