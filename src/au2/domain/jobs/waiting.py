"""Explanation of a pending job's wait."""

from dataclasses import dataclass

from au2.domain.code import Code
from au2.domain.wording import count_of


class WaitingCode(Code):
    """Cause of a wait."""

    UPLOAD = "upload", "The upload of its package or image is not complete yet."
    NO_DISPATCHER = "no-dispatcher", "No dispatcher is running, so no job begins."
    PLACES = "places", "As many jobs as may run at once are running, so it waits for an end."
    JOBS_BEFORE = "jobs-before", "Older jobs are claimed before it."
    DISPATCHER = "dispatcher", "It is the next that the dispatcher claims."
    PREPARING = "preparing", "A dispatcher has claimed it and makes its container."


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Position of a pending job among all jobs of the installation."""

    is_ready: bool
    """Whether its upload is complete."""
    is_taken: bool
    """Whether a dispatcher has claimed it."""
    jobs_before: int
    """Number of older unclaimed jobs."""
    jobs_taken: int
    """Number of claimed jobs."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Cause of a job's wait."""

    code: WaitingCode
    text: str
    """Sentence with the job as "it"."""
    position: QueuePosition
    places: int
    """Limit of concurrent jobs."""


def explain_waiting(position: QueuePosition, *, places: int, has_dispatcher: bool) -> Waiting:
    """Return the cause of the wait of a job in ``position``."""
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
