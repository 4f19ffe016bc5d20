"""Libraries for user code as files under ``/sdk/``: what ``pip`` and ``npm`` install by address.

Open to everybody: the libraries are the same in every installation, and neither program has a
login for one file.
"""

from functools import cache
from html import escape

from fastapi import APIRouter, Response

from au2.domain.errors import NotFound
from au2.images.sdk_archives import make_sdk_archives

PREFIX = "/sdk"
_TYPES = {"whl": "application/zip", "tgz": "application/gzip"}
_SHOWN_CHARACTERS = 100

router = APIRouter(prefix=PREFIX, include_in_schema=False)


@cache
def _archives() -> dict[str, bytes]:
    return make_sdk_archives()


@router.api_route("/", methods=["GET", "HEAD"])
def list_files() -> Response:
    """Return a page with links to the files, in the form that ``pip --find-links`` reads."""
    links = "".join(f'<p><a href="{escape(name)}">{escape(name)}</a></p>\n' for name in _archives())
    page = f"<!DOCTYPE html>\n<title>aunsight</title>\n<h1>aunsight</h1>\n{links}"
    return Response(page, media_type="text/html")


@router.api_route("/{name}", methods=["GET", "HEAD"])
def get_file(name: str) -> Response:
    """Return a file. Raises NotFound."""
    data = _archives().get(name)
    if data is None:
        names = ", ".join(f"{PREFIX}/{there}" for there in _archives())
        raise NotFound(
            f"There is no file '{name[:_SHOWN_CHARACTERS]}' in {PREFIX}/.",
            hint=f"There are: {names}.",
        )
    return Response(data, media_type=_TYPES[name.rpartition(".")[2]])
