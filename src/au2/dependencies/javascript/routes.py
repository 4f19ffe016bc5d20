"""Gateway routes of JavaScript's build container: the packages of the lock file, no others."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from au2.dependencies.gateway.bodies import Body
from au2.dependencies.gateway.server import ADDRESS, GatewayResponse
from au2.dependencies.javascript.npm_registry import NpmRegistry, archive_name
from au2.dependencies.received_tree import ReceivedTree
from au2.domain.errors import Au2Error
from au2.package.javascript import LockedModule

PREFIX = "/npm"
_PATH = re.compile(r"/npm/((?:@[^/@]+/)?[^/@]+)(?:/-/([^/]+\.tgz))?")


@dataclass
class JavaScriptRoutes:
    """:class:`~au2.dependencies.gateway.server.Routes` for one lock file.

    ``log`` takes lines for people.
    """

    registry: NpmRegistry
    log: Callable[[str], None]
    modules: tuple[LockedModule, ...]
    tree: ReceivedTree
    installed_before: Mapping[LockedModule, str] = field(default_factory=dict)
    """SHA-256 (hexadecimal) of archives that were installed before, which must be the same."""
    served: dict[LockedModule, str] = field(default_factory=dict)
    """SHA-256 of every archive that was served."""
    trouble: Au2Error | None = None
    """Error that kept the gateway from serving a request."""
    _lock: Lock = field(default_factory=Lock)

    def get(self, path: str) -> GatewayResponse | None:
        """See :class:`~au2.dependencies.gateway.server.Routes`."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        named = [module for module in self.modules if module.name == found[1]]
        if not named:
            return None
        if found[2] is None:
            return GatewayResponse(_describe(named), "application/json")
        module = next((module for module in named if archive_name(module) == found[2]), None)
        if module is None:
            return None
        with self._noted():
            before = self.installed_before.get(module)
            file, sha256 = self.registry.fetch(module, self.log, sha256=before)
        with self._lock:
            self.served[module] = sha256
        return GatewayResponse(file)

    def put(self, path: str, body: Body) -> bool:
        """See :class:`~au2.dependencies.gateway.server.Routes`."""
        if path != "/tree":
            return False
        with self._noted():
            self.tree.receive(body)
        return True

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except Au2Error as error:
            self.trouble = error
            raise


def archive_url(module: LockedModule) -> str:
    """Return the address of a package's archive at the gateway."""
    return f"{ADDRESS}{PREFIX}/{module.name}/-/{archive_name(module)}"


def _describe(modules: list[LockedModule]) -> bytes:
    """Return a registry's document about one package."""
    versions = {
        module.version: {
            "name": module.name,
            "version": module.version,
            "dist": {"tarball": archive_url(module)}
            | ({"integrity": module.integrity} if module.integrity else {}),
        }
        for module in modules
    }
    latest = modules[-1].version
    document = {"name": modules[0].name, "dist-tags": {"latest": latest}, "versions": versions}
    return json.dumps(document).encode()
