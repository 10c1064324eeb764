"""Open in-silico clinical trials of T-cell engagers in B-cell precursor ALL.

For research and teaching; never advice on treating a patient.

Start with `engager.run("tower")`, `engager.patient(age_years=70)`, `engager.published("tower-2017")` and
`engager.compare(one, other)`. The layers, in the order data flows through them::

    core < evidence, model < protocol, analysis, population, engine < trial < calibration < report < study < app
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
