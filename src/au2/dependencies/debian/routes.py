"""Gateway of one installation of Debian packages: an HTTP proxy for apt, and receiver of results.

Requests before the plan come from the runtime's own programs; later ones may come from a package's.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from urllib.parse import unquote

from au2.dependencies.debian.archive import ArchiveSource, DebFile, DebianArchive, parse_sources
from au2.dependencies.debian.tree import SystemTree
from au2.dependencies.gateway import Body, GatewayResponse, read_whole
from au2.domain.errors import DependenciesFailed
from au2.domain.wording import count_of, format_bytes, format_bytes_apart

MOST_DEBS = 1_000
_SOURCES_BYTES = 256 << 10
_PLAN_BYTES = 4 << 20
_FAILURE_BYTES = 1 << 20
_NAMES_BYTES = 16 << 20
_REMOVED_BYTES = 64 << 20
_SIZE_BYTES = 20
_URI = re.compile(r"'(http://[^']{1,1000})' (\S{1,300}) ([0-9]{1,12}) SHA256:([0-9a-f]{64})")
_FILE = re.compile(r"([a-z0-9][a-z0-9+.-]+)_([^_]+)_[a-z0-9-]+\.deb")


@dataclass(slots=True)
class PlanFailure:
    """Output of apt where the request can't be met."""

    text: str = ""
    versions: str = ""
    """Output of ``apt-cache madison`` for the packages asked for."""
    names: str = ""
    """Names of all packages, one a line."""


@dataclass(slots=True)
class DebianRoutes:
    """:class:`~au2.dependencies.gateway.Routes` of one installation.

    Args:
        archive: client of the archives.
        folder: folder for files until the end of the installation.
        tree: receives the changed files.
        max_bytes: limit for all package files, and for what is installed of them.
        log: takes lines for people.
    """

    archive: DebianArchive
    folder: Path
    tree: SystemTree
    max_bytes: int
    log: Callable[[str], None]
    sources: tuple[ArchiveSource, ...] = ()
    plan: dict[str, DebFile] | None = None
    """By address; None: apt has not planned yet."""
    installed_bytes: int = 0
    """Size of the planned packages once installed, as the archive's indexes state it."""
    failure: PlanFailure = field(default_factory=PlanFailure)
    has_no_apt: bool = False
    has_tree: bool = False
    _received: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def get(self, path: str) -> GatewayResponse | None:
        """See :class:`~au2.dependencies.gateway.Routes`."""
        deb = None if self.plan is None else self.plan.get(path)
        if deb is not None:
            return GatewayResponse(self.archive.fetch_deb(self.sources, deb))
        index = self.archive.find_index(self.sources, path, self.folder)
        return None if index is None else GatewayResponse(index)

    def put(self, path: str, body: Body) -> bool:
        """See :class:`~au2.dependencies.gateway.Routes`."""
        receive = self._receivers().get(path)
        if receive is None:
            return False
        with self._lock:
            # Each is sent once: what a package's program sends later is no plan any more.
            if path in self._received:
                return False
            self._received.add(path)
        receive(body)
        return True

    def _receivers(self) -> dict[str, Callable[[Body], None]]:
        if self.plan is not None:
            return {"/removed": self._take_removed, "/tree": self._take_tree}
        return {
            "/no-apt": self._note_missing_apt,
            "/sources": self._take_sources,
            "/failure": self._take_failure,
            "/versions": self._take_versions,
            "/names": self._take_names,
            "/installed-size": self._take_installed_size,
            "/plan": self._take_plan,
        }

    def _note_missing_apt(self, body: Body) -> None:
        read_whole(body, 0)
        self.has_no_apt = True

    def _take_sources(self, body: Body) -> None:
        self.sources = parse_sources(_read_text(body, _SOURCES_BYTES), self.archive.debian)

    def _take_failure(self, body: Body) -> None:
        self.failure.text = _read_text(body, _FAILURE_BYTES)

    def _take_versions(self, body: Body) -> None:
        self.failure.versions = _read_text(body, _FAILURE_BYTES)

    def _take_names(self, body: Body) -> None:
        self.failure.names = _read_text(body, _NAMES_BYTES)

    def _take_installed_size(self, body: Body) -> None:
        text = _read_text(body, _SIZE_BYTES)
        # In KiB (Debian Policy 5.6.20). No number: the limit of the received files remains.
        self.installed_bytes = int(text) << 10 if text.isascii() and text.isdecimal() else 0

    def _take_plan(self, body: Body) -> None:
        debs = list(parse_plan(_read_text(body, _PLAN_BYTES), self.sources))
        size_bytes = sum(deb.size_bytes for deb in debs)
        if len(debs) > MOST_DEBS:
            raise DependenciesFailed(
                f"the package needs {len(debs)} Debian packages, more than {MOST_DEBS}.",
                hint="Ask for fewer, or ask your operator for a runtime that has them.",
            )
        self._check_size(size_bytes, "of Debian packages")
        self._check_size(self.installed_bytes, "for the installed Debian packages")
        amount = f", {format_bytes(size_bytes)} to fetch" if debs else ""
        if self.installed_bytes:
            amount += f", {format_bytes(self.installed_bytes)} when installed"
        self.log(f"Debian: {count_of(len(debs), 'package')}{amount}")
        self.plan = {deb.address: deb for deb in debs}

    def _check_size(self, size_bytes: int, what: str) -> None:
        if size_bytes > self.max_bytes:
            size, limit = format_bytes_apart(size_bytes, self.max_bytes)
            raise DependenciesFailed(
                f"the package needs {size} {what}, over the limit of {limit}.",
                hint="Ask for fewer, or ask your operator for more.",
            )

    def _take_removed(self, body: Body) -> None:
        data = read_whole(body, _REMOVED_BYTES)
        self.tree.remove(path for path in data.split(b"\0") if path)

    def _take_tree(self, body: Body) -> None:
        self.tree.receive(body)
        self.has_tree = True


def parse_plan(text: str, sources: Iterable[ArchiveSource]) -> Iterable[DebFile]:
    """Yield the package files in the output of ``apt-get --print-uris``.

    Raises DependenciesFailed: a file is not of the sources, or has no SHA-256.
    """
    places = tuple(source.address for source in sources)
    for line in text.splitlines():
        if not line.startswith("'"):
            continue  # A warning.
        match = _URI.fullmatch(line)
        address = "" if match is None else unquote(match[1])
        file = "" if match is None else unquote(match[2])
        named = _FILE.fullmatch(file)
        if match is None or named is None or not address.startswith(places) or ".." in address:
            raise DependenciesFailed(
                f"the runtime's apt plans a file that can't be fetched safely: {line[:300]}",
                hint="Ask your operator about the runtime's package sources.",
            )
        yield DebFile(address, named[1], named[2], file, int(match[3]), match[4])


def _read_text(body: Body, limit_bytes: int) -> str:
    return read_whole(body, limit_bytes).decode("utf-8", "replace")
