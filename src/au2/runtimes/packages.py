"""What is installed in a runtime."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A Debian package."""

    name: str
    version: str
    architecture: str
    sha256: str
    """Digest of the package's archive; empty where the index did not tell."""


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
