"""What a package is recognised by."""

import hashlib
import json
from collections.abc import Iterable

from au2.package.entries import PackageEntry


def digest_files(entries: Iterable[PackageEntry]) -> str:
    """Return the digest of a file list: equal for equal packages, whatever the order of the list.

    ``aunsight.yml`` is listed without its process ids, so they are no part of what is compared
    (spec section 2).
    """
    listed = sorted(
        (entry.path, entry.type, entry.executable, entry.size_bytes, entry.sha256, entry.target)
        for entry in entries
    )
    text = json.dumps(listed, ensure_ascii=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
