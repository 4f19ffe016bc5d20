import json
from typing import Any

import pytest

from au2.dependencies.python.runtime_python import parse_target_python
from au2.domain.errors import RuntimeBuildFailed

PATHS = {
    "purelib": "/usr/local/lib/python3.8/site-packages",
    "platlib": "/usr/local/lib/python3.8/site-packages",
    "scripts": "/usr/local/bin",
    "data": "/usr/local",
    "include": "/usr/local/include/python3.8",
}
DESCRIPTION = {
    "version": [3, 8, 20],
    "implementation": "cpython",
    "executable": "/usr/local/bin/python3",
    "machine": "x86_64",
    "libc": "glibc 2.17",
    "paths": PATHS,
}


def test_a_description_gives_version_scheme_and_platforms() -> None:
    python = parse_target_python(json.dumps(DESCRIPTION).encode())
    assert python.text == "3.8"
    assert str(next(python.tags())) == "cp38-cp38-manylinux_2_17_x86_64"
    assert python.scheme.purelib == "usr/local/lib/python3.8/site-packages"
    assert python.executable == "/usr/local/bin/python3"
    assert python.platforms[0] == "manylinux_2_17_x86_64"
    assert "manylinux2014_x86_64" in python.platforms
    assert not any("2_18" in platform for platform in python.platforms)


@pytest.mark.parametrize(
    "changed",
    [
        {"version": [3, 7, 1]},
        {"version": [2, 7, 18]},
        {"version": "3.11"},
        {"version": [float("inf"), 11, 0]},
        {"version": [3, None, 0]},
        {"implementation": "pypy"},
        {"libc": ""},
        {"libc": "glibc 2"},
        {"libc": "musl 1.2"},
        {"libc": "glibc 2.12"},
        {"libc": "glibc 2.1000000"},
        {"machine": "../x"},
        {"executable": "/usr/bin/py\n#!x"},
        {"paths": {**PATHS, "purelib": "/../../etc"}},
        {"paths": {**PATHS, "scripts": "/"}},
        {"paths": {}},
    ],
)
def test_an_unusable_python_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(RuntimeBuildFailed):
        parse_target_python(json.dumps({**DESCRIPTION, **changed}).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_anything_else_is_no_description(data: bytes) -> None:
    with pytest.raises(RuntimeBuildFailed):
        parse_target_python(data)
