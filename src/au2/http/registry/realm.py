"""Where registry clients get their tokens: the address as they see it."""

import re

from starlette.requests import Request

SERVICE = "au2"
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def challenge(request: Request) -> str:
    """Return the header that sends a client to get a token (Docker's token authentication)."""
    return f'Bearer realm="{_base(request)}/v2/token",service="{SERVICE}"'


def _base(request: Request) -> str:
    """The operator's ``external_url``, or else what the request itself was sent to."""
    external: str | None = request.app.state.external_url
    if external is not None:
        return external.rstrip("/")
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        server = request.scope.get("server") or ("localhost", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    return f"{request.url.scheme}://{host}"
