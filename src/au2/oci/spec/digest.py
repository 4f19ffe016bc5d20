"""Digests of blobs, and a reader with verification.

The check is part of the stream, so no reader can forget the check. Content is stored by SHA-256
only: every tool writes SHA-256, and one name per content keeps storage without doubles. A SHA-512
digest is an *alias*, which a repository of the registry knows besides: code below the registry
takes :func:`parse_digest`, so no alias gets there.
"""

import hashlib
import io
import re

from au2.domain.errors import Au2Error, DigestMismatch, InvalidRequest
from au2.oci.streams import Readable

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ALIAS = re.compile(r"sha512:[0-9a-f]{128}")


def sha256_of(data: bytes) -> str:
    """Return the digest of ``data``: ``sha256:`` and 64 lower-case hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha512_of(data: bytes) -> str:
    """Return the alias of ``data``: ``sha512:`` and 128 lower-case hexadecimal digits."""
    return "sha512:" + hashlib.sha512(data).hexdigest()


def parse_digest(text: object, *, error: type[Au2Error] = InvalidRequest) -> str:
    """Return ``text`` if a valid SHA-256 digest; raises ``error``."""
    if isinstance(text, str) and _DIGEST.fullmatch(text):
        return text
    raise error(
        f"{_shorten(text)} is not a digest of the form sha256:<64 lower-case hexadecimal digits>"
    )


def parse_any_digest(text: object, *, error: type[Au2Error] = InvalidRequest) -> str:
    """Return ``text`` if a valid SHA-256 or SHA-512 digest; raises ``error``."""
    if isinstance(text, str) and (_DIGEST.fullmatch(text) or _ALIAS.fullmatch(text)):
        return text
    raise error(
        f"{_shorten(text)} is not a digest of the form sha256:<64 lower-case hexadecimal digits> "
        "or sha512:<128 lower-case hexadecimal digits>"
    )


def is_alias(digest: str) -> bool:
    """Whether a valid digest is an alias (SHA-512)."""
    return digest.startswith("sha512:")


def _shorten(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= 100 else shown[:100] + "…"


def hexadecimal(digest: str) -> str:
    """Return the digits of a digest, without the algorithm."""
    return digest.removeprefix("sha256:")


class VerifyingReader(io.BufferedIOBase):
    """Reader of ``file``, with DigestMismatch in place of the end of other content than stated.

    With ``size_bytes`` the check comes with the last byte, so a caller with just as many bytes to
    read is protected too, and a longer stream is not read further. Closes ``file``, if closable.
    """

    def __init__(self, file: Readable, digest: str, size_bytes: int | None = None) -> None:
        super().__init__()
        self._file = file
        self._digest = parse_digest(digest)
        self._size_bytes = size_bytes
        self._hash = hashlib.sha256()
        self._seen_bytes = 0
        self._verified = False
        self._failure: str | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes; raises DigestMismatch instead of an untrue end."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        if self._verified or size == 0:
            return b""
        if self._size_bytes is not None:
            size = max(min(size, self._size_bytes - self._seen_bytes), 1)
        data = self._file.read(size)
        self._hash.update(data)
        self._seen_bytes += len(data)
        if not data or self._seen_bytes == self._size_bytes or self._failure:
            self._verify()
        return data

    def read1(self, size: int = -1, /) -> bytes:
        """Read once from below."""
        return self.read(1 << 18 if size < 0 else size)

    def close(self) -> None:
        """Close the stream below."""
        if not self.closed:
            close = getattr(self._file, "close", None)
            if close is not None:
                close()
        super().close()

    def _verify(self) -> None:
        """Verify the content; a failure is remembered, so reading on cannot get past it."""
        self._failure = self._failure or self._find_failure()
        if self._failure is not None:
            raise DigestMismatch(f"{self._digest}: {self._failure}")
        self._verified = True

    def _find_failure(self) -> str | None:
        stated, seen = self._size_bytes, self._seen_bytes
        if stated is not None:
            if seen < stated:
                return f"it ends after {seen} of the stated {stated} bytes"
            if seen > stated or self._file.read(1):
                return f"it has more than the stated {stated} bytes"
        found = "sha256:" + self._hash.hexdigest()
        return None if found == self._digest else f"the bytes have the digest {found}"
