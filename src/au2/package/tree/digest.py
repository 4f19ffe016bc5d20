"""Digest of a package."""

import hashlib
import json
from collections.abc import Iterable

from au2.package.tree.entries import PackageEntry
from au2.package.tree.modes import is_ordinary, mode_of


def digest_files(entries: Iterable[PackageEntry]) -> str:
    """Return the digest of a file list: equal for equal packages, in any order of the list.

    ``aunsight.yml`` is listed without its process ids, so they are not compared (spec section 2).
    Modes count where they are not ordinary, so packages without such modes keep the digests of
    versions of au2 before modes.
    """
    listed = sorted(map(_identity, entries))
    text = json.dumps(listed, ensure_ascii=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _identity(entry: PackageEntry) -> tuple[str | int, ...]:
    mode = () if is_ordinary(entry) else (f"{mode_of(entry):03o}",)
    size_bytes, content = entry.size_bytes, entry.sha256
    return (entry.path, entry.type, entry.executable, size_bytes, content, entry.target, *mode)
