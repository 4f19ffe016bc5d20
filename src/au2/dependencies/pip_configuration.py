"""What pip on this machine is configured to: the default for where dependencies come from."""

import configparser
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from au2.dependencies.sources import PYTHON_INDEX, Sources

_SECTIONS = ("global", "install")
"""Weakest first."""
_PREFIX = "PIP_"


def read_pip_configuration(
    environment: Mapping[str, str], *, home: Path, root: Path = Path("/")
) -> Sources:
    """Return where pip would take packages from (pip documentation, "Configuration").

    Args:
        environment: variables of this process. home: of its user. root: where ``/etc`` is.
    """
    values: dict[str, str] = {}
    for file in _configuration_files(environment, home, root):
        values |= _read_file(file)
    for name, value in environment.items():
        if name.startswith(_PREFIX):
            values[name.removeprefix(_PREFIX).lower().replace("_", "-")] = value
    indexes = [] if _is_set(values.get("no-index")) else _indexes(values)
    certificates = values.get("cert") or environment.get("REQUESTS_CA_BUNDLE")
    return Sources(
        indexes=tuple(indexes),
        find_links=tuple(_find_links(values)),
        merge_indexes=True,
        ca_file=Path(certificates) if certificates else None,
        proxy=values.get("proxy") or None,
    )


def _indexes(values: Mapping[str, str]) -> list[str]:
    return [values.get("index-url") or PYTHON_INDEX, *values.get("extra-index-url", "").split()]


def _find_links(values: Mapping[str, str]) -> Iterable[str]:
    for place in values.get("find-links", "").split():
        yield place if "://" in place else str(Path(place).absolute())


def _configuration_files(environment: Mapping[str, str], home: Path, root: Path) -> Iterable[Path]:
    """Return the files, weakest first."""
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


def _read_file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(path.read_text("utf-8", "replace"))
    except (OSError, configparser.Error):
        return {}
    found: dict[str, str] = {}
    for section in _SECTIONS:
        if parser.has_section(section):
            found |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    return found


def _is_set(value: str | None) -> bool:
    return (value or "").lower() in {"1", "true", "yes", "on", "y", "t"}
