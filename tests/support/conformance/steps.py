"""One row of the table: a request, and the answers that are accepted."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ALGORITHMS = ("sha256", "sha512")
LOCATION = "{location}"
"""In a path: the ``Location`` of an answer before."""
OCTETS = {"Content-Type": "application/octet-stream"}

_random = random.Random(20261130)


def random_bytes(size_bytes: int) -> bytes:
    """Return bytes that no other test of this process has."""
    return _random.randbytes(size_bytes)


def digest_by(algorithm: str, data: bytes) -> str:
    """Return the digest of ``data``."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Step:
    """One row: a request, and what its answer must be."""

    method: str
    path: str
    """Below the repository; absolute with a slash, or with :data:`LOCATION`."""
    accepted: frozenset[int]
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    is_chunked: bool = False
    """Whether the body goes without its length, as from the suite's own client."""
    query: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    """Headers that the answer must have; of an empty value, only their presence."""
    content: bytes | None = None
    """Body that the answer must have."""
    holds: Callable[[Any], bool] | None = None
    """Condition for the JSON of the answer."""
    repository: int = 0
    """0: the first repository, 1: the second."""


def step(method: str, path: str, *accepted: int, **more: Any) -> Step:
    """Return a row."""
    return Step(method, path, frozenset(accepted), **more)
