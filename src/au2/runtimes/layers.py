"""Layers of one recipe, their packages, and a cache shared by several data directories."""

import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from au2.domain.errors import Au2Error, DigestMismatch
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.image import AddedLayer
from au2.oci.spec.manifest import Descriptor
from au2.oci.streams import CHUNK_BYTES
from au2.stores.content.protocol import IngesterProvider

PYTHON = "python"
"""Kind of packages that are wheels."""
_INDEX = "runtime.json"
_MOST_INDEX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A package of the distribution or of a language."""

    name: str
    version: str
    architecture: str
    """Of a Debian package; of a Python package, the tags of its wheel."""
    sha256: str
    """Digest of the package's archive; empty: unknown."""
    kind: str = "debian"


def parse_packages(text: str) -> tuple[InstalledPackage, ...]:
    """Return the packages in the output of ``apt-cache show``, sorted by name."""
    found = set()
    for stanza in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " "
        )
        if "Package" in fields:
            found.add(
                InstalledPackage(
                    fields["Package"],
                    fields.get("Version", ""),
                    fields.get("Architecture", ""),
                    fields.get("SHA256", ""),
                )
            )
    return tuple(sorted(found, key=lambda package: (package.name, package.version)))


@dataclass(frozen=True, slots=True)
class RuntimeLayer:
    """A layer in the content store, uncompressed: its digest is its diff ID."""

    digest: str
    size_bytes: int
    created_by: str

    def to_added(self) -> AddedLayer:
        """Return the layer for an image."""
        descriptor = Descriptor(media_types.LAYER_TAR, self.digest, self.size_bytes)
        return AddedLayer(descriptor, self.digest, self.created_by)


@dataclass(frozen=True, slots=True)
class RuntimeLayers:
    """The layers of a recipe without those of its base, lowest first."""

    layers: tuple[RuntimeLayer, ...]
    packages: tuple[InstalledPackage, ...] = ()
    config: str = ""
    """Configuration of the recipe's source image, as JSON; empty: it has none."""


class RuntimeCache:
    """A folder with one entry per key. Damaged entries count as missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str, blobs: IngesterProvider) -> RuntimeLayers | None:
        """Return an entry, its layers verified and stored in ``blobs``; None: there is none."""
        entry = self._folder / _file_name(key)
        part = _read_index(entry / _INDEX, key)
        if part is None:
            return None
        try:
            for number, layer in enumerate(part.layers):
                if not blobs.lease(layer.digest):
                    _copy_in(entry / _layer_name(number), layer, blobs)
        except (OSError, DigestMismatch):
            return None
        return part

    def keep(self, key: str, part: RuntimeLayers, blobs: IngesterProvider) -> None:
        """Add an entry, whole or not at all; an unwritable cache is no error."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            entry = Path(tempfile.mkdtemp(prefix=".incoming-", dir=self._folder))
            try:
                _write_entry(entry, key, part, blobs)
                self._replace(entry, self._folder / _file_name(key))
            finally:
                shutil.rmtree(entry, ignore_errors=True)

    def _replace(self, entry: Path, target: Path) -> None:
        try:
            entry.rename(target)
        except OSError:
            # There is an entry: damaged, outdated, or an equal one of another process.
            shutil.rmtree(target, ignore_errors=True)
            entry.rename(target)


def _file_name(key: str) -> str:
    return sha256_of(key.encode()).removeprefix("sha256:")[:32]


def _layer_name(number: int) -> str:
    return f"layer-{number}.tar"


def _write_entry(entry: Path, key: str, part: RuntimeLayers, blobs: IngesterProvider) -> None:
    for number, layer in enumerate(part.layers):
        with blobs.open(layer.digest) as source, (entry / _layer_name(number)).open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK_BYTES)
            target.flush()
            os.fsync(target.fileno())
    document = {"key": key, **asdict(part)}
    (entry / _INDEX).write_text(json.dumps(document, sort_keys=True), encoding="utf-8")
    entry.chmod(0o755)


def _read_index(path: Path, key: str) -> RuntimeLayers | None:
    try:
        if path.stat().st_size > _MOST_INDEX_BYTES:
            return None
        document: dict[str, Any] = json.loads(path.read_bytes())
        if document["key"] != key:
            return None
        return RuntimeLayers(
            layers=tuple(RuntimeLayer(**layer) for layer in document["layers"]),
            packages=tuple(InstalledPackage(**package) for package in document["packages"]),
            config=document["config"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _copy_in(path: Path, layer: RuntimeLayer, blobs: IngesterProvider) -> None:
    digest, size_bytes = layer.digest, layer.size_bytes
    try:
        with path.open("rb") as file, blobs.writer(digest=digest, size_bytes=size_bytes) as writer:
            shutil.copyfileobj(file, writer, CHUNK_BYTES)
            writer.commit()
    except Au2Error as error:
        if error.code == "storage-full":
            raise
        raise DigestMismatch(f"{path} is damaged") from error
