"""Runner with processes of this machine, and its differences from the platform."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from au2.domain.jobs.container_contract import Network
from au2.execution.job_inputs import make_environment, make_files
from au2.images.package_image import DEFAULT_ENVIRONMENT
from au2.images.plan import guess_language, make_plan
from au2.local.environments.javascript_packages import link_modules
from au2.local.environments.packages import InstalledPackages, PackageEnvironments
from au2.local.interpreters import Interpreter, find_interpreter, find_reset_signals
from au2.local.machine_environment import machine_environment
from au2.local.output import ProcessLog
from au2.local.process_execution import ProcessExecution
from au2.local.request import CheckedRun
from au2.local.runner import LocalRun, PreparedExecution, Tell
from au2.local.working_copy import working_copy
from au2.package import names
from au2.package.check import PackageOnDisk, read_from
from au2.runtimes.recipe_file import find_runtime_name

_NOT_FOR_CONTAINERS_ONLY = {
    name: value for name, value in DEFAULT_ENVIRONMENT.items() if name not in {"PATH", "HOME"}
}


@dataclass(slots=True)
class ProcessRunner:
    """A :class:`~au2.local.runner.Runner` with processes of this machine.

    Args:
        own_environment: the variables of this process.
        tell: takes each notice once.
        environments: of the packages; None: nothing is installed, and the code finds the
            packages of this machine.
    """

    own_environment: Mapping[str, str]
    tell: Tell
    environments: PackageEnvironments | None = None
    mode: str = "plain"
    _told: set[str] = field(default_factory=set)

    @contextmanager
    def prepare(self, run: LocalRun) -> Iterator[PreparedExecution]:
        """See :meth:`au2.local.runner.Runner.prepare`."""
        package, checked = run.package, run.checked
        language = guess_language(package.description.entry_point)
        machine = machine_environment(self.own_environment)
        interpreter = find_interpreter(language, machine)
        for line in find_differences(package, checked, interpreter):
            self._tell_once(line)
        plan = make_plan(
            package.files.entries,
            read_from(package.directory),
            entry_point=package.description.entry_point,
            language=language,
            reset_signals=find_reset_signals(machine),
        )
        with (
            self._open_packages(run, interpreter, machine) as packages,
            working_copy(package.files.entries, plan) as copy,
        ):
            if packages.modules is not None:
                link_modules(packages.modules, copy.package)
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
            environment = {**machine, **packages.variables, **_NOT_FOR_CONTAINERS_ONLY, **own}
            execution = ProcessExecution(copy, environment, run.output.show)
            try:
                yield PreparedExecution(execution, ProcessLog(run.output), None)
            finally:
                execution.remove()

    def _open_packages(
        self, run: LocalRun, interpreter: Interpreter, machine: Mapping[str, str]
    ) -> AbstractContextManager[InstalledPackages]:
        description = run.package.description
        if self.environments is not None:
            return self.environments.open(description, interpreter, machine, run.control)
        asked = description.requirements
        if description.javascript is not None or (asked is not None and asked.requirements):
            file = names.PYTHON_DEPENDENCIES if asked else names.JAVASCRIPT_DEPENDENCIES
            self._tell_once(
                f"{file} is not installed (--own-environment): the code finds the packages of this "
                "machine's environment."
            )
        return nullcontext(InstalledPackages())

    def _tell_once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self.tell(line)


def find_differences(
    package: PackageOnDisk, run: CheckedRun, interpreter: Interpreter
) -> list[str]:
    """Return the differences from the platform, a sentence each. Pure."""
    manifest = package.description.manifest
    found = [
        "This is a plain process: it may read and write whatever you may, it is not held to its "
        f"cores and memory, and it runs on {interpreter} instead of runtime "
        f"'{find_runtime_name(manifest.runtime)}'."
    ]
    if run.resources.network is Network.NONE:
        found.append("Its network is open, although it asks for none.")
    if names.DEBIAN_PACKAGES in {entry.path for entry in package.files.entries}:
        found.append(
            f"{names.DEBIAN_PACKAGES} is not installed: it finds the Debian packages of "
            "this machine."
        )
    return found
