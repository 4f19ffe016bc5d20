"""What a package asks for, whatever language it is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from au2.dependencies.build_container import BuildRun
from au2.dependencies.built import BuiltDependencies
from au2.dependencies.dependencies import Dependencies
from au2.dependencies.javascript import JavaScriptInstaller, JavaScriptRequest
from au2.dependencies.python import PythonInstaller
from au2.dependencies.python_request import PythonRequest
from au2.package.description import PackageDescription


@dataclass(frozen=True, slots=True)
class PackageDependencies:
    """Chooses the installer."""

    dependencies: Dependencies
    python: PythonInstaller
    javascript: JavaScriptInstaller

    def close(self) -> None:
        """Let connections go."""
        self.python.close()
        self.javascript.close()

    @staticmethod
    def is_asked(description: PackageDescription) -> bool:
        """Whether the package asks for anything."""
        return _find_request(description) is not None

    def ensure(
        self,
        description: PackageDescription,
        runtime_digest: str,
        run: BuildRun,
        *,
        previous: Mapping[str, Any] | None = None,
    ) -> BuiltDependencies | None:
        """Return the layer of what the package asks for; None: it asks for nothing.

        Raises as :meth:`~au2.dependencies.dependencies.Dependencies.ensure`.
        """
        match _find_request(description):
            case PythonRequest() as request:
                return self.dependencies.ensure(
                    self.python, request, runtime_digest, run, previous=previous
                )
            case JavaScriptRequest() as modules:
                return self.dependencies.ensure(
                    self.javascript, modules, runtime_digest, run, previous=previous
                )
        return None


def _find_request(description: PackageDescription) -> PythonRequest | JavaScriptRequest | None:
    asked = description.requirements
    if asked is not None and asked.requirements:
        return PythonRequest(asked, description.manifest.dependencies.override)
    modules = description.javascript
    return None if modules is None else JavaScriptRequest(modules)
