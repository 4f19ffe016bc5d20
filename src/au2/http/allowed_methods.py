"""Methods of each path, for ``Allow`` in answers of status 405 (RFC 9110, section 15.5.6).

The framework names the methods of the first route that fits the path, and most paths have a route
for each method.
"""

from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import compile_path


class AllowedMethods:
    """Table of paths with their methods."""

    def __init__(self, routers: Iterable[tuple[str, APIRouter]]) -> None:
        """Read the routes of routers, each with the prefix that it is served below."""
        self._table = [
            (compile_path(prefix + route.path)[0], frozenset(route.methods or ()))
            for prefix, router in routers
            for route in router.routes
            if isinstance(route, APIRoute)
        ]

    def of(self, path: str) -> str:
        """Return the methods of a path, as ``Allow`` lists them; empty for an unknown path."""
        found = {method for fits, methods in self._table if fits.match(path) for method in methods}
        return ", ".join(sorted(found))
