"""All that a simulation loads when it begins, in one import: for a worker that waits for the study to be read."""

import llvmlite.binding
import polars
import scipy.special

import engager.trial.replicates

__all__ = ["engager", "llvmlite", "polars", "scipy"]
