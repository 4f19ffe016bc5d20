"""Runs as plain processes of this machine, and what that differs in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from au2.domain.language import Language
from au2.domain.network import Network
from au2.execution.hooks import Show
from au2.execution.job_inputs import make_environment, make_files
from au2.execution.supervise import Control, Limits
from au2.images.package_image import DEFAULT_ENVIRONMENT
from au2.images.plan import guess_language, make_plan
from au2.local.interpreters import Interpreter, find_interpreter, find_reset_signals
from au2.local.process_execution import ProcessExecution
from au2.local.request import CheckedRun
from au2.local.runner import PreparedExecution, Tell
from au2.local.working_copy import working_copy
from au2.package import names
from au2.package.check import read_from
from au2.package.load import PackageOnDisk

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
"""What finds interpreters, their packages and the way out; nothing else of the person's shell."""
_NOT_FOR_CONTAINERS_ONLY = {
    name: value for name, value in DEFAULT_ENVIRONMENT.items() if name not in {"PATH", "HOME"}
}
_DEPENDENCIES = {
    Language.PYTHON: names.PYTHON_DEPENDENCIES,
    Language.JAVASCRIPT: names.JAVASCRIPT_DEPENDENCIES,
}


@dataclass(slots=True)
class ProcessRunner:
    """A :class:`~au2.local.runner.Runner`.

    Args:
        own_environment: the variables of this process.
        tell: takes the notices, once.
    """

    own_environment: Mapping[str, str]
    tell: Tell
    mode: str = "plain"
    _told: set[str] = field(default_factory=set)

    @contextmanager
    def prepare(
        self,
        package: PackageOnDisk,
        run: CheckedRun,
        *,
        show: Show,
        limits: Limits,
        control: Control,
    ) -> Iterator[PreparedExecution]:
        """See :meth:`au2.local.runner.Runner.staged`."""
        language = guess_language(package.description.entry_point)
        machine = machine_environment(self.own_environment)
        interpreter = find_interpreter(language, machine)
        self._tell_once(find_differences(package, run, interpreter, language))
        plan = make_plan(
            package.files.entries,
            read_from(package.directory),
            entry_point=package.description.entry_point,
            language=language,
            reset_signals=find_reset_signals(machine),
        )
        with working_copy(package.files.entries, plan) as copy:
            for name, content in make_files(run.job).items():
                (copy.job / name).write_bytes(content)
            own = make_environment(
                run.job,
                run.attempt,
                run.version,
                secrets=run.secrets,
                stop_grace_seconds=limits.stop_grace_seconds,
                after_grace_seconds=limits.after_grace_seconds,
                folder=str(copy.job),
            )
            stage = ProcessExecution(copy, {**machine, **_NOT_FOR_CONTAINERS_ONLY, **own}, show)
            try:
                yield PreparedExecution(stage, None)
            finally:
                stage.remove()

    def _tell_once(self, lines: list[str]) -> None:
        for line in lines:
            if line not in self._told:
                self._told.add(line)
                self.tell(line)


def machine_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return what a plain run takes over of this process's variables."""
    return {
        name: value
        for name, value in own.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }


def find_differences(
    package: PackageOnDisk, run: CheckedRun, interpreter: Interpreter, language: Language
) -> list[str]:
    """Return what is not as on the platform, a sentence each. Pure."""
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
