"""Diagnostics for input of another kind than image archives: the kind, and a hint for the user.

No byte of the input is quoted: the input may be private, and messages are logged.
"""

from collections.abc import Collection

from au2.domain.errors import InvalidImage
from au2.oci.archive.powershell import is_text_of_archive, through_powershell
from au2.oci.decompression import Compression, find_compression
from au2.oci.tar.header import BLOCK_BYTES, parse_header
from au2.oci.tar.paths import shown

_MAGIC = (
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"#!", "a script"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"!<arch>\n", "an ar archive or a Debian package"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"070701", "a cpio archive"),
    (b"hsqs", "a squashfs file system"),
    (b"QFI\xfb", "a disk image (qcow2)"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"SQLite format 3\0", "an SQLite database"),
)

_TEXTS = {b"{": "a JSON document", b"[": "a JSON document", b"<": "a web page"}


def sniff(start: bytes) -> str:
    """Return the kind of data by its first bytes, as two or three words."""
    if not start:
        return "nothing (0 bytes)"
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    compression = find_compression(start)
    if compression is not Compression.NONE:
        return f"something compressed with {compression}"
    if not start.strip(b"\0"):
        return "zero bytes"
    return _TEXTS.get(start.lstrip()[:1], "text") if _is_text(start) else "unknown data"


def _is_text(start: bytes) -> bool:
    # A character of several bytes may be cut at the end.
    text = start.decode("utf-8", errors="replace").rstrip("\ufffd")
    return bool(text) and all(char.isprintable() or char in "\t\r\n\f" for char in text)


_PIPE = "Pipe `docker save NAME` into it, or give the file that `docker save -o FILE NAME` wrote."
_EMPTY_BLOCK = bytes(BLOCK_BYTES)
_ROOT_NAMES = frozenset(
    {
        *("bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "proc"),
        *("root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"),
    }
)
_ENOUGH_ROOT_NAMES = 4
_CONTAINER_MARK = ".dockerenv"
_BUILD_FILES = frozenset({"Dockerfile", "Containerfile", ".dockerignore"})


def looks_like_tar(block: bytes) -> bool:
    """Whether a first block begins a tar archive; an empty archive has only its end mark."""
    if len(block) < BLOCK_BYTES:
        return False
    if block == _EMPTY_BLOCK:
        return True
    try:
        parse_header(block)
    except InvalidImage:
        return False
    return True


def check_start(block: bytes) -> None:
    """Raise InvalidImage unless the first (uncompressed) block begins a tar archive."""
    if not block:
        raise InvalidImage(
            "there is no image archive: nothing came in (0 bytes)",
            hint="Did `docker save` fail? See what it printed.",
        )
    if is_text_of_archive(block):
        raise through_powershell()
    if not looks_like_tar(block):
        raise InvalidImage(
            f"this is not an image archive but {sniff(block)}",
            hint=_PIPE,
        )


def is_root_file_system(top_names: Collection[str]) -> bool:
    """Whether top-level names are those of a root file system, not of an image archive."""
    names = set(top_names)
    return _CONTAINER_MARK in names or len(names & _ROOT_NAMES) >= _ENOUGH_ROOT_NAMES


def root_file_system() -> InvalidImage:
    """Return the error for an archive of ``docker export``."""
    return InvalidImage(
        "this is not an image archive but a root file system, as `docker export` writes it: "
        "it does not say what to run",
        hint="Use `docker save IMAGE`; of a container, make an image with `docker commit` first.",
    )


def no_image(top_names: Collection[str]) -> InvalidImage:
    """Return the error for an archive without a list of images, by its top-level names."""
    names = set(top_names)
    if names & _BUILD_FILES:
        return InvalidImage(
            "this is not an image archive but a folder to build an image from",
            hint="Build it first (`docker build -t NAME .`), then `docker save NAME`.",
        )
    if names & _ROOT_NAMES:
        return root_file_system()
    if not names:
        return InvalidImage("this is not an image archive but an empty archive", hint=_PIPE)
    there = ", ".join(shown(name) for name in sorted(names)[:5])
    return InvalidImage(
        "this is not an image archive: it has neither manifest.json nor index.json, "
        f"but {there}{' …' if len(names) > 5 else ''}",
        hint=_PIPE,
    )


def with_hint(error: InvalidImage) -> InvalidImage:
    """Return the error, with a hint for damaged archives if the error has none."""
    if error.hint is None:
        error.hint = (
            "The archive is damaged or incomplete: see what `docker save` printed, and try again."
        )
    return error
