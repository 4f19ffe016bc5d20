"""Watching a build: its log as it grows, then how long each phase took."""

from collections.abc import Sequence

from au2.cli.process.repo.sending import Sent
from au2.cli.session import Session
from au2.cli.waiting import conclude, follow_job
from au2.client.following import LogPiece


def watch_build(session: Session, sent: Sent) -> None:
    """Show the build's log on stderr until it ends. Fails the command if it fails."""
    terminal = session.terminal

    def show(pieces: Sequence[LogPiece]) -> None:
        for piece in pieces:
            terminal.bytes_err(piece.printed)
        terminal.flush()

    standing = follow_job(session, sent.job.id, show=show, attempt=sent.job.newest_attempt)
    conclude(terminal, standing)
    phases = ", ".join(f"{phase.name} {phase.seconds:.1f} s" for phase in standing.phases)
    terminal.remark(f"Version {sent.version} is AVAILABLE ({phases}).")
