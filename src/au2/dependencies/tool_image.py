"""Images of build containers: a runtime with an installer on top, without any package."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from au2.domain.container_contract import USER_ID
from au2.domain.errors import BlobMissing
from au2.oci.spec.image import AddedLayer, ConfigChanges, append_layers
from au2.oci.tar.writer import MODIFIED_AT, LayerEntry, directory_entry, file_entry, with_parents
from au2.stores.content.images import load_image, save_image, save_layer
from au2.stores.content.protocol import IngesterProvider

BUILD_DIRECTORY = "/opt/au2/build"
DRIVERS = Path(__file__).parent / "drivers"
"""Programs that a runtime's own interpreter runs."""


class ToolImages:
    """Tool images by runtime, each built once. Safe for threads.

    Args:
        blobs: content store of the images.
        make_tool: returns the tool's files; called once, before the first image.
        folders: absolute paths of the folders that the build's user may write.
    """

    def __init__(
        self,
        blobs: IngesterProvider,
        make_tool: Callable[[], list[LayerEntry]],
        folders: tuple[str, ...],
    ) -> None:
        self._blobs = blobs
        self._make_tool = make_tool
        self._folders = folders
        self._lock = Lock()
        self._layer: AddedLayer | None = None
        self._made: dict[str, str] = {}

    def ensure(self, runtime_digest: str) -> str:
        """Return the manifest digest of the tool image on this runtime.

        Raises BlobMissing, StorageFull.
        """
        with self._lock:
            made = self._made.get(runtime_digest)
            # No version has the image, so garbage collection may have removed it since.
            if made is None or not self._is_there(made):
                made = self._made[runtime_digest] = self._make(runtime_digest)
            return made

    def _is_there(self, digest: str) -> bool:
        try:
            image = load_image(self._blobs, digest)
        except BlobMissing:
            return False
        needed = (digest, image.manifest.config.digest, *(d.digest for d in image.manifest.layers))
        return all(self._blobs.lease(one) for one in needed)

    def _make(self, runtime_digest: str) -> str:
        if self._layer is None or not self._blobs.lease(self._layer.descriptor.digest):
            self._layer = save_layer(
                self._blobs, self._entries(), "au2 build tools", modified_at=MODIFIED_AT
            )
        runtime = load_image(self._blobs, runtime_digest)
        changes = ConfigChanges(
            environment={"HOME": BUILD_DIRECTORY, "TMPDIR": f"{BUILD_DIRECTORY}/temporary"},
            entrypoint=[],
            cmd=[],
            user=f"{USER_ID}:{USER_ID}",
            working_dir=BUILD_DIRECTORY,
        )
        manifest, config = append_layers(runtime.manifest, runtime.config, [self._layer], changes)
        return save_image(self._blobs, manifest, config)

    def _entries(self) -> list[LayerEntry]:
        folders = (BUILD_DIRECTORY, f"{BUILD_DIRECTORY}/temporary", *self._folders)
        entries = [directory_entry(path.strip("/"), owner=USER_ID) for path in folders]
        entries += self._make_tool()
        return with_parents(entries)


def tool_files(files: Mapping[str, Path]) -> list[LayerEntry]:
    """Return executable files of an image.

    Args:
        files: source by absolute path in the image.
    """
    return [
        file_entry(path.strip("/"), source.stat().st_size, partial(_open, source), executable=True)
        for path, source in files.items()
    ]


def driver_file(name: str) -> Path:
    """Return the path of a program that runs inside build containers."""
    return DRIVERS / name


def _open(path: Path) -> BinaryIO:
    return path.open("rb")
