"""Sizes and durations as text, with units."""

import math
import re
from collections.abc import Mapping
from typing import TypeVar

from au2.domain.errors import InvalidRequest

_Factor = TypeVar("_Factor", int, float)

_QUANTITY = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)", re.IGNORECASE | re.ASCII)

_SIZE_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", start=1):
    # `512m`, `512mb` and `512MiB` are one and the same, as for `docker run --memory`.
    _SIZE_UNITS |= dict.fromkeys(
        (_letter, f"{_letter}b", f"{_letter}i", f"{_letter}ib"), 1024**_power
    )

_DURATION_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_size(text: str) -> int:
    """Return bytes: ``1024``, ``512MiB``, ``2g``, ``1.5GB``. Units are powers of 1024.

    Raises:
        InvalidRequest: not a size.
    """
    number, factor = _parse(text, _SIZE_UNITS, "size", "512MiB or 2g")
    return math.ceil(number * factor)


def parse_duration(text: str) -> float:
    """Return seconds: ``90``, ``90s``, ``5m``, ``1h``, ``2d``.

    Raises:
        InvalidRequest: not a duration.
    """
    number, factor = _parse(text, _DURATION_UNITS, "duration", "90s, 5m or 1h")
    return number * factor


def _parse(
    text: str, units: Mapping[str, _Factor], noun: str, example: str
) -> tuple[float, _Factor]:
    match = _QUANTITY.fullmatch(text.strip())
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None or float(match[1]) <= 0:
        raise InvalidRequest(f"'{text}' is not a {noun}. Write it like {example}.")
    return float(match[1]), factor
