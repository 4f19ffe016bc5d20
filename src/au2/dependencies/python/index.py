"""Python package index: all indexes and folders of the sources as one."""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from au2.dependencies.file_cache import FileCache
from au2.dependencies.python.index_page import (
    JSON_TYPE,
    ListedFile,
    PageMemory,
    parse_listing,
    with_credentials,
    without_credentials,
)
from au2.dependencies.python.wheel import InvalidWheel, open_wheel
from au2.dependencies.sources import Sources
from au2.dependencies.upstream import Page, Upstream, local_path
from au2.domain.errors import DependenciesFailed, DigestMismatch, IndexUnreachable

_ACCEPT = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_FRESH_SECONDS = 120.0
"""Time for which a cached page counts as unchanged: uploads often follow one another."""
_LARGE_BYTES = 5 << 20


class PythonIndex:
    """Client of all indexes and folders of the sources. Safe for threads.

    Args:
        sources: indexes and folders.
        upstream: HTTP client.
        cache: cache of pages, metadata and files.
    """

    def __init__(self, sources: Sources, upstream: Upstream, cache: FileCache) -> None:
        self._sources = sources
        self._upstream = upstream
        self._cache = cache
        self._pages = PageMemory()
        self._local_digests: dict[tuple[Path, int, int], str] = {}

    def list_files(self, name: str) -> list[ListedFile]:
        """Return all files of the project ``name`` (normalised); none: an unknown project.

        Raises:
            IndexUnreachable: an index does not answer.
        """
        found: dict[str, ListedFile] = {}
        for source in self._sources.find_links:
            self._add(found, self._read_folder(source), name)
        for index in self._sources.indexes:
            files = self._read_index(index, name)
            self._add(found, files or [], name)
            if files is not None and not self._sources.merge_indexes:
                break
        return list(found.values())

    def fetch(self, file: ListedFile, log: Callable[[str], None]) -> tuple[Path, str]:
        """Return the path of a file on this machine, and its SHA-256.

        Raises:
            IndexUnreachable, StorageFull
            DependenciesFailed: the digest differs from the index's statement.
        """
        path = local_path(file.url)
        if path is not None:
            return path, self._check_local(path, file)
        with self._cache.only_once(file.url):
            if file.sha256 and (cached := self._cache.find("files", file.sha256)):
                return cached, file.sha256
            if (file.size_bytes or _LARGE_BYTES) >= _LARGE_BYTES:
                log(f"Downloading {file.filename}")
            try:
                with self._upstream.open(file.url) as chunks:
                    added = self._cache.add("files", chunks, sha256=file.sha256)
            except DigestMismatch as error:
                raise _not_what_it_should_be(file) from error
        return added, added.name

    def read_metadata(self, file: ListedFile, log: Callable[[str], None]) -> bytes:
        """Return a wheel's ``METADATA``: a separate file of the index, or read from the wheel.

        Raises as :meth:`fetch`; ``DependenciesFailed`` also for a wheel without METADATA.
        """
        key = file.sha256
        cached = None if key is None else self._cache.read("metadata", key)
        if cached is not None:
            return cached
        if file.has_metadata:
            url = f"{file.url.partition('#')[0]}.metadata"
            page = self._upstream.get_page(url, accept="*/*")
            data = b"" if page is None else page.data
        else:
            path, key = self.fetch(file, log)
            data = _read_wheel_metadata(path, file)
        if key is not None:
            self._cache.put("metadata", key, data)
        return data

    def _add(self, found: dict[str, ListedFile], files: list[ListedFile], name: str) -> None:
        for file in files:
            if file.distribution.name == name and file.filename not in found:
                path = local_path(file.url) if file.sha256 is None else None
                # A folder states no digests, but requirements may ask for one.
                digest = file.sha256 if path is None else self._check_local(path, file)
                found[file.filename] = file._replace(sha256=digest)

    def _read_index(self, index: str, name: str) -> list[ListedFile] | None:
        url = f"{index.rstrip('/')}/{quote(name)}/"
        folder = local_path(url)
        if folder is None:
            return self._read_page(url)
        try:
            data = (folder / "index.html").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return parse_listing(data, "text/html", url)

    def _read_folder(self, source: str) -> list[ListedFile]:
        folder = local_path(source)
        if folder is None:
            return self._read_page(source) or []
        if folder.is_file():
            return parse_listing(folder.read_bytes(), "text/html", folder.as_uri())
        links = (f'<a href="{quote(path.name)}"></a>' for path in _files_in(folder))
        return parse_listing("".join(links).encode(), "text/html", f"{folder.as_uri()}/")

    def _read_page(self, url: str) -> list[ListedFile] | None:
        page = self._get_page(url)
        if page is None:
            return None
        try:
            found = with_credentials(page.url, url)
            return self._pages.parse(page.data, page.content_type, found)
        except (ValueError, RecursionError) as error:
            raise IndexUnreachable(
                f"the package index gives no list of files at {without_credentials(url)}"
            ) from error

    def _get_page(self, url: str) -> Page | None:
        """Return a page, from the cache while recent or unchanged."""
        key = hashlib.sha256(url.encode()).hexdigest()
        cached, age_seconds = self._find_page(key)
        if cached is not None and age_seconds < _FRESH_SECONDS:
            return cached
        tag = None if cached is None else cached.tag
        page = self._upstream.get_page(url, accept=_ACCEPT, tag=tag)
        if cached is not None and page is not None and tag is not None and page.tag == tag:
            page = page if page.data else cached
        if page is not None:
            head = [page.content_type, page.url, page.tag or "", str(time.time()), ""]
            self._cache.put("pages", key, "\n".join(head).encode() + page.data)
        return page

    def _find_page(self, key: str) -> tuple[Page | None, float]:
        kept = self._cache.read("pages", key)
        if kept is None:
            return None, 0.0
        try:
            content_type, url, tag, at, data = kept.split(b"\n", 4)
            age_seconds = abs(time.time() - float(at))
        except ValueError:
            return None, 0.0  # Another version of the platform wrote it.
        page = Page(data, content_type.decode(), url.decode(), tag.decode() or None)
        return page, age_seconds

    def _check_local(self, path: Path, file: ListedFile) -> str:
        try:
            status = path.stat()
            state = (path, status.st_size, status.st_mtime_ns)
            if state not in self._local_digests:
                with path.open("rb") as opened:
                    self._local_digests[state] = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise IndexUnreachable(f"{file.filename} can't be read: {error.strerror}") from error
        if file.sha256 not in (None, self._local_digests[state]):
            raise _not_what_it_should_be(file)
        return self._local_digests[state]


def _files_in(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise IndexUnreachable(f"the folder {folder} can't be read: {error.strerror}") from error


def _read_wheel_metadata(path: Path, file: ListedFile) -> bytes:
    try:
        with open_wheel(path) as wheel:
            return wheel.read(f"{wheel.info}/METADATA")
    except InvalidWheel as error:
        raise DependenciesFailed(f"{file.filename} is no wheel: {error}") from error


def _not_what_it_should_be(file: ListedFile) -> DependenciesFailed:
    return DependenciesFailed(
        f"{file.filename} does not have the digest that the package index states: {file.sha256}"
    )
