"""Container ids, names of job files, names of signals."""

from pathlib import Path

import pytest

from au2.domain.errors import InvalidRequest
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import Resources
from au2.engines.native.paths import EnginePaths
from au2.engines.protocol import ContainerSpec
from au2.engines.validation import check_spec, is_container_id, parse_signal


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SIGTERM", 15),
        ("term", 15),
        ("15", 15),
        ("SIGRTMIN+3", 37),
        ("RTMAX-1", 63),
        ("SIGKILL", 9),
    ],
)
def test_signals(text: str, number: int) -> None:
    assert parse_signal(text) == number


@pytest.mark.parametrize("text", ["", "0", "65", "-1", "SIG", "SIGX", "RTMIN+99", "9" * 20, "²"])
def test_no_signals(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_signal(text)


@pytest.mark.parametrize("text", ["a", "job-12-1", "A" * 64])
def test_container_ids(text: str) -> None:
    assert is_container_id(text)


@pytest.mark.parametrize("text", ["", "-a", "a" * 65, "a/b", "..", "a\n", "a b", "ä", "a_b"])
def test_no_container_ids(text: str) -> None:
    assert not is_container_id(text)
    with pytest.raises(InvalidRequest):
        check_spec(make_spec(text))
    with pytest.raises(ValueError, match="container id"):
        EnginePaths(Path("/d"), Path("/r")).container(text)


def make_spec(container_id: str, *files: str) -> ContainerSpec:
    resources = Resources(1.0, 1 << 30, 10, 60, network=Network.NONE)
    return ContainerSpec(container_id, "sha256:ab", {}, dict.fromkeys(files, b""), resources)


def test_names_of_job_files() -> None:
    check_spec(make_spec("job-1", "a", "ä b.json", ".hidden"))
    for name in ("", ".", "..", "a/b", "a\0", "scratch", "x" * 256):
        with pytest.raises(InvalidRequest):
            check_spec(make_spec("job-1", name))
