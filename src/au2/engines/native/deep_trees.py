"""Removing folders that others have filled: nested deeper than any path is long, if they like."""

import errno
import os
import shutil
from pathlib import Path

from au2.engines.native.commands import run_tool

_PATIENCE_SECONDS = 3600.0


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, and of no other file system.

    Python's own function calls itself for each level and gives up at some hundreds. Raises
    EngineFailure; a folder that is not there is none.
    """
    if folder.exists():
        run_tool(
            ["rm", "-rf", "--one-file-system", "--", str(folder)],
            timeout_seconds=_PATIENCE_SECONDS,
        )


def remove_tree_in(parent: int, name: str) -> None:
    """Remove the folder ``name`` in the folder that ``parent`` is a descriptor of.

    Raises OSError, EngineFailure.
    """
    try:
        shutil.rmtree(name, dir_fd=parent)
    except (RecursionError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EMFILE:
            raise
        # What is left of it. Most layers have no such folder, and a process for each would be slow.
        remove_tree(Path(f"/proc/{os.getpid()}/fd/{parent}") / name)
