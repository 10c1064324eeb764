"""Published beside simulated: comparison with targets, and fitting the population to several trials at once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
