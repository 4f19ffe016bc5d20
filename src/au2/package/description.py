"""Description of a package, read from its files on disk or in the content store."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.jobs.container_contract import Language
from au2.domain.wording import format_bytes
from au2.package import names
from au2.package.environment import Environment, parse_environment
from au2.package.javascript import JavaScriptDependencies, parse_javascript
from au2.package.manifest import Manifest, find_entry_point, parse_manifest
from au2.package.requirements import Requirements
from au2.package.schemas import load_schema
from au2.package.text import LOCK_BYTES, TEXT_BYTES, decode_requirements, decode_text
from au2.package.tree.entries import PackageEntry

if TYPE_CHECKING:
    from au2.package.debian import DebianPackage

_Result = TypeVar("_Result")

ReadFile = Callable[[PackageEntry], bytes]
"""Content of a file that is at most :data:`~au2.package.text.TEXT_BYTES` long."""


class PackageDescription(NamedTuple):
    """Everything the platform itself reads in a package."""

    manifest: Manifest
    entry_point: str
    environment: Environment
    args_schema: dict[str, Any] | None
    out_schema: dict[str, Any] | None
    requirements: Requirements | None = None
    """What a Python package asks for; None: there is no such file, or it is another language's."""
    javascript: JavaScriptDependencies | None = None
    """The same of a JavaScript package."""
    debian: "tuple[DebianPackage, ...]" = ()
    """Debian packages, of any language."""


def describe_package(
    entries: Sequence[PackageEntry], read: ReadFile, *, language: Language | None = None
) -> PackageDescription:
    """Return the description of a package.

    Args:
        entries: the file list, already validated.
        read: returns the content of a listed file.
        language: the runtime's, if known; the entry point must suit the language.

    Raises:
        InvalidPackage: with all errors.
    """
    reader = _Reader({entry.path: entry for entry in entries}, read)
    manifest = reader.parse(names.MANIFEST, parse_manifest)
    environment = reader.parse(names.ENVIRONMENT, parse_environment)
    args_schema = reader.parse(names.ARGS_SCHEMA, load_schema)
    out_schema = reader.parse(names.OUT_SCHEMA, load_schema)
    if manifest is None and names.MANIFEST not in reader.entries:
        reader.errors.append(Detail("the file is missing", file=names.MANIFEST))
    reader.check_hooks()
    entry_point = reader.find_entry_point(manifest, language)
    language = language or _find_language(entry_point)
    requirements = reader.read_requirements(language)
    javascript = reader.read_javascript(language)
    debian = reader.read_debian()
    if reader.errors or manifest is None or entry_point is None:
        raise InvalidPackage(details=reader.errors)
    return PackageDescription(
        manifest,
        entry_point,
        environment or {},
        args_schema,
        out_schema,
        requirements,
        javascript,
        debian,
    )


def _find_language(entry_point: str | None) -> Language | None:
    """Go by the entry point's ending, where the runtime is not known."""
    ending = (entry_point or "").rpartition(".")[2].lower()
    return next((language for language in Language if ending in language.endings), None)


class _Reader:
    """Reader of package files, with a list of errors."""

    def __init__(self, entries: dict[str, PackageEntry], read: ReadFile) -> None:
        self.entries = entries
        self._read = read
        self.errors: list[Detail] = []

    def parse(
        self,
        name: str,
        parse: Callable[[str, str], _Result],
        *,
        limit_bytes: int = TEXT_BYTES,
        decode: Callable[[bytes, str], str] = decode_text,
    ) -> _Result | None:
        """Return the parsed file; None if missing or wrong."""
        entry = self.entries.get(name)
        if entry is None or not self._is_file(entry):
            return None
        if entry.size_bytes > limit_bytes:
            message = f"the file is larger than {format_bytes(limit_bytes)}"
            self.errors.append(Detail(message, file=name))
            return None
        try:
            return parse(decode(self._read(entry), name), name)
        except InvalidPackage as error:
            self.errors.extend(error.details or [Detail(error.message, file=name)])
            return None

    def read_requirements(self, language: Language | None) -> Requirements | None:
        if language is not Language.PYTHON:
            return None
        if names.PYTHON_DEPENDENCIES not in self.entries:
            return None
        # Start-up time: what judges the lines takes long to import.
        from au2.package.requirements.reader import parse_requirements  # noqa: PLC0415

        return self.parse(
            names.PYTHON_DEPENDENCIES,
            lambda text, file: parse_requirements(text, file, self._read_included),
            decode=decode_requirements,
        )

    def read_javascript(self, language: Language | None) -> JavaScriptDependencies | None:
        if language is not Language.JAVASCRIPT or names.JAVASCRIPT_DEPENDENCIES not in self.entries:
            return None
        errors = len(self.errors)
        locks = (names.JAVASCRIPT_SHRINKWRAP, names.JAVASCRIPT_LOCK)
        name = next((name for name in locks if name in self.entries), names.JAVASCRIPT_LOCK)
        lock = self.parse(name, lambda text, _: text, limit_bytes=LOCK_BYTES)
        settings = self.parse(names.NPM_SETTINGS, lambda text, _: text) or ""
        if len(self.errors) > errors:
            return None
        return self.parse(
            names.JAVASCRIPT_DEPENDENCIES,
            lambda text, _: parse_javascript(text, lock, name, settings_text=settings),
        )

    def read_debian(self) -> "tuple[DebianPackage, ...]":
        if names.DEBIAN_PACKAGES not in self.entries:
            return ()
        # Start-up time: few packages have one.
        from au2.package.debian import parse_debian_packages  # noqa: PLC0415

        return self.parse(names.DEBIAN_PACKAGES, parse_debian_packages) or ()

    def _read_included(self, path: str) -> str | None:
        if path not in self.entries:
            return None
        errors = len(self.errors)
        text = self.parse(path, lambda text, _: text, decode=decode_requirements)
        # What is wrong with it is noted; it is not missing too.
        return "" if text is None and len(self.errors) > errors else text

    def check_hooks(self) -> None:
        for name in (names.BEFORE, names.AFTER):
            if name in self.entries:
                self._is_file(self.entries[name])

    def find_entry_point(self, manifest: Manifest | None, language: Language | None) -> str | None:
        """Return the entry point's path, or None after adding an error."""
        try:
            stated = manifest.entry_point if manifest else self._find_stated()
        except InvalidPackage:
            return None  # Nobody knows what it should be, and that is noted already.
        candidates = (language.entry_point,) if language else names.ENTRY_POINTS
        path = stated or next((name for name in candidates if name in self.entries), None)
        if path is None:
            expected = " or ".join(candidates)
            self.errors.append(Detail(f"the entry point is missing: {expected}"))
            return None
        return path if self._suits(path, language) else None

    def _find_stated(self) -> str | None:
        entry = self.entries.get(names.MANIFEST)
        if entry is None or entry.type != "file" or entry.size_bytes > TEXT_BYTES:
            return None
        return find_entry_point(decode_text(self._read(entry), names.MANIFEST))

    def _suits(self, path: str, language: Language | None) -> bool:
        if path not in self.entries:
            self.errors.append(Detail("the entry point is missing", file=path))
            return False
        languages = (language,) if language else tuple(Language)
        endings = [ending for language in languages for ending in language.endings]
        if path.rpartition(".")[2].lower() not in endings:
            expected = " or ".join(f".{ending}" for ending in endings)
            message = f"the entry point's name must end with {expected}"
            self.errors.append(Detail(message, file=path))
            return False
        return self._is_file(self.entries[path])

    def _is_file(self, entry: PackageEntry) -> bool:
        if entry.type != "file":
            message = f"this must be a file, not a {entry.type}"
            self.errors.append(Detail(message, file=entry.path))
        return entry.type == "file"
