"""Where a result came from: hashes of its inputs and the versions of what made it."""

from __future__ import annotations

import hashlib
import importlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import engager

_RECORDED = ("numpy", "scipy", "llvmlite", "python-libsbml", "antimony", "polars", "pyarrow")


def digest(content: bytes | str) -> str:
    """The first 16 hex digits of the SHA-256 of `content`."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()[:16]


def digest_file(path: Path) -> str:
    """`digest` of a file's bytes."""
    return digest(path.read_bytes())


def digest_object(value: Any) -> str:
    """`digest` of a JSON-like value, independent of the order of its keys."""
    return digest(json.dumps(value, sort_keys=True, default=str))


def versions() -> dict[str, str]:
    """Versions of this package, Python and the libraries that shape numbers, and what of the CPU does."""
    found = {"engager": engager.__version__, "python": platform.python_version()}
    for name in _RECORDED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return {**found, "cpu": cpu_features()}


def cpu_features() -> str:
    """What of this CPU NumPy uses, e.g. ``X86_V3 X86_V4``.

    Notes
    -----
    NumPy takes exp and log of other code where there is AVX-512, and their last bit differs. So the same seed gives the
    same bits on CPUs of the same features; a replay elsewhere names them.
    """
    umath = importlib.import_module("numpy._core._multiarray_umath")
    used = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
    return " ".join([platform.machine(), *used])
