"""Watching a version being made: its log as it grows, then how long each phase took."""

from collections.abc import Sequence

from au2.cli.jobs.outcome import exit_unless_succeeded, report_outcome
from au2.cli.jobs.wait import follow_job
from au2.cli.process.versions import tell_what_runs, tell_what_still_runs
from au2.cli.session import Session
from au2.client.runs.job_status import JobStanding
from au2.client.runs.log_following import LogPiece
from au2.domain.wording import format_seconds


def watch_build(
    session: Session, version: int, job: JobStanding, *, process_id: str | None = None
) -> None:
    """Show the log of the version's job on stderr until it ends. Fails the command if it fails.

    Says what runs then, if ``process_id`` is known and that is another version.
    """
    console = session.console

    def show(pieces: Sequence[LogPiece]) -> None:
        for piece in pieces:
            console.bytes_err(piece.printed)
        console.flush()

    standing = follow_job(session, job.id, show=show, attempt=job.newest_attempt)
    if not standing.succeeded:
        report_outcome(console, standing)
        if process_id is not None:
            tell_what_still_runs(session, process_id)
        exit_unless_succeeded(standing)
    phases = ", ".join(f"{phase.name} {format_seconds(phase.seconds)}" for phase in standing.phases)
    console.remark(f"Version {version} is AVAILABLE ({phases}).")
    if process_id is not None:
        tell_what_runs(session, process_id, version, is_built=True)
