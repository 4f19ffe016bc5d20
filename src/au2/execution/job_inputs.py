"""What a run is given: files and variables (spec section 3), on the platform and locally. Pure."""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType

from au2.domain.container_contract import (
    ARGUMENTS_FILE,
    JOB_DIRECTORY,
    job_file_variables,
)
from au2.domain.job import Attempt, Job
from au2.domain.secret import merge_environment
from au2.domain.version import Version


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
    secrets: Mapping[str, str] = MappingProxyType({}),
    folder: str = JOB_DIRECTORY,
) -> Mapping[str, str]:
    """Return the variables over the image's own, weakest first as the specification orders them.

    Args:
        job: what was submitted.
        attempt: which try of it.
        version: whose defaults hold where nothing was submitted.
        stop_grace_seconds: between the stop signal and the kill.
        after_grace_seconds: for ``after.sh`` of a job that was stopped or timed out.
        secrets: the values of the variables that take a secret.
        folder: where the code finds its job files.
    """
    request = job.request
    wanted = merge_environment(
        version.environment,
        {} if request is None else request.environment,
        {} if request is None else request.secrets,
    )
    platform = {
        "AU_ORGANIZATION": job.context.organization_id,
        "AU_PROCESS": job.process_id,
        "AU_PROCESS_VERSION": str(job.version_number),
        "AU_JOB": str(job.id),
        **job_file_variables(folder),
        "AU_LOGGER_STREAM": f"job-{job.id}-{attempt.number}",
        "AU_STOP_GRACE_SECONDS": str(math.ceil(stop_grace_seconds)),
        "AU_AFTER_GRACE_SECONDS": str(math.ceil(after_grace_seconds)),
    }
    if job.context.project_id is not None:
        platform["AU_PROJECT"] = job.context.project_id
    return {**wanted.texts, **secrets, **platform}
