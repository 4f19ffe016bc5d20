"""What the making of a version's image is given: one attempt of an upload job."""

from collections.abc import Callable
from dataclasses import dataclass

from au2.dispatcher.job_records import JobRecords
from au2.dispatcher.timeline import Timeline
from au2.domain.job import Claim
from au2.execution.control import JobControl


@dataclass(frozen=True, slots=True)
class BuildContext:
    """One attempt."""

    claim: Claim
    control: JobControl
    timeline: Timeline
    log: Callable[[str], None]
    records: JobRecords

    def begin_phase(self, name: str) -> None:
        """Begin a stretch of the work that people see by itself."""
        self.timeline.begin(name)
        self.records.phases(self.claim, self.timeline)

    def check(self) -> None:
        """Raise Stopped or Detached if the work should end."""
        self.control.check()
