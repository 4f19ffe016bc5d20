"""Submission of a local run, checked as on the platform."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from au2.app.jobs.run_requests import (
    WantedResources,
    check_arguments,
    check_environment,
    choose_resources,
    fit_arguments,
)
from au2.domain.accounts.context import Context
from au2.domain.accounts.secret import merge_environment
from au2.domain.clock import now
from au2.domain.errors import Detail, InvalidRequest
from au2.domain.jobs.job import Attempt, Job, JobState, JobType, Resources, RunLimits, RunRequest
from au2.domain.processes.version import ImageStatus, Version, VersionType
from au2.package.check import PackageOnDisk

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The id of organization, project and process: recognizable for code, and of no real object."""
WHERE_ARGUMENTS = "See what the package takes: args.schema.yml"
"""The hint where arguments do not match."""
NO_JOB = 0
"""The number of the job and of the version: none of an installation has it."""

RUN_LIMITS = RunLimits()
"""Defaults as on a server whose operator set nothing; no narrower maxima."""


ReadArguments = Callable[[Mapping[str, Any] | None], Mapping[str, Any]]
"""Returns the arguments as they were given; the schema says how texts are read."""


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """Run options of the command line."""

    read_arguments: ReadArguments
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    """Variable → name of the secret that it gets."""
    wanted: WantedResources


@dataclass(frozen=True, slots=True)
class CheckedRun:
    """Records of a run, as the platform would make them."""

    job: Job
    attempt: Attempt
    version: Version
    resources: Resources
    arguments: Mapping[str, Any]
    """With the schema's defaults."""
    secrets: Mapping[str, str]
    """Variable → value. It must not be shown."""


def check_run(
    package: PackageOnDisk, request: LocalRequest, own_environment: Mapping[str, str]
) -> CheckedRun:
    """Return the run, ready to be started.

    Args:
        package: without errors.
        request: run options of the command line.
        own_environment: the variables of this process, the source of secrets.

    Raises:
        InvalidRequest: the platform would refuse arguments, environment or resources, or a
            secret is missing.
    """
    description = package.description
    given = request.read_arguments(description.args_schema)
    check_arguments(given, limit_bytes=RUN_LIMITS.max_arguments_bytes)
    arguments = fit_arguments(given, description.args_schema, hint=WHERE_ARGUMENTS)
    check_environment(request.environment)
    if twice := sorted(request.environment.keys() & request.secrets.keys()):
        raise InvalidRequest(f"'{twice[0]}' is given both as a text and as a secret.")
    resources = choose_resources(
        request.wanted, description.manifest.resources._asdict(), RUN_LIMITS
    )
    wanted = merge_environment(description.environment, request.environment, request.secrets)
    secrets = find_secrets(wanted.secrets, own_environment)
    at = now()
    version = Version(
        process_id=NOBODY,
        number=NO_JOB,
        type=VersionType.PACKAGED,
        description=description.manifest.description,
        image_status=ImageStatus.AVAILABLE,
        image_digest=None,
        created_at=at,
        created_by="",
        environment=description.environment,
        args_schema=description.args_schema,
        out_schema=description.out_schema,
    )
    job = Job(
        id=NO_JOB,
        type=JobType.RUN,
        state=JobState.PENDING,
        name=description.manifest.name,
        context=Context(NOBODY, NOBODY),
        process_id=NOBODY,
        version_number=NO_JOB,
        submitted_by="",
        created_at=at,
        request=RunRequest(arguments, request.environment, resources, request.secrets),
    )
    return CheckedRun(job, Attempt(1, at), version, resources, arguments, secrets)


def find_secrets(wanted: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each variable with a secret: the variable's value in this process.

    Raises:
        InvalidRequest: one has no value. The message names the variable and never a value.
    """
    missing = [name for name in wanted if name not in own]
    if missing:
        raise InvalidRequest(
            "A local run can't see the platform's secrets. Their values come from variables of "
            "your shell, of the same name.",
            details=[Detail(f"'{name}' takes the secret '{wanted[name]}'") for name in missing],
            hint=f"For this command only: {missing[0]}=… au2 process repo run",
        )
    found = {name: own[name] for name in wanted}
    check_environment(found)
    return found
