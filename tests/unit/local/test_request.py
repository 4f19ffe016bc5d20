"""A local run is checked and filled in as a submission would be."""

import pytest

from au2.domain.errors import InvalidRequest
from au2.local.request import RUN_LIMITS, check_run
from au2.server.settings.sections import Settings
from au2.server.wiring.api import make_run_limits
from tests.unit.local.conftest import MakePackage, a_request

SECRET = {"main.py": "", "env.yml": "TOKEN: {secret: weather}\nOTHER: text\n"}


def test_defaults_are_those_of_a_server_with_no_settings() -> None:
    server = make_run_limits(Settings())

    assert RUN_LIMITS.default_cpu == server.default_cpu
    assert RUN_LIMITS.default_memory_bytes == server.default_memory_bytes
    assert RUN_LIMITS.default_timeout_seconds == server.default_timeout_seconds
    assert RUN_LIMITS.default_network is server.default_network
    assert RUN_LIMITS.processes == server.processes
    assert RUN_LIMITS.max_arguments_bytes == server.max_arguments_bytes


def test_the_packages_own_resources_come_before_the_defaults(make_package: MakePackage) -> None:
    text = "name: demo\nruntime: r\nresources:\n  timeout: 7s\n  memory: 1GiB\n  shm_size: 64m\n"
    package = make_package({"aunsight.yml": text, "main.py": ""})

    run = check_run(package, a_request(memory_bytes=2 << 30), {})

    assert run.resources.timeout_seconds == 7
    assert run.resources.memory_bytes == 2 << 30
    assert run.resources.cpu == RUN_LIMITS.default_cpu
    assert run.resources.shared_memory_bytes == 64 << 20
    # A run that asks for less memory than the package has shared memory is not refused for that.
    smaller = check_run(package, a_request(memory_bytes=32 << 20), {})
    assert smaller.resources.shared_memory_bytes == 32 << 20


def test_a_secret_is_the_variable_of_the_same_name(make_package: MakePackage) -> None:
    package = make_package(SECRET)

    run = check_run(package, a_request(secrets={"MORE": "m"}), {"TOKEN": "t", "MORE": "x", "N": ""})

    assert run.secrets == {"TOKEN": "t", "MORE": "x"}


def test_a_secret_may_be_given_as_a_text(make_package: MakePackage) -> None:
    run = check_run(make_package(SECRET), a_request(environment={"TOKEN": "given"}), {})

    assert run.secrets == {}


def test_a_secret_that_is_not_there_is_named_and_its_value_never(
    make_package: MakePackage,
) -> None:
    package = make_package(SECRET)

    with pytest.raises(InvalidRequest) as caught:
        check_run(package, a_request(secrets={"MORE": "m"}), {"MORE": "hush"})

    told = f"{caught.value.message} {caught.value.details} {caught.value.hint}"
    assert "'TOKEN' takes the secret 'weather'" in told
    assert "TOKEN=…" in told
    assert "hush" not in told


@pytest.mark.parametrize(
    "request_",
    [
        a_request(environment={"AU_JOB": "1"}),
        a_request(environment={"A": "x\0"}),
        a_request(environment={"A": "x"}, secrets={"A": "s"}),
        a_request({"a": "x" * (1 << 20)}),
        a_request({"a": float("inf")}),
        a_request(timeout_seconds=0.0),
        a_request(memory_bytes=1),
    ],
)
def test_what_the_platform_would_refuse_is_refused(make_package: MakePackage, request_) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidRequest):
        check_run(make_package({"main.py": ""}), request_, {"A": "s"})


def test_arguments_are_held_against_the_schema(make_package: MakePackage) -> None:
    schema = "properties:\n  days: {type: integer, default: 7}\nrequired: [days]\n"
    package = make_package({"main.py": "", "args.schema.yml": schema})

    assert check_run(package, a_request(arguments={"x": 1}), {}).arguments == {"x": 1, "days": 7}
    with pytest.raises(InvalidRequest) as caught:
        check_run(package, a_request(arguments={"days": "many"}), {})
    assert caught.value.details[0].pointer == "/arguments/days"
