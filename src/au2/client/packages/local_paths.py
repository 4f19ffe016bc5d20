r"""Paths that a server may have written to this machine: more is refused than a package refuses.

What programs on this machine act on without being asked is no part of a package: the repository of
git or Mercurial, whose hooks are run. On Windows, a name may mean another drive, a device or a
stream of a file, and ``\`` climbs as ``/`` does (Microsoft, "Naming Files, Paths, and Namespaces").
"""

import os
import re
import unicodedata

_REPOSITORIES = re.compile(r"\.git|git~[0-9]+|\.hg|hg~[0-9]+|\.bzr|\.svn")
"""Also by the short names that Windows gives them (git, ``is_ntfs_dotgit``)."""
_ON_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_DEVICES = re.compile(
    "(con|prn|aux|nul|conin\\$|conout\\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])( *\\..*)?", re.DOTALL
)


def find_written_mistake(path: str, *, is_windows: bool = os.name == "nt") -> str | None:
    """Say why a path, ``/``-separated, is not to be written here; None if it may be."""
    parts = path.split("/")
    if any(map(_is_repository, parts)):
        return "it belongs to the repository of a version control system, whose hooks are run"
    if is_windows and any(map(_is_special_on_windows, parts)):
        return "it means something else than a file of this name on Windows"
    return None


def find_target_mistake(target: str, *, is_windows: bool = os.name == "nt") -> str | None:
    """Say why nothing may be linked to a relative target; None if it may be."""
    if is_windows and any(
        part not in {"", ".", ".."} and _is_special_on_windows(part) for part in target.split("/")
    ):
        return "its target means something else than a file of that name on Windows"
    return None


def _is_repository(part: str) -> bool:
    """Whether some file system may take the name for one of a repository.

    macOS passes over characters that are not seen and takes composed letters and upper case for
    the same; Windows passes over dots and spaces at the end, and what follows a colon is a stream.
    """
    seen = "".join(char for char in part if unicodedata.category(char) != "Cf")
    name = unicodedata.normalize("NFKC", seen).casefold().partition(":")[0].rstrip(". ")
    return _REPOSITORIES.fullmatch(name) is not None


def _is_special_on_windows(part: str) -> bool:
    name = part.casefold()
    ends = name.endswith((".", " "))
    return bool(ends or _ON_WINDOWS.search(name) or _DEVICES.fullmatch(name))
