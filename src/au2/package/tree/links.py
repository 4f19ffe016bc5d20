"""Where the links of a package lead: followed part by part, as a kernel would."""

from collections.abc import Mapping

_MOST_HOPS = 40
MOST_LINKS = 10_000


class _Astray(Exception):
    """A link that may not be."""


def find_link_errors(links: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by path, with links (path → relative target) that may lead anywhere.

    Refused: leaving the package at any step on the way, and going in circles. A link to nothing is
    harmless.
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
    """Resolves each link once, so that the work is bounded by the size of the list."""

    def __init__(self, links: Mapping[str, str]) -> None:
        self._links = links
        self._resolved: dict[str, str] = {}

    def resolve(self, path: str, hops: int) -> str:
        """Return the path that the link at ``path`` stands for, ``""`` for the package itself."""
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
