# What stands at the top of the package; everything else is reached by layer.
__version__: str

from .study.notebook import (
    compare as compare,
    patient as patient,
    published as published,
    run as run,
)
