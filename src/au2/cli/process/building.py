"""Watching a version being made: its log as it grows, then how long each phase took."""

from collections.abc import Sequence

from au2.cli.ending import fail_with, tell_end
from au2.cli.process.versions import tell_what_runs, tell_what_still_runs
from au2.cli.session import Session
from au2.cli.waiting import follow_job
from au2.client.runs.job_status import JobStanding
from au2.client.runs.log_following import LogPiece
from au2.domain.wording import format_seconds


def watch_build(
    session: Session, version: int, job: JobStanding, *, process_id: str | None = None
) -> None:
    """Show the log of the version's job on stderr until it ends. Fails the command if it fails.

    Says what runs then, if ``process_id`` is known and that is another version.
    """
    terminal = session.terminal

    def show(pieces: Sequence[LogPiece]) -> None:
        for piece in pieces:
            terminal.bytes_err(piece.printed)
        terminal.flush()

    standing = follow_job(session, job.id, show=show, attempt=job.newest_attempt)
    if not standing.succeeded:
        tell_end(terminal, standing)
        if process_id is not None:
            tell_what_still_runs(session, process_id)
        fail_with(standing)
    phases = ", ".join(f"{phase.name} {format_seconds(phase.seconds)}" for phase in standing.phases)
    terminal.remark(f"Version {version} is AVAILABLE ({phases}).")
    if process_id is not None:
        tell_what_runs(session, process_id, version, is_built=True)
