"""Uploading a package: the list of files, then the contents that the server lacks, then the build.

Like ``running`` this writes the few wire fields by hand, because ``repo upload`` is measured
against ``docker build``; a test holds them against ``wire.upload``.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from au2.client.answers import find_text, find_whole, take, take_text, take_texts, take_whole
from au2.client.http.transport import Transport
from au2.client.http.urls import context_query, quote_segment
from au2.client.packages.contents import Progress, make_body, pick_contents
from au2.client.patience import Patience
from au2.client.runs.job_status import JobStanding, read_standing
from au2.domain.context import Context
from au2.domain.errors import LeaseLost, ServerUnreachable, UnexpectedAnswer
from au2.package.tree.entries import PackagedFile
from au2.wire.contents import MEDIA_TYPE

_ANSWER_SECONDS: Final = 600.0
"""How long the server may take to store what was sent, on a slow disk."""


class UploadPlan(NamedTuple):
    """What to upload, and as what."""

    process: str | None
    """GUID: a new version of it. None: of the process that ``name`` means to the server."""
    name: str
    """The process of this name in the context; if there is none, it is made."""
    description: str
    runtime: str
    runtime_version: int | None
    files: Sequence[PackagedFile]
    force: bool = False
    """Make a new version even if nothing has changed."""
    new: bool = False
    """Make a process of that name, even if there is one."""
    expected_process: str | None = None
    """What somebody agreed to: GUID of the process that has the name, or ``NO_PROCESS``."""

    def to_document(self) -> dict[str, Any]:
        """Return the ``UploadCreation`` that travels."""
        document: dict[str, Any] = {
            "description": self.description,
            "runtime": self.runtime,
            "files": [_file_document(file) for file in self.files],
        }
        if self.process is None:
            document["name"] = self.name
            if self.new:
                document["new"] = True
            if self.expected_process is not None:
                document["expected_process"] = self.expected_process
        else:
            document["process"] = self.process
        if self.runtime_version is not None:
            document["runtime_version"] = self.runtime_version
        if self.force:
            document["force"] = True
        return document


class Comparison(NamedTuple):
    """A package beside what its process has: ``UploadComparison``."""

    process: str | None
    equal_version: int | None
    """The newest available version, if it was made of this package on this runtime version."""
    runtime_version: int
    newest_runtime_version: int


class UploadSession(NamedTuple):
    """An upload under way: ``UploadView``."""

    id: str
    process: str
    version: int
    job: int
    fence: int
    lacking: tuple[str, ...]
    runtime_version: int | None = None
    newest_runtime_version: int | None = None


def compare_package(transport: Transport, context: Context, plan: UploadPlan) -> Comparison:
    """Ask what an upload would find; changes nothing."""
    return _read_comparison(_announce(transport, "/uploads/compare", context, plan))


def begin_upload(
    transport: Transport, context: Context, plan: UploadPlan
) -> UploadSession | Comparison:
    """Announce the files; the server makes the version and its job and says what it lacks.

    Or it makes nothing, because the newest version was made of these files already.
    """
    document = _announce(transport, "/uploads", context, plan)
    if take(document, "process") is not None and find_whole(document, "equal_version") is not None:
        return _read_comparison(document)
    return _read_session(document)


def _announce(transport: Transport, path: str, context: Context, plan: UploadPlan) -> Any:
    return transport.call(
        "POST",
        path,
        query=context_query(context),
        document=plan.to_document(),
        timeout_seconds=_ANSWER_SECONDS,
    )


def send_contents(
    transport: Transport,
    session: UploadSession,
    plan: UploadPlan,
    progress: Progress,
    patience: Patience,
) -> JobStanding | None:
    """Send what the server lacks, going on after a cut connection where the server says.

    Returns the build's job if the server completed the upload with the last content, which saves a
    request; None: :func:`complete_upload` is still to be called.

    Raises:
        InvalidPackage: a file changed after it was listed.
        LeaseLost: another upload took over.
        ServerUnreachable: for too long.
    """
    lacking = session.lacking
    while lacking:
        before = len(lacking)
        try:
            lacking, job = _send_once(transport, session, plan, lacking, progress)
        except ServerUnreachable as error:
            lacking = patience.ask_after(error, lambda: _ask_lacking(transport, session))
        else:
            if job is not None:
                return job
            if len(lacking) >= before:
                raise UnexpectedAnswer("The server asks for the same contents again.")
        if len(lacking) < before:
            patience.note_progress()
    return None


def complete_upload(
    transport: Transport, session: UploadSession, patience: Patience
) -> JobStanding:
    """Say that everything was sent; the job builds the image from now on.

    Raises:
        ServerUnreachable: for too long. Saying it again is harmless.
    """
    return patience.persist(
        lambda: read_standing(
            transport.call(
                "POST",
                f"/uploads/{quote_segment(session.id)}/complete",
                query={"fence": session.fence},
                timeout_seconds=_ANSWER_SECONDS,
            )
        )
    )


def abandon_upload(transport: Transport, session: UploadSession) -> None:
    """Give an upload up; its job tells so."""
    transport.call(
        "DELETE", f"/uploads/{quote_segment(session.id)}", query={"fence": session.fence}
    )


def _send_once(
    transport: Transport,
    session: UploadSession,
    plan: UploadPlan,
    lacking: Sequence[str],
    progress: Progress,
) -> tuple[tuple[str, ...], JobStanding | None]:
    contents = pick_contents(plan.files, lacking)
    document = transport.send(
        "PUT",
        f"/uploads/{quote_segment(session.id)}/contents",
        query={"fence": session.fence, "complete": "true"},
        body=make_body(contents, progress),
        size_bytes=sum(content.framed_bytes for content in contents),
        media_type=MEDIA_TYPE,
        timeout_seconds=_ANSWER_SECONDS,
    )
    lacking = take_texts(document, "lacking")
    job = document.get("job")
    return lacking, None if job is None else read_standing(job)


def _ask_lacking(transport: Transport, session: UploadSession) -> tuple[str, ...]:
    present = _read_session(transport.call("GET", f"/uploads/{quote_segment(session.id)}"))
    if present.fence != session.fence:
        raise LeaseLost
    return present.lacking


def _file_document(file: PackagedFile) -> dict[str, Any]:
    document = {
        "path": file.path,
        "type": file.type,
        "executable": file.executable,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "target": file.target,
    }
    if file.mode:
        # A server that keeps no modes refuses what it does not know, so it is sent only if need be.
        document["mode"] = file.mode
    return document


def _read_session(document: Any) -> UploadSession:
    return UploadSession(
        id=take_text(document, "id"),
        process=take_text(document, "process"),
        version=take_whole(document, "version"),
        job=take_whole(document, "job"),
        fence=take_whole(document, "fence"),
        lacking=take_texts(document, "lacking"),
        runtime_version=find_whole(document, "runtime_version"),
        newest_runtime_version=find_whole(document, "newest_runtime_version"),
    )


def _read_comparison(document: Any) -> Comparison:
    return Comparison(
        process=find_text(document, "process"),
        equal_version=find_whole(document, "equal_version"),
        runtime_version=take_whole(document, "runtime_version"),
        newest_runtime_version=take_whole(document, "newest_runtime_version"),
    )
