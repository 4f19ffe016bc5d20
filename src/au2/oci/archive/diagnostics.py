"""Saying what came in place of an image archive, and what to do about it."""

from collections.abc import Collection

from au2.domain.errors import InvalidImage
from au2.oci.archive.powershell import is_text_of_archive, through_powershell
from au2.oci.archive.sniff import sniff
from au2.oci.tar.header import BLOCK_BYTES, parse_header
from au2.oci.tar.paths import shown

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
    """Whether a first block is that of a tar archive; an empty one has only its end mark."""
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
    """Raise InvalidImage unless the first (uncompressed) block is that of a tar archive."""
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
    """Whether these first parts of paths are those of a root file system, not of an image."""
    names = set(top_names)
    return _CONTAINER_MARK in names or len(names & _ROOT_NAMES) >= _ENOUGH_ROOT_NAMES


def root_file_system() -> InvalidImage:
    """Return the complaint about what ``docker export`` writes."""
    return InvalidImage(
        "this is not an image archive but a root file system, as `docker export` writes it: "
        "it does not say what to run",
        hint="Use `docker save IMAGE`; of a container, make an image with `docker commit` first.",
    )


def no_image(top_names: Collection[str]) -> InvalidImage:
    """Return the complaint about an archive that has no list of images, by what is in it."""
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
    """Return the error with what to do about a damaged archive, unless it says already."""
    if error.hint is None:
        error.hint = (
            "The archive is not as its tool writes it: see what `docker save` printed, and try "
            "again."
        )
    return error
