"""Watching a version being made: its log as it grows, then how long each phase took."""

from collections.abc import Sequence

from au2.cli.ending import conclude
from au2.cli.session import Session
from au2.cli.waiting import follow_job
from au2.client.following import LogPiece
from au2.client.running import JobStanding


def watch_build(session: Session, version: int, job: JobStanding) -> None:
    """Show the log of the version's job on stderr until it ends. Fails the command if it fails."""
    terminal = session.terminal

    def show(pieces: Sequence[LogPiece]) -> None:
        for piece in pieces:
            terminal.bytes_err(piece.printed)
        terminal.flush()

    standing = follow_job(session, job.id, show=show, attempt=job.newest_attempt)
    if not standing.succeeded:
        conclude(terminal, standing)
    phases = ", ".join(f"{phase.name} {phase.seconds:.1f} s" for phase in standing.phases)
    terminal.remark(f"Version {version} is AVAILABLE ({phases}).")
