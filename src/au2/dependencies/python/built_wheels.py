"""Cache of wheels built from sdists: once per sdist, runtime and context.

Code of the sdist made the wheel, so only the context of the build gets the wheel.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from au2.dependencies.file_cache import FileCache
from au2.dependencies.gateway import Body
from au2.dependencies.installer import BuiltWheel
from au2.domain.errors import TooLarge
from au2.domain.wording import format_bytes
from au2.stores.content.protocol import IngesterProvider

_WHEEL_BYTES = 2 << 30
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class BuiltWheels:
    """Built wheels of one context on one runtime."""

    blobs: IngesterProvider
    """Content store of the wheels: a wheel in a lock must not get lost."""
    cache: FileCache
    scope: str
    """Context, runtime and tool."""

    def find(self, source_sha256: str) -> BuiltWheel | None:
        """Return the wheel built from an sdist, if any."""
        data = self.cache.read("built", self._key(source_sha256))
        if data is None:
            return None
        try:
            document: Mapping[str, str] = json.loads(data)
            wheel = BuiltWheel(**document)
        except (ValueError, TypeError):
            return None  # Another version of the platform wrote it.
        return wheel if self.blobs.lease(wheel.digest) else None

    def keep(self, file: str, body: Body, source_file: str, source_sha256: str) -> BuiltWheel:
        """Add a built wheel. Raises TooLarge, StorageFull."""
        with self.blobs.writer() as writer:
            for chunk in body:
                writer.write(chunk)
                if writer.size_bytes > _WHEEL_BYTES:
                    raise TooLarge(f"{file} is larger than {format_bytes(_WHEEL_BYTES)}")
            digest = writer.commit()
        wheel = BuiltWheel(file, digest, source_file, f"sha256:{source_sha256}")
        data = json.dumps(wheel._asdict()).encode()
        self.cache.put("built", self._key(source_sha256), data)
        return wheel

    def open(self, wheel: BuiltWheel) -> Path:
        """Return the path of a wheel. Raises BlobMissing, StorageFull."""
        digest = wheel.digest.removeprefix("sha256:")
        path = self.cache.find("files", digest)
        if path is None:
            with self.blobs.open(wheel.digest) as stream:
                chunks = iter(partial(stream.read, _CHUNK_BYTES), b"")
                path = self.cache.add("files", chunks, sha256=digest)
        return path

    def _key(self, source_sha256: str) -> str:
        return sha256(f"{self.scope} {source_sha256}".encode()).hexdigest()
