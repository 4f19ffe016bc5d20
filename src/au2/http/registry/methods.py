"""Methods of one path of the registry, and the answer to all others: 405 with ``Allow``."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response
from starlette.types import Receive, Scope, Send

from au2.http.registry.errors import RegistryError

Handler = Callable[[Request], Awaitable[Response]]


class Methods:
    """ASGI application of one path, with a handler for each method.

    Routes with one method each would answer a 405 with the methods of the first of them only, and
    ``Allow`` names all (RFC 9110, section 15.5.6).
    """

    def __init__(
        self, handlers: Mapping[str, Handler], *, refused: Mapping[str, Handler] | None = None
    ) -> None:
        """Begin.

        Args:
            handlers: by method; ``HEAD`` goes with ``GET``.
            refused: handlers of methods that ``Allow`` does not name, since they always refuse.
        """
        allowed = {**handlers, **({"HEAD": handlers["GET"]} if "GET" in handlers else {})}
        every = {**allowed, **(refused or {})}
        self._apps = {method: request_response(handler) for method, handler in every.items()}
        self._allowed = ", ".join(sorted(allowed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. Raises RegistryError for another method."""
        app = self._apps.get(scope["method"])
        if app is None:
            raise method_refused(
                f"{scope['method'][:20]} is not supported here. Supported: {self._allowed}.",
                self._allowed,
            )
        await app(scope, receive, send)


def method_refused(message: str, allowed: str) -> RegistryError:
    """Return the error for a method that the path does not have; ``allowed``: those it has."""
    return RegistryError(405, "UNSUPPORTED", message, {"Allow": allowed})
