"""What a pending job waits for. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from au2.domain.wording import count_of


class WaitingCode(StrEnum):
    """The closed list of what a pending job may wait for."""

    UPLOAD = "upload"
    """For what is being uploaded."""
    NO_DISPATCHER = "no-dispatcher"
    """For a dispatcher: none is running."""
    PLACES = "places"
    """For a job to end: as many run as may run at once."""
    JOBS_BEFORE = "jobs-before"
    """For older jobs, which are taken first."""
    DISPATCHER = "dispatcher"
    """For the dispatcher to take it, which it can do now."""
    PREPARING = "preparing"
    """For its container: a dispatcher has taken it."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Where a pending job stands among all jobs of the installation."""

    is_ready: bool
    """Whether all that it needs has been uploaded."""
    is_taken: bool
    """Whether a dispatcher works on it."""
    jobs_before: int
    """Older jobs that no dispatcher works on yet."""
    jobs_taken: int
    """Jobs that dispatchers work on."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a job is pending."""

    code: WaitingCode
    text: str
    """A sentence about the job, which it calls "it"."""
    position: QueuePosition
    places: int
    """How many jobs may be worked on at once."""


def explain_waiting(position: QueuePosition, *, places: int, has_dispatcher: bool) -> Waiting:
    """Return what a job in that position waits for."""
    code = _find_code(position, places, has_dispatcher)
    return Waiting(code, _describe(code, position, places), position, places)


def _find_code(position: QueuePosition, places: int, has_dispatcher: bool) -> WaitingCode:
    if not position.is_ready:
        return WaitingCode.UPLOAD
    if not has_dispatcher:
        return WaitingCode.NO_DISPATCHER
    if position.is_taken:
        return WaitingCode.PREPARING
    if position.jobs_taken >= places:
        return WaitingCode.PLACES
    return WaitingCode.JOBS_BEFORE if position.jobs_before else WaitingCode.DISPATCHER


def _describe(code: WaitingCode, position: QueuePosition, places: int) -> str:
    before = position.jobs_before
    older = f"{count_of(before, 'job is', 'jobs are')} before it" if before else "it is the next"
    taken = "The only place is taken" if places == 1 else f"All {places} places are taken"
    return {
        WaitingCode.UPLOAD: "Its upload is not complete yet.",
        WaitingCode.NO_DISPATCHER: "No dispatcher is running, so no job begins: ask your operator.",
        WaitingCode.PREPARING: "Its container is being prepared; an image that runs for the first "
        "time is unpacked.",
        WaitingCode.PLACES: f"{taken}; {older}.",
        WaitingCode.JOBS_BEFORE: f"{older}.",
        WaitingCode.DISPATCHER: "The dispatcher is about to take it.",
    }[code]
