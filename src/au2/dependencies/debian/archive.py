"""Debian archives that a runtime's apt names, fetched by the platform: indexes and packages."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from urllib.parse import quote
from uuid import uuid4

from au2.dependencies.file_cache import FileCache
from au2.dependencies.sources import DebianSources, Sources
from au2.dependencies.upstream import Upstream
from au2.domain.errors import DependenciesFailed, DigestMismatch, RuntimeBuildFailed, TooLarge
from au2.domain.wording import format_bytes
from au2.stores.durability import translated_faults

_INDEX_BYTES = 256 << 20
_MOST_SOURCES = 100
_KIND = "debs"
_DEBIAN = frozenset(
    {
        "deb.debian.org/debian/",
        "deb.debian.org/debian-security/",
        "security.debian.org/debian-security/",
        "security.debian.org/",
    }
)
"""Addresses in place of which the operator's mirror is asked."""
_REPOSITORY = re.compile(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._~+:@/%-]{0,500}")
_SUITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}(/[A-Za-z0-9._-]+){0,3}")
_BY_HASH = re.compile(r".*/by-hash/SHA256/([0-9a-f]{64})")
_PATH = re.compile(r"[A-Za-z0-9._+~:@=%-]+(/[A-Za-z0-9._+~:@=%-]+)*")


class ArchiveSource(NamedTuple):
    """One suite of one archive, as the runtime's list of sources names it."""

    address: str
    """Of the archive as apt asks for it: with ``http:``, ending with a slash."""
    suite: str
    upstream: str
    """Of the archive as the platform asks for it."""


class DebFile(NamedTuple):
    """One package file that apt plans to install."""

    address: str
    """As apt asks for it, decoded."""
    name: str
    version: str
    file: str
    size_bytes: int
    sha256: str
    """Hexadecimal."""


def parse_sources(text: str, debian: DebianSources) -> tuple[ArchiveSource, ...]:
    """Return the sources in the output of ``apt-get indextargets`` (address and release).

    Raises DependenciesFailed: there are none, or some that the platform can't fetch from.
    """
    lines = [line for line in dict.fromkeys(text.splitlines()) if line.strip()]
    if not lines or len(lines) > _MOST_SOURCES:
        raise DependenciesFailed(
            "the runtime's root has no sources of Debian packages.",
            hint="Choose a runtime that is made of Debian packages.",
        )
    return tuple(_parse_source(line, debian) for line in lines)


def _parse_source(line: str, debian: DebianSources) -> ArchiveSource:
    address, _, suite = line.partition(" ")
    address = address if address.endswith("/") else f"{address}/"
    if not _REPOSITORY.fullmatch(address) or not _SUITE.fullmatch(suite) or ".." in line:
        raise DependenciesFailed(
            f"the runtime's package source {line[:200]!r} is not supported.",
            hint="Only http: and https: sources with suites are. Ask your operator.",
        )
    place = address.partition("://")[2]
    upstream = address
    if place in _DEBIAN:
        try:
            mirrors = debian.find_mirrors(suite.partition("/")[0].partition("-")[0])
        except RuntimeBuildFailed as error:
            raise DependenciesFailed(error.message, hint=error.hint) from error
        upstream = mirrors.get(suite, address)
    upstream = upstream if upstream.endswith("/") else f"{upstream}/"
    return ArchiveSource(f"http://{place}", suite, upstream)


@dataclass(slots=True)
class DebianArchive:
    """Client of the archives of one installation. Safe for threads.

    Args:
        sources: certificates, proxy and timeouts.
        debian: the operator's mirrors and proxy.
        cache: cache of packages and of indexes that are named by their digest.
    """

    sources: Sources
    debian: DebianSources
    cache: FileCache
    _upstream: Upstream | None = None
    _lock: Lock = field(default_factory=Lock)

    def close(self) -> None:
        """Close connections."""
        if self._upstream is not None:
            self._upstream.close()

    def find_index(
        self, sources: Sequence[ArchiveSource], address: str, folder: Path
    ) -> Path | None:
        """Return an index file below ``dists/`` of the sources' suites; None: there is none.

        Args:
            sources: sources of the runtime.
            address: as apt asks for it, decoded.
            folder: folder for files that are not cached.

        Raises:
            IndexUnreachable, StorageFull
            TooLarge: over the limit.
            DependenciesFailed: a file named by its digest has another one.
        """
        found = _find_below(sources, address)
        if found is None:
            return None
        by_hash = _BY_HASH.fullmatch(address)
        digest = by_hash[1] if by_hash else None
        with self.cache.only_once(digest or address):
            path = None if digest is None else self.cache.find(_KIND, digest)
            if path is not None:
                return path
            with self._client().open_if_there(found) as chunks:
                if chunks is None:
                    return None
                limited = _limited(chunks, _INDEX_BYTES, address)
                if digest is not None:
                    return self._add(limited, digest, address)
                return _write(limited, folder / f"index-{uuid4().hex}")

    def fetch_deb(self, sources: Sequence[ArchiveSource], deb: DebFile) -> Path:
        """Return a package file, checked.

        Raises:
            IndexUnreachable, StorageFull
            DependenciesFailed: the mirror has another file, or none any more.
        """
        with self.cache.only_once(deb.sha256):
            path = self.cache.find(_KIND, deb.sha256)
            if path is not None:
                return path
            source = next(one for one in sources if deb.address.startswith(one.address))
            url = source.upstream + quote(deb.address.removeprefix(source.address), safe="/~:")
            with self._client().open_if_there(url) as chunks:
                if chunks is None:
                    raise DependenciesFailed(
                        f"the mirror of Debian packages has no {deb.file} any more.",
                        hint="Upload again in some minutes: mirrors are renewed file by file.",
                    )
                limited = _limited(chunks, deb.size_bytes, deb.address)
                return self._add(limited, deb.sha256, deb.address)

    def _add(self, chunks: Iterator[bytes], sha256: str, address: str) -> Path:
        try:
            return self.cache.add(_KIND, chunks, sha256=sha256)
        except (DigestMismatch, TooLarge) as error:
            raise DependenciesFailed(
                f"{address} is not the file that the archive's signed index names.",
                hint="Upload again; if it happens again, ask your operator about the mirror.",
            ) from error

    def _client(self) -> Upstream:
        with self._lock:
            if self._upstream is None:
                proxy = self.sources.proxy or self.debian.find_proxy()
                self._upstream = Upstream(replace(self.sources, proxy=proxy))
            return self._upstream


def _find_below(sources: Sequence[ArchiveSource], address: str) -> str | None:
    """Return the platform's address of a file below ``dists/SUITE/`` of a source, if it is one."""
    for source in sources:
        folder = f"{source.address}dists/{source.suite}/"
        path = address.removeprefix(folder)
        if path != address and _PATH.fullmatch(path) and not {".", ".."} & set(path.split("/")):
            return f"{source.upstream}dists/{source.suite}/{quote(path, safe='/~:@=+')}"
    return None


def _limited(chunks: Iterator[bytes], limit_bytes: int, address: str) -> Iterator[bytes]:
    size_bytes = 0
    for chunk in chunks:
        size_bytes += len(chunk)
        if size_bytes > limit_bytes:
            raise TooLarge(f"{address} is larger than {format_bytes(limit_bytes)}")
        yield chunk


def _write(chunks: Iterator[bytes], path: Path) -> Path:
    with translated_faults(), path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
    return path
