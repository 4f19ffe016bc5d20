"""The launcher as a layer: the same for every package, so it is stored once."""

import io
import shlex
from dataclasses import dataclass
from pathlib import Path

from au2.domain.language import Language
from au2.oci.tar import LayerEntry, directory_entry, file_entry

LAUNCHER_VERSION = "1"
"""Grows with each change of the launcher that an engine or a dispatcher can notice."""
LAUNCHER_PATH = "/opt/au2/launch"
PACKAGE_DIRECTORY = "/package"
JOB_DIRECTORY = "/run/au2"
HOME_DIRECTORY = "/home/au2"
USER_ID = 1000
"""User and group that packaged versions run as."""

_SCRIPT = Path(__file__).parent / "launcher" / "launch.sh"

INTERPRETERS = {
    Language.PYTHON: "python3",
    Language.SHELL: "sh",
    Language.JAVASCRIPT: "node",
    Language.R: "Rscript",
}


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """What the launcher is told about a package. Paths are relative to the package."""

    language: Language
    entry_point: str
    before: str = ""
    after: str = ""
    reset_signals: str = ""
    """A command put before every other that gives SIGINT and SIGQUIT their meaning back, which
    shells take from their background processes. Empty: the runtime has none."""

    def to_bytes(self) -> bytes:
        """Return the file ``/opt/au2/entry``, which the launcher reads as shell."""
        values = {
            "interpreter": INTERPRETERS[self.language],
            "entry": _as_argument(self.entry_point),
            "before": _as_argument(self.before),
            "after": _as_argument(self.after),
            "reset_signals": self.reset_signals,
        }
        return "".join(f"{key}={shlex.quote(value)}\n" for key, value in values.items()).encode()


def plan_environment() -> dict[str, str]:
    """Return the platform's own variables, as far as they are the same for every job."""
    return {
        "AU_ARGS_FILE": f"{JOB_DIRECTORY}/args.json",
        "AU_OUTPUT_FILE": f"{JOB_DIRECTORY}/output.json",
        "AU_SCRATCH_DIR": f"{JOB_DIRECTORY}/scratch",
        "AU_STATUS_FILE": f"{JOB_DIRECTORY}/status.json",
    }


def launcher_script() -> bytes:
    """Return the launcher."""
    return _SCRIPT.read_bytes()


def launcher_layer() -> list[LayerEntry]:
    """Return the entries of the launcher's layer.

    The job's folder is there too, with empty arguments: the image alone works under `docker run`.
    """
    arguments = b"{}\n"
    return [
        directory_entry("home"),
        directory_entry(HOME_DIRECTORY.strip("/"), owner=USER_ID),
        directory_entry(PACKAGE_DIRECTORY.strip("/"), owner=USER_ID),
        directory_entry("opt"),
        directory_entry("opt/au2"),
        _content("opt/au2/launch", launcher_script(), executable=True),
        directory_entry("run"),
        directory_entry("run/au2", mode=0o777),
        directory_entry("run/au2/scratch", mode=0o777),
        _content("run/au2/args.json", arguments),
    ]


def _content(path: str, data: bytes, *, executable: bool = False) -> LayerEntry:
    return file_entry(path, len(data), lambda: io.BytesIO(data), executable=executable)


def _as_argument(path: str) -> str:
    """Keep a file whose name begins with a hyphen from being taken for an option."""
    return f"./{path}" if path.startswith("-") else path
