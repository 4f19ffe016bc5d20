"""Telling what a job waits for that somebody waits for."""

from au2.client.runs.job_status import Waiting
from au2.console.console import Console


class PendingRemarks:
    """On a terminal one line that is drawn over itself; elsewhere a line for each new cause."""

    def __init__(self, console: Console, job_id: int) -> None:
        self._terminal = console
        self._job_id = job_id
        self._told: set[str] = set()
        """Codes that have been told."""
        self._is_drawn = False

    def tell(self, waiting: Waiting | None) -> None:
        """Tell what the job waits for; None: it waits no more."""
        if waiting is None:
            self.end()
            return
        text = f"Job {self._job_id} waits. {waiting.text}"
        if self._terminal.can_animate:
            self._terminal.redraw(text)
            self._is_drawn = True
        elif waiting.code not in self._told:
            self._told.add(waiting.code)
            self._terminal.remark(text)

    def end(self) -> None:
        """Take the line away."""
        if self._is_drawn:
            self._terminal.redraw("")
            self._is_drawn = False
