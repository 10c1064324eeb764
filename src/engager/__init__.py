"""Open in-silico clinical trials of T-cell engagers in B-cell precursor ALL.

For research and teaching; never advice on treating a patient.

The layers, in the order data flows through them::

    core < evidence, model < protocol, analysis, population, engine < trial < calibration < report < study < app
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
