"""What JSON cannot hold, made plain: NaN and infinity become null."""

from __future__ import annotations

import math
from typing import Any


def plain_json(value: Any) -> Any:
    """The value with NaN and infinity as null, which JSON cannot hold otherwise."""
    if isinstance(value, dict):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
