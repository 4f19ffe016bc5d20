"""Dependencies of a JavaScript package: ``package.json`` and ``package-lock.json``.

Only modules named by the lock are installed, and only from the registry of the operator's
settings. Digests are npm's: W3C subresource integrity.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from au2.domain.errors import Detail, InvalidPackage
from au2.package import names
from au2.package.text import refuse

_ALGORITHMS = {"sha512": 64, "sha384": 48, "sha256": 32, "sha1": 20}
"""Bytes of a digest; the strongest first: of several, only the strongest count."""
_DIGEST = re.compile(r"([a-z0-9]+)-([A-Za-z0-9+/]+={0,2})(?:\?.*)?", re.ASCII)


def is_integrity(value: object) -> bool:
    """Whether the value is a usable digest."""
    return isinstance(value, str) and bool(parse_integrity(value)[1])


def parse_integrity(text: str) -> tuple[str, frozenset[str]]:
    """Return the strongest algorithm, and the allowed digests in hexadecimal.

    The set is empty if the text has no known and whole digest.
    """
    found: dict[str, set[str]] = {}
    for part in text.split():
        digest = _DIGEST.fullmatch(part)
        if digest is not None and digest[1] in _ALGORITHMS:
            found.setdefault(digest[1], set()).update(_decode(digest[2], _ALGORITHMS[digest[1]]))
    strongest = next((name for name in _ALGORITHMS if found.get(name)), "sha512")
    return strongest, frozenset(found.get(strongest, ()))


def _decode(text: str, size_bytes: int) -> list[str]:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return []
    return [data.hex()] if len(data) == size_bytes else []


_ASKING = ("dependencies", "optionalDependencies", "peerDependencies")
_LOCK_VERSIONS = (2, 3)
_MOST_PACKAGES = 20_000
_MODULES = "node_modules/"
_NAME = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]{0,213}", re.ASCII)
_URL = re.compile(r"https?://.*")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,99}", re.ASCII)
_LEGACY_PEERS = re.compile(
    r"""^[ \t]*legacy-peer-deps[ \t]*(=[ \t]*["']?true["']?[ \t]*)?$""", re.MULTILINE
)
_RENEW = "'npm install --package-lock-only'"
_LOCKS = f"{names.JAVASCRIPT_LOCK} {names.JAVASCRIPT_SHRINKWRAP}"
MAKE_ANEW = f"rm -rf {_LOCKS} node_modules && npm install --package-lock-only"
"""npm keeps the entries that it has, so nothing less mends a lock."""
_MAKE_ANEW = f"make the lock anew with '{MAKE_ANEW}'"


class LockedModule(NamedTuple):
    """A package of the lock."""

    name: str
    version: str
    integrity: str = ""
    """Digests of its archive (W3C subresource integrity); empty: the lock has none, so what the
    registry has under that version is taken, as npm does."""


class JavaScriptDependencies(NamedTuple):
    """Exact dependencies of a JavaScript package."""

    package: Mapping[str, Any]
    """``package.json``, as far as an installation needs it: the package's own scripts are no
    part of that."""
    lock: Mapping[str, Any]
    modules: Mapping[str, LockedModule]
    """What comes from the registry, by its path in the lock."""
    has_scripts: bool
    """Whether the lock says that code runs when they are installed."""
    legacy_peers: bool = False
    """Whether the lock was made without regard to peer dependencies (npm, ``legacy-peer-deps``):
    npm takes it with the same setting only."""


def parse_javascript(
    package_text: str,
    lock_text: str | None,
    lock_file: str = names.JAVASCRIPT_LOCK,
    *,
    settings_text: str = "",
) -> JavaScriptDependencies | None:
    """Return the dependencies, or None if there are none.

    Args:
        package_text: content of ``package.json``.
        lock_text: content of ``lock_file``, if there is one.
        lock_file: ``package-lock.json`` or ``npm-shrinkwrap.json``, equal in format.
        settings_text: the package's own ``.npmrc``.

    Raises:
        InvalidPackage: with all errors.
    """
    package = _parse(package_text, names.JAVASCRIPT_DEPENDENCIES)
    if not any(package.get(key) for key in _ASKING):
        return None
    if lock_text is None:
        refuse(
            f"the file is missing: the lock is what is installed; make it with {_RENEW}", lock_file
        )
    lock = _parse(lock_text, lock_file)
    entries = lock.get("packages")
    if lock.get("lockfileVersion") not in _LOCK_VERSIONS or not isinstance(entries, dict):
        message = f"this is no lock of version 2 or 3: {_RENEW} of npm 7 or newer renews it"
        refuse(message, lock_file)
    errors: list[Detail] = []
    if package.get("workspaces"):
        errors.append(Detail("workspaces are not supported", file=names.JAVASCRIPT_DEPENDENCIES))
    if len(entries) > _MOST_PACKAGES:
        errors.append(Detail(f"more than {_MOST_PACKAGES} packages", file=lock_file))
    modules, wrong = _read_modules(package, entries)
    errors += [Detail(f"'{path[:100]}': {message}", file=lock_file) for path, message in wrong]
    errors = errors or [Detail(m, file=lock_file) for m in _find_unlocked(package, entries)]
    if errors:
        raise InvalidPackage(details=errors)
    return JavaScriptDependencies(
        package={key: value for key, value in package.items() if key != "scripts"},
        lock=lock,
        modules=modules,
        has_scripts=any(
            entry.get("hasInstallScript")
            for path, entry in entries.items()
            if path and _is_installed(entry)
        ),
        legacy_peers=_LEGACY_PEERS.search(settings_text) is not None,
    )


def _find_unlocked(package: Mapping[str, Any], entries: Mapping[str, Any]) -> Iterator[str]:
    """Yield dependencies without a lock entry. npm judges the locked versions."""
    asked, optional = package.get("dependencies"), package.get("optionalDependencies")
    for name in asked if isinstance(asked, dict) else ():
        if isinstance(optional, dict) and name in optional:
            continue
        if _MODULES + name not in entries:
            yield f"'{name[:100]}' of package.json is not in it: renew it with {_RENEW}"


def _read_modules(
    package: Mapping[str, Any], entries: Mapping[str, Any]
) -> tuple[dict[str, LockedModule], list[tuple[str, str]]]:
    modules: dict[str, LockedModule] = {}
    errors: list[tuple[str, str]] = []
    urls = set(_find_urls([package, *entries.values()]))
    for path, entry in entries.items():
        if path == "" or not _is_installed(entry):
            continue
        error = _find_error(path, entry, urls)
        if error is not None:
            errors.append((path, error))
        elif not entry.get("inBundle"):
            name = entry.get("name") or path.rpartition(_MODULES)[2]
            modules[path] = LockedModule(name, entry["version"], entry.get("integrity") or "")
    return modules, errors


def _find_urls(packages: list[Any]) -> Iterator[str]:
    pending: list[Any] = [
        package.get(key)
        for package in packages
        if isinstance(package, dict)
        for key in (*_ASKING, "devDependencies", "overrides")
    ]
    while pending:
        asked = pending.pop()
        if isinstance(asked, dict):
            pending += asked.values()
        elif isinstance(asked, str) and _URL.match(asked):
            yield asked


def _is_installed(entry: object) -> bool:
    """Whether a module is a run-time dependency, not a development one."""
    return not (isinstance(entry, dict) and entry.get("dev") is True)


def _find_error(path: str, entry: object, urls: set[str]) -> str | None:
    if not isinstance(entry, dict) or entry.get("link"):
        return "folders are not installed; put the module into the package itself, and require it"
    name, version = entry.get("name") or path.rpartition(_MODULES)[2], entry.get("version")
    resolved, integrity = entry.get("resolved") or "", entry.get("integrity") or ""
    checks = (
        (
            path.startswith(_MODULES) and ".." not in path.split("/"),
            "that place is not in node_modules",
        ),
        (
            resolved == "" or (_matches(_URL, resolved) and resolved not in urls),
            "only packages of the registry are installed: no files, no URLs and no version control",
        ),
        (_matches(_NAME, name), "that is no name of a package"),
        (_matches(_VERSION, version), f"it has no version: {_MAKE_ANEW}"),
        (
            integrity == "" or is_integrity(integrity),
            f"its 'integrity' is no sha512, sha384, sha256 or sha1 digest: {_MAKE_ANEW}",
        ),
    )
    return next((error for is_fine, error in checks if not is_fine), None)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        refuse(f"this is no JSON: {error.msg}", file, error.lineno)
    except ValueError:
        refuse("this is no JSON: it holds a number that is none, or too long", file)
    except RecursionError:
        refuse("this is nested too deeply", file)
    if not isinstance(document, dict):
        refuse("this is no JSON object", file)
    return document


def _refuse_constant(name: str) -> NoReturn:
    """Python reads NaN and Infinity, npm does not."""
    raise ValueError(name)
