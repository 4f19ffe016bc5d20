"""Refusing at once what can't fit on the server's disk, before it is sent."""

from au2.domain.errors import StorageFull
from au2.domain.wording import format_bytes_apart
from au2.stores.content.base import BlobStore


def ensure_room(blobs: BlobStore, noun: str, more_bytes: int) -> None:
    """Raise StorageFull if ``more_bytes`` of a ``noun`` that are to be sent can't be kept.

    Room is held for nobody: who passes may still be the last to come.
    """
    free_bytes = blobs.free_bytes()
    if more_bytes > free_bytes:
        needed, free = format_bytes_apart(more_bytes, free_bytes)
        raise StorageFull(
            f"The server's disk has no room for the {noun}: {needed} are to be sent, and {free} "
            "are free.",
            hint="Ask the server's operator for space, then give the same command again.",
        )
