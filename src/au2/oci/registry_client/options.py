"""How registries are talked to."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """What the operator allows, and how to wait."""

    ca_file: Path | None = None
    """Certificates to trust besides the system's."""
    plain_http: frozenset[str] = frozenset()
    """Registries (``host:port``) that may be spoken to unencrypted; loopback ones always may."""
    sleep: Callable[[float], None] = field(default=time.sleep, compare=False)
