"""The launcher as a layer: equal for all packages, so stored once."""

import io
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from au2.domain.container_contract import HOME_DIRECTORY, PACKAGE_DIRECTORY, USER_ID
from au2.domain.language import Language
from au2.images import sdk
from au2.images.scripts import DEFAULT_SHELL
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.image import AddedLayer
from au2.oci.spec.manifest import Descriptor
from au2.oci.tar.writer import (
    MODIFIED_AT,
    LayerEntry,
    directory_entry,
    file_entry,
    link_entry,
    with_parents,
    write_layer,
)


def make_small_layer(entries: Iterable[LayerEntry], created_by: str) -> tuple[AddedLayer, bytes]:
    """Make an uncompressed layer in memory; return its descriptor and its bytes.

    Raises as :func:`au2.oci.tar.writer.write_layer`.
    """
    out = io.BytesIO()
    write_layer(entries, out, modified_at=MODIFIED_AT)
    data = out.getvalue()
    digest = sha256_of(data)
    return _describe(digest, len(data), created_by), data


def _describe(digest: str, size_bytes: int, created_by: str) -> AddedLayer:
    return AddedLayer(Descriptor(media_types.LAYER_TAR, digest, size_bytes), digest, created_by)


LAUNCHER_VERSION = "1"
"""Grows with each change of the launcher that an engine or a dispatcher can notice."""
LAUNCHER_PATH = "/opt/au2/launch"

_SCRIPT = Path(__file__).parent / "launcher" / "launch.sh"

INTERPRETERS = {
    Language.PYTHON: "python3",
    Language.SHELL: "sh",
    Language.JAVASCRIPT: "node",
    Language.R: "Rscript",
}
_STOP_SIGNALS = {Language.R: "INT"}
"""What is sent first where code can't catch SIGTERM: SIGINT reaches R's ``tryCatch``, ``finally``
and ``on.exit``. SIGTERM follows when half of the grace time is over."""


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """The launcher's settings for a package. Paths are relative to the package."""

    language: Language
    entry_point: str
    before: str = ""
    after: str = ""
    shell: str = DEFAULT_SHELL
    """What runs the entry point if it is a shell script."""
    before_shell: str = DEFAULT_SHELL
    after_shell: str = DEFAULT_SHELL
    reset_signals: str = ""
    """A command put before every other that gives SIGINT and SIGQUIT their meaning back, which
    shells take from their background processes. Empty: the runtime has none."""

    def to_bytes(self) -> bytes:
        """Return the file ``/opt/au2/entry``, which the launcher reads as shell."""
        is_shell = self.language is Language.SHELL
        values = {
            "interpreter": self.shell if is_shell else INTERPRETERS[self.language],
            "entry": _as_argument(self.entry_point),
            "before": _as_argument(self.before),
            "before_shell": self.before_shell,
            "after": _as_argument(self.after),
            "after_shell": self.after_shell,
            "reset_signals": self.reset_signals,
            "stop_signal": _STOP_SIGNALS.get(self.language, "TERM"),
        }
        lines = (f"au2_{key}={shlex.quote(value)}\n" for key, value in values.items())
        return "".join(lines).encode()


def launcher_script() -> bytes:
    """Return the launcher."""
    return _SCRIPT.read_bytes()


def launcher_layer() -> list[LayerEntry]:
    """Return the entries of the launcher's layer, the libraries for user code among them.

    The job's folder is there too, with empty arguments: the image alone works under `docker run`.
    """
    arguments = b"{}\n"
    entries = [
        directory_entry("home"),
        directory_entry(HOME_DIRECTORY.strip("/"), owner=USER_ID),
        directory_entry(PACKAGE_DIRECTORY.strip("/"), owner=USER_ID),
        _content(LAUNCHER_PATH.strip("/"), launcher_script(), executable=True),
        directory_entry("run"),
        directory_entry("run/au2", mode=0o777),
        directory_entry("run/au2/scratch", mode=0o777),
        _content("run/au2/args.json", arguments),
        link_entry(sdk.MODULE, f"{sdk.SDK_DIRECTORY}/{sdk.JAVASCRIPT}"),
    ]
    folder = sdk.SDK_DIRECTORY.strip("/")
    entries += [_content(f"{folder}/{path}", data) for path, data in sdk.sdk_files().items()]
    return with_parents(entries)


def _content(path: str, data: bytes, *, executable: bool = False) -> LayerEntry:
    return file_entry(path, len(data), lambda: io.BytesIO(data), executable=executable)


def _as_argument(path: str) -> str:
    """Keep a file whose name begins with a hyphen from being taken for an option."""
    return f"./{path}" if path.startswith("-") else path
