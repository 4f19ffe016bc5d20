"""Wheel and sdist of this checkout, and virtual environments with nothing but what they bring."""

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.support.checkout import ROOT


@dataclass(frozen=True, slots=True)
class Distributions:
    """What a release consists of."""

    wheel: Path
    sdist: Path


@dataclass(frozen=True, slots=True)
class Environment:
    """An installation of its own."""

    root: Path

    @property
    def bin(self) -> Path:
        """Folder of the commands."""
        return self.root / "bin"

    def distributions(self) -> set[str]:
        """Names of everything installed, pip left out."""
        command = [str(self.bin / "python"), "-m", "pip", "list", "--format", "json"]
        listed = subprocess.run(command, check=True, capture_output=True, env=pip_environment())
        return {one["name"] for one in json.loads(listed.stdout)} - {"pip", "setuptools"}


def pip_environment() -> dict[str, str]:
    """Return an environment in which pip installs the pinned versions."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AU_", "AU2_"))}
    return {**inherited, "PIP_CONSTRAINT": str(ROOT / "constraints.txt"), "PIP_NO_INPUT": "1"}


def build_distributions(folder: Path) -> Distributions:
    """Build wheel and sdist with the build backend, as README.md says."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    [sdist] = folder.glob("*.tar.gz")
    return Distributions(wheel, sdist)


def make_environment(root: Path, *, with_pip: bool = True) -> Environment:
    """Make an empty virtual environment."""
    venv.create(root, with_pip=with_pip)
    return Environment(root)


def install(environment: Environment, requirement: str) -> None:
    """Install a requirement from the machine's package sources, at the pinned versions."""
    # With this checkout's pip, in case the environment has none. What is run once is not compiled.
    pip = [sys.executable, "-m", "pip", "--python", str(environment.bin / "python")]
    command = [*pip, "install", "--quiet", "--no-compile", requirement]
    subprocess.run(command, check=True, env=pip_environment())
