"""Shell scripts with Windows line ends: a normalised copy beside each is what runs."""

import io
from collections.abc import Callable, Collection
from dataclasses import dataclass

from au2.oci.tar import LayerEntry, file_entry
from au2.package.entries import PackageEntry

LARGEST_BYTES = 16 << 20
"""A larger script is taken as it is; it is data with a few commands before it."""


@dataclass(frozen=True, slots=True)
class RunnableScript:
    """What to run for a script."""

    path: str
    copy: bytes | None = None
    """Content of the normalised copy at ``path``; None where the script itself is fit to run."""


def make_runnable(
    script: PackageEntry, read: Callable[[PackageEntry], bytes], taken: Collection[str]
) -> RunnableScript:
    """Return what to run for ``script``, whose folder ``$0`` names either way.

    Args:
        script: a file of the package.
        read: gives its content.
        taken: paths of the package, which a copy must not replace.
    """
    if script.size_bytes > LARGEST_BYTES:
        return RunnableScript(script.path)
    content = read(script)
    if b"\r\n" not in content:
        return RunnableScript(script.path)
    folder, slash, name = script.path.rpartition("/")
    copy_name = f".au2.{name}"
    while f"{folder}{slash}{copy_name}" in taken:
        copy_name = f".{copy_name}"
    return RunnableScript(f"{folder}{slash}{copy_name}", content.replace(b"\r\n", b"\n"))


def copy_entry(script: RunnableScript, prefix: str, owner: int) -> LayerEntry | None:
    """Return the layer entry of the copy, if there is one."""
    data = script.copy
    if data is None:
        return None
    return file_entry(f"{prefix}/{script.path}", len(data), lambda: io.BytesIO(data), owner=owner)
