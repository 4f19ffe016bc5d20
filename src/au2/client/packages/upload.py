"""Upload of a package: the list of files, then the missing contents, then the build."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from au2.client.http.transport import Transport
from au2.client.http.urls import context_query, quote_segment
from au2.domain.accounts.context import Context
from au2.domain.errors import Detail, InvalidPackage, LeaseLost, ServerUnreachable, UnexpectedAnswer
from au2.domain.network_retry import RetryBudget
from au2.package.tree.entries import PackagedFile
from au2.wire.documents import format_request, parse_record
from au2.wire.job import JobView
from au2.wire.upload import (
    CONTENTS_MEDIA_TYPE,
    HEADER_BYTES,
    ContentHeader,
    FileEntry,
    UploadComparison,
    UploadCreation,
    UploadProgress,
    UploadView,
    format_header,
)

_BLOCK_BYTES: Final = 256 << 10

Progress = Callable[[int], None]
"""Called with the number of bytes handed to the connection."""


class Content(NamedTuple):
    """A content to send, once, even if several files hold it."""

    path: str
    header: ContentHeader
    source: Path | bytes

    @property
    def framed_bytes(self) -> int:
        """Size in the body, with the header."""
        return HEADER_BYTES + self.header.size_bytes


def pick_contents(files: Sequence[PackagedFile], missing: Sequence[str]) -> list[Content]:
    """Return the contents with the digests ``missing``, in that order.

    Raises:
        UnexpectedAnswer: the server asks for a content that no file has.
    """
    by_digest = {file.sha256: file for file in files if file.type == "file"}
    try:
        found = [by_digest[digest] for digest in missing]
    except KeyError as error:
        raise UnexpectedAnswer("The server asks for a content that no file has.") from error
    return [
        Content(file.path, ContentHeader(file.sha256, file.size_bytes), file.source)
        for file in found
    ]


def make_body(contents: Sequence[Content], progress: Progress) -> Iterator[bytes]:
    """Yield the frames (``wire.contents``) in blocks, small files together in one.

    Raises:
        InvalidPackage: a file changed after it was listed.
    """
    waiting = bytearray()
    for content in contents:
        waiting += format_header(content.header)
        for block in _read_checked(content):
            waiting += block
            if len(waiting) >= _BLOCK_BYTES:
                progress(len(waiting))
                yield bytes(waiting)
                waiting.clear()
    if waiting:
        progress(len(waiting))
        yield bytes(waiting)


def _read_checked(content: Content) -> Iterator[bytes]:
    if isinstance(content.source, bytes):
        yield content.source
        return
    digest = hashlib.sha256()
    left_bytes = content.header.size_bytes
    try:
        with content.source.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                left_bytes -= len(block)
                if left_bytes < 0:
                    raise _changed(content)
                digest.update(block)
                yield block
    except OSError as error:
        raise _changed(content) from error
    if left_bytes or digest.hexdigest() != content.header.sha256:
        raise _changed(content)


def _changed(content: Content) -> InvalidPackage:
    detail = Detail("the file changed while it was being uploaded", file=content.path)
    return InvalidPackage(
        "The package changed while it was being uploaded.",
        hint="Upload again when nothing writes to it.",
        details=[detail],
    )


_ANSWER_SECONDS: Final = 600.0
"""Timeout of a response: the server stores the content first, perhaps on a slow disk."""


class UploadPlan(NamedTuple):
    """Files and options of one upload."""

    process: str | None
    """GUID of the process; None: the server looks ``name`` up."""
    name: str
    """Name of the process in the context; the server creates a missing one."""
    description: str
    runtime: str
    runtime_version: int | None
    files: Sequence[PackagedFile]
    force: bool = False
    """Create a version even if nothing has changed."""
    new: bool = False
    """Create a process of this name, even if one exists."""
    version_description: str = ""
    """The news in the version."""
    expected_process: str | None = None
    """Process that the user confirmed: GUID of the process with the name, or ``NO_PROCESS``."""

    def to_request(self) -> UploadCreation:
        """Return the request to begin the upload."""
        by_name = self.process is None
        return UploadCreation(
            process=self.process,
            name=self.name if by_name else None,
            new=self.new and by_name,
            expected_process=self.expected_process if by_name else None,
            description=self.description,
            version_description=self.version_description,
            runtime=self.runtime,
            runtime_version=self.runtime_version,
            files=[_make_entry(file) for file in self.files],
            force=self.force,
        )


def compare_package(transport: Transport, context: Context, plan: UploadPlan) -> UploadComparison:
    """Return the result that an upload would have; changes nothing."""
    return parse_record(UploadComparison, _announce(transport, "/uploads/compare", context, plan))


def begin_upload(
    transport: Transport, context: Context, plan: UploadPlan
) -> UploadView | UploadComparison:
    """Announce the files; the server creates version and job, and lists the missing contents.

    Nothing is created if the newest version was made of these files already.
    """
    document = _announce(transport, "/uploads", context, plan)
    if isinstance(document, dict) and document.get("equal_version") is not None:
        return parse_record(UploadComparison, document)
    return parse_record(UploadView, document)


def _announce(transport: Transport, path: str, context: Context, plan: UploadPlan) -> Any:
    return transport.call(
        "POST",
        path,
        query=context_query(context),
        document=format_request(plan.to_request()),
        timeout_seconds=_ANSWER_SECONDS,
    )


def send_contents(
    transport: Transport,
    session: UploadView,
    plan: UploadPlan,
    progress: Progress,
    budget: RetryBudget,
) -> JobView | None:
    """Send the missing contents; after a cut connection, go on from the server's state.

    Returns the build's job if the server completed the upload with the last content, which saves a
    request; None: :func:`complete_upload` is still to be called.

    Raises:
        InvalidPackage: a file changed after it was listed.
        LeaseLost: another upload took over.
        ServerUnreachable: for too long.
    """
    missing = session.missing
    while missing:
        before = len(missing)
        try:
            sent = _send_once(transport, session, plan, missing, progress)
        except ServerUnreachable as error:
            missing = budget.retry_after(error, lambda: _list_missing(transport, session))
        else:
            missing = sent.missing
            if sent.job is not None:
                return sent.job
            if len(missing) >= before:
                raise UnexpectedAnswer("The server asks for the same contents again.")
        if len(missing) < before:
            budget.note_progress()
    return None


def complete_upload(transport: Transport, session: UploadView, budget: RetryBudget) -> JobView:
    """Begin the build after all contents were sent; return its job. Idempotent.

    Raises:
        ServerUnreachable: for too long.
    """
    return budget.retry(
        lambda: parse_record(
            JobView,
            transport.call(
                "POST",
                f"/uploads/{quote_segment(session.id)}/complete",
                query={"fencing_token": session.fencing_token},
                timeout_seconds=_ANSWER_SECONDS,
            ),
        )
    )


def abandon_upload(transport: Transport, session: UploadView) -> None:
    """Abandon an upload; its job records this."""
    transport.call(
        "DELETE",
        f"/uploads/{quote_segment(session.id)}",
        query={"fencing_token": session.fencing_token},
    )


def _send_once(
    transport: Transport,
    session: UploadView,
    plan: UploadPlan,
    missing: Sequence[str],
    progress: Progress,
) -> UploadProgress:
    contents = pick_contents(plan.files, missing)
    document = transport.send(
        "PUT",
        f"/uploads/{quote_segment(session.id)}/contents",
        query={"fencing_token": session.fencing_token, "complete": "true"},
        body=make_body(contents, progress),
        size_bytes=sum(content.framed_bytes for content in contents),
        media_type=CONTENTS_MEDIA_TYPE,
        timeout_seconds=_ANSWER_SECONDS,
    )
    return parse_record(UploadProgress, document)


def _list_missing(transport: Transport, session: UploadView) -> list[str]:
    present = parse_record(
        UploadView, transport.call("GET", f"/uploads/{quote_segment(session.id)}")
    )
    if present.fencing_token != session.fencing_token:
        raise LeaseLost
    return present.missing


def _make_entry(file: PackagedFile) -> FileEntry:
    return FileEntry(
        path=file.path,
        type=file.type,
        executable=file.executable,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        target=file.target,
        mode=file.mode,
    )
