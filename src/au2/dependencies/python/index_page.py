"""Project pages of an index (Python packaging, "Simple repository API")."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
_SHA256_DIGITS = 64


class Distribution(NamedTuple):
    """Project, version and kind of a file, from its name."""

    name: str
    """Normalised."""
    version: Version
    is_wheel: bool


class ListedFile(NamedTuple):
    """A file on a project's page."""

    filename: str
    distribution: Distribution
    url: str
    """Absolute; may hold the operator's credentials: not for logs."""
    sha256: str | None = None
    """Hexadecimal; None: the index does not state it."""
    size_bytes: int | None = None
    requires_python: str | None = None
    yanked: bool | str = False
    has_metadata: bool = False
    """Whether the index has ``url`` + ``.metadata`` too (PEP 658)."""


class PackageFile(NamedTuple):
    """A distribution's file with a known digest."""

    filename: str
    sha256: str
    """Hexadecimal."""
    path: Path | None = None
    """Path on this machine; None: not fetched yet."""


def parse_filename(filename: str) -> Distribution | None:
    """Return the distribution of a file name; None: neither wheel nor sdist."""
    if not filename.isprintable() or "/" in filename or "\\" in filename:
        return None
    try:
        if filename.endswith(".whl"):
            name, version, _, _ = parse_wheel_filename(filename)
            return Distribution(name, version, True)
        name, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
    return Distribution(name, version, False)


def parse_listing(data: bytes, content_type: str, url: str) -> list[ListedFile]:
    """Return the files of a project's page, JSON or HTML.

    Args:
        data: the page.
        content_type: its media type.
        url: its address.

    Raises:
        ValueError: neither JSON nor HTML.
    """
    if "json" in content_type:
        document = json.loads(data)
        files = document.get("files") if isinstance(document, dict) else None
        if not isinstance(files, list):
            raise ValueError("no list of files")
        found = (_parse_entry(entry, url) for entry in files)
    else:
        parser = _Links()
        parser.feed(data.decode("utf-8", "replace"))
        found = (_parse_link(link, urljoin(url, parser.base or ""), url) for link in parser.links)
    schemes = ("http:", "https:") if url.startswith("http") else ("file:",)
    return [
        file
        for file in found
        # Only the operator's own folders lead to files of this machine.
        if file is not None and file.url.startswith(schemes)
    ]


def format_listing(
    name: str, files: Iterable[ListedFile], link: Callable[[ListedFile], str]
) -> bytes:
    """Return a project's page as JSON, each file at ``link(file)``."""
    entries = [
        {
            "filename": file.filename,
            "url": link(file),
            "hashes": {} if file.sha256 is None else {"sha256": file.sha256},
            "requires-python": file.requires_python,
            "size": file.size_bytes or 0,
            "yanked": file.yanked,
            "core-metadata": file.filename.endswith(".whl"),
        }
        for file in files
    ]
    document = {"meta": {"api-version": "1.1"}, "name": name, "files": entries}
    return json.dumps(document).encode()


def with_credentials(url: str, index_url: str) -> str:
    """Return ``url`` with the login of ``index_url`` if both are of one server."""
    if "@" not in index_url:
        return url  # The usual case; pages are long.
    asked, index = urlsplit(url), urlsplit(index_url)
    user, at, _ = index.netloc.rpartition("@")
    same = (asked.scheme, asked.netloc) == (index.scheme, index.netloc[len(user + at) :])
    return urlunsplit(asked._replace(netloc=index.netloc)) if at and same else url


def without_credentials(url: str) -> str:
    """Return a URL for logs and messages."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _parse_entry(entry: Any, url: str) -> ListedFile | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
        return None
    filename = str(entry.get("filename"))
    distribution = parse_filename(filename)
    if distribution is None:
        return None
    hashes = entry.get("hashes")
    size = entry.get("size")
    metadata = entry.get("core-metadata", entry.get("dist-info-metadata"))
    return ListedFile(
        filename=filename,
        distribution=distribution,
        url=with_credentials(_whole(entry["url"], url), url),
        sha256=_sha256(hashes.get("sha256")) if isinstance(hashes, dict) else None,
        size_bytes=size if isinstance(size, int) and size > 0 else None,
        requires_python=_text(entry.get("requires-python")),
        yanked=entry["yanked"] if isinstance(entry.get("yanked"), bool | str) else False,
        has_metadata=bool(metadata),
    )


def _parse_link(link: dict[str, str | None], base: str, url: str) -> ListedFile | None:
    href = link.get("href")
    if not href:
        return None
    whole, _, fragment = urljoin(base, href).partition("#")
    filename = unquote(urlsplit(whole).path.rpartition("/")[2])
    distribution = parse_filename(filename)
    if distribution is None:
        return None
    found = fragment.partition("=")
    metadata = link.get("data-core-metadata", link.get("data-dist-info-metadata"))
    return ListedFile(
        filename=filename,
        distribution=distribution,
        url=with_credentials(whole, url),
        sha256=_sha256(found[2]) if found[0] == "sha256" else None,
        requires_python=_text(link.get("data-requires-python")),
        yanked=(link["data-yanked"] or True) if "data-yanked" in link else False,
        has_metadata=metadata not in (None, "", "false"),
    )


def _whole(link: str, url: str) -> str:
    return link if link.startswith(("https://", "http://")) else urljoin(url, link)


def _sha256(value: object) -> str | None:
    text = str(value).lower()
    is_digest = len(text) == _SHA256_DIGITS and set(text) <= set("0123456789abcdef")
    return text if is_digest else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


class _Links(HTMLParser):
    """Parser of the links on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.base: str | None = None
        self.links: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs))
        elif tag == "base" and self.base is None:
            self.base = dict(attrs).get("href")


_MOST_FILES = 30_000


class PageMemory:
    """Cache of parsed pages: parsing a thousand files takes longer than fetching them.

    Safe for threads.
    """

    def __init__(self, most_files: int = _MOST_FILES) -> None:
        self._most_files = most_files
        self._pages: OrderedDict[tuple[str, ...], tuple[ListedFile, ...]] = OrderedDict()
        self._files = 0
        self._lock = Lock()

    def parse(self, data: bytes, content_type: str, url: str) -> list[ListedFile]:
        """Return the result of :func:`parse_listing`. Raises ValueError, RecursionError."""
        key = (hashlib.sha256(data).hexdigest(), content_type, url)
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
                return list(self._pages[key])
        files = tuple(parse_listing(data, content_type, url))
        with self._lock:
            self._files += len(files) - len(self._pages.get(key, ()))
            self._pages[key] = files
            while self._files > self._most_files:
                self._files -= len(self._pages.popitem(last=False)[1])
        return list(files)

    @property
    def remembered_files(self) -> int:
        """Number of files on the pages in memory."""
        return self._files
