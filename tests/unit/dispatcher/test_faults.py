"""What a job's record says of a fault of the platform."""

import logging

import pytest

from au2.dispatcher.faults import describe_platform_fault, hide_host_paths
from au2.domain.errors import EngineFailure


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "could not create the container: [Errno 2] No such file or directory: "
            "'/var/lib/au2/engine/containers/j-1/log'",
            "could not create the container: No such file or directory: (a path of the server)",
        ),
        (
            'error mounting "/run/au2-1/root" to rootfs at "/run/x/proc": mount /run/a/b:/c/d, x',
            "error mounting (a path of the server) to rootfs at (a path of the server): mount "
            "(a path of the server):(a path of the server), x",
        ),
        ("all addresses of 10.88.0.0/16 are in use", "all addresses of 10.88.0.0/16 are in use"),
        ("3/4 of and/or", "3/4 of and/or"),
    ],
)
def test_no_path_of_the_server_is_shown(said: str, shown: str) -> None:
    assert hide_host_paths(said) == shown


def test_the_log_has_the_whole_message(caplog: pytest.LogCaptureFixture) -> None:
    error = EngineFailure("could not write: '/srv/data/au2/x'")
    with caplog.at_level(logging.ERROR):
        text = describe_platform_fault(7, error)
    assert text == (
        "The platform could not run it: could not write: (a path of the server). "
        "Your operator finds more in the server's log, by job 7."
    )
    assert "/srv/data/au2/x" in caplog.text
    assert "job 7" in caplog.text
