"""The system-call filter: Docker's default profile, resolved for this machine and our capabilities.

``docker_seccomp.json`` is ``profiles/seccomp/default.json`` of Moby (Docker) 20.10.24, unchanged,
from Debian 12's golang-github-docker-docker-dev: Copyright 2012-2017 Docker, Inc., Apache License
2.0. System calls are refused by ``_REFUSED`` here, not by an edit of that file.
Its entries depend on conditions (capabilities, architecture, kernel), which the OCI runtime
specification does not know.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from typing import Any

_REFUSED = frozenset(
    {
        # Docker itself has refused these since version 25: too many ways into the kernel.
        "io_uring_enter",
        "io_uring_register",
        "io_uring_setup",
        # Would get around the rule for socket() below. Only 32-bit programs use it.
        "socketcall",
        # Replaced by rules on its first argument.
        "socket",
    }
)
_FAMILY_BITS = (1 << 32) - 1
"""The kernel looks at the lower half of the argument only, and so must the filter: a comparison of
all 64 bits is got around by setting one in the upper half."""
_FAMILIES: tuple[tuple[int, int], ...] = (
    # First family and how many, aligned to that number. AF_VSOCK (40) is left out, for network
    # namespaces don't hold for it and it is a way to the hypervisor; AF_ALG (38) too: kernel code
    # that no usual program needs.
    (0, 32),
    (32, 4),
    (36, 2),
    (39, 1),
    (41, 1),
    (42, 2),
    (44, 4),
    (48, 16),
)
_ARGUMENT_KEYS = ("index", "value", "valueTwo", "op")
_ARCHITECTURES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
}
"""Machine → architecture in Docker's profile, and libseccomp's name."""


def load_profile() -> dict[str, Any]:
    """Return the profile as shipped."""
    text = resources.files(__package__).joinpath("docker_seccomp.json").read_text("utf-8")
    profile: dict[str, Any] = json.loads(text)
    return profile


def resolve_profile(
    profile: Mapping[str, Any], *, machine: str, capabilities: Collection[str], kernel: str
) -> dict[str, Any]:
    """Return ``linux.seccomp`` of the OCI runtime specification. Pure.

    Args:
        profile: in Docker's form.
        machine: as of ``uname -m``.
        capabilities: of the container.
        kernel: as of ``uname -r``.
    """
    architecture, libseccomp_name = _ARCHITECTURES.get(machine, (machine, None))
    rules = []
    for entry in profile["syscalls"]:
        if _applies(entry, architecture, capabilities, _kernel_version(kernel)):
            rules.extend(_resolve_entry(entry))
    rules.extend(_allow_socket(*families) for families in _FAMILIES)
    return {
        "defaultAction": profile["defaultAction"],
        "architectures": _architectures(profile["archMap"], libseccomp_name),
        "syscalls": rules,
    }


def _applies(
    entry: Mapping[str, Any],
    architecture: str,
    capabilities: Collection[str],
    kernel: tuple[int, int],
) -> bool:
    includes, excludes = entry.get("includes") or {}, entry.get("excludes") or {}
    if "arches" in includes and architecture not in includes["arches"]:
        return False
    if not all(name in capabilities for name in includes.get("caps", ())):
        return False
    if "minKernel" in includes and kernel < _kernel_version(includes["minKernel"]):
        return False
    if architecture in excludes.get("arches", ()):
        return False
    return not any(name in capabilities for name in excludes.get("caps", ()))


def _resolve_entry(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = [name for name in entry["names"] if name not in _REFUSED]
    if not names:
        return []
    rule: dict[str, Any] = {"names": names, "action": entry["action"]}
    if entry.get("errnoRet") is not None:
        rule["errnoRet"] = entry["errnoRet"]
    if entry.get("args"):
        rule["args"] = [
            {key: argument[key] for key in _ARGUMENT_KEYS if key in argument}
            for argument in entry["args"]
        ]
    return [rule]


def _allow_socket(first: int, count: int) -> dict[str, Any]:
    # Masked by "value", the argument must be "valueTwo".
    families = {"value": _FAMILY_BITS & ~(count - 1), "valueTwo": first}
    return {
        "names": ["socket"],
        "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 0, **families, "op": "SCMP_CMP_MASKED_EQ"}],
    }


def _architectures(mapping: Sequence[Mapping[str, Any]], name: str | None) -> list[str]:
    for entry in mapping:
        if entry["architecture"] == name:
            return [entry["architecture"], *(entry.get("subArchitectures") or ())]
    return [] if name is None else [name]


def _kernel_version(text: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d*)", text)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)
