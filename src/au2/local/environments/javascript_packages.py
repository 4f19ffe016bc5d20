"""Modules of a JavaScript package, installed from its lock by npm."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from au2.execution.termination import JobControl
from au2.local.environments.installer_process import InstallationFailed, run_installer
from au2.local.interpreters import Interpreter
from au2.package import names
from au2.package.javascript import JavaScriptDependencies

_MODULES = "node_modules"
_OPTIONS = ("--omit=dev", "--no-audit", "--no-fund", "--no-progress", "--no-update-notifier")


@dataclass(frozen=True, slots=True)
class JavaScriptPackages:
    """A :class:`~au2.local.environments.packages.Packages` of ``package.json`` and its lock.

    Args:
        dependencies: as the platform reads them.
        interpreter: the one that ``PATH`` finds.
        environment: variables of the installer.
    """

    dependencies: JavaScriptDependencies
    interpreter: Interpreter
    environment: Mapping[str, str]
    file: str = "package.json"
    kind: str = "node"

    def describe(self) -> Mapping[str, object]:
        """Return everything on which the modules depend, as JSON."""
        asked = self.dependencies
        return {
            "interpreter": [str(Path(self.interpreter.path).resolve()), self.interpreter.version],
            "package": asked.package,
            "lock": asked.lock,
            "legacy_peers": asked.legacy_peers,
        }

    def install(self, folder: Path, log: Callable[[str], None], control: JobControl) -> None:
        """Install the lock into ``folder``.

        Raises:
            InstallationFailed: with the reason.
            Stopped: the end was requested.
        """
        asked = self.dependencies
        npm = shutil.which("npm", path=self.environment.get("PATH"))
        if npm is None:
            raise InstallationFailed("npm is not installed on this machine, or not on your PATH")
        for name, document in (
            (names.JAVASCRIPT_DEPENDENCIES, asked.package),
            (names.JAVASCRIPT_LOCK, asked.lock),
        ):
            (folder / name).write_text(json.dumps(document), encoding="utf-8")
        options = [
            # As on the platform: a lock may not mention scripts that exist; they do not run then.
            *([] if asked.has_scripts else ["--ignore-scripts"]),
            *(["--legacy-peer-deps"] if asked.legacy_peers else []),
        ]
        code = run_installer(
            (npm, "ci", *_OPTIONS, *options),
            folder=folder,
            environment=self.environment,
            log=log,
            control=control,
        )
        if code != 0:
            raise InstallationFailed("npm failed, see above")

    def variables(self, folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with which code finds the modules' programs."""
        programs = folder / _MODULES / ".bin"
        return {"PATH": f"{programs}:{environment.get('PATH', '')}".rstrip(":")}

    def find_modules(self, folder: Path) -> Path | None:
        """Return the folder of modules, to be linked into the working copy."""
        return folder / _MODULES


def link_modules(modules: Path, package: Path) -> None:
    """Put links to installed modules into a working copy's ``node_modules``.

    One for each module: tools keep caches in the folder, and the package's own modules stay.
    """
    into = package / _MODULES
    into.mkdir(exist_ok=True)
    if not modules.is_dir():
        return  # All are optional, and none suits this machine.
    for module in sorted(modules.iterdir()):
        target = into / module.name
        if module.name.startswith("@") and target.is_dir():
            for scoped in sorted(module.iterdir()):
                _link(scoped, target / scoped.name)
        else:
            _link(module, target)


def _link(module: Path, target: Path) -> None:
    if not target.exists() and not target.is_symlink():
        target.symlink_to(module)
