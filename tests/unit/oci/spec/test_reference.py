import pytest

from au2.domain.errors import InvalidRequest
from au2.oci.spec.reference import host_of, is_loopback, parse_reference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("python", "docker.io/library/python:latest"),
        ("python:3.8-slim", "docker.io/library/python:3.8-slim"),
        ("docker.io/python", "docker.io/library/python:latest"),
        ("index.docker.io/a/b", "docker.io/a/b:latest"),
        ("team/app:1", "docker.io/team/app:1"),
        (f"team/app@{DIGEST}", f"docker.io/team/app@{DIGEST}"),
        (f"python:3.8@{DIGEST}", f"docker.io/library/python:3.8@{DIGEST}"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("registry.example/a/b/c:v1.2", "registry.example/a/b/c:v1.2"),
        ("[::1]:5000/app:1", "[::1]:5000/app:1"),
    ],
)
def test_names(text: str, whole: str) -> None:
    found = parse_reference(text)
    assert str(found) == whole
    assert parse_reference(whole) == found


def test_what_is_asked_for() -> None:
    assert parse_reference(f"a:1@{DIGEST}").target == DIGEST
    assert parse_reference("a:1").target == "1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a//b",
        "Upper/Case",
        "a:",
        "a:-x",
        "a@sha256:12",
        "a@md5:" + "0" * 32,
        "a/../b",
        "http://registry.example/a",
        "user:secret@registry.example/a",
        "registry.example:port/a",
        "a b",
        "a\n",
        "registry.example/" + "a/" * 200 + "a",
        "registry.example?x/a",
    ],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_reference(text)


def test_loopback() -> None:
    for name in ("localhost", "localhost:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000"):
        assert is_loopback(name), name
    for name in ("docker.io", "localhost.example", "128.0.0.1:5000", "127.0.0.1.example"):
        assert not is_loopback(name), name
    assert host_of("[::1]:5000") == "::1"
    assert host_of("Registry.Example:443") == "registry.example"
