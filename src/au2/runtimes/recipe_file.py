"""TOML files of recipes, and the catalogue of such files."""

import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

from au2.domain.errors import InvalidRequest, NotFound
from au2.domain.ids import is_guid
from au2.domain.jobs.container_contract import Language
from au2.files.input import read_text_file
from au2.oci.spec.reference import parse_reference
from au2.runtimes.recipe import (
    BaseSource,
    DebianSource,
    ImageSource,
    PythonPackages,
    Recipe,
    Source,
    TarballSource,
)

_SUITE = re.compile(r"[a-z][a-z0-9-]{0,40}")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(=[A-Za-z0-9.+:~-]+)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][^\x00-\x1f\x7f#@/\\]{0,500}")
"""Name, extras, versions, markers. No URL and no option: the operator chooses the index."""
_MOST_BYTES = 1 << 20
_PATTERN = re.compile(r"[a-z0-9*?-]{1,200}")
_INTERPRETER = re.compile(r"/?[A-Za-z0-9][A-Za-z0-9._/+-]{0,200}")


class TomlTable:
    """A table. Every method removes a key; :meth:`end` refuses the remaining ones."""

    def __init__(self, values: dict[str, Any], name: str = "") -> None:
        self._values = dict(values)
        self._name = name

    def has(self, key: str) -> bool:
        """Return whether the table has the key."""
        return key in self._values

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """Return a value of the stated type. Raises InvalidRequest."""
        value = self._values.pop(key, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            self._refuse(key, "is missing" if value is None else "has the wrong type")
        return value

    def matching(self, key: str, test: Any, wanted: str = "valid") -> str:
        """Return a text that passes ``test``. Raises InvalidRequest."""
        text: str = self.take(key, str)
        if not test(text):
            self._refuse(key, f"is not {wanted}: '{text}'")
        return text

    def optional(self, key: str, test: Any, wanted: str = "valid") -> str | None:
        """Return a text that passes ``test``; None if the key is missing."""
        return self.matching(key, test, wanted) if key in self._values else None

    def natural(self, key: str) -> int:
        """Return a number from 1 on."""
        number: int = self.take(key, int)
        if number < 1:
            self._refuse(key, "must be at least 1")
        return number

    def texts(self, key: str, test: Any) -> tuple[str, ...]:
        """Return a list of texts; empty if the key is missing."""
        found = self.take(key, list, [])
        for item in found:
            if not isinstance(item, str) or not test(item):
                self._refuse(key, f"holds something that is not valid: {item!r}")
        return tuple(found)

    def mapping(self, key: str, test: Any) -> dict[str, str]:
        """Return texts by name; empty if the key is missing."""
        found: dict[str, str] = self.take(key, dict, {})
        for name, value in found.items():
            if not isinstance(value, str) or not test(name):
                self._refuse(key, f"holds something that is not valid: '{name}'")
        return found

    def table(self, key: str) -> "TomlTable | None":
        """Return a table below; None if the key is missing."""
        return TomlTable(self.take(key, dict), key) if key in self._values else None

    def end(self) -> None:
        """Refuse the remaining keys. Raises InvalidRequest."""
        for key in self._values:
            self._refuse(key, "is not known")

    def _refuse(self, key: str, message: str) -> None:
        name = f"{self._name}.{key}" if self._name else key
        raise InvalidRequest(f"'{name}' {message}")


def load_recipe(path: Path) -> Recipe:
    """Return the recipe in a file. Raises InvalidRequest, naming file and key."""
    try:
        text = read_text_file(path, _MOST_BYTES)
    except FileNotFoundError:
        raise InvalidRequest(f"There is no file {path}.") from None
    except OSError as error:
        raise InvalidRequest(f"{path} can't be read: {error.strerror}.") from None
    try:
        return parse_recipe(text, folder=path.parent)
    except InvalidRequest as error:
        raise InvalidRequest(f"{path}: {error.message}") from None


def parse_recipe(text: str, *, folder: Path) -> Recipe:
    """Return the recipe in ``text``; a tarball's path is relative to ``folder``.

    Raises InvalidRequest: not TOML, an unknown or missing key, or a wrong value.
    """
    try:
        table = TomlTable(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"not TOML: {error}") from None
    organization, project = (
        table.optional(key, is_guid, "a GUID") for key in ("organization", "project")
    )
    if project is not None and organization is None:
        raise InvalidRequest("'project' needs 'organization', the organization of the project")
    recipe = Recipe(
        id=table.matching("id", is_guid, "a GUID").lower(),
        name=table.matching("name", lambda name: 0 < len(name) <= 200 and name.isprintable()),
        language=Language(table.matching("language", lambda text: text in set(Language))),
        version=table.natural("version"),
        source=_parse_source(table, folder),
        python=_parse_python(table),
        organization_id=organization and organization.lower(),
        project_id=project and project.lower(),
        command=table.texts("command", lambda _: True),
        reset_signals=table.take("reset_signals", str, ""),
        links=table.mapping("links", lambda path: PurePosixPath(path).is_absolute()),
        environment=table.mapping("environment", lambda name: "=" not in name and name != ""),
    )
    table.end()
    return recipe


def _parse_source(table: TomlTable, folder: Path) -> Source:
    given = [key for key in ("debian", "rootfs", "image", "base") if table.has(key)]
    if len(given) != 1:
        raise InvalidRequest("give one of [debian], [rootfs], [image] and 'base', and only one")
    if given == ["base"]:
        return BaseSource(table.matching("base", lambda name: 0 < len(name) <= 200))
    part = table.table(given[0])
    assert part is not None  # noqa: S101 - it was there a moment ago
    source: Source
    if given == ["debian"]:
        source = DebianSource(
            part.matching("suite", _SUITE.fullmatch),
            part.texts("packages", _PACKAGE.fullmatch),
            part.texts("after_install", lambda _: True),
        )
    elif given == ["rootfs"]:
        path = folder / part.matching("tarball", bool)
        source = TarballSource(path, part.matching("sha256", _SHA256.fullmatch))
    else:
        source = ImageSource(str(parse_reference(part.matching("reference", bool))))
    part.end()
    return source


def _parse_python(table: TomlTable) -> PythonPackages | None:
    part = table.table("python")
    if part is None:
        return None
    packages = PythonPackages(
        requirements=part.texts("requirements", _REQUIREMENT.fullmatch),
        refuse=part.texts("refuse", _PATTERN.fullmatch),
        interpreter=part.optional("interpreter", _INTERPRETER.fullmatch) or "python3",
    )
    part.end()
    if not packages.requirements:
        raise InvalidRequest("'python.requirements' is empty")
    return packages


_CATALOGUE = Path(__file__).parent / "catalogue"


def list_recipes() -> list[Recipe]:
    """Return all recipes of the catalogue, by name."""
    recipes = (load_recipe(path) for path in _CATALOGUE.glob("*.toml"))
    return sorted(recipes, key=lambda recipe: recipe.name)


def get_recipe(name_or_id: str) -> Recipe:
    """Return the recipe of that name (in any letter case) or id.

    Raises NotFound; the hint lists the recipes of the catalogue.
    """
    found = find_recipe(name_or_id)
    if found is not None:
        return found
    known = ", ".join(recipe.name for recipe in list_recipes())
    raise NotFound(f"The catalogue has no runtime '{name_or_id}'.", hint=f"It has: {known}.")


def find_recipe(name_or_id: str) -> Recipe | None:
    """Return the recipe of that name (in any letter case) or id; None if there is none."""
    for recipe in list_recipes():
        if name_or_id.lower() in {recipe.name.lower(), recipe.id}:
            return recipe
    return None


def find_runtime_name(name_or_id: str) -> str:
    """Return the name of a runtime of the catalogue; of others, the text as it is."""
    recipe = find_recipe(name_or_id)
    return name_or_id if recipe is None else recipe.name
