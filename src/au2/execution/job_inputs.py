"""Inputs of a run: job files and environment (spec section 3). Pure."""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType

from au2.domain.accounts.secret import merge_environment
from au2.domain.jobs.container_contract import ARGUMENTS_FILE, JOB_DIRECTORY, job_file_variables
from au2.domain.jobs.job import Attempt, Job
from au2.domain.processes.version import Version
from au2.execution.termination import ExecutionLimits


def make_files(job: Job) -> Mapping[str, bytes]:
    """Return the job files by name."""
    arguments = {} if job.request is None else job.request.arguments
    return {ARGUMENTS_FILE: json.dumps(arguments, ensure_ascii=False).encode()}


def make_environment(
    job: Job,
    attempt: Attempt,
    version: Version,
    limits: ExecutionLimits,
    *,
    secrets: Mapping[str, str] = MappingProxyType({}),
    folder: str = JOB_DIRECTORY,
) -> Mapping[str, str]:
    """Return the variables over the image's own; the later of two of one name holds.

    Args:
        job: as submitted.
        attempt: of the job.
        version: its variables are the defaults.
        limits: with the grace times.
        secrets: variable → value of its secret.
        folder: absolute path of the job files, as the code sees it.
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
        "AU_STOP_GRACE_SECONDS": str(math.ceil(limits.stop_grace_seconds)),
        "AU_AFTER_GRACE_SECONDS": str(math.ceil(limits.after_grace_seconds)),
    }
    if job.context.project_id is not None:
        platform["AU_PROJECT"] = job.context.project_id
    return {**wanted.texts, **secrets, **platform}
