"""Published evidence: one typed record per publication, every figure with its source.

In: YAML record files. Out: `Record`, `Outcome`, `PublishedRegimen`, and what is computed from them: pooled estimates,
networks, rebuilt curves, historical priors, tables and figures. Nothing here simulates.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
