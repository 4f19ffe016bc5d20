"""Packages that plain local runs of a package need: installed once, kept, and told about."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from au2.domain.errors import Unsupported
from au2.domain.wording import format_seconds
from au2.execution.termination import JobControl
from au2.files.home import find_home
from au2.local.environments.cache import CachedEnvironment, EnvironmentCache
from au2.local.environments.installer_process import InstallationFailed
from au2.local.environments.javascript_packages import JavaScriptPackages
from au2.local.environments.python_packages import PythonPackages, find_uv
from au2.local.interpreters import Interpreter
from au2.local.machine_environment import installer_environment
from au2.package.description import PackageDescription

FindCache = Callable[[], Path]
"""Returns au2's cache folder. Raises Unsupported: there is none."""


class Packages(Protocol):
    """Packages named by one file of a package."""

    @property
    def file(self) -> str:
        """The file that names the packages."""

    @property
    def kind(self) -> str:
        """The first word of the environment's folder."""

    def describe(self) -> Mapping[str, object]:
        """Return everything on which the content depends. Raises InstallationFailed."""

    def install(self, folder: Path, log: Callable[[str], None], control: JobControl, /) -> None:
        """Fill the folder. Raises InstallationFailed, Stopped."""

    def variables(self, folder: Path, environment: Mapping[str, str], /) -> dict[str, str]:
        """Return the variables with which code finds the packages."""

    def find_modules(self, folder: Path, /) -> Path | None:
        """Return the folder of JavaScript modules, if they are ones."""


class InstalledPackages(NamedTuple):
    """Packages ready for a run. Without any, both are empty."""

    variables: Mapping[str, str] = {}
    modules: Path | None = None


@dataclass(slots=True)
class PackageEnvironments:
    """Environments for the packages of plain runs.

    Args:
        own_environment: the variables of this process.
        find_cache: returns au2's cache folder; raises Unsupported if there is none.
        tell: takes lines for the user.
        find_uv: returns uv by an installer's variables; without it, pip installs.
    """

    own_environment: Mapping[str, str]
    find_cache: FindCache
    tell: Callable[[str], None]
    find_uv: Callable[[Mapping[str, str]], str | None] = find_uv
    _refused: dict[str, str] = field(default_factory=dict)
    """Reasons of failed installations by their documents: no save changes them."""

    @contextmanager
    def open(
        self,
        description: PackageDescription,
        interpreter: Interpreter,
        environment: Mapping[str, str],
        control: JobControl,
    ) -> Iterator[InstalledPackages]:
        """Open the environment with the package's requirements, installed if they are missing.

        Without an environment, after a line for the user, where an installation fails.

        Args:
            description: of the package.
            interpreter: of its entry point.
            environment: variables of the run, ``PATH`` among them.
            control: its stop ends an installation.

        Raises:
            Stopped: the end was requested.
        """
        packages = self._choose(description, interpreter)
        installed = InstalledPackages()
        with ExitStack() as stack:
            if packages is not None:
                try:
                    made = stack.enter_context(self._open(packages, control))
                except InstallationFailed as error:
                    self.tell(_without(packages.file, str(error)))
                else:
                    self.tell(_with(packages.file, made, find_home(self.own_environment)))
                    installed = InstalledPackages(
                        packages.variables(made.folder, environment),
                        packages.find_modules(made.folder),
                    )
            yield installed

    def _choose(self, description: PackageDescription, interpreter: Interpreter) -> Packages | None:
        environment = installer_environment(self.own_environment)
        asked = description.requirements
        if asked is not None and asked.requirements:
            return PythonPackages(asked, interpreter, environment, self.find_uv(environment))
        modules = description.javascript
        return None if modules is None else JavaScriptPackages(modules, interpreter, environment)

    @contextmanager
    def _open(self, packages: Packages, control: JobControl) -> Iterator[CachedEnvironment]:
        """Open the environment. Raises InstallationFailed, Stopped."""
        document = packages.describe()
        key = repr(document)
        if key in self._refused:
            raise InstallationFailed(self._refused[key])

        def build(folder: Path) -> None:
            self.tell(f"Installing the packages of {packages.file}; they are kept for later runs.")
            packages.install(folder, self.tell, control)

        with ExitStack() as stack:
            try:
                cache = EnvironmentCache(self.find_cache() / "local" / "environments")
                opened = cache.open(packages.kind, document, build, control.check)
                made = stack.enter_context(opened)
            except (InstallationFailed, Unsupported, OSError) as error:
                reason = error.message if isinstance(error, Unsupported) else str(error)
                self._refused[key] = reason
                raise InstallationFailed(reason) from error
            yield made


def _with(file: str, made: CachedEnvironment, home: Path | None) -> str:
    folder = made.folder
    if home is not None and folder.is_relative_to(home):
        folder = Path("~") / folder.relative_to(home)
    how = "kept from before"
    if made.seconds is not None:
        how = f"installed in {format_seconds(made.seconds)}"
    return f"Packages of {file}: in {folder} ({how})."


def _without(file: str, reason: str) -> str:
    return (
        f"{file} is not installed: {reason.rstrip('.')}. The run finds the packages of this "
        "machine's environment; --own-environment takes that without trying."
    )
