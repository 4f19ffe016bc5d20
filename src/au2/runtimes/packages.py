"""What is installed in a runtime."""

from dataclasses import dataclass

PYTHON = "python"
"""Kind of packages that are installed as wheels."""


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A package of the distribution or of a language."""

    name: str
    version: str
    architecture: str
    """Of a Debian package; of a Python package, the tags of its wheel."""
    sha256: str
    """Digest of the package's archive; empty where the index did not tell."""
    kind: str = "debian"


def parse_packages(text: str) -> tuple[InstalledPackage, ...]:
    """Return the packages in the output of ``apt-cache show``, sorted by name."""
    found = set()
    for stanza in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " "
        )
        if "Package" in fields:
            found.add(
                InstalledPackage(
                    fields["Package"],
                    fields.get("Version", ""),
                    fields.get("Architecture", ""),
                    fields.get("SHA256", ""),
                )
            )
    return tuple(sorted(found, key=lambda package: (package.name, package.version)))
