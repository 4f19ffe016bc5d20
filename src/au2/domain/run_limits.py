"""Defaults and limits of runs: the one definition for server, settings and local runs."""

from dataclasses import dataclass

from au2.domain.network import Network


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Resources of a run that asks for none, and the most that a run may ask for.

    The defaults are those of a server whose operator set nothing. The maxima are the widest that
    settings allow; a server takes narrower ones from its settings and its machine.
    """

    default_cpu: float = 1.0
    default_memory_bytes: int = 512 << 20
    default_timeout_seconds: float = 3600.0
    default_network: Network = Network.INTERNET
    processes: int = 512
    max_cpu: float = 1024.0
    max_memory_bytes: int = 1 << 50
    max_timeout_seconds: float = 365 * 86_400.0
    max_arguments_bytes: int = 1 << 20
    """As JSON."""
