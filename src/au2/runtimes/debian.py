"""Root file system of Debian packages as a tar archive, by mmdebstrap; package sources of apt."""

import os
import re
import shlex
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from au2.domain.errors import RuntimeBuildFailed
from au2.runtimes.layers import InstalledPackage, parse_packages
from au2.runtimes.recipe import DebianSource

_MIRROR = "http://deb.debian.org/debian"
_SECURITY_MIRROR = "http://deb.debian.org/debian-security"
_WHOLE_LINE = re.compile(r"deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)")
_PROXY = re.compile(r'Acquire::http::Proxy "([^"]+)";')
_TRANSPORT = re.compile(r"Acquire::(?:http|https|socks)::")
_TARGET_FORMAT = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
_INDEX_TARGETS = ("apt-get", "indextargets", "--format", _TARGET_FORMAT, "Created-By: Packages")
_HOST_SETTINGS = "etc/apt/apt.conf.d/00au2-host"
_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "/usr/share/lintian/*",
)
_KEPT = ("/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias")
_KEPT_VARIABLES = ("PATH", "http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY")
_LAST_LINES = 30
_CHATTER = ("I: running --", "I: using /", "I: removing tempdir", "I: chroot arch", "I: done")
_UNREACHABLE = ("Could not resolve", "Could not connect", "Unable to connect", "Failed to fetch")


def choose_sources(suite: str, mirror: str | None) -> list[str]:
    """Return lines of a ``sources.list`` for ``suite``.

    Args:
        suite: ``bookworm`` …
        mirror: the address of a mirror, or whole ``deb …`` lines, or None: the host's own sources
            if it is a Debian of that suite, since these are known to work. A whole line counts
            for its own suite and the suite's updates only: other runtimes may be of another.

    Raises RuntimeBuildFailed if there are whole lines and none is for this suite.
    """
    if mirror is None:
        found = parse_targets(_output_lines(_INDEX_TARGETS), suite) if _is_debian(suite) else []
        return found or default_sources(suite)
    lines = [line.strip() for line in mirror.splitlines() if line.strip()]
    suites = {line: match[2] for line in lines if (match := _WHOLE_LINE.match(line))}
    if suites:
        return _sources_of(suite, suites)
    return default_sources(suite, lines[0]) if lines else default_sources(suite)


def _sources_of(suite: str, suites: Mapping[str, str]) -> list[str]:
    fitting = [
        line
        for line, of in suites.items()
        if of == suite or of.startswith((f"{suite}-", f"{suite}/"))
    ]
    if not fitting:
        known = ", ".join(sorted(set(suites.values())))
        raise RuntimeBuildFailed(
            f"The package sources in `mirror` are for {known}, and the runtime is of {suite}.",
            hint=f"Add lines for {suite} to `mirror`, or give only a mirror's address there.",
        )
    return fitting


def find_mirrors(suite: str, mirror: str | None) -> dict[str, str]:
    """Return the mirrors of a suite and its updates: address by name of the release.

    Arguments and errors are those of :func:`choose_sources`.
    """
    found: dict[str, str] = {}
    for line in choose_sources(suite, mirror):
        match = _WHOLE_LINE.match(line)
        if match:
            found.setdefault(match[2], match[1])
    return found


def find_proxy() -> str | None:
    """Return the host's HTTP proxy of apt, if any."""
    lines = _output_lines(["apt-config", "dump", "Acquire::http::Proxy"])
    return next((match[1] for line in lines if (match := _PROXY.match(line))), None)


def default_sources(suite: str, mirror: str = _MIRROR) -> list[str]:
    """Return the sources of a newly installed Debian of that suite."""
    return [
        f"deb {mirror} {suite} main",
        f"deb {mirror} {suite}-updates main",
        f"deb {_SECURITY_MIRROR} {suite}-security main",
    ]


def _read_transport_settings() -> str:
    """Return the host's apt settings for proxies and certificates, as an ``apt.conf``."""
    lines = _output_lines(["apt-config", "dump", "Acquire"])
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


def _is_debian(suite: str) -> bool:
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return False
    lines = {line.replace('"', "") for line in release.splitlines()}
    return {"ID=debian", f"VERSION_CODENAME={suite}"} <= lines


def _output_lines(command: Sequence[str]) -> list[str]:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []


def make_debian_root(
    source: DebianSource, *, sources: Sequence[str], work: Path, progress: Callable[[str], None]
) -> tuple[Path, tuple[InstalledPackage, ...]]:
    """Return the archive, in the folder ``work``, and its packages.

    The same packages give the same bytes. The host's own settings (proxies, keys to mirrors) are
    used while building and not left inside. Raises RuntimeBuildFailed with mmdebstrap's last lines
    and a hint.
    """
    settings = work / "apt.conf"
    settings.write_text(_read_transport_settings(), encoding="utf-8")
    target, listing = work / "root.tar", work / "packages"
    temporary = work / "tmp"
    temporary.mkdir(mode=0o755)
    command = [
        "mmdebstrap",
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(source.packages)}",
        *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
        *(f"--dpkgopt=path-include={path}" for path in _KEPT),
        "--dpkgopt=force-unsafe-io",
        f"--setup-hook={_setup_hook(settings)}",
        *(f'--customize-hook=chroot "$1" {line}' for line in source.after_install),
        f"--customize-hook={_listing_hook(listing)}",
        f'--customize-hook=rm -rf "$1/{_HOST_SETTINGS}" "$1"/etc/apt/auth.conf*',
        source.suite,
        str(target),
        *sources,
    ]
    _run(command, temporary, progress)
    return target, parse_packages(listing.read_text(encoding="utf-8"))


def _setup_hook(settings: Path) -> str:
    return (
        f'mkdir -p "$1/etc/apt/apt.conf.d" && cp {shlex.quote(str(settings))} "$1/{_HOST_SETTINGS}"'
        " && for f in /etc/apt/auth.conf /etc/apt/auth.conf.d; do"
        ' [ ! -e "$f" ] || cp -r "$f" "$1/etc/apt/"; done'
    )


def _listing_hook(listing: Path) -> str:
    """Return the hook that lists the installed versions with their archives' digests."""
    versions = "dpkg-query -W -f '${binary:Package}=${Version} '"
    return f'chroot "$1" sh -c {shlex.quote(f"apt-cache show $({versions})")} > {listing}'


def _run(command: Sequence[str], temporary: Path, progress: Callable[[str], None]) -> None:
    environment = {k: os.environ[k] for k in _KEPT_VARIABLES if k in os.environ}
    environment |= {
        "LC_ALL": "C.UTF-8",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "SOURCE_DATE_EPOCH": "0",
    }
    if shutil.which(command[0]) is None:
        raise RuntimeBuildFailed(
            "mmdebstrap is not installed.", hint="Run: apt-get install mmdebstrap"
        )
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                last.append(line.rstrip())
                if _is_for_people(line):
                    progress(line[3:].strip())
        except BaseException:
            # Terminated, mmdebstrap removes its mounts; killed, it would leave them.
            process.terminate()
            raise
    if process.returncode != 0:
        raise _explain(process.returncode, list(last))


def _is_for_people(line: str) -> bool:
    return line.startswith(("I: ", "W: ", "E: ")) and not line.startswith(_CHATTER)


def _explain(exit_code: int, lines: list[str]) -> RuntimeBuildFailed:
    hint = "The lines above say why."
    if os.geteuid() != 0:
        hint = "Building a runtime needs root: run this as root."
    elif any(phrase in line for line in lines for phrase in _UNREACHABLE):
        hint = (
            "The Debian mirror can't be reached: set `mirror` to one that can, or a proxy for apt."
        )
    told = "\n".join(lines)
    return RuntimeBuildFailed(f"mmdebstrap failed with exit code {exit_code}:\n{told}", hint=hint)
