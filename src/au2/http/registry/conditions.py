"""Conditional requests for content named by a digest (RFC 9110, section 13)."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_MOST_CHARACTERS = 8192
_KEPT = frozenset({"ETag", "Docker-Content-Digest", "Cache-Control"})


def answer_unchanged(request: Request, headers: Mapping[str, str]) -> Response | None:
    """Return the 304 for a request whose ``If-None-Match`` names the content; None: send it.

    Comparison is weak (section 13.1.2). To be called once the actor's right to the content, and
    its presence, are known.

    Args:
        request: ``GET`` or ``HEAD``.
        headers: of the whole response, with the ``ETag``.
    """
    stated = ", ".join(request.headers.getlist("if-none-match"))
    if len(stated) > _MOST_CHARACTERS:
        return None
    if stated.strip() != "*" and headers["ETag"] not in _TAG.findall(stated):
        return None
    kept = {name: value for name, value in headers.items() if name in _KEPT}
    return Response(status_code=304, headers=kept)
