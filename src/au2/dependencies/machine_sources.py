"""Where packages come from on this machine when nothing else is said: as pip and npm have it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from au2.dependencies.npm_configuration import read_npm_configuration
from au2.dependencies.pip_configuration import read_pip_configuration
from au2.dependencies.sources import Sources


def read_machine_sources(environment: Mapping[str, str], *, home: Path) -> Sources:
    """Return what the configurations of pip and npm say.

    Args:
        environment: variables of this process. home: of its user.
    """
    sources = read_pip_configuration(environment, home=home)
    npm = read_npm_configuration(environment, home=home)
    return replace(sources, npm_registry=npm.registry, ca_file=sources.ca_file or npm.ca_file)
