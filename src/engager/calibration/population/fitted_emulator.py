"""The emulator of a fit as a file: with it the fit is made again without some of its figures (`left_out`).

Beside it stand the draws of the posterior with what each study differs in, which the posterior's own file leaves out.

Beside a posterior `NAME.json` stands `NAME.npz`. Nothing in it is a program; it is read without pickles.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from engager.calibration.population.emulator import Emulator
from engager.core import FloatArray, InputError, Problem, write_whole

MAKE_ONE = "Run engager calibrate again; it writes the emulator beside the posterior."


@dataclass(frozen=True)
class FittedEmulator:
    """An emulator with what it is of.

    Attributes
    ----------
    unknowns : names, in the order of its slopes. data_points : labels, in the order of its figures.
    members : array (draw, unknown), the posterior's draws in its order, on the scale on which the fit works.
    """

    emulator: Emulator
    unknowns: tuple[str, ...]
    data_points: tuple[str, ...]
    members: FloatArray

    def write(self, path: Path) -> None:
        """As a NumPy archive."""
        archive = io.BytesIO()
        arrays = {one.name: getattr(self.emulator, one.name) for one in fields(Emulator)}
        np.savez_compressed(
            archive,
            unknowns=np.array(self.unknowns),
            data_points=np.array(self.data_points),
            # seven digits, as the posterior's file has
            members=self.members.astype(np.float32),
            **arrays,
        )
        write_whole(path, archive.getvalue())

    def _check_shapes(self) -> None:
        """Raises ValueError where arrays do not belong together or hold no numbers."""
        one, n_data, n_unknowns = self.emulator, len(self.data_points), len(self.unknowns)
        if self.members.ndim != 2 or self.members.shape[1] != n_unknowns or not np.isfinite(self.members).all():
            raise ValueError("not draws of the unknowns")
        n_bends = one.bends.size
        shapes = (
            (one.intercept, (n_data,)), (one.slopes, (n_data, n_unknowns)), (one.directions, (n_bends, n_unknowns)),
            (one.first_bend, (n_data,)), (one.doubt, (n_data,)), (one.noise, (n_data,)),
        )  # fmt: skip
        if any(array.shape != shape for array, shape in shapes) or np.any(np.diff(one.first_bend) < 1):
            raise ValueError("arrays of different sizes")
        if not all(np.isfinite(array).all() for array in (one.intercept, one.slopes, one.directions, one.bends)):
            raise ValueError("not finite")
        if n_data and (one.first_bend[0] != 0 or one.first_bend[-1] >= n_bends or not np.all(one.doubt >= 0)):
            raise ValueError("not an emulator")

    @staticmethod
    def read(path: Path, option: str = "--parameters") -> FittedEmulator:
        """From what `write` wrote.

        Raises
        ------
        InputError
            When there is none, or it is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as kept:
                arrays = {one.name: kept[one.name] for one in fields(Emulator)}
                names, labels = (tuple(str(name) for name in kept[key]) for key in ("unknowns", "data_points"))
                found = FittedEmulator(Emulator(**arrays), names, labels, kept["members"].astype(float))
            found._check_shapes()
            return found
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            rule = "must be the emulator of a fit, beside its posterior"
            raise InputError(Problem(option, path, rule, MAKE_ONE)) from error


def emulator_path(posterior: Path) -> Path:
    """Where the emulator behind a posterior stands."""
    return posterior.with_suffix(".npz")


@cache
def shipped_emulator(model: str) -> FittedEmulator:
    """The emulator behind the posterior that ships for a model."""
    posterior = Path(str(resources.files("engager.calibration") / "data" / f"posterior-{model}.json"))
    return FittedEmulator.read(emulator_path(posterior))
