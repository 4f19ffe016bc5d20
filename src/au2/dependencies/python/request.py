"""Request for Python dependencies: requirements and overrides of a package. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from au2.domain.errors import DependenciesFailed
from au2.package.requirements import Requirement, Requirements


@dataclass(frozen=True, slots=True)
class PythonRequest:
    """Contents of ``requirements.txt``, and the overrides in ``aunsight.yml``."""

    requirements: Requirements
    override: tuple[str, ...] = ()
    """Projects to install although the runtime has them."""

    def to_document(self) -> Mapping[str, object]:
        """Return everything on which the layer depends, as JSON."""
        return {"requirements": self.requirements, "override": sorted(self.overrides)}

    @property
    def overrides(self) -> frozenset[str]:
        """Normalised names of the overrides."""
        return frozenset(canonicalize_name(name) for name in self.override)

    @property
    def hashes(self) -> Mapping[str, frozenset[str]]:
        """Allowed digests by project; a project without any may have any."""
        found: dict[str, frozenset[str]] = {}
        for asked in (*self.requirements.requirements, *self.requirements.constraints):
            if asked.hashes:
                found[asked.name] = found.get(asked.name, frozenset()) | set(asked.hashes)
        return found

    def to_plan(self) -> Mapping[str, object]:
        """Return the plan for the build container's driver."""
        asked = self.requirements
        formats = [
            *(f"--no-binary={name}" for name in asked.no_binary),
            *(f"--only-binary={name}" for name in asked.only_binary),
        ]
        return {
            "requirements": _format(asked.requirements),
            "constraints": _format(asked.constraints),
            "options": [*formats, *(["--prerelease=allow"] if asked.prereleases else [])],
            "formats": formats,
        }

    def check_hashes(self, pins: Mapping[str, str]) -> None:
        """Raise DependenciesFailed if hashes are required and one has none."""
        hashes = self.hashes
        missing = [name for name in sorted(pins) if name not in hashes]
        if missing and self.requirements.require_hashes:
            raise DependenciesFailed(
                f"--require-hashes is given, but these have no --hash: {', '.join(missing)}.",
                hint="Write every package and its hashes, like `uv pip compile --generate-hashes`.",
            )


def _format(asked: tuple[Requirement, ...]) -> str:
    return "".join(f"{requirement.text}\n" for requirement in asked)
