import json
from datetime import UTC, datetime
from typing import Any

from au2.domain.accounts.context import Context
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import Attempt, Job, JobState, JobType, Resources, RunRequest
from au2.domain.processes.version import ImageStatus, Version, VersionType
from au2.execution.job_inputs import make_environment, make_files
from au2.execution.termination import ExecutionLimits

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RESOURCES = Resources(
    cpu=1, memory_bytes=64 << 20, processes=64, timeout_seconds=90, network=Network.NONE
)


def make_job(environment: dict[str, str], arguments: dict[str, Any]) -> Job:
    return Job(
        id=12,
        type=JobType.RUN,
        state=JobState.PENDING,
        name="demo",
        context=Context("o", "p"),
        process_id="x",
        version_number=3,
        submitted_by="a@example.org",
        created_at=NOW,
        request=RunRequest(arguments, environment, RESOURCES),
    )


def make_version(environment: dict[str, str]) -> Version:
    return Version(
        process_id="x",
        number=3,
        type=VersionType.PACKAGED,
        description="",
        image_status=ImageStatus.AVAILABLE,
        image_digest="sha256:0",
        created_at=NOW,
        created_by="a@example.org",
        environment=environment,
    )


def test_the_whole_environment():
    environment = make_environment(
        make_job({"COLOUR": "red", "SIZE": "2"}, {}),
        Attempt(2, NOW),
        make_version({"COLOUR": "blue", "NO": "NO"}),
        ExecutionLimits(stop_grace_seconds=10, after_grace_seconds=2.5),
    )
    assert environment == {
        "COLOUR": "red",
        "SIZE": "2",
        "NO": "NO",
        "AU_ORGANIZATION": "o",
        "AU_PROJECT": "p",
        "AU_PROCESS": "x",
        "AU_PROCESS_VERSION": "3",
        "AU_JOB": "12",
        "AU_ARGS_FILE": "/run/au2/args.json",
        "AU_OUTPUT_FILE": "/run/au2/output.json",
        "AU_STATUS_FILE": "/run/au2/status.json",
        "AU_SCRATCH_DIR": "/run/au2/scratch",
        "AU_LOGGER_STREAM": "job-12-2",
        "AU_STOP_GRACE_SECONDS": "10",
        "AU_AFTER_GRACE_SECONDS": "3",
    }


def test_the_platform_variables_win():
    environment = make_environment(
        make_job({"AU_JOB": "1"}, {}),
        Attempt(1, NOW),
        make_version({"AU_PROJECT": "stolen"}),
        ExecutionLimits(stop_grace_seconds=1, after_grace_seconds=1),
    )
    assert environment["AU_JOB"] == "12"
    assert environment["AU_PROJECT"] == "p"


def test_arguments_arrive_as_they_were_given():
    files = make_files(make_job({}, {"naïve": ["é", 1.5, None]}))
    assert json.loads(files["args.json"]) == {"naïve": ["é", 1.5, None]}
