"""Rules for paths, links and sizes of a package, on disk or in an untrusted list over the wire."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from au2.domain.errors import Detail
from au2.domain.json_value import is_encodable
from au2.domain.wording import format_bytes_apart
from au2.package.tree.entries import PackageEntry

PATH_BYTES = 1024
"""Longest path; well below ``PATH_MAX`` so that it still fits below an engine's own folders."""
NAME_BYTES = 255
"""Longest single name (``NAME_MAX`` of every Linux file system)."""
MOST_ERRORS = 100
"""Mistakes told at once; what comes after is counted only."""


class PackageLimits(NamedTuple):
    """Limits of one package. The server's come from its settings."""

    files: int = 100_000
    total_bytes: int = 10 << 30


DEFAULT_LIMITS = PackageLimits()


_RULES: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda path: not is_encodable(path), "the name is not valid UTF-8"),
    (lambda path: not path, "the name is empty"),
    (lambda path: "\0" in path, "the name holds a NUL"),
    (lambda path: path.startswith("/"), "the path is absolute"),
    (lambda path: len(path.encode()) > PATH_BYTES, f"the path is longer than {PATH_BYTES} bytes"),
)

_PART_RULES: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda part: part == "..", "the path climbs out with '..'"),
    (lambda part: part in {"", "."}, "the path is not normalised"),
    (lambda part: len(part.encode()) > NAME_BYTES, f"a name is longer than {NAME_BYTES} bytes"),
    (
        lambda part: part.startswith(".wh."),
        "names that begin with '.wh.' mean a removed file in an image",
    ),
)


def find_path_error(path: str) -> str | None:
    """Return the error in a path of a package, or None."""
    for breaks, message in _RULES:
        if breaks(path):
            return message
    parts = path.split("/")
    for breaks, message in _PART_RULES:
        if any(map(breaks, parts)):
            return message
    return None


def validate_paths(
    entries: Sequence[PackageEntry], *, limits: PackageLimits = DEFAULT_LIMITS
) -> list[Detail]:
    """Return all errors in an untrusted file list.

    Checked: number and sizes, each path by itself, duplicates, files below files or links, and
    links out of the package or in cycles. At most :data:`MOST_ERRORS` are returned.
    """
    errors = _find_size_errors(entries, limits)
    if len(entries) > limits.files:
        return errors
    kinds: dict[str, PackageEntry] = {}
    for entry in entries:
        message = find_path_error(entry.path) or _find_kind_error(entry)
        if message is None and entry.path in kinds:
            message = "the path is given twice"
        if message is not None:
            errors.append(Detail(message, file=_printable(entry.path)))
        kinds[entry.path] = entry
    if errors:
        return _cut(errors)
    links = {path: entry.target for path, entry in kinds.items() if entry.type == "link"}
    if len(links) > MOST_LINKS:
        return [Detail(f"{len(links)} links are too many: at most {MOST_LINKS}")]
    astray = find_link_errors(links)
    for path in kinds:
        message = _find_parent_error(path, kinds) or astray.get(path)
        if message is not None:
            errors.append(Detail(message, file=path))
    return _cut(errors)


def _find_size_errors(entries: Sequence[PackageEntry], limits: PackageLimits) -> list[Detail]:
    errors = []
    if len(entries) > limits.files:
        errors.append(Detail(f"{len(entries)} files are too many: at most {limits.files}"))
    total_bytes = sum(entry.size_bytes for entry in entries)
    if total_bytes > limits.total_bytes:
        found, most = format_bytes_apart(total_bytes, limits.total_bytes)
        message = f"{found} are too many: at most {most}"
        errors.append(Detail(message))
    return errors


def _find_kind_error(entry: PackageEntry) -> str | None:
    match entry.type:
        case "file":
            if entry.size_bytes < 0 or len(entry.sha256) != 64 or entry.target:
                return "a file has a size, a SHA-256 and no target"
        case "folder":
            if entry.size_bytes or entry.sha256 or entry.target or entry.executable:
                return "a folder has no content, no target and no run bit"
        case "link":
            if entry.size_bytes or entry.sha256 or entry.mode:
                return "a link has no content and no mode"
            return _find_target_error(entry.target)
        case _:
            return f"'{entry.type}' is neither file nor link nor folder"
    return None


def _find_target_error(target: str) -> str | None:
    if not is_encodable(target):
        return "the link's target is not valid UTF-8"
    if not target or "\0" in target or len(target.encode()) > PATH_BYTES:
        return "the link's target is empty, too long or holds a NUL"
    if target.startswith("/"):
        return f"the link points out of the package: '{_printable(target)}'"
    return None


def _find_parent_error(path: str, kinds: dict[str, PackageEntry]) -> str | None:
    for parent in _parents(path):
        if parent in kinds and kinds[parent].type != "folder":
            return f"it lies below '{parent}', which is a {kinds[parent].type}"
    return None


def _parents(path: str) -> Iterable[str]:
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)


def _printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()[:200].replace("\0", "\\0")


def _cut(errors: list[Detail]) -> list[Detail]:
    more = len(errors) - MOST_ERRORS
    if more <= 0:
        return errors
    return [*errors[:MOST_ERRORS], Detail(f"… and {more} more errors")]


_MOST_HOPS = 40
MOST_LINKS = 10_000


class _Astray(Exception):
    """A refused link."""


def find_link_errors(links: Mapping[str, str]) -> dict[str, str]:
    """Return the errors, by path, of links (path → relative target) with any targets.

    Refused: leaving the package at any step, and cycles. A link to nothing is harmless.
    """
    resolver = _Resolver(links)
    errors = {}
    for path in links:
        try:
            resolver.resolve(path, 1)
        except _Astray as astray:
            errors[path] = str(astray)
    return errors


class _Resolver:
    """Resolver of each link once: the work is bounded by the size of the list."""

    def __init__(self, links: Mapping[str, str]) -> None:
        self._links = links
        self._resolved: dict[str, str] = {}

    def resolve(self, path: str, hops: int) -> str:
        """Return the target path of the link at ``path``, empty for the package itself."""
        known = self._resolved.get(path)
        if known is not None:
            return known
        if hops > _MOST_HOPS:
            raise _Astray("the link goes in circles, or through more than 40 others")
        at = path.rpartition("/")[0]
        for part in self._links[path].split("/"):
            if part in {"", "."}:
                continue
            if part == "..":
                if not at:
                    raise _Astray("the link points out of the package")
                at = at.rpartition("/")[0]
                continue
            at = f"{at}/{part}" if at else part
            if at in self._links:
                at = self.resolve(at, hops + 1)
        self._resolved[path] = at
        return at
