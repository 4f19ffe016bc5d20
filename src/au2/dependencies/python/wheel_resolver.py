"""Resolution of requirements to wheels for the Python of a root file system.

uv chooses the versions. Its index is a gateway on this machine's loopback, so that index settings,
credentials and checks are those of :class:`PythonIndex`. No code of a package runs.
"""

import hmac
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple

import uv
from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from au2.dependencies.gateway import Body, GatewayResponse, serve
from au2.dependencies.python.index import PythonIndex
from au2.dependencies.python.index_page import ListedFile
from au2.dependencies.python.resolve_routes import PythonRoutes
from au2.dependencies.python.runtime_python import TargetPython
from au2.domain.errors import DependenciesFailed

_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_MOST_ERROR_CHARACTERS = 3000
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR")
UV_ENVIRONMENT = {
    "NO_COLOR": "1",
    "UV_HTTP_RETRIES": "0",
    "UV_HTTP_TIMEOUT": "1200",
    "UV_NO_CONFIG": "1",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
}
"""Settings of every uv: nothing but the gateway and its own arguments counts."""


class FetchedWheel(NamedTuple):
    """A wheel on this machine, checked."""

    filename: str
    """Its own name; the file on this machine may have another."""
    path: Path
    sha256: str


class WheelResolver:
    """Resolver of requirements to fetched wheels.

    Args:
        index: client of the packages' indexes.
        python: target of the wheels.
        work: an empty folder for temporary files.
        log: takes lines for people.
    """

    def __init__(
        self, index: PythonIndex, python: TargetPython, work: Path, log: Callable[[str], None]
    ) -> None:
        self._index = index
        self._python = python
        self._work = work
        self._log = log
        self._files: dict[str, list[ListedFile]] = {}

    def resolve(self, requirements: Iterable[str]) -> Mapping[str, str]:
        """Return compatible versions by project.

        Raises:
            DependenciesFailed: no set of versions has wheels for this Python.
            IndexUnreachable: an index does not answer.
            EngineFailure: the gateway failed.
        """
        asked, pinned = self._work / "requirements.in", self._work / "requirements.txt"
        asked.write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
        routes = _LoopbackRoutes(self._index, self._log, found=self._files)
        with socket.create_server(("127.0.0.1", 0)) as listener, serve(listener, routes) as errors:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/{routes.token}"
            done = self._run_uv(asked, pinned, f"{address}/simple/")
            errors.check()
        if done.returncode != 0:
            if errors.refusal is not None:
                raise errors.refusal
            said = (done.stderr.strip() or done.stdout.strip()).replace(address, "")
            raise DependenciesFailed(said[-_MOST_ERROR_CHARACTERS:])
        found = _PINNED.findall(pinned.read_text(encoding="utf-8"))
        return {canonicalize_name(name): version for name, version in found}

    def fetch(self, pins: Mapping[str, str]) -> list[FetchedWheel]:
        """Return the best wheel of each project, sorted by name.

        Raises:
            DependenciesFailed: a file differs from the index's statement.
            IndexUnreachable, StorageFull
        """
        ranks = {tag: rank for rank, tag in enumerate(self._python.tags())}
        chosen = [self._choose(name, Version(pin), ranks) for name, pin in sorted(pins.items())]
        return [FetchedWheel(file.filename, *self._index.fetch(file, self._log)) for file in chosen]

    def _run_uv(self, asked: Path, pinned: Path, index: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        return subprocess.run(
            [
                *(uv.find_uv_bin(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
                *("--only-binary", ":all:", "--python", sys.executable),
                *("--python-version", self._python.text),
                *("--python-platform", self._python.uv_platform),
                *("--cache-dir", str(self._work / "uv"), "--output-file", str(pinned)),
                str(asked),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            # The address has a secret in it: variables are seen by this user's programs only.
            env={**kept, **UV_ENVIRONMENT, "UV_DEFAULT_INDEX": index},
        )

    def _choose(self, name: str, version: Version, ranks: Mapping[Tag, int]) -> ListedFile:
        ranked = []
        for file in self._files.get(name, []):
            if file.distribution != (name, version, True):
                continue
            _, _, build, tags = parse_wheel_filename(file.filename)
            if accepted := [ranks[tag] for tag in tags if tag in ranks]:
                number = build[0] if build else -1
                ranked.append(((bool(file.yanked), min(accepted), -number, file.filename), file))
        if not ranked:
            raise DependenciesFailed(f"{name} {version} has no wheel for this Python.")
        return min(ranked)[1]


@dataclass
class _LoopbackRoutes(PythonRoutes):
    """The whole index, below a secret path: other users of this machine reach the port too."""

    files_path: ClassVar[str] = "../../files"
    token: str = field(default_factory=secrets.token_urlsafe)

    def get(self, path: str) -> GatewayResponse | None:
        """See :class:`~au2.dependencies.gateway.Routes`."""
        token, _, rest = path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        return super().get(f"/{rest}")

    def put(self, path: str, body: Body) -> bool:
        """Accept no upload."""
        return False
