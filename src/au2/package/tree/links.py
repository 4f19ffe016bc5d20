"""Targets of a package's links, resolved part by part as in the kernel."""

from collections.abc import Mapping

_MOST_HOPS = 40
MOST_LINKS = 10_000


class _Astray(Exception):
    """A refused link."""


def find_link_errors(links: Mapping[str, str]) -> dict[str, str]:
    """Return the errors, by path, of links (path → relative target) with any targets.

    Refused: leaving the package at any step, and cycles. A link to nothing is harmless.
    """
    resolver = _Resolver(links)
    mistakes = {}
    for path in links:
        try:
            resolver.resolve(path, 1)
        except _Astray as astray:
            mistakes[path] = str(astray)
    return mistakes


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
