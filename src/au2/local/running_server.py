"""Data directory of the server on a port of this machine.

A server leaves a link to its data directory in its run directory, writable by root only. The
directory's own modes decide who may read the directory, as always.
"""

import json
from pathlib import Path
from urllib.parse import urlsplit

RUN_DIRECTORIES = Path("/run/au2")
_LINK = "data"
SERVER_FILE = "server.json"
"""In the data directory of a server that runs: where it listens."""


def link_data_directory(run_directory: Path, data_directory: Path) -> None:
    """Leave the link for :func:`find_data_directory`. May be repeated."""
    run_directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    new = run_directory / f".{_LINK}"
    new.unlink(missing_ok=True)
    new.symlink_to(data_directory, target_is_directory=True)
    new.replace(run_directory / _LINK)


def find_data_directory(port: int, run_directories: Path = RUN_DIRECTORIES) -> Path | None:
    """Return the data directory of the server on ``port``; None: none is there, or none for us."""
    found = []
    for link in run_directories.glob(f"*/{_LINK}"):
        try:
            document = json.loads((link / SERVER_FILE).read_text(encoding="utf-8"))
            if urlsplit(document["url"]).port == port:
                found.append((document["started_at"], link.readlink()))
        except (OSError, ValueError, TypeError, KeyError):
            continue  # Stopped, not ours to read, or written by a version that is not this one.
    # A killed server leaves its file; the present server on the port started later.
    return max(found)[1] if found else None
