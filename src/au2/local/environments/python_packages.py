"""Requirements of a Python package in a virtual environment, installed by uv or else by pip."""

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from au2.dependencies.sources import read_pip_configuration
from au2.execution.termination import JobControl
from au2.files.home import NO_HOME, find_home
from au2.local.environments.installer_process import InstallationFailed, run_installer
from au2.local.interpreters import Interpreter, ask_interpreter
from au2.package.requirements import Requirement, Requirements

_PROBE = (
    "import json, os, sys, sysconfig; "
    "path = os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable); "
    "print(json.dumps([path, sys.version, sysconfig.get_platform()]))"
)
_UV_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
_NO_VENV = "{python} can't make a virtual environment (on Debian: apt-get install python3-venv)"


@dataclass(frozen=True, slots=True)
class PythonPackages:
    """A :class:`~au2.local.environments.packages.Packages` of ``requirements.txt``.

    Args:
        requirements: as the platform reads them.
        interpreter: the one that ``PATH`` finds.
        environment: variables of the installer.
        uv: the program; None: pip installs.
    """

    requirements: Requirements
    interpreter: Interpreter
    environment: Mapping[str, str]
    uv: str | None
    file: str = "requirements.txt"
    kind: str = "python"

    def describe(self) -> Mapping[str, object]:
        """Return everything on which the environment depends, as JSON.

        Raises:
            InstallationFailed: the interpreter doesn't run.
        """
        said = ask_interpreter(self.interpreter.path, ("-I", "-c", _PROBE), self.environment)
        try:
            base = json.loads(said or "")
        except ValueError:
            raise InstallationFailed(f"{self.interpreter} does not answer") from None
        return {"interpreter": base, "requirements": self.requirements._asdict()}

    def install(self, folder: Path, log: Callable[[str], None], control: JobControl) -> None:
        """Make the virtual environment in ``folder``.

        Raises:
            InstallationFailed: with the reason.
            Stopped: the end was requested.
        """
        uv = self.uv

        def run(*command: str, environment: Mapping[str, str] = self.environment) -> int:
            return run_installer(
                command, folder=folder, environment=environment, log=log, control=control
            )

        without_pip = ["--without-pip"] if uv else []
        if run(self.interpreter.path, "-m", "venv", *without_pip, str(folder)) != 0:
            raise InstallationFailed(_NO_VENV.format(python=self.interpreter))
        python = str(folder / "bin" / "python")
        options = _write_files(self.requirements, folder)
        if uv:
            command = (uv, "pip", "install", "--python", python, *_uv_options(self.environment))
            prereleases = ["--prerelease=allow"] if self.requirements.prereleases else []
            code = run(
                *command, *prereleases, *options, environment=_uv_environment(self.environment)
            )
        else:
            command = (python, "-m", "pip", "install", *_PIP_OPTIONS)
            prereleases = ["--pre"] if self.requirements.prereleases else []
            code = run(*command, *prereleases, *options)
        if code != 0:
            raise InstallationFailed("the installer failed, see above")

    def variables(self, folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with which code finds the packages in ``folder``."""
        path = environment.get("PATH", "")
        return {"VIRTUAL_ENV": str(folder), "PATH": f"{folder / 'bin'}:{path}".rstrip(":")}

    def find_modules(self, folder: Path) -> Path | None:
        """Return None: the interpreter knows its environment."""
        return None


_PIP_OPTIONS = (
    *("--no-input", "--no-color", "--disable-pip-version-check", "--no-warn-script-location"),
    *("--progress-bar", "off"),
)


def _write_files(asked: Requirements, folder: Path) -> list[str]:
    """Write the accepted requirements; return the options that both installers know.

    The text holds only parts accepted by the platform's reader, so no URL and no further option
    gets through.
    """
    files = {"--requirement": asked.requirements, "--constraint": asked.constraints}
    named: list[str] = []
    for option, lines in files.items():
        if lines:
            file = folder / f"{option.strip('-')}s.txt"
            file.write_text("".join(map(_format, lines)), encoding="utf-8")
            named += [option, str(file)]
    return [
        *named,
        *(f"--no-binary={name}" for name in asked.no_binary),
        *(f"--only-binary={name}" for name in asked.only_binary),
        *(["--require-hashes"] if asked.require_hashes else []),
    ]


def _format(asked: Requirement) -> str:
    return " ".join([asked.text, *(f"--hash={digest}" for digest in asked.hashes)]) + "\n"


def find_uv(environment: Mapping[str, str]) -> str | None:
    """Return uv: the one of au2's own server part, or the one on ``PATH``."""
    beside = Path(sys.executable).parent
    return shutil.which("uv", path=f"{beside}:{environment.get('PATH', '')}")


def _uv_options(environment: Mapping[str, str]) -> list[str]:
    sources = read_pip_configuration(environment, home=find_home(environment) or NO_HOME)
    return [
        *("--no-progress", "--color=never", "--compile-bytecode"),
        # As pip does: the newest of all indexes.
        *(["--index-strategy", "unsafe-best-match"] if sources.merge_indexes else []),
        *(["--no-index"] if not sources.indexes else []),
        *(part for source in sources.find_links for part in ("--find-links", source)),
        *(part for host in sources.trusted_hosts for part in ("--allow-insecure-host", host)),
    ]


def _uv_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return uv's variables: uv does not read pip's configuration.

    Indexes are variables and no options, since everybody may read the options of a process and
    indexes may have passwords.
    """
    sources = read_pip_configuration(environment, home=find_home(environment) or NO_HOME)
    found = {**environment, "UV_PYTHON_DOWNLOADS": "never"}
    if sources.indexes and not any(name in environment for name in _UV_INDEX_VARIABLES):
        found["UV_DEFAULT_INDEX"] = sources.indexes[0]
        found["UV_INDEX"] = " ".join(sources.indexes[1:])
    if sources.ca_file is not None:
        found.setdefault("SSL_CERT_FILE", str(sources.ca_file))
    else:
        found.setdefault("UV_NATIVE_TLS", "true")
    if sources.proxy is not None:
        found |= {"HTTP_PROXY": sources.proxy, "HTTPS_PROXY": sources.proxy}
    return found
