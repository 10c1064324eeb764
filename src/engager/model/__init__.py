"""Mechanistic models: SBML or Antimony text plus a parameter table become a `System` of equations."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
