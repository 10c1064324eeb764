"""Virtual patients: correlated covariates and one value of every model parameter for each patient."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
