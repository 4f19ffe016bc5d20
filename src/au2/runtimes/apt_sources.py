"""Package sources of apt: the operator's mirror, the host's own sources, or Debian's."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

_MIRROR = "http://deb.debian.org/debian"
_SECURITY_MIRROR = "http://deb.debian.org/debian-security"
_TRANSPORT = re.compile(r"Acquire::(?:http|https|socks)::")
_TARGET_FORMAT = "$(REPO_URI) $(RELEASE) $(COMPONENT)"


def choose_sources(suite: str, mirror: str | None) -> list[str]:
    """Return lines of a ``sources.list`` for ``suite``.

    Args:
        suite: ``bookworm`` …
        mirror: the address of a mirror, or whole ``deb …`` lines, or None: the host's own sources
            if it is a Debian of that suite, since these are known to work.
    """
    if mirror is None:
        return _list_host_sources(suite) or default_sources(suite)
    lines = [line.strip() for line in mirror.splitlines() if line.strip()]
    if any(line.startswith("deb ") for line in lines):
        return lines
    return default_sources(suite, lines[0]) if lines else default_sources(suite)


def default_sources(suite: str, mirror: str = _MIRROR) -> list[str]:
    """Return the sources of a newly installed Debian of that suite."""
    return [
        f"deb {mirror} {suite} main",
        f"deb {mirror} {suite}-updates main",
        f"deb {_SECURITY_MIRROR} {suite}-security main",
    ]


def read_transport_settings() -> str:
    """Return the host's apt settings for proxies and certificates, as an ``apt.conf``."""
    lines = _run(["apt-config", "dump", "Acquire"])
    return "".join(f"{line}\n" for line in lines if _TRANSPORT.match(line))


def parse_targets(lines: Sequence[str], suite: str) -> list[str]:
    """Return sources for the suite and its updates from the output of ``apt-get indextargets``."""
    wanted = {suite, f"{suite}-updates", f"{suite}-security"}
    found: dict[str, str] = {}
    for line in lines:
        parts = line.split()
        if len(parts) != 3:
            continue
        address, release, component = parts
        if release in wanted and component == "main":
            found.setdefault(f"deb {address} {release} main", release)
    return list(found) if suite in found.values() else []


def _list_host_sources(suite: str) -> list[str]:
    if not _is_debian(suite):
        return []
    command = ["apt-get", "indextargets", "--format", _TARGET_FORMAT, "Created-By: Packages"]
    return parse_targets(_run(command), suite)


def _is_debian(suite: str) -> bool:
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return False
    lines = {line.replace('"', "") for line in release.splitlines()}
    return {"ID=debian", f"VERSION_CODENAME={suite}"} <= lines


def _run(command: Sequence[str]) -> list[str]:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []
