"""Package sources: the indexes, folders and registry of dependencies.

Unless the operator's settings name others, the configuration of pip and npm on this machine counts.
"""

import configparser
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

PYTHON_INDEX = "https://pypi.org/simple/"
NPM_REGISTRY = "https://registry.npmjs.org/"
_PIP_SECTIONS = ("global", "install")
"""Weakest first, as for ``pip install``."""
_PIP_PREFIX = "PIP_"
_NPM_PREFIX = "npm_config_"


class DebianSources(NamedTuple):
    """Debian mirrors and proxy of the operator; looked up when Debian packages are installed."""

    find_mirrors: Callable[[str], Mapping[str, str]]
    """Returns the mirrors of a suite and its updates: address by name of the release. Raises
    RuntimeBuildFailed: the operator's own lines have none for the suite."""
    find_proxy: Callable[[], str | None]
    """Returns apt's HTTP proxy on this machine; None: as the environment says."""


@dataclass(frozen=True, slots=True)
class Sources:
    """URLs of indexes and registry. Credentials in them are sent to their own server only."""

    indexes: tuple[str, ...] = (PYTHON_INDEX,)
    """Simple repositories (PEP 503), ``https:``, ``http:`` or ``file:``; the first one wins."""
    find_links: tuple[str, ...] = ()
    """Folders (absolute paths or ``file:`` URLs) and pages that list files of many projects."""
    merge_indexes: bool = False
    """Whether a project's files are taken from all indexes, as pip does; else from the first that
    knows the project: a newer version of an internal name on a public index is not taken."""
    npm_registry: str = NPM_REGISTRY
    ca_file: Path | None = None
    """Certificates to trust; None: the system's."""
    trusted_hosts: tuple[str, ...] = ()
    """Hosts (``NAME`` or ``NAME:PORT``) whose certificates are not checked."""
    proxy: str | None = None
    """None: as the environment says."""
    timeout_seconds: float = 60.0
    """Longest silence of a server."""


def read_machine_sources(environment: Mapping[str, str], *, home: Path) -> Sources:
    """Return the sources in pip's and npm's configuration on this machine.

    Args:
        environment: variables of this process.
        home: home folder of its user.
    """
    sources = read_pip_configuration(environment, home=home)
    npm = read_npm_configuration(environment, home=home)
    return replace(sources, npm_registry=npm.npm_registry, ca_file=sources.ca_file or npm.ca_file)


def read_pip_configuration(
    environment: Mapping[str, str], *, home: Path, root: Path = Path("/")
) -> Sources:
    """Return pip's sources (pip documentation, "Configuration").

    Args:
        environment: variables of this process.
        home: home folder of its user.
        root: parent of ``/etc``.
    """
    values: dict[str, str] = {}
    for file in _pip_files(environment, home, root):
        values |= _read_pip_file(file)
    for name, value in environment.items():
        if name.startswith(_PIP_PREFIX):
            values[name.removeprefix(_PIP_PREFIX).lower().replace("_", "-")] = value
    no_index = values.get("no-index", "").lower() in {"1", "true", "yes", "on", "y", "t"}
    indexes = [values.get("index-url") or PYTHON_INDEX, *values.get("extra-index-url", "").split()]
    certificates = values.get("cert") or environment.get("REQUESTS_CA_BUNDLE")
    return Sources(
        indexes=() if no_index else tuple(indexes),
        find_links=tuple(
            source if "://" in source else str(Path(source).absolute())
            for source in values.get("find-links", "").split()
        ),
        merge_indexes=True,
        ca_file=Path(certificates) if certificates else None,
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        proxy=values.get("proxy") or None,
    )


def read_npm_configuration(
    environment: Mapping[str, str], *, home: Path, root: Path = Path("/")
) -> Sources:
    """Return npm's registry and certificates (npm documentation, "npmrc").

    Args:
        environment: variables of this process.
        home: home folder of its user.
        root: parent of ``/etc``.
    """
    values: dict[str, str] = {}
    own = environment.get("NPM_CONFIG_USERCONFIG") or environment.get("npm_config_userconfig")
    for file in (root / "etc/npmrc", root / "usr/etc/npmrc", Path(own or home / ".npmrc")):
        values |= _read_npm_file(file)
    for name, value in environment.items():
        if name.lower().startswith(_NPM_PREFIX):
            values[name.lower().removeprefix(_NPM_PREFIX)] = value
    ca_file = values.get("cafile")
    return Sources(
        npm_registry=values.get("registry") or NPM_REGISTRY,
        ca_file=Path(ca_file) if ca_file else None,
    )


def _pip_files(environment: Mapping[str, str], home: Path, root: Path) -> Iterable[Path]:
    """Return pip's configuration files, weakest first."""
    own = environment.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return
    for folder in reversed(environment.get("XDG_CONFIG_DIRS", str(root / "etc/xdg")).split(":")):
        yield Path(folder) / "pip/pip.conf"
    yield root / "etc/pip.conf"
    yield home / ".pip/pip.conf"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if own:
        yield Path(own)


def _read_pip_file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(path.read_text("utf-8", "replace"))
    except (OSError, configparser.Error):
        return {}
    found: dict[str, str] = {}
    for section in _PIP_SECTIONS:
        if parser.has_section(section):
            found |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    return found


def _read_npm_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    settings = (line.partition("=") for line in lines if not line.lstrip().startswith(("#", ";")))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in settings}
