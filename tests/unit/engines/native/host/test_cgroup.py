"""Control groups as the three kinds of hosts show them."""

from pathlib import Path

import pytest

from au2.engines.native.host.cgroup import ControlGroups, ResourceUsage, parse_hierarchies

V2 = "25 30 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = """\
29 23 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
30 29 0:27 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup rw
31 29 0:28 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd
32 29 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:12 - cgroup cgroup rw,cpu,cpuacct
33 29 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
34 29 0:31 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_version_2() -> None:
    assert parse_hierarchies(V2) == ControlGroups({}, Path("/sys/fs/cgroup"))


def test_the_mixture() -> None:
    found = parse_hierarchies(HYBRID)
    assert found.unified == Path("/sys/fs/cgroup/unified")
    assert found.controllers["cpuacct"] == Path("/sys/fs/cgroup/cpu,cpuacct")
    assert found.controllers["memory"] == Path("/sys/fs/cgroup/memory")
    assert found.controllers["name=systemd"] == Path("/sys/fs/cgroup/systemd")


def test_counters_of_version_2(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "cgroup.controllers": "cpuset cpu io memory pids\n",
            "au2/job/cpu.stat": "usage_usec 1500000\nuser_usec 1\n",
            "au2/job/memory.peak": "4096\n",
            "au2/job/memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n",
        },
    )
    groups = ControlGroups({}, tmp_path)
    assert groups.read_usage("/au2/job") == ResourceUsage(1.5, 4096, 2, reached_memory_limit=True)
    assert groups.missing_controllers() == []
    assert groups.can_limit_swap()


def test_counters_of_version_1(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "cpu,cpuacct/au2/job/cpuacct.usage": "2500000000\n",
            "memory/au2/job/memory.max_usage_in_bytes": "8192\n",
            "memory/au2/job/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
        },
    )
    cpu, memory = tmp_path / "cpu,cpuacct", tmp_path / "memory"
    groups = ControlGroups({"cpu": cpu, "cpuacct": cpu, "memory": memory}, None)
    assert groups.read_usage("/au2/job") == ResourceUsage(2.5, 8192, 1)
    assert groups.missing_controllers() == ["pids"]
    assert not groups.can_limit_swap()
    (memory / "memory.memsw.limit_in_bytes").touch()
    assert groups.can_limit_swap()


def test_kills_without_the_limit_of_the_group(tmp_path: Path) -> None:
    events = "low 0\nhigh 0\nmax 3\noom 0\noom_kill 2\n"
    write(
        tmp_path,
        {
            "two/job/memory.events": events,
            "one/job/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            "one/job/memory.limit_in_bytes": "16777216\n",
            "one/job/memory.max_usage_in_bytes": "9000000\n",
        },
    )
    version_1 = ControlGroups({"memory": tmp_path / "one"}, None)
    for groups in (ControlGroups({}, tmp_path / "two"), version_1):
        seen = groups.read_usage("/job")
        assert (seen.out_of_memory_kills, seen.reached_memory_limit) == (2, False)
    write(tmp_path, {"one/job/memory.max_usage_in_bytes": "16773120\n"})
    assert version_1.read_usage("/job").reached_memory_limit


def test_kernels_without_a_peak(tmp_path: Path) -> None:
    write(tmp_path, {"g/cpu.stat": "usage_usec 1000000\n"})
    assert ControlGroups({}, tmp_path).read_usage("/g") == ResourceUsage(1.0, None, 0)


@pytest.mark.parametrize("text", ["", "\n", "nonsense\n", "1 2 3\n"])
def test_nothing_mounted(text: str) -> None:
    groups = parse_hierarchies(text)
    assert groups.missing_controllers() == ["cpu", "memory", "pids"]
    assert groups.read_usage("/x") == ResourceUsage()
