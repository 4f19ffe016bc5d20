"""The environment may hold secrets: it comes to no disk, into no command line, to nobody's eyes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from au2.domain.errors import EngineFailure
from tests.support.machine.engine import NativeHarness

VALUE = "s3cret-0f-the-environment"


def readable(folder: Path) -> Iterator[Path]:
    """Every regular file below a folder, other file systems mounted there included."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path


def holding(value: str, *folders: Path) -> list[str]:
    """Files that hold ``value``."""
    return [
        str(path)
        for folder in folders
        for path in readable(folder)
        if value.encode() in path.read_bytes()
    ]


def command_lines() -> bytes:
    found = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.mark.parametrize("is_started", [False, True])
def test_nothing_keeps_it(native_harness: NativeHarness, is_started: bool) -> None:
    spec = native_harness.spec(
        'echo "${#PASSWORD} characters"; sleep 99', environment={"PASSWORD": VALUE}
    )
    native_harness.engine.create(spec)
    if is_started:
        native_harness.engine.start(spec.container_id)
        native_harness.wait_for_output(spec.container_id, f"{len(VALUE)} characters".encode())

    assert holding(VALUE, native_harness.run_dir, native_harness.data_dir / "containers") == []
    assert VALUE.encode() not in command_lines()
    assert VALUE not in repr(spec)


def test_what_the_runtime_reads_lies_in_memory_and_is_nobodys(
    native_harness: NativeHarness,
) -> None:
    folder = native_harness.run_dir / "bundles"
    (line,) = (
        line
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if line.split()[4] == str(folder)
    )

    assert " - tmpfs " in line
    assert "size=65536k" in line
    assert folder.stat().st_mode & 0o777 == 0o700


def test_opening_again_mounts_nothing_twice(native_harness: NativeHarness) -> None:
    native_harness.engine.open()
    mounted = Path("/proc/self/mountinfo").read_text().split()
    assert mounted.count(str(native_harness.run_dir / "bundles")) == 1


def test_a_failure_does_not_tell_it(native_harness: NativeHarness) -> None:
    spec = native_harness.spec(
        "true", environment={"PASSWORD": VALUE}, command=("/no-such-program",)
    )
    with pytest.raises(EngineFailure) as caught:
        native_harness.engine.create(spec)

    assert VALUE not in str(caught.value)
    assert holding(VALUE, native_harness.run_dir, native_harness.data_dir / "containers") == []
