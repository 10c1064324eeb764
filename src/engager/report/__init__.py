"""Figures and the one-page report of a run: self-contained HTML that reads on a phone and on paper.

Figures take plain frames and dicts, give matplotlib Figures, and can be used alone.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
