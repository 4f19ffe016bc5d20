"""URLs: addresses of servers, names as segments of paths, and the context as a query."""

from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from au2.domain.accounts.context import Context
from au2.domain.errors import InvalidRequest, NotFound
from au2.domain.json_value import is_encodable

_MOST_HOST_CHARACTERS = 253
_MOST_LABEL_CHARACTERS = 63
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """Base URL of a server, normalised: one server has one entry in the configuration."""

    scheme: str
    host: str
    port: int
    path: str = ""
    """Prefix without a trailing slash, where a reverse proxy puts the API below one."""

    def __str__(self) -> str:
        """Return the URL; inverse of :func:`parse_address`."""
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.bracketed_host}{port}{self.path}"

    @property
    def bracketed_host(self) -> str:
        """The host as written in URLs and ``Host`` headers."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")


def parse_address(text: str) -> Address:
    """Return the address in ``text``: a URL; a bare ``host:port`` means plain HTTP.

    Raises:
        InvalidRequest: invalid, or with a user name, query or fragment.
    """
    url = text.strip()
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _not_an_address(text) from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise _not_an_address(text)
    if parts.username is not None or parts.query or parts.fragment or not url.isprintable():
        raise _not_an_address(text)
    if " " in url or not url.isascii() or not is_host(parts.hostname):
        raise _not_an_address(text)
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    return Address(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))


def is_host(host: str) -> bool:
    """Whether DNS allows the name: no label is empty or too long (RFC 1035)."""
    labels = host.rstrip(".").split(".")
    return len(host) <= _MOST_HOST_CHARACTERS and all(
        0 < len(label) <= _MOST_LABEL_CHARACTERS for label in labels
    )


def _not_an_address(text: str) -> InvalidRequest:
    return InvalidRequest(
        f"'{text}' is not the address of a server.", hint="It looks like http://127.0.0.1:8080."
    )


_MOST_NAME_CHARACTERS: Final = 1000
"""Above the limit of all names; the server or a proxy would refuse a longer path."""


def context_query(context: Context) -> dict[str, str | int | None]:
    """Return the query parameters for ``context``."""
    return {"organization": context.organization_id, "project": context.project_id}


def quote_segment(text: str, noun: str = "thing") -> str:
    """Return ``text`` escaped as one segment of a path.

    Raises:
        NotFound: no ``noun`` has this name, because no path can hold it.
    """
    ensure_sendable(text)
    # Servers take paths apart only after they have decoded them.
    if not text or "/" in text or text in {".", ".."} or len(text) > _MOST_NAME_CHARACTERS:
        raise NotFound(f"There is no {noun} '{text[:_MOST_NAME_CHARACTERS]}'.")
    return quote(text, safe="")


def ensure_sendable(text: str) -> str:
    """Return ``text``. Raises InvalidRequest for text without a UTF-8 form."""
    if not is_encodable(text):
        raise InvalidRequest("The text can't be sent: it holds an unpaired surrogate.")
    return text
