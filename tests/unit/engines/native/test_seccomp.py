"""Docker's profile resolved: at least as narrow as Docker's, and complete."""

from typing import Any

import pytest

from au2.engines.native.seccomp import load_profile, resolve_profile
from au2.engines.native.user_namespace import DEFAULT_CAPABILITIES


def resolve(
    machine: str = "x86_64", capabilities: frozenset[str] | None = None, kernel: str = "6.1.0-1"
) -> dict[str, Any]:
    own = frozenset(DEFAULT_CAPABILITIES) if capabilities is None else capabilities
    return resolve_profile(load_profile(), machine=machine, capabilities=own, kernel=kernel)


def allowed(profile: dict[str, Any], *, always: bool = True) -> set[str]:
    return {
        name
        for rule in profile["syscalls"]
        if rule["action"] == "SCMP_ACT_ALLOW" and (not always or "args" not in rule)
        for name in rule["names"]
    }


def test_the_default_is_to_refuse() -> None:
    profile = resolve()
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert profile["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    assert resolve("aarch64")["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    assert resolve("riscv64")["architectures"] == ["SCMP_ARCH_RISCV64"]


@pytest.mark.parametrize(
    "name",
    [
        "mount",
        "unshare",
        "setns",
        "bpf",
        "keyctl",
        "add_key",
        "userfaultfd",
        "pivot_root",
        "io_uring_setup",
        "perf_event_open",
        "init_module",
        "reboot",
        "swapon",
        "socketcall",
        "open_by_handle_at",
        "fsopen",
        "move_mount",
        "syslog",
        "clone",
        "clone3",
        "socket",
    ],
)
def test_never_allowed_without_condition(name: str) -> None:
    assert name not in allowed(resolve())


def test_usual_calls_are_allowed() -> None:
    usual = {"read", "openat", "execve", "futex", "chroot", "ptrace", "fork", "connect", "statx"}
    assert usual <= allowed(resolve())
    assert "arch_prctl" in allowed(resolve())
    assert "arch_prctl" not in allowed(resolve("aarch64"))


def test_capabilities_open_what_hangs_on_them() -> None:
    able = resolve(capabilities=frozenset({"CAP_SYS_ADMIN"}))
    assert {"mount", "unshare", "clone"} <= allowed(able)
    assert "chroot" not in allowed(able)


def test_old_kernels_lack_what_is_unsafe_there() -> None:
    assert "ptrace" not in allowed(resolve(kernel="4.7.10"))
    assert "ptrace" in allowed(resolve(kernel="4.8"))


def test_clone_without_new_namespaces_only() -> None:
    (rule,) = [
        rule
        for rule in resolve()["syscalls"]
        if "clone" in rule["names"] and rule["action"] == "SCMP_ACT_ALLOW"
    ]
    assert rule["args"] == [{"index": 0, "value": 0x7E020000, "op": "SCMP_CMP_MASKED_EQ"}]
    (refused,) = [rule for rule in resolve()["syscalls"] if rule["names"] == ["clone3"]]
    assert (refused["action"], refused["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def may_open_socket(argument: int) -> bool:
    """Whether the filter passes ``socket(argument, …)``; the argument is a whole register."""
    return any(
        argument & condition["value"] == condition["valueTwo"]
        for rule in resolve()["syscalls"]
        if "socket" in rule["names"] and rule["action"] == "SCMP_ACT_ALLOW"
        for condition in rule["args"]
        if (condition["index"], condition["op"]) == (0, "SCMP_CMP_MASKED_EQ")
    )


# The kernel takes the lower half of the register for the family, whatever is in the upper one.
@pytest.mark.parametrize("upper_half", [0, 1 << 32, 0xFFFFFFFF << 32])
def test_sockets_of_all_kinds_but_two(upper_half: int) -> None:
    families = {family for family in range(64) if may_open_socket(family | upper_half)}
    assert families == set(range(64)) - {38, 40}


def test_only_keys_that_the_runtime_knows() -> None:
    for rule in resolve()["syscalls"]:
        assert set(rule) <= {"names", "action", "errnoRet", "args"}
        assert rule["names"]
