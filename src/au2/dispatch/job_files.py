"""What a job's container is given: files and variables (spec section 3). Pure."""

import json
import math
from collections.abc import Mapping

from au2.domain.job import Attempt, Job
from au2.domain.version import Version
from au2.engines.base import JOB_DIRECTORY

ARGUMENTS_FILE = "args.json"
OUTPUT_FILE = "output.json"
STATUS_FILE = "status.json"
LAUNCHER_FILE = "launcher.json"


def make_files(job: Job) -> Mapping[str, bytes]:
    """Return the job files by name."""
    arguments = {} if job.request is None else job.request.arguments
    return {ARGUMENTS_FILE: json.dumps(arguments, ensure_ascii=False).encode()}


def make_environment(
    job: Job,
    attempt: Attempt,
    version: Version,
    *,
    stop_grace_seconds: float,
    after_grace_seconds: float,
) -> Mapping[str, str]:
    """Return the variables over the image's own, weakest first as the specification orders them."""
    given = {} if job.request is None else job.request.environment
    platform = {
        "AU_ORGANIZATION": job.context.organization_id,
        "AU_PROCESS": job.process_id,
        "AU_PROCESS_VERSION": str(job.version_number),
        "AU_JOB": str(job.id),
        "AU_ARGS_FILE": f"{JOB_DIRECTORY}/{ARGUMENTS_FILE}",
        "AU_OUTPUT_FILE": f"{JOB_DIRECTORY}/{OUTPUT_FILE}",
        "AU_STATUS_FILE": f"{JOB_DIRECTORY}/{STATUS_FILE}",
        "AU_SCRATCH_DIR": f"{JOB_DIRECTORY}/scratch",
        "AU_LOGGER_STREAM": f"job-{job.id}-{attempt.number}",
        "AU_STOP_GRACE_SECONDS": str(math.ceil(stop_grace_seconds)),
        "AU_AFTER_GRACE_SECONDS": str(math.ceil(after_grace_seconds)),
    }
    if job.context.project_id is not None:
        platform["AU_PROJECT"] = job.context.project_id
    return {**(version.environment or {}), **given, **platform}


def make_container_id(job: Job, attempt: Attempt) -> str:
    """Return the container's id: the same attempt always has the same one."""
    return f"job-{job.id}-{attempt.number}"


def parse_container_id(container_id: str) -> tuple[int, int] | None:
    """Return (job id, attempt number); inverse of :func:`make_container_id`, None for others."""
    match container_id.split("-"):
        case ["job", job_id, number] if job_id.isdecimal() and number.isdecimal():
            return int(job_id), int(number)
        case _:
            return None
