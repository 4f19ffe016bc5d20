"""Contents of a package upload: the file list, its missing contents, and their receiver."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from au2.domain.accounts.context import Context
from au2.domain.errors import Detail, InvalidPackage, InvalidRequest, StorageFull, TooLarge
from au2.domain.wording import format_bytes_apart
from au2.package.tree.entries import PackageEntry
from au2.package.tree.paths import MOST_ERRORS, PackageLimits, validate_paths
from au2.stores.content.protocol import BlobWriter, IngesterProvider, Provider
from au2.stores.database.content import uploads
from au2.stores.database.database import Database
from au2.wire.upload import HEADER_BYTES, ContentHeader, parse_header

_SMALL_BYTES = 64 << 10
"""Contents up to here are gathered and flushed to disk together."""


class ContentsReceiver:
    """Receiver of one request's body, used by one thread at a time.

    A context manager: at the end whole contents are kept and the rest is dropped.
    """

    def __init__(
        self,
        blobs: IngesterProvider,
        expected: Mapping[str, int],
        *,
        missing: Collection[str],
        renew: Callable[[], None],
        note_stored: Callable[[Mapping[str, int]], None],
        note_full: Callable[[frozenset[str]], None],
    ) -> None:
        """Begin.

        Args:
            blobs: content store.
            expected: size in bytes by sha256 (hexadecimal) of all contents of the file list.
            missing: wanted contents among them; others are skipped.
            renew: prolongs the upload's lease when due; called often, raises LeaseLost.
            note_stored: called with contents that are durable now, size in bytes by sha256.
            note_full: called on a full disk with the contents added to the store by this request.
        """
        self._blobs = blobs
        self._expected = expected
        self._missing = frozenset(missing)
        self._renew = renew
        self._note_stored = note_stored
        self._note_full = note_full
        self._frames = FrameParser()
        self._sha256 = ""
        self._small: bytearray | None = None
        self._large: BlobWriter | None = None
        self._large_scope = ExitStack()
        self._gather: Callable[[str, bytes], None] | None = None
        self._gather_scope = ExitStack()
        self._stored: set[str] = set()
        self._unnoted: dict[str, int] = {}
        self._new: set[str] = set()
        """Stored contents that were new to the store."""
        self.received_bytes = 0

    def __enter__(self) -> Self:
        """Ready to be fed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Keep whole contents, drop the rest. Idempotent."""
        self._large_scope.close()
        self._guarded(self._flush)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            InvalidRequest: a content is missing in the file list, or has another size there.
            DigestMismatch: a content has another digest than announced.
            LeaseLost: the upload was closed meanwhile.
            StorageFull: the disk is full; the upload's job says so.
        """
        self._renew()
        self._guarded(lambda: self._take(data))
        self.received_bytes += len(data)

    def finish(self) -> frozenset[str]:
        """End the body: make all contents durable, and return those new to the store.

        Raises:
            InvalidRequest: the body ended inside a content; whole contents were kept.
            StorageFull: the disk is full; the upload's job says so.
        """
        self._guarded(self._flush)
        if not self._frames.is_between:
            raise InvalidRequest(
                "The request ended in the middle of a content.",
                hint="Send the missing contents again.",
            )
        return frozenset(self._new)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except StorageFull as error:
            self._large_scope.close()
            self._gather = None
            # Leaving the batch with the error drops what waits in it.
            self._gather_scope.__exit__(type(error), error, error.__traceback__)
            self._note_full(frozenset(self._new))
            raise

    def _take(self, data: bytes) -> None:
        for event in self._frames.feed(data):
            match event:
                case ContentHeader():
                    self._begin(event)
                case memoryview():
                    self._add(event)
                case None:
                    self._end()

    def _begin(self, header: ContentHeader) -> None:
        size_bytes = self._expected.get(header.sha256)
        if size_bytes is None:
            raise InvalidRequest(f"The content {header.sha256} is not in the file list.")
        if size_bytes != header.size_bytes:
            raise InvalidRequest(
                f"The content {header.sha256} has {size_bytes} bytes in the file list, "
                f"but {header.size_bytes} bytes were announced."
            )
        self._sha256 = header.sha256
        digest = f"sha256:{header.sha256}"
        if header.sha256 in self._stored or header.sha256 not in self._missing:
            return  # It is there already: read past it.
        # Stored again even if another organization has sent it: only who sends it has it.
        if not self._blobs.lease(digest):
            self._new.add(header.sha256)
        if size_bytes <= _SMALL_BYTES:
            self._small = bytearray()
        else:
            self._large = self._large_scope.enter_context(
                self._blobs.writer(digest=digest, size_bytes=size_bytes)
            )

    def _add(self, piece: memoryview) -> None:
        if self._large is not None:
            self._large.write(piece)
        elif self._small is not None:
            self._small += piece

    def _end(self) -> None:
        if self._large is not None:
            self._large.commit()
            self._large = None
            self._large_scope.close()
            self._note()
        elif self._small is not None:
            content, self._small = bytes(self._small), None
            if self._gather is None:
                self._gather = self._gather_scope.enter_context(self._blobs.batch())
            self._gather(f"sha256:{self._sha256}", content)
            self._note()

    def _note(self) -> None:
        self._stored.add(self._sha256)
        self._unnoted[self._sha256] = self._expected[self._sha256]

    def _flush(self) -> None:
        self._gather = None
        self._gather_scope.close()
        unnoted, self._unnoted = self._unnoted, {}
        if unnoted:
            self._note_stored(unnoted)


FrameEvent = ContentHeader | memoryview | None
"""A complete header, bytes of the current content, or None: the current content is whole."""


@dataclass(slots=True)
class FrameParser:
    """Push parser of frames; holds at most the bytes of one header."""

    _header: bytearray = field(default_factory=bytearray)
    _left_bytes: int = 0

    @property
    def is_between(self) -> bool:
        """Whether the bytes so far end exactly at the end of a content."""
        return not self._header and not self._left_bytes

    def feed(self, data: bytes) -> "list[FrameEvent]":
        """Return the events of ``data``. Bytes are views: use them before ``data`` changes."""
        events: list[FrameEvent] = []
        rest = memoryview(data)
        while rest:
            if self._left_bytes:
                piece, rest = rest[: self._left_bytes], rest[self._left_bytes :]
                self._left_bytes -= len(piece)
                events.append(piece)
                if not self._left_bytes:
                    events.append(None)
                continue
            missing = HEADER_BYTES - len(self._header)
            self._header += rest[:missing]
            rest = rest[missing:]
            if len(self._header) == HEADER_BYTES:
                header = parse_header(bytes(self._header))
                self._header.clear()
                self._left_bytes = header.size_bytes
                events.append(header)
                if not header.size_bytes:
                    events.append(None)
        return events


def check_file_list(files: Sequence[PackageEntry], limits: PackageLimits) -> Mapping[str, int]:
    """Return the size of every content by its sha256, in the order of the list.

    Raises:
        TooLarge: too many files or bytes.
        InvalidPackage: with every violation.
    """
    total_bytes = sum(entry.size_bytes for entry in files)
    if len(files) > limits.files:
        raise TooLarge(f"The package has {len(files)} files; the limit is {limits.files}.")
    if total_bytes > limits.total_bytes:
        found, most = format_bytes_apart(total_bytes, limits.total_bytes)
        raise TooLarge(
            f"The package has {found}; the limit is {most}.",
            hint="Leave out what is not needed by naming it in .auignore.",
        )
    violations = validate_paths(files, limits=limits) or _find_size_violations(files)
    if violations:
        raise InvalidPackage("The file list has errors.", details=violations[: MOST_ERRORS + 1])
    return {entry.sha256: entry.size_bytes for entry in files if entry.type == "file"}


def _find_size_violations(files: Sequence[PackageEntry]) -> list[Detail]:
    """Equal contents with different sizes."""
    known: dict[str, int] = {}
    violations: list[Detail] = []
    for entry in files:
        if entry.type != "file":
            continue
        if known.setdefault(entry.sha256, entry.size_bytes) != entry.size_bytes:
            violations.append(Detail("the size is not that of the content", file=entry.path))
    return violations


def stored_contents(files: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the result of :func:`check_file_list` from a stored file list."""
    return {entry["sha256"]: entry["size_bytes"] for entry in files if entry["type"] == "file"}


def find_missing(
    database: Database, blobs: Provider, context: Context, expected: Mapping[str, int]
) -> list[str]:
    """Return the sha256 of the contents to send, in the order of the list.

    These are the contents unknown in the context of the process, and lost ones.

    Raises:
        InvalidPackage: a known content has another size than the list states.
    """
    with database.read() as transaction:
        sent = uploads.find_contents(transaction, context, expected)
    if any(sent.get(sha256, size_bytes) != size_bytes for sha256, size_bytes in expected.items()):
        raise InvalidPackage("The file list states a size that is not that of the content.")
    return [
        sha256 for sha256 in expected if sha256 not in sent or not blobs.lease(f"sha256:{sha256}")
    ]
