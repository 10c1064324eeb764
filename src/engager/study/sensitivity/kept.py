"""Evaluations of a sensitivity analysis, kept piece by piece so that a stopped one goes on where it was.

In: where to evaluate, and the function that does. Out: its values, from the pieces that are kept and those that are
missing. A piece is a file whose name says what its values hang on and what its bytes were, so that one of another
study, model, fit, seed or version, or one that was damaged, is worked out anew. Pieces change no bit.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engager.core import FloatArray, InputError, Problem, clear_away, digest, write_whole

_ENDING = ".npy"
_GOES_ON = "Go on with the same options."


def kept_place(folder: Path) -> Path:
    """Where the evaluations of an analysis are kept until its folder is there."""
    return folder.with_name(f".{folder.name}.evaluations")


def check_new_sensitivity(folder: Path) -> None:
    """Refuse a folder that exists already; what a kill left beside a finished one goes."""
    if folder.exists():
        clear_away(kept_place(folder))
        raise InputError(Problem("--out", folder, "must not exist yet", "Name a new folder."))


class KeptEvaluations:
    """Values of functions at points, worked out once.

    Parameters
    ----------
    folder : where pieces are kept; None: they are not.
    inputs : all that the values hang on beside the points: study, model, fit, seed, versions.

    Attributes
    ----------
    n_found, n_made : pieces that were there, and that were worked out.
    """

    def __init__(self, folder: Path | None, inputs: str = ""):
        self.folder, self.inputs = folder, inputs
        self.n_found = self.n_made = 0

    def __call__(
        self,
        label: str,
        points: FloatArray,
        at_once: int,
        evaluate: Callable[[int, FloatArray], FloatArray],
        tell: Callable[[float], None],
    ) -> FloatArray:
        """Values at all points: array (point, output).

        Parameters
        ----------
        label : of the function. points : array (point, factor). at_once : points of a piece.
        evaluate : the place of a piece's first point and its points, to its values.
        tell : told the finished share after each piece.
        """
        parts = []
        for start in range(0, len(points), at_once):
            piece = points[start : start + at_once]
            key = digest(f"{label} {start} {piece.shape} {_hash(piece.tobytes())} {self.inputs}")
            found = self._kept(key)
            if found is None:
                found = evaluate(start, piece)
                self._keep(key, found)
                self.n_made += 1
            else:
                self.n_found += 1
            parts.append(found)
            tell(min(start + at_once, len(points)) / len(points))
        return np.concatenate(parts)

    def after_a_stop(self) -> str:
        """What a stopped analysis leaves, and how to go on."""
        n = self.n_found + self.n_made
        if n:
            return f"Interrupted; {n} finished piece{'s are' if n > 1 else ' is'} kept in {self.folder}. {_GOES_ON}"
        if self.folder is not None and any(self.folder.glob(f"*{_ENDING}")):
            kept = f"those of earlier calls are kept in {self.folder}"
            return f"Interrupted before another piece was finished; {kept}. {_GOES_ON}"
        return "Interrupted before the first piece was finished; nothing was written."

    def _keep(self, key: str, values: FloatArray) -> None:
        if self.folder is not None:
            buffer = io.BytesIO()
            np.save(buffer, values, allow_pickle=False)
            content = buffer.getvalue()
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / f"{key}-{_hash(content)}{_ENDING}", content)

    def _kept(self, key: str) -> FloatArray | None:
        if self.folder is None:
            return None
        for path in self.folder.glob(f"{key}-*{_ENDING}"):
            content = path.read_bytes()
            if path.stem.endswith(_hash(content)):
                values: FloatArray = np.load(io.BytesIO(content), allow_pickle=False)
                return values
            path.unlink()
        return None


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
