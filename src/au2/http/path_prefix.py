"""Path prefix of a server behind a proxy that removes it, in the header ``Location``."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from au2.http.created import PREFIX


def path_prefix_of(external_url: str | None) -> str:
    """Return the path of the operator's ``external_url`` without a slash at its end, or ""."""
    if external_url is None:
        return ""
    return quote(urlsplit(external_url).path.rstrip("/"), safe="/%:@!$&'()*+,;=~")


@dataclass(frozen=True, slots=True)
class LocationPrefix:
    """ASGI middleware: ``Location`` below ``/api/v1`` begins with the path prefix.

    Registry clients know no prefix: for them the proxy passes ``/v2/`` on as it is.
    """

    app: ASGIApp
    prefix: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_prefixed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                location = headers.get("location", "")
                if location.startswith(f"{PREFIX}/"):
                    headers["location"] = self.prefix + location
                    message = {**message, "headers": headers.raw}
            await send(message)

        await self.app(scope, receive, send_prefixed if scope["type"] == "http" else send)
