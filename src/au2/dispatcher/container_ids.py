"""Names of jobs' containers: from the attempt to the container, and back."""

from au2.domain.job import Attempt, Job


def make_container_id(job: Job, attempt: Attempt) -> str:
    """Return the container's id: the same attempt always has the same one."""
    return f"job-{job.id}-{attempt.number}"


def parse_container_id(container_id: str) -> tuple[int, int] | None:
    """Return (job id, attempt number) of an attempt's container; None for others.

    The id of a build container has one more word after the attempt's id.
    """
    match container_id.split("-"):
        case ["job", job_id, number, *rest] if job_id.isdecimal() and number.isdecimal():
            is_ours = not rest or (len(rest) == 1 and rest[0].isalpha())
            return (int(job_id), int(number)) if is_ours else None
        case _:
            return None
