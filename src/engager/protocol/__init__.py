"""The language of the study file: what a study says, checked, before anything is simulated.

In: a study file. Out: a `Protocol` with every default filled in. Nothing here simulates.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
