"""What a container can't do to the host and to others."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from au2.engines.native.host.cgroup import find_hierarchies
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import EnginePaths
from au2.engines.protocol import ContainerState
from tests.support.images.busybox import SmallImage, make_image
from tests.support.machine.engine import NativeHarness, make_native_harness

CAP_SYS_RESOURCE = 24
ID_BASE = NativeOptions().id_base


@contextmanager
def memory_limited(group: str, limit_bytes: int) -> Iterator[None]:
    """Give a control group a limit of memory while the block runs."""
    hierarchies = find_hierarchies()
    file, unlimited = "memory.limit_in_bytes", "-1"
    hierarchy = hierarchies.controllers.get("memory")
    if hierarchy is None:
        file, unlimited, hierarchy = "memory.max", "max", hierarchies.unified
        assert hierarchy is not None
    limit = hierarchy / group.lstrip("/") / file
    limit.write_text(str(limit_bytes))
    try:
        yield
    finally:
        limit.write_text(unlimited)


def init_pid(native_harness: NativeHarness, container_id: str) -> int:
    folder = native_harness.run_dir / "containers" / container_id
    return int((folder / "init.pid").read_text())


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_root_inside_is_nobody_outside(native_harness: NativeHarness) -> None:
    container_id = native_harness.start("echo x > /run/au2/mine; echo ready; sleep 99")
    native_harness.wait_for_output(container_id, b"ready")
    status = status_of(init_pid(native_harness, container_id))
    assert set(status["Uid"].split()) == {str(ID_BASE)}
    files = native_harness.data_dir / "containers" / container_id / "files"
    assert (files / "mine").stat().st_uid == ID_BASE


def test_privileges(native_harness: NativeHarness) -> None:
    status = native_harness.run("", command=("/bin/cat", "/proc/self/status")).stdout.decode()
    assert "NoNewPrivs:\t1\n" in status
    assert "Seccomp:\t2\n" in status
    assert "SigIgn:\t0000000000000000\n" in status
    # Docker's fourteen but CAP_NET_RAW.
    assert "CapEff:\t00000000a80405fb\n" in status
    assert "CapBnd:\t00000000a80405fb\n" in status


def test_another_user_has_no_capabilities(
    native_harness: NativeHarness, busybox_layer: bytes
) -> None:
    digest = make_image([busybox_layer], User="1000").save(native_harness.blobs)
    assert (
        b"CapEff:\t0000000000000000\n"
        in native_harness.run("cat /proc/self/status", image=digest).stdout
    )


def test_new_privileges_where_they_are_wanted(native_harness: NativeHarness) -> None:
    result = native_harness.run("cat /proc/self/status", no_new_privileges=False)
    assert b"NoNewPrivs:\t0\n" in result.stdout
    assert b"Seccomp:\t2\n" in result.stdout


@pytest.mark.parametrize(
    "attempt",
    [
        "mount -t tmpfs none /tmp",
        "mount -o bind / /tmp",
        "mount -o remount,rw /sys",
        "umount /proc/bus",
        "unshare -U true",
        "unshare -m true",
        "unshare -n true",
        "mknod /tmp/disk b 254 0",
        "hostname other",
        "echo 1 > /proc/sys/kernel/panic",
        "echo b > /proc/sysrq-trigger",
        "date -s 2001-01-01 >/dev/null; date +%Y | grep -q 2001",
        "swapoff -a; swapon /tmp/x",
        "ip link add x type dummy",
        "ip addr add 10.0.0.9/8 dev lo",
        "cat /proc/kcore | head -c 1 | grep .",
        "dmesg",
        "cd /sys/fs/cgroup; test -d pids && cd pids; echo 1 > cgroup.procs",
        "echo core > /proc/sys/kernel/core_pattern",
        "renice -n -5 1",
        "insmod /tmp/x.ko",
        "chroot /proc/1/root/../../../.. test -e /usr/sbin/runc",
    ],
)
@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_forbidden(native_harness: NativeHarness, attempt: str, *, no_new_privileges: bool) -> None:
    result = native_harness.run(f"({attempt}) && echo done", no_new_privileges=no_new_privileges)
    assert result.stdout == b"", result


def test_the_host_is_not_to_be_seen(native_harness: NativeHarness, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    native_harness.start("sleep 98")
    places = (
        secret,
        native_harness.data_dir,
        native_harness.run_dir,
        Path("/boot"),
        Path("/lib/modules"),
    )
    script = "; ".join(f"test -e {place} && echo {place} is there" for place in places)
    result = native_harness.run(
        f"{script}; ls /run /run/au2; ls -d /proc/[0-9]*; cat /proc/*/cmdline"
    )
    assert b"is there\n" not in result.stdout
    assert b"sleep\x0098" not in result.stdout
    assert result.stdout.startswith(b"/run:\nau2\n\n/run/au2:\nscratch\n/proc/1\n")


def test_every_container_has_its_own_writable_layer(native_harness: NativeHarness) -> None:
    native_harness.run("rm -rf /bin/ls /etc /usr; echo x > /bin/new")
    result = native_harness.run("ls -d /bin/ls /etc /usr; ls /bin/new")
    assert result.stdout == b"/bin/ls\n/etc\n/usr\n"


def test_processes_are_limited(native_harness: NativeHarness) -> None:
    script = "f() { f | f & }; f; sleep 0.5; echo still here"
    container_id = native_harness.start(f"({script}) 2>/dev/null; sleep 99", processes=30)
    other = native_harness.run("echo fine")
    assert other.stdout == b"fine\n"
    native_harness.engine.signal(container_id, "SIGKILL")
    assert native_harness.finish(container_id).observation.state is ContainerState.EXITED


def test_no_more_processes_than_asked_for(native_harness: NativeHarness) -> None:
    script = "for i in $(seq 40); do sleep 99 & done; ls -d /proc/[0-9]* | wc -l"
    result = native_harness.run(script, processes=20)
    assert b"can't fork" in result.stderr


def test_cpu_time_is_limited(native_harness: NativeHarness) -> None:
    # A second of work at a tenth of a core would take ten; so much of it is not waited for.
    container_id = native_harness.start("echo ready; while :; do :; done", cpu=0.1)
    native_harness.wait_for_output(container_id, b"ready")
    seen = native_harness.engine.observe(container_id, seen_log_bytes=1 << 20, timeout_seconds=1.0)
    assert seen.cpu_seconds is not None
    assert seen.cpu_seconds < 0.5


def test_shared_memory_counts_and_is_limited(native_harness: NativeHarness) -> None:
    # As large as the memory, which what lies there counts against.
    assert b"96.0M" in native_harness.run("df -h /dev/shm", memory=96 << 20).stdout
    result = native_harness.run("head -c 60000000 /dev/zero > /dev/shm/x", memory=32 << 20)
    assert result.observation.out_of_memory_kills
    smaller = native_harness.run(
        "df -h /dev/shm; head -c 20000000 /dev/zero > /dev/shm/x; stat -c %s /dev/shm/x",
        shared_memory=16 << 20,
    )
    assert b"16.0M" in smaller.stdout
    assert smaller.stdout.endswith(b"\n16777216\n")


def test_no_network_at_all(native_harness: NativeHarness) -> None:
    result = native_harness.run("ip route; ip -o link; nc -w 1 127.0.0.1 9 || echo refused")
    assert result.stdout.decode().count("\n") == 2
    assert b"1: lo:" in result.stdout
    assert b"refused" in result.stdout


def test_other_users_of_the_host_do_not_get_in(native_harness: NativeHarness) -> None:
    # What is in the container may be readable for all, and set the user id when it is run.
    container_id = native_harness.start("echo s3cret > /file; echo ready; sleep 99")
    native_harness.wait_for_output(container_id, b"ready")
    file = native_harness.run_dir / "containers" / container_id / "root" / "file"
    assert file.read_text() == "s3cret\n"
    looked = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", str(file)],
        capture_output=True,
        check=False,
    )
    assert (looked.stdout, b"Permission denied" in looked.stderr) == (b"", True)


def test_what_it_writes_is_not_in_the_hosts_memory(native_harness: NativeHarness) -> None:
    # The folder for runtime state lies there, and has no limit.
    container_id = native_harness.start("sleep 99")
    state = json.loads((native_harness.run_dir / "runc" / container_id / "state.json").read_text())
    mounts = state["config"]["mounts"]
    sources = [mount["source"] for mount in mounts if mount["device"] == "bind"]
    assert len(sources) == 4
    assert all(source.startswith(f"{native_harness.data_dir}/containers/") for source in sources)


def test_a_deep_tree_is_removed(native_harness: NativeHarness) -> None:
    script = "mkdir -p /tmp/d; cd /tmp/d; for i in $(seq 3000); do mkdir d; cd d; done; echo $i"
    container_id = native_harness.start(script)
    assert native_harness.finish(container_id).stdout == b"3000\n"
    native_harness.engine.remove(container_id)
    assert not os.path.lexists(native_harness.data_dir / "containers" / container_id)


def test_memory_that_others_took_is_told_apart(native_harness: NativeHarness) -> None:
    # As if the whole machine had no memory left: the limit of a group above is reached, not the
    # container's own.
    spec = native_harness.spec("tail /dev/zero; echo went on", memory=256 << 20)
    native_harness.engine.create(spec)
    with memory_limited(
        EnginePaths(native_harness.data_dir, native_harness.run_dir).control_group, 32 << 20
    ):
        native_harness.engine.start(spec.container_id)
        seen = native_harness.finish(spec.container_id).observation
    assert (seen.exit_code, seen.out_of_memory_kills) == (0, 1)
    assert not seen.reached_memory_limit


def test_when_it_goes_for_lack_of_memory_is_not_its_own_choice(
    native_harness: NativeHarness,
) -> None:
    script = "echo 0 > /proc/self/oom_score_adj; (cat /proc/self/oom_score_adj)"
    # The kernel takes a lower bound only from who has this capability, and containers have none.
    bound = int(status_of(os.getpid())["CapEff"], 16) >> CAP_SYS_RESOURCE & 1
    assert native_harness.run(script).stdout == (b"500\n" if bound else b"0\n")
    assert native_harness.run("echo 700 > /proc/self/oom_score_adj").observation.exit_code == 0


def test_other_host_ids(tmp_path: Path, busybox_image: SmallImage) -> None:
    def run_with(options: NativeOptions) -> list[str]:
        bench = make_native_harness(tmp_path, busybox_image, options)
        try:
            bench.engine.open()
            container_id = bench.start("cat /proc/self/uid_map; stat -c %u /bin; sleep 99")
            bench.wait_for_output(container_id, b"\n0\n")
            assert set(status_of(init_pid(bench, container_id))["Uid"].split()) == {
                str(options.id_base)
            }
            bench.engine.remove(container_id)
            return sorted(path.name for path in (tmp_path / "layers").iterdir())
        finally:
            bench.engine.uninstall()

    tmp_path.chmod(0o711)
    assert run_with(NativeOptions()) == ["1048576", "locks"]
    # What was unpacked for the others is of no use any more.
    assert run_with(NativeOptions(id_base=3_000_000_000, id_count=65536)) == [
        "3000000000-65536",
        "locks",
    ]
