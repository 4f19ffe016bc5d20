"""Dependencies of packages in local container runs, installed as on the platform."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from au2.dependencies.build_container import BuildOptions, BuildRun
from au2.dependencies.layer_cache import InstalledDependencies
from au2.dependencies.package import PackageDependencies
from au2.dependencies.sources import DebianSources, read_machine_sources
from au2.domain.processes.runtime import DependencyLayer
from au2.files.home import NO_HOME, find_home
from au2.files.output import write_output
from au2.local.engine import LocalEngine
from au2.oci.spec.digest import hexadecimal
from au2.package.description import PackageDescription
from au2.runtimes.debian import find_mirrors, find_proxy

_MOST_INDEX_BYTES = 64 << 20


def install_dependencies(
    own_environment: Mapping[str, str],
    local: LocalEngine,
    description: PackageDescription,
    runtime_digest: str,
    run: BuildRun,
) -> InstalledDependencies:
    """Install the package's dependencies and Debian packages.

    Packages come from the sources of pip, npm and apt on this machine.

    Raises:
        DependenciesFailed: with the installer's own message.
    """
    installer = PackageDependencies(
        local.engine,
        local.blobs,
        FolderLayerIndex(local.folder / "dependencies"),
        downloads=local.folder / "downloads",
        sources=read_machine_sources(own_environment, home=find_home(own_environment) or NO_HOME),
        debian=DebianSources(partial(find_mirrors, mirror=None), find_proxy),
        options=BuildOptions(cpu=float(os.cpu_count() or 1)),
    )
    return installer.ensure(description, runtime_digest, run)


@dataclass(frozen=True, slots=True)
class FolderLayerIndex:
    """A :class:`~au2.dependencies.layer_cache.LayerIndex`: a file for each layer."""

    folder: Path

    def find(self, key: str) -> DependencyLayer | None:
        """Return the layer of a key; a damaged one counts as missing."""
        try:
            with self._file(key).open("rb") as file:
                layer = DependencyLayer(**json.loads(file.read(_MOST_INDEX_BYTES)))
        except (OSError, ValueError, TypeError):
            return None
        return layer if layer.key == key else None

    def add(self, layer: DependencyLayer) -> None:
        """Store a layer, replacing the key's earlier one."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_output(self._file(layer.key), json.dumps(asdict(layer)).encode())

    def _file(self, key: str) -> Path:
        return self.folder / f"{hexadecimal(key)}.json"
