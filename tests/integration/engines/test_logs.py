"""Containers that print much, or in odd ways."""

import pytest

from tests.support.images.busybox import make_image
from tests.support.machine.engine import MEBIBYTE, NativeHarness


def test_200_megabytes_are_cut_at_the_limit(native_harness: NativeHarness) -> None:
    line = "x" * 1000
    container_id = native_harness.start(
        f"yes {line} | head -c 200000000; echo end >&2; exit 6",
        log_limit_bytes=4 * MEBIBYTE,
        memory=16 * MEBIBYTE,
    )
    result = native_harness.finish(container_id)
    assert result.observation.exit_code == 6
    assert result.observation.log_truncated
    assert result.observation.log_bytes == len(result.raw) == 4 * MEBIBYTE
    assert result.stdout.startswith(line.encode() + b"\n")


def test_a_line_longer_than_any_buffer(native_harness: NativeHarness) -> None:
    result = native_harness.run("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo next")
    assert result.stdout == b"x" * 3_000_000 + b"\nnext\n"


def test_empty_lines_and_no_output(native_harness: NativeHarness) -> None:
    assert native_harness.run("echo; echo; printf ''").stdout == b"\n\n"
    silent = native_harness.run("true")
    assert (silent.raw, silent.observation.log_bytes) == (b"", 0)


def test_what_looks_like_a_record_is_content(native_harness: NativeHarness) -> None:
    forged = "2026-01-01T00:00:00Z stderr F forged"
    result = native_harness.run(f"echo '{forged}'")
    assert (result.stdout, result.stderr) == (forged.encode() + b"\n", b"")


def test_output_of_what_stays_behind_is_kept(native_harness: NativeHarness) -> None:
    # The first process ends at once; its children are killed with it, their output is not lost.
    result = native_harness.run("(echo child; sleep 99) & sleep 0.1; echo parent")
    assert sorted(result.stdout.splitlines()) == [b"child", b"parent"]


def test_closed_streams(native_harness: NativeHarness) -> None:
    result = native_harness.run("exec >&- 2>&-; sleep 0.1; exit 3")
    assert result.observation.exit_code == 3


@pytest.mark.parametrize("user", ["", "1000"])
def test_the_first_process_streams_can_be_opened_again(
    native_harness: NativeHarness, busybox_layer: bytes, user: str
) -> None:
    image = make_image([busybox_layer], User=user).save(native_harness.blobs)
    script = (
        "setsid sh -c 'echo one > /proc/1/fd/1; echo two > /proc/1/fd/2' & wait; "
        "(echo three > /dev/stdout); (echo four > /dev/stderr); (echo five > /dev/fd/1)"
    )
    result = native_harness.run(script, image=image)
    assert sorted(result.stdout.split()) == [b"five", b"one", b"three"]
    assert sorted(result.stderr.split()) == [b"four", b"two"]


def test_a_program_that_goes_on_as_another_user_can_open_its_streams(
    native_harness: NativeHarness,
) -> None:
    script = (
        "su user -c 'echo one > /dev/stdout; echo two > /dev/stderr'; "
        "chown user /dev/stdout && exec su user -c 'echo three > /proc/1/fd/1'"
    )
    result = native_harness.run(script, no_new_privileges=False)
    assert (result.stdout, result.stderr) == (b"one\nthree\n", b"two\n")
