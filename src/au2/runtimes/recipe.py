"""A recipe: how a runtime's image is made. Written as TOML, so that operators can add their own."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from au2.domain.errors import InvalidRequest
from au2.domain.ids import is_guid
from au2.domain.language import Language
from au2.oci.digest import sha256_of
from au2.oci.document import format_document

_SUITE = re.compile(r"[a-z][a-z0-9-]{0,40}")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(=[A-Za-z0-9.+:~-]+)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORMAT = 1
"""Grows when the same recipe begins to give another image, so that caches notice."""


@dataclass(frozen=True, slots=True)
class DebianSource:
    """A root file system made of Debian packages."""

    suite: str
    packages: tuple[str, ...]
    after_install: tuple[str, ...] = ()
    """Shell commands run inside, as root, once the packages are there."""


@dataclass(frozen=True, slots=True)
class TarballSource:
    """A root file system that somebody made."""

    tarball: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a runtime is and where its files come from."""

    id: str
    """GUID, the same in every installation."""
    name: str
    language: Language
    version: int
    """Version number of the first build."""
    source: DebianSource | TarballSource
    command: tuple[str, ...] = ()
    """What `docker run` of the runtime's image itself starts."""
    reset_signals: str = ""
    """See :data:`au2.runtimes.labels.RESET_SIGNALS`."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links to add: absolute path → target."""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Digest of everything that the image depends on, as far as the recipe says it."""
        document = asdict(self)
        if isinstance(self.source, TarballSource):
            document["source"] = {"sha256": self.source.sha256}
        return sha256_of(format_document({"format": _FORMAT, "recipe": document}))


def load_recipe(path: Path) -> Recipe:
    """Return the recipe in a file. Raises InvalidRequest, naming file and key."""
    try:
        return parse_recipe(path.read_text(encoding="utf-8"), folder=path.parent)
    except InvalidRequest as error:
        raise InvalidRequest(f"{path}: {error.message}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} can't be read: {error}") from None


def parse_recipe(text: str, *, folder: Path) -> Recipe:
    """Return the recipe in ``text``; a tarball's path is relative to ``folder``.

    Raises:
        InvalidRequest: not TOML, an unknown or missing key, or a wrong value.
    """
    try:
        table = _Table(tomllib.loads(text), "")
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"not TOML: {error}") from None
    recipe = Recipe(
        id=table.matching("id", is_guid, "a GUID").lower(),
        name=table.matching("name", lambda name: 0 < len(name) <= 200 and name.isprintable()),
        language=Language(table.matching("language", lambda text: text in set(Language))),
        version=table.natural("version"),
        source=_parse_source(table, folder),
        command=table.texts("command", lambda _: True),
        reset_signals=table.take("reset_signals", str, ""),
        links=table.mapping("links", lambda path: PurePosixPath(path).is_absolute()),
        environment=table.mapping("environment", lambda name: "=" not in name and name != ""),
    )
    table.end()
    return recipe


def _parse_source(table: "_Table", folder: Path) -> DebianSource | TarballSource:
    debian, rootfs = table.table("debian"), table.table("rootfs")
    if (debian is None) == (rootfs is None):
        raise InvalidRequest("give either [debian] or [rootfs]")
    if debian is not None:
        source: DebianSource | TarballSource = DebianSource(
            debian.matching("suite", _SUITE.fullmatch),
            debian.texts("packages", _PACKAGE.fullmatch),
            debian.texts("after_install", lambda _: True),
        )
        debian.end()
    elif rootfs is not None:
        path = folder / rootfs.matching("tarball", bool)
        source = TarballSource(path, rootfs.matching("sha256", _SHA256.fullmatch))
        rootfs.end()
    return source


class _Table:
    """A TOML table that is taken apart key by key, so that leftovers are noticed."""

    def __init__(self, values: dict[str, Any], name: str) -> None:
        self._values = dict(values)
        self._name = name

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        value = self._values.pop(key, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            self._refuse(key, "is missing" if value is None else "has the wrong type")
        return value

    def matching(self, key: str, test: Any, wanted: str = "valid") -> str:
        text: str = self.take(key, str)
        if not test(text):
            self._refuse(key, f"is not {wanted}: '{text}'")
        return text

    def natural(self, key: str) -> int:
        number: int = self.take(key, int)
        if number < 1:
            self._refuse(key, "must be at least 1")
        return number

    def texts(self, key: str, test: Any) -> tuple[str, ...]:
        found = self.take(key, list, [])
        for item in found:
            if not isinstance(item, str) or not test(item):
                self._refuse(key, f"holds something that is not valid: {item!r}")
        return tuple(found)

    def mapping(self, key: str, test: Any) -> dict[str, str]:
        found: dict[str, str] = self.take(key, dict, {})
        for name, value in found.items():
            if not isinstance(value, str) or not test(name):
                self._refuse(key, f"holds something that is not valid: '{name}'")
        return found

    def table(self, key: str) -> "_Table | None":
        return _Table(self.take(key, dict), key) if key in self._values else None

    def end(self) -> None:
        for key in self._values:
            self._refuse(key, "is not known")

    def _refuse(self, key: str, message: str) -> None:
        place = f"{self._name}.{key}" if self._name else key
        raise InvalidRequest(f"'{place}' {message}")
