"""What containers take of a small disk, and what is given back when their code has ended."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from au2.domain.errors import StorageFull
from au2.engines.protocol import ContainerState
from tests.support.images.busybox import SmallImage
from tests.support.machine.engine import NativeHarness, make_native_harness, output_of
from tests.support.machine.small_disk import fill_disk, free_bytes, mounted_ext4
from tests.support.waiting import wait_until

MEBIBYTE = 1 << 20


@pytest.fixture
def disk(short_directory: Path) -> Iterator[Path]:
    folder = short_directory / "engine-ext4"
    folder.mkdir()
    with mounted_ext4(folder, 64):
        yield folder
    folder.rmdir()


@pytest.fixture
def small(disk: Path, busybox_image: SmallImage) -> Iterator[NativeHarness]:
    native_harness = make_native_harness(disk / "data", busybox_image)
    native_harness.engine.open()
    yield native_harness
    native_harness.remove_all()
    native_harness.engine.uninstall()


def state_of(small: NativeHarness, container: str) -> ContainerState:
    return small.engine.observe(container, timeout_seconds=1).state


def test_containers_leave_the_blocks_that_are_reserved_for_root(small: NativeHarness) -> None:
    small.start("cat /dev/zero > /filling; cat /dev/zero > /run/au2/filling; sleep 600")
    wait_until(lambda: free_bytes(small.data_dir) < 256 << 10)
    status = os.statvfs(small.data_dir)
    assert status.f_bfree * status.f_frsize > 2 * MEBIBYTE


def test_disk_bytes_counts_layer_scratch_and_files(small: NativeHarness) -> None:
    script = """
        dd if=/dev/zero of=/layer bs=1M count=3; dd if=/dev/zero of=/run/au2/scratch/x bs=1M count=2
        mkdir /many; for i in $(seq 1 500); do : > /many/$i; done; echo done; sleep 600
    """
    container = small.start(script)
    small.wait_for_output(container, b"done")
    assert 5 * MEBIBYTE <= small.engine.disk_bytes(container) < 7 * MEBIBYTE
    small.engine.signal(container, "SIGKILL")
    empty = small.start("for i in $(seq 1 500); do : > /$i; done; echo done; sleep 600")
    small.wait_for_output(empty, b"done")
    assert small.engine.disk_bytes(empty) >= 500 * 4096, "empty files count, too"


def test_release_gives_back_all_but_how_it_ended(small: NativeHarness) -> None:
    small.run("true")
    before = free_bytes(small.data_dir)
    script = """
        cat /dev/zero > /filling; cat /dev/zero > /run/au2/scratch/filling
        d=/deep; for i in $(seq 1 300); do d=$d/aaaaaaaaaaaaaaaaaaaa; mkdir -p $d; done
        rm -f /run/au2/args.json; ln -s /etc/passwd /run/au2/launcher.json
        head -c 5000 /dev/zero > /run/au2/status.json
        echo '{"a": 1}' > /run/au2/output.json; echo printed; exit 3
    """
    container = small.start(script, files={"args.json": b"{}"})
    small.finish(container)
    for _ in range(2):
        small.engine.release(container, file_limit_bytes=100)
        seen = small.engine.observe(container)
        assert (seen.state, seen.exit_code) == (ContainerState.EXITED, 3)
    assert free_bytes(small.data_dir) > before - MEBIBYTE
    assert output_of(small.engine.read_log(container, offset=0, limit_bytes=1 << 20), "stdout")
    read = small.engine.read_file(container, "status.json", limit_bytes=101)
    assert read is not None
    assert len(read) == 101, "one byte more than the limit, so that it is still too large"
    assert small.engine.read_file(container, "launcher.json", limit_bytes=100) is None
    assert small.engine.read_file(container, "args.json", limit_bytes=100) is None


def test_reclaim_releases_what_has_ended_and_nothing_that_runs(small: NativeHarness) -> None:
    ended = small.start("dd if=/dev/zero of=/filling bs=1M count=5; exit 3")
    running = small.start("echo > /file; echo begun; while [ -e /file ]; do sleep 0.1; done")
    small.finish(ended)
    small.wait_for_output(running, b"begun")
    filling = fill_disk(small.data_dir)
    small.engine.reclaim(file_limit_bytes=100)
    status = os.statvfs(small.data_dir)
    assert status.f_bfree * status.f_frsize > 4 * MEBIBYTE, "and that on a full disk"
    assert state_of(small, running) is ContainerState.RUNNING
    small.engine.signal(running, "SIGKILL")
    filling.unlink()


def touch(small: NativeHarness, container: str, name: str) -> None:
    (small.data_dir / "containers" / container / "files" / name).touch()


WAIT = "until [ -e /run/au2/%s ]; do usleep 1000; done; "


def test_a_log_on_a_full_disk_says_where_it_has_a_hole(small: NativeHarness) -> None:
    lines = "for i in $(seq 1 4000); do echo line $i of some length that takes its room; done; "
    script = WAIT % "go" + lines + "sleep 0.3; : > /run/au2/told; " + WAIT % "more" + "echo end"
    container = small.start(script)
    filling = fill_disk(small.data_dir)
    for _ in range(2):
        small.engine.restrict_log(container)
    assert small.engine.observe(container).log_restricted
    touch(small, container, "go")
    told = small.data_dir / "containers" / container / "files" / "told"
    wait_until(told.exists)
    filling.unlink()
    small.engine.allow_log(container, "here is a hole")
    small.engine.allow_log(container, "here is none")
    assert not small.engine.observe(container).log_restricted
    touch(small, container, "more")
    seen = small.finish(container)
    before, remark, after = seen.raw.partition(b" platform F here is a hole\n")
    assert remark
    assert b" platform " not in after
    assert output_of(after, "stdout") == b"end\n"
    # The last record before ends where the room ended; the other piece is the remark's time.
    shown = output_of(before[: before.rfind(b"\n") + 1], "stdout").removesuffix(b"\n")
    whole = b"".join(b"line %d of some length that takes its room\n" % n for n in range(1, 4001))
    assert len(shown) > 32 << 10, "there was room for a small log"
    assert whole.startswith(shown)


def test_a_small_log_is_whole_on_a_full_disk(small: NativeHarness) -> None:
    container = small.start(WAIT % "go" + "for i in $(seq 1 300); do echo line $i; done")
    filling = fill_disk(small.data_dir)
    small.engine.restrict_log(container)
    touch(small, container, "go")
    seen = small.finish(container)
    small.engine.allow_log(container, "here is a hole")
    filling.unlink()
    assert seen.stdout == b"".join(b"line %d\n" % number for number in range(1, 301))
    assert seen.raw == small.engine.read_log(container, offset=0, limit_bytes=1 << 20)


def test_creating_on_a_full_disk_leaves_nothing(small: NativeHarness) -> None:
    filling = fill_disk(small.data_dir)
    with pytest.raises(StorageFull):
        small.start("true")
    assert list(small.engine.list_containers()) == []
    filling.unlink()
    assert small.run("echo fits").stdout == b"fits\n"
