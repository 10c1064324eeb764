"""Statistics of trials: responses, survival, competing risks, comparisons, over all replicates at once.

Every kernel takes arrays (..., patient) and answers with arrays (...), so one trial and ten thousand read
the same. `estimate_endpoints` joins them with the definitions of the endpoints.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
