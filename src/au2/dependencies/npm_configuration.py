"""What npm on this machine is configured to: the default for where its packages come from."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from au2.dependencies.sources import NPM_REGISTRY


class NpmConfiguration(NamedTuple):
    """As far as it matters here."""

    registry: str = NPM_REGISTRY
    ca_file: Path | None = None


def read_npm_configuration(
    environment: Mapping[str, str], *, home: Path, root: Path = Path("/")
) -> NpmConfiguration:
    """Return where npm would take packages from (npm documentation, "npmrc")."""
    values: dict[str, str] = {}
    own = environment.get("NPM_CONFIG_USERCONFIG") or environment.get("npm_config_userconfig")
    for file in (root / "etc/npmrc", root / "usr/etc/npmrc", Path(own or home / ".npmrc")):
        values |= _read_file(file)
    for name, value in environment.items():
        if name.lower().startswith("npm_config_"):
            values[name.lower().removeprefix("npm_config_")] = value
    registry, ca_file = values.get("registry"), values.get("cafile")
    return NpmConfiguration(registry or NPM_REGISTRY, Path(ca_file) if ca_file else None)


def _read_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    settings = (line.partition("=") for line in lines if not line.lstrip().startswith(("#", ";")))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in settings}
