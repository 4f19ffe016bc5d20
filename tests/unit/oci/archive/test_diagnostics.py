"""What is named that is no archive, and what is never said: its content."""

import io
import sys
from pathlib import Path

import pytest

from au2.domain.errors import InvalidImage
from au2.oci.archive.diagnostics import sniff
from au2.oci.archive.reader import read_archive


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"", "nothing (0 bytes)"),
        (Path(sys.executable).resolve().read_bytes()[:512], "an ELF program"),
        (b"#!/bin/sh\n", "a script"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"PASSWORD=secret\n", "text"),
        (("ü" * 300).encode()[:511], "text"),
        (b' {"a": 1}', "a JSON document"),
        (b"<!DOCTYPE html>", "a web page"),
        (bytes(512), "zero bytes"),
        (b"BZh9", "something compressed with bzip2"),
        (bytes(range(256)), "unknown data"),
    ],
)
def test_kinds(start: bytes, kind: str) -> None:
    assert sniff(start) == kind


class Endless(io.RawIOBase):
    """As /dev/zero, but it knows how much was read."""

    given_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        self.given_bytes += size
        assert self.given_bytes < 16 << 20
        return bytes(size)


def test_endless_zeros_are_refused_after_the_first_blocks() -> None:
    with pytest.raises(InvalidImage, match="an empty archive"):
        read_archive(Endless(), lambda _: None)
