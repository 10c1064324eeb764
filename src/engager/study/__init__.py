"""One front door: a study file in, a run folder out. Command line, web and notebooks come in here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
