"""What ``au2-server doctor`` says of limits of the kernel."""

from pathlib import Path

from au2.engines.native.host.check import check_kernel_limits, list_limits
from au2.engines.native.options import NativeOptions


def write(folder: Path, name: str, value: int) -> None:
    path = folder / name.replace(".", "/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{value}\n")


def test_values_that_are_enough(tmp_path: Path) -> None:
    options = NativeOptions(containers=8)
    for limit in list_limits(options):
        write(tmp_path, limit.name, limit.for_host + 8 * limit.for_container)
    found = list(check_kernel_limits(options, tmp_path))
    assert len(found) == len(list(list_limits(options))) == 7
    assert all(check.ok and "sysctl" not in check.message for check in found)


def test_values_that_are_too_low(tmp_path: Path) -> None:
    options = NativeOptions(containers=300)
    for limit in list_limits(options):
        write(tmp_path, limit.name, 63)
    found = {check.name: check for check in check_kernel_limits(options, tmp_path)}
    assert {name for name, check in found.items() if not check.ok} == {
        "kernel.keys.maxkeys",
        "kernel.pid_max",
        "fs.inotify.max_user_instances",
        "net.netfilter.nf_conntrack_max",
    }
    assert "sysctl -w kernel.keys.maxkeys=350" in found["kernel.keys.maxkeys"].message
    assert "sysctl -w fs.aio-max-nr=" in found["fs.aio-max-nr"].message


def test_what_the_kernel_does_not_have_is_passed_over(tmp_path: Path) -> None:
    assert list(check_kernel_limits(NativeOptions(), tmp_path)) == []


def test_any_number_of_connections_needs_no_number(tmp_path: Path) -> None:
    names = {limit.name for limit in list_limits(NativeOptions(connections=0))}
    assert "net.netfilter.nf_conntrack_max" not in names
