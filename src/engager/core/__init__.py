"""What every layer stands on: errors, units, keyed randomness, provenance."""

from engager.core.condition import Condition, parse_condition
from engager.core.errors import (
    EngagerError,
    InputError,
    Interrupted,
    Problem,
    UnitError,
    UnsupportedModel,
    nearest,
)
from engager.core.provenance import digest, digest_file, digest_object, versions
from engager.core.randomness import Stream, as_exponential, as_normal, uniform_of
from engager.core.units import convert, factor
from engager.core.workers import share_out, usable_cpus

__all__ = [
    "Condition",
    "EngagerError",
    "InputError",
    "Interrupted",
    "Problem",
    "Stream",
    "UnitError",
    "UnsupportedModel",
    "as_exponential",
    "as_normal",
    "convert",
    "digest",
    "digest_file",
    "digest_object",
    "factor",
    "nearest",
    "parse_condition",
    "share_out",
    "uniform_of",
    "usable_cpus",
    "versions",
]
