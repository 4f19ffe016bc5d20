"""Walk through a package's folder from the top down, without ignored entries."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from au2.package import names, template
from au2.package.ignore.rules import IgnoreRule, IgnoreRules, parse_rules
from au2.package.ignore.secret_files import find_secret

_REPOSITORY = ".git"
"""Always left out, as git itself does, at any depth."""

ReadRules = Callable[[Path, str], IgnoreRules]
"""``(file, name in messages)``; see :func:`au2.package.ignore.rules.read_rules`."""


class WalkEntry(NamedTuple):
    """An entry not ignored by any ``.auignore``."""

    entry: os.DirEntry[str]
    path: str
    """Relative to the package, ``/``-separated. May hold what no path of a package may hold."""
    is_folder: bool
    """A link to a folder is none."""
    rule: IgnoreRule | None
    """The rule that took it back."""
    secret: str | None
    """Why it is to be left out all the same; see :mod:`au2.package.ignore.secret_files`."""


class _Scope(NamedTuple):
    """A rule file, and the length in bytes of its folder's path."""

    skipped_bytes: int
    rules: IgnoreRules


_Scopes = tuple[_Scope, ...]
"""The nearest file first: the first one with a rule for an entry decides."""


def walk_package(
    root: str, read_rules: ReadRules, on_error: Callable[[str, OSError], None]
) -> Iterator[WalkEntry]:
    """Yield the entries in ``root`` not ignored by ``.auignore``; folders before their content.

    Ignored folders are not read. Without an ``.auignore`` at the top, the default rules hold;
    rule files in folders below hold there, and before the ones above, as in git.

    Args:
        root: the package's folder.
        read_rules: its errors end the walk.
        on_error: takes the path of an unreadable folder, with ``/`` at its end.
    """
    folders: list[tuple[str, _Scopes]] = [("", ())]
    while folders:
        folder, scopes = folders.pop()
        try:
            with os.scandir(f"{root}/{folder}") as listed:
                entries = list(listed)
        except OSError as error:
            on_error(folder, error)
            continue
        scopes = _with_own_rules(root, folder, entries, read_rules) + scopes
        for entry in entries:
            found = _judge(entry, f"{folder}{entry.name}", scopes)
            if found is None:
                continue
            yield found
            if found.is_folder and found.secret is None:
                folders.append((f"{found.path}/", scopes))


def _with_own_rules(
    root: str, folder: str, entries: list[os.DirEntry[str]], read_rules: ReadRules
) -> _Scopes:
    path = f"{folder}{names.IGNORE}"
    file = Path(root, path)
    if any(entry.name == names.IGNORE for entry in entries) and file.is_file():
        rules = read_rules(file, path)
    elif not folder:
        rules = parse_rules(template.default_ignore_rules().encode())
    else:
        return ()
    return (_Scope(len(os.fsencode(folder)), rules),)


def _judge(entry: os.DirEntry[str], path: str, scopes: _Scopes) -> WalkEntry | None:
    if entry.name == _REPOSITORY:
        return None
    is_folder = entry.is_dir(follow_symlinks=False)
    if not is_folder and path in names.NEVER_IGNORED:
        return WalkEntry(entry, path, is_folder, None, None)
    rule = _find_rule(path, scopes, is_folder=is_folder)
    if rule is None:
        secret = find_secret(entry.name, is_folder=is_folder, read=partial(_read_beginning, entry))
        return WalkEntry(entry, path, is_folder, None, secret)
    return WalkEntry(entry, path, is_folder, rule, None) if rule.is_negated else None


def _read_beginning(entry: os.DirEntry[str], size_bytes: int) -> bytes:
    """Return the first bytes of a regular file, empty for others and if unreadable."""
    try:
        if not entry.is_file(follow_symlinks=False):
            return b""
        with os.fdopen(open_file(entry.path), "rb") as file:
            return file.read(size_bytes)
    except OSError:
        return b""


def open_file(full_path: str) -> int:
    """Open a scanned file; return the descriptor. Never blocks, even if replaced by a FIFO."""
    # Not O_NOFOLLOW alone: a FIFO put here after the look would block without O_NONBLOCK.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(full_path, flags | getattr(os, "O_BINARY", 0))


def _find_rule(path: str, scopes: _Scopes, *, is_folder: bool) -> IgnoreRule | None:
    data = os.fsencode(path)
    for scope in scopes:
        rule = scope.rules.find(data[scope.skipped_bytes :], is_folder=is_folder)
        if rule is not None:
            return rule
    return None
