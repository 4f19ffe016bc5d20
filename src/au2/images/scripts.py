"""Shell scripts: which shell runs each; of those with Windows' marks, a normalised copy runs."""

import io
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from au2.oci.tar.writer import LayerEntry, file_entry
from au2.package.tree.entries import PackageEntry

LARGEST_BYTES = 16 << 20
"""A larger script is taken as it is; it is data with a few commands before it."""
DEFAULT_SHELL = "sh"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FIRST_LINE = re.compile(
    rb"#![ \t]*((?:/[\w./-]*/env[ \t]+(?:-S[ \t]+)?)?(?:/[\w./-]*/)?"
    rb"(?:sh|ash|bash|dash|ksh|mksh|yash|zsh)(?:[ \t]+-[a-zA-Z]+(?:[ \t]+pipefail)?)*)"
    rb"[ \t]*(?:\n|$)"
)
"""A first line that names a shell and options, and nothing that a shell would take apart."""


@dataclass(frozen=True, slots=True)
class RunnableScript:
    """The runnable form of a script."""

    path: str
    copy: bytes | None = None
    """Content of the normalised copy at ``path``; None where the script itself is fit to run."""
    shell: str = DEFAULT_SHELL
    """What runs it, as its first line says. Words without quotes."""


def make_runnable(
    script: PackageEntry, read: Callable[[PackageEntry], bytes], taken: Collection[str]
) -> RunnableScript:
    """Return the runnable form of ``script``; ``$0`` names its folder either way.

    Args:
        script: a file of the package.
        read: returns its content.
        taken: paths of the package, which a copy must not replace.
    """
    if script.size_bytes > LARGEST_BYTES:
        return RunnableScript(script.path)
    content = read(script)
    normalised = content.removeprefix(_BYTE_ORDER_MARK).replace(b"\r\n", b"\n")
    shell = _find_shell(normalised)
    if normalised == content:
        return RunnableScript(script.path, shell=shell)
    folder, slash, name = script.path.rpartition("/")
    copy_name = f".au2.{name}"
    while f"{folder}{slash}{copy_name}" in taken:
        copy_name = f".{copy_name}"
    return RunnableScript(f"{folder}{slash}{copy_name}", normalised, shell)


def _find_shell(content: bytes) -> str:
    """Return the shell of the first line: scripts need no run bit, but may need their shell."""
    named = _FIRST_LINE.match(content)
    return named[1].decode("ascii") if named else DEFAULT_SHELL


def copy_entry(script: RunnableScript, prefix: str, owner: int) -> LayerEntry | None:
    """Return the layer entry of the copy, if there is one."""
    data = script.copy
    if data is None:
        return None
    return file_entry(f"{prefix}/{script.path}", len(data), lambda: io.BytesIO(data), owner=owner)
