"""``package.json`` and ``package-lock.json``: which JavaScript packages a package asks for.

Only what the lock names with its digest is taken, and only from the registry: which one, the
operator's settings say.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from au2.domain.errors import Detail, InvalidPackage
from au2.package import names

_ASKING = ("dependencies", "optionalDependencies", "peerDependencies")
_LOCK_VERSIONS = (2, 3)
_MOST_PACKAGES = 20_000
_MODULES = "node_modules/"
_NAME = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]{0,213}", re.ASCII)
_RESOLVED = re.compile(r"(https?://.*)?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,99}", re.ASCII)
_INTEGRITY = re.compile(r"(?:^|\s)sha512-[A-Za-z0-9+/]{86}==")
_MAKE_IT = "make it with 'npm install --package-lock-only'"


class LockedModule(NamedTuple):
    """A package of the lock."""

    name: str
    version: str
    integrity: str
    """``sha512-<base64>`` of its archive (W3C subresource integrity)."""


class JavaScriptDependencies(NamedTuple):
    """What is asked for, exactly."""

    package: Mapping[str, Any]
    """``package.json``, as far as an installation needs it: the package's own scripts are no
    part of that."""
    lock: Mapping[str, Any]
    modules: tuple[LockedModule, ...]
    has_scripts: bool
    """Whether the lock says that code runs when they are installed."""


def parse_javascript(package_text: str, lock_text: str | None) -> JavaScriptDependencies | None:
    """Return what is asked for; None: nothing is.

    Args:
        package_text: ``package.json``. lock_text: ``package-lock.json``, if there is one.

    Raises:
        InvalidPackage: with every mistake.
    """
    package = _parse(package_text, names.JAVASCRIPT_DEPENDENCIES)
    if not any(package.get(key) for key in _ASKING):
        return None
    if lock_text is None:
        raise _mistake(
            f"the file is missing: the lock is what is installed; {_MAKE_IT}", names.JAVASCRIPT_LOCK
        )
    lock = _parse(lock_text, names.JAVASCRIPT_LOCK)
    entries = lock.get("packages")
    if lock.get("lockfileVersion") not in _LOCK_VERSIONS or not isinstance(entries, dict):
        message = f"this is no lock of version 2 or 3: {_MAKE_IT}, with npm 7 or newer"
        raise _mistake(message, names.JAVASCRIPT_LOCK)
    mistakes: list[Detail] = []
    if package.get("workspaces"):
        mistakes.append(_detail("workspaces are not taken", names.JAVASCRIPT_DEPENDENCIES))
    if len(entries) > _MOST_PACKAGES:
        mistakes.append(_detail(f"more than {_MOST_PACKAGES} packages", names.JAVASCRIPT_LOCK))
    modules = tuple(_read_modules(entries, mistakes))
    mistakes = mistakes or list(_find_unlocked(package, entries))
    if mistakes:
        raise InvalidPackage(details=mistakes)
    return JavaScriptDependencies(
        package={key: value for key, value in package.items() if key != "scripts"},
        lock=lock,
        modules=modules,
        has_scripts=any(_is_installed(e) and e.get("hasInstallScript") for e in entries.values()),
    )


def _find_unlocked(package: Mapping[str, Any], entries: Mapping[str, Any]) -> Iterator[Detail]:
    """What is asked for and not locked. Whether the locked versions are fine, npm says."""
    asked, optional = package.get("dependencies"), package.get("optionalDependencies")
    for name in asked if isinstance(asked, dict) else ():
        if isinstance(optional, dict) and name in optional:
            continue
        if _MODULES + name not in entries:
            message = f"'{name[:100]}' of package.json is not in it: renew it with "
            yield _detail(message + "'npm install --package-lock-only'", names.JAVASCRIPT_LOCK)


def _read_modules(entries: Mapping[str, Any], mistakes: list[Detail]) -> Iterator[LockedModule]:
    for place, entry in entries.items():
        if place == "" or not _is_installed(entry):
            continue
        mistake = _find_mistake(place, entry)
        if mistake is not None:
            mistakes.append(_detail(f"'{place[:100]}': {mistake}", names.JAVASCRIPT_LOCK))
        elif not entry.get("inBundle"):
            name = entry.get("name") or place.rpartition(_MODULES)[2]
            integrity = _INTEGRITY.search(entry["integrity"])
            if integrity is not None:
                yield LockedModule(name, entry["version"], integrity[0].strip())


def _is_installed(entry: object) -> bool:
    """Whether it is of use to who runs the code, not only to who develops it."""
    return not (isinstance(entry, dict) and entry.get("dev") is True)


def _find_mistake(place: str, entry: object) -> str | None:
    if not isinstance(entry, dict) or entry.get("link"):
        return "folders are not installed; put the module into the package itself"
    name, version = entry.get("name") or place.rpartition(_MODULES)[2], entry.get("version")
    checks = (
        (
            place.startswith(_MODULES) and ".." not in place.split("/"),
            "that place is not in node_modules",
        ),
        (
            _matches(_RESOLVED, entry.get("resolved", "")),
            "only packages of the registry are installed, no files and no version control",
        ),
        (_matches(_NAME, name), "that is no name of a package"),
        (_matches(_VERSION, version), "it has no version"),
        (
            bool(entry.get("inBundle")) or _INTEGRITY.search(str(entry.get("integrity"))),
            f"it has no sha512 digest; {_MAKE_IT}",
        ),
    )
    return next((mistake for is_fine, mistake in checks if not is_fine), None)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidPackage(
            details=[Detail(f"this is no JSON: {error.msg}", file=file, line=error.lineno)]
        ) from None
    except RecursionError:
        raise _mistake("this is nested too deeply", file) from None
    if not isinstance(document, dict):
        raise _mistake("this is no JSON object", file)
    return document


def _mistake(message: str, file: str) -> InvalidPackage:
    return InvalidPackage(details=[_detail(message, file)])


def _detail(message: str, file: str) -> Detail:
    return Detail(message, file=file)
