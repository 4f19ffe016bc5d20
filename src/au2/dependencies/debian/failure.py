"""Messages of failed installations of Debian packages, made of apt's own words."""

import difflib
import re
from collections.abc import Sequence

from au2.dependencies.debian.routes import PlanFailure
from au2.domain.errors import DependenciesFailed
from au2.package import names
from au2.package.debian import DebianPackage

_NEAR_NAMES = 3
_MOST_VERSIONS = 5
_SAID = re.compile(r"^E: (.*)", re.MULTILINE)
_MISSING = re.compile(r"Depends: (\S+)(?: \([^)]*\))? but it is not installable")
_UNMET = re.compile(r"^ (\S+) : (\S.*)", re.MULTILINE)
_MOST_UNMET = 3
_REQUESTERS = {"satisfy:command-line": names.DEBIAN_PACKAGES}
"""apt's name of the request itself."""
_REMOVAL = "Packages need to be removed but remove is disabled"
_FAILED_PACKAGE = re.compile(r"dpkg: error processing (?:package|archive) (\S+) \(--[a-z]+\):")
_NO_APT = "Choose a runtime that is made of Debian packages."


def explain_missing_apt() -> DependenciesFailed:
    """Return the error of a runtime without apt."""
    return DependenciesFailed(
        f"the package has a {names.DEBIAN_PACKAGES}, but the runtime's root has no apt.",
        hint=_NO_APT,
    )


def explain_plan(asked: Sequence[DebianPackage], failure: PlanFailure) -> DependenciesFailed:
    """Return the error where apt finds no plan for a request."""
    known, missing = set(failure.names.split()), set(_MISSING.findall(failure.text))
    versions = _parse_versions(failure.versions)
    for package in asked:
        place = f"line {package.line} of {names.DEBIAN_PACKAGES}"
        if package.version is not None and package.name in versions:
            there = versions[package.name]
            if package.version not in there:
                return DependenciesFailed(
                    f"{place}: the runtime's sources have no version {package.version} of "
                    f"{package.name}.",
                    hint=f"There is {', '.join(there[:_MOST_VERSIONS])}; a name without a version "
                    "takes the newest.",
                )
        # apt says the same of packages that are there and conflict with others of the request.
        elif package.name in missing and package.name not in versions:
            near = difflib.get_close_matches(package.name, known - missing, _NEAR_NAMES)
            return DependenciesFailed(
                f"{place}: the runtime's sources have no package '{package.name}'.",
                hint=f"Near names: {', '.join(near)}." if near else "Check how it is written.",
            )
    if _REMOVAL in failure.text:
        return DependenciesFailed(
            "the Debian packages can't be installed without removing packages of the runtime.",
            hint="The log says which; leave out the package that conflicts with them.",
        )
    unmet = _UNMET.findall(failure.text)[:_MOST_UNMET]
    if unmet:
        told = (f"{_REQUESTERS.get(who, who)}: {what}" for who, what in unmet)
        return DependenciesFailed(
            f"the Debian packages can't be installed together: {'; '.join(told)[:500]}",
            hint="Leave out one of those that conflict. The log has apt's whole words.",
        )
    said = "; ".join(_SAID.findall(failure.text)) or "apt finds no way to install them"
    return DependenciesFailed(
        f"the Debian packages can't be installed: {said[:500]}",
        hint="The log has apt's whole words.",
    )


def explain_end(exit_code: int, tail: Sequence[str]) -> DependenciesFailed:
    """Return the error of an installation that ended with an exit code."""
    for at, line in enumerate(tail):
        failed = _FAILED_PACKAGE.match(line)
        if failed is not None:
            # Of several the first: others fail because they need it. A script's last lines may
            # stand before dpkg's reason, which is indented.
            reasons = (text.strip() for text in tail[at + 1 :] if text.startswith(" "))
            cause = next(reasons, "its scripts failed")
            return DependenciesFailed(
                f"the Debian package '{failed[1]}' could not be installed: {cause[:500]}",
                hint="The log has the words of its scripts.",
            )
    said = [found[1] for line in tail if (found := _SAID.match(line))]
    cause = "; ".join(said[-3:]) or next(
        (line for line in reversed(tail) if line.strip()), f"apt ended with exit code {exit_code}"
    )
    return DependenciesFailed(
        f"the Debian packages could not be installed: {cause[:500]}",
        hint="The log has apt's whole words.",
    )


def _parse_versions(text: str) -> dict[str, list[str]]:
    """Return the versions by package in the output of ``apt-cache madison``, newest first."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 3 and parts[1] not in found.setdefault(parts[0], []):
            found[parts[0]].append(parts[1])
    return found
