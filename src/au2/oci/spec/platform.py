"""Platforms of images and of this machine: operating system, architecture, variant.

Names are read as containerd reads them (containerd/platforms, ``database.go``): in any case, with
the aliases that other tools write, and without a variant that is the usual one.
"""

import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

LINUX = "linux"
UNKNOWN = "unknown"
"""What builders write for a manifest that is no image: an attestation."""

_SYSTEMS = {"macos": "darwin"}
_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
}
_ARM = {"armhf": "v7", "armel": "v6"}
"""Names of 32-bit ARM that tell the variant, too."""
_USUAL_VARIANTS = {"amd64": "v1", "arm64": "v8", "arm": "v7", "386": ""}
"""What an image without a variant is built for."""
_LEVELS = {"amd64": (1, 4), "arm": (5, 8)}
"""Variants with levels: a machine of one runs all below (first and last level)."""
_VARIANT = re.compile(r"v?([0-9]+)(?:\.0)?")


class Platform(NamedTuple):
    """Platform of an image or a machine; made by :func:`parse_platform`."""

    os: str
    architecture: str
    """Empty: it is not told."""
    variant: str = ""
    """Empty: the usual one of the architecture."""

    def __str__(self) -> str:
        """Format like Docker: ``linux/arm64/v8``."""
        return "/".join(part for part in self if part)

    @property
    def is_unknown(self) -> bool:
        """Whether no machine has this platform."""
        return (self.os, self.architecture) == (UNKNOWN, UNKNOWN)


AMD64 = Platform(LINUX, "amd64")


def parse_platform(os: str, architecture: str, variant: str = "") -> Platform:
    """Return the platform stated by these texts of a configuration or an index.

    Without an operating system, Linux: images of other systems state theirs.
    """
    system = os.lower() or LINUX
    name, told = architecture.lower(), variant.lower()
    if name in _ARM:
        name, told = "arm", told or _ARM[name]
    name = _ARCHITECTURES.get(name, name)
    if number := _VARIANT.fullmatch(told):
        told = f"v{number[1]}"
    is_usual = told == _USUAL_VARIANTS.get(name)
    return Platform(_SYSTEMS.get(system, system), name, "" if is_usual else told)


def rank(platform: Platform, machine: Platform) -> int | None:
    """Return a rank of an image for ``platform`` on ``machine``; the highest is the best.

    An image without an architecture counts as the machine's own, as for Docker. Returns None if the
    machine can't run the image, or possibly can't.
    """
    if platform.os != machine.os:
        return None
    if not platform.architecture:
        return 0
    if platform.architecture != machine.architecture:
        return None
    if platform.variant == machine.variant:
        return 1 + _level(machine)
    if platform.architecture not in _LEVELS or not _is_level(platform):
        return None
    level = _level(platform)
    return 1 + level if level <= _level(machine) else None


def list_platforms(platforms: Iterable[Platform]) -> str:
    """Return the runnable platforms for a message, each once."""
    there = sorted({str(one) for one in platforms if not one.is_unknown})
    return ", ".join(there)[:500] or "nothing"


def describe_mismatch(platforms: Iterable[Platform], machine: Platform) -> str:
    """Return the sentence for ``platforms`` of which none fits ``machine``."""
    there = list(platforms)
    plain = machine._replace(variant="")
    if not any(one[:2] == plain[:2] for one in there):
        return f"the image is not there for {plain}, only for: {list_platforms(there)}"
    return (
        f"the processor of this server is {machine}, and can't run the image, "
        f"which is there for: {list_platforms(there)}"
    )


def _is_level(platform: Platform) -> bool:
    first, last = _LEVELS[platform.architecture]
    return first <= _level(platform) <= last


def _level(platform: Platform) -> int:
    variant = platform.variant or _USUAL_VARIANTS.get(platform.architecture, "")
    number = _VARIANT.fullmatch(variant)
    return int(number[1]) if number else 0


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
    """Return the highest level of every processor of a ``/proc/cpuinfo``: ``v1`` … ``v4``.

    The flags are those allowed by Linux, without the ones hidden by a hypervisor.
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
