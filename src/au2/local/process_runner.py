"""Runner with processes of this machine, and its differences from the platform."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from au2.domain.container_contract import Language, Network
from au2.domain.errors import Unsupported
from au2.execution.job_inputs import make_environment, make_files
from au2.images.package_image import DEFAULT_ENVIRONMENT
from au2.images.plan import INTERPRETERS, guess_language, make_plan
from au2.local.output import ProcessLog
from au2.local.process_execution import ProcessExecution
from au2.local.request import CheckedRun
from au2.local.runner import LocalRun, PreparedExecution, Tell
from au2.local.working_copy import working_copy
from au2.package import names
from au2.package.check import PackageOnDisk, read_from

_RESET_SIGNALS = ("env", "--default-signal=INT,QUIT")
_PATIENCE_SECONDS = 10
_LANGUAGE_NAMES = {
    Language.PYTHON: "Python",
    Language.SHELL: "a POSIX shell",
    Language.JAVASCRIPT: "Node.js",
    Language.R: "R",
}
_PASSED_ON = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
        *("NODE_PATH", "R_HOME", "R_LIBS", "R_LIBS_USER", "R_LIBS_SITE", "R_PROFILE_USER"),
    }
)
_PASSED_ON_PREFIXES = ("VIRTUAL_ENV", "CONDA_", "PYENV_", "NVM_", "ASDF_", "MISE_")
"""Variables for interpreters, their packages and proxies; no others of the user's shell."""
_NOT_FOR_CONTAINERS_ONLY = {
    name: value for name, value in DEFAULT_ENVIRONMENT.items() if name not in {"PATH", "HOME"}
}
_DEPENDENCIES = {
    Language.PYTHON: names.PYTHON_DEPENDENCIES,
    Language.JAVASCRIPT: names.JAVASCRIPT_DEPENDENCIES,
}


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Interpreter of the entry point."""

    path: str
    version: str
    """In its own words; empty where it has none."""

    def __str__(self) -> str:
        """The words of a notice."""
        return f"{self.version} ({self.path})" if self.version else self.path


def find_interpreter(language: Language, environment: Mapping[str, str]) -> Interpreter:
    """Return the interpreter of ``language`` on this machine, by ``PATH`` in ``environment``.

    Raises:
        Unsupported: no interpreter is installed.
    """
    command = INTERPRETERS[language].split()[0]
    path = shutil.which(command, path=environment.get("PATH"))
    if path is None:
        raise Unsupported(
            f"The package needs {_LANGUAGE_NAMES[language]}: '{command}' is not installed on "
            "this machine, or not on your PATH.",
            hint="Install it, or run the package in a container of its runtime (--container).",
        )
    version = "" if language is Language.SHELL else _ask_version(path, environment)
    if language is Language.JAVASCRIPT and version:
        version = f"{_LANGUAGE_NAMES[language]} {version}"  # It says the number alone.
    return Interpreter(path, version)


def find_reset_signals(environment: Mapping[str, str]) -> str:
    """Return the command to reset ignored signals; empty if there is none.

    See :class:`au2.images.plan.EntryPlan`. Only some systems' ``env`` has the option.
    """
    path = shutil.which(_RESET_SIGNALS[0], path=environment.get("PATH"))
    if path is None or _run([path, *_RESET_SIGNALS[1:], "true"], environment) is None:
        return ""
    return f"{path} {_RESET_SIGNALS[1]}"


def _ask_version(path: str, environment: Mapping[str, str]) -> str:
    said = _run([path, "--version"], environment)
    lines = (said or "").strip().splitlines()
    return lines[0][:100] if lines else ""


def _run(command: list[str], environment: Mapping[str, str]) -> str | None:
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return (done.stdout or done.stderr).decode(errors="replace")


@dataclass(slots=True)
class ProcessRunner:
    """A :class:`~au2.local.runner.Runner` with processes of this machine.

    Args:
        own_environment: the variables of this process.
        tell: takes each notice once.
    """

    own_environment: Mapping[str, str]
    tell: Tell
    mode: str = "plain"
    _told: set[str] = field(default_factory=set)

    @contextmanager
    def prepare(self, run: LocalRun) -> Iterator[PreparedExecution]:
        """See :meth:`au2.local.runner.Runner.prepare`."""
        package, checked = run.package, run.checked
        language = guess_language(package.description.entry_point)
        machine = machine_environment(self.own_environment)
        interpreter = find_interpreter(language, machine)
        self._tell_once(find_differences(package, checked, interpreter, language))
        plan = make_plan(
            package.files.entries,
            read_from(package.directory),
            entry_point=package.description.entry_point,
            language=language,
            reset_signals=find_reset_signals(machine),
        )
        with working_copy(package.files.entries, plan) as copy:
            for name, content in make_files(checked.job).items():
                (copy.job / name).write_bytes(content)
            own = make_environment(
                checked.job,
                checked.attempt,
                checked.version,
                run.limits,
                secrets=checked.secrets,
                folder=str(copy.job),
            )
            environment = {**machine, **_NOT_FOR_CONTAINERS_ONLY, **own}
            execution = ProcessExecution(copy, environment, run.output.show)
            try:
                yield PreparedExecution(execution, ProcessLog(run.output), None)
            finally:
                execution.remove()

    def _tell_once(self, lines: list[str]) -> None:
        for line in lines:
            if line not in self._told:
                self._told.add(line)
                self.tell(line)


def machine_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of this process for a run."""
    return {
        name: value
        for name, value in own.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }


def find_differences(
    package: PackageOnDisk, run: CheckedRun, interpreter: Interpreter, language: Language
) -> list[str]:
    """Return the differences from the platform, a sentence each. Pure."""
    manifest = package.description.manifest
    found = [
        "This is a plain process: it may read and write whatever you may, it is not held to its "
        f"cores and memory, and it runs on {interpreter} instead of runtime '{manifest.runtime}'."
    ]
    if run.resources.network is Network.NONE:
        found.append("Its network is open, although it asks for none.")
    dependencies = _DEPENDENCIES.get(language)
    if dependencies in {entry.path for entry in package.files.entries}:
        found.append(
            f"{dependencies} is not installed: it finds the packages of this machine's environment."
        )
    return found
