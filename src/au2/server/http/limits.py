"""Limits of connections and requests."""

import logging
import resource
from dataclasses import dataclass, replace

logger = logging.getLogger(__name__)

_OWN_DESCRIPTORS = 256
"""For the database's connections of all threads, the log, notices, libraries."""
_DESCRIPTORS_PER_CONNECTION = 3
"""The socket, and the files that its request reads or writes."""
_LEAST_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits of the HTTP server; larger, longer or slower requests are refused."""

    connections: int = 2000
    """Open connections in all."""
    connections_per_client: int = 500
    """Open connections of one client address (IPv6: of one /64 network)."""
    head_bytes: int = 32 << 10
    """The request line and all headers together."""
    target_bytes: int = 16 << 10
    """Path and query."""
    headers: int = 100
    """Headers of one request."""
    head_seconds: float = 15.0
    """From the connection, or the first byte of a further request, to the end of its headers."""
    idle_seconds: int = 30
    """From an answer to the next request."""
    body_seconds: float = 60.0
    """Between two pieces of a body that is waited for."""
    anonymous_body_seconds: float = 30.0
    """For the whole body of a request before it is known who sends it."""
    pipelined: int = 8
    """Requests of one connection that wait for the answer to the one before."""
    tls_seconds: float = 10.0
    """For the TLS handshake."""


def fit_limits(limits: HttpLimits) -> HttpLimits:
    """Raise this process's limit of open files as far as needed, and fit ``limits`` to it.

    With too few files there are fewer connections, and the log says so.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _OWN_DESCRIPTORS + _DESCRIPTORS_PER_CONNECTION * limits.connections
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for_connections = soft - min(_OWN_DESCRIPTORS, soft // 2)
    possible = max(for_connections // _DESCRIPTORS_PER_CONNECTION, _LEAST_CONNECTIONS)
    if soft == resource.RLIM_INFINITY or possible >= limits.connections:
        return limits
    logger.warning(
        "only %d connections are taken at a time, not %d: the limit of open files is %d. "
        "Raise it to %d (LimitNOFILE= of the systemd unit, or ulimit -Hn).",
        *(possible, limits.connections, soft, needed),
    )
    return replace(
        limits,
        connections=possible,
        connections_per_client=min(limits.connections_per_client, max(possible // 2, 1)),
    )
