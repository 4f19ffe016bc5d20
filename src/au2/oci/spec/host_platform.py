"""The platform of this machine, as images name it, with what its processor can do."""

import platform
import re
from collections.abc import Iterable
from pathlib import Path

from au2.oci.spec.platform import LINUX, Platform, parse_platform

_CPU_INFO = Path("/proc/cpuinfo")
_X86_LEVELS = (
    ("v2", frozenset({"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"})),
    (
        "v3",
        frozenset({"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"}),
    ),
    ("v4", frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})),
)
"""What each level needs beyond the ones before it (x86-64 psABI, "Micro-Architecture Levels"), by
the names that Linux has for it; its ``abm`` is LZCNT, and ``pni`` SSE3."""
_FLAGS = re.compile(r"^flags\s*:(.*)$", re.MULTILINE)
_ARM_VARIANT = re.compile(r"armv([5-8])")


def find_platform() -> Platform:
    """Return the platform of this machine: ``linux/amd64/v3``, say."""
    machine = platform.machine()
    if found := _ARM_VARIANT.match(machine):
        return parse_platform(LINUX, "arm", found[1])
    plain = parse_platform(LINUX, machine)
    if plain.architecture != "amd64":
        return plain
    try:
        told = _CPU_INFO.read_text("utf-8", "replace")
    except OSError:
        return plain
    return parse_platform(LINUX, "amd64", find_x86_level(told))


def find_x86_level(cpu_info: str) -> str:
    """Return the highest level that every processor of a ``/proc/cpuinfo`` runs: ``v1`` … ``v4``.

    The flags are those that Linux lets programs use: what a hypervisor hides is not among them.
    """
    processors = [frozenset(flags.split()) for flags in _FLAGS.findall(cpu_info)]
    return _highest(frozenset.intersection(*processors) if processors else ())


def _highest(flags: Iterable[str]) -> str:
    there, level = frozenset(flags), "v1"
    for name, needed in _X86_LEVELS:
        if not needed <= there:
            break
        level = name
    return level
