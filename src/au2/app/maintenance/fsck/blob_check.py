"""Reading every blob to see whether it is what its name says."""

from collections.abc import Callable

from au2.app.maintenance.fsck.findings import Finding
from au2.domain.errors import Au2Error, BlobMissing
from au2.oci.streams import CHUNK_BYTES
from au2.stores.content.protocol import Manager, Provider

Progress = Callable[[int], None]
"""Told the bytes that were read since it was told last."""


def check_blobs(blobs: Manager, findings: dict[str, Finding], progress: Progress) -> int:
    """Read all blobs, and add to ``findings`` (by digest) those that are damaged.

    Returns how many there were. One that is removed meanwhile is none of them.
    """
    number = 0
    for digest in blobs.list_digests():
        number += _check(blobs, digest, findings, progress)
    return number


def check_compressed(blobs: Manager, findings: dict[str, Finding], progress: Progress) -> int:
    """Read all blobs that are kept as another one, as :func:`check_blobs` reads the rest.

    Where the one that holds it is damaged itself, that is told already.
    """
    number = 0
    for digest, compressed in blobs.list_compressed():
        if compressed not in findings and blobs.find_compressed(digest) is not None:
            number += _check(blobs, digest, findings, progress)
    return number


def is_damaged(blobs: Provider, digest: str) -> bool:
    """Read a blob; whether it is there and damaged."""
    findings: dict[str, Finding] = {}
    _check(blobs, digest, findings, lambda _bytes: None)
    return bool(findings)


def _check(blobs: Provider, digest: str, findings: dict[str, Finding], progress: Progress) -> bool:
    try:
        with blobs.open(digest) as file:
            while data := file.read(CHUNK_BYTES):
                progress(len(data))
    except BlobMissing:
        return False
    except Au2Error as error:
        message = error.message.removeprefix(f"{digest}: ")
        findings[digest] = Finding(digest, f"damaged: {message}")
    except OSError as error:
        findings[digest] = Finding(digest, f"can't be read: {error.strerror or error}")
    return True
