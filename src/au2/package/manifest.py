"""``aunsight.yml``, the manifest of a package."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from au2.domain.errors import Detail, InvalidPackage, InvalidRequest
from au2.domain.ids import is_guid
from au2.domain.jobs.container_contract import Network
from au2.package import names, yaml_nodes
from au2.package.sizes import parse_duration, parse_size
from au2.package.tree.paths import find_path_error
from au2.package.yaml_values import is_null

PROCESSES = "processes"
_CPU = re.compile(r"\d{1,4}(\.\d{1,6})?", re.ASCII)
_VERSION = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", re.ASCII)


class ResourceDefaults(NamedTuple):
    """Resources of runs without their own. None: the platform's default."""

    cpu: float | None = None
    """Cores."""
    memory_bytes: int | None = None
    timeout_seconds: float | None = None
    network: Network | None = None
    shared_memory_bytes: int | None = None
    """Size of ``/dev/shm``; None: as large as the memory."""

    def stated(self) -> dict[str, Any]:
        """Return the values that are not the platform's defaults, by name: those of a version."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class DependencyChoices(NamedTuple):
    """Settings of the dependency installation."""

    override: tuple[str, ...] = ()
    """Names to install although the runtime has them in another version."""


class Manifest(NamedTuple):
    """The content of ``aunsight.yml``."""

    name: str
    description: str
    runtime: str
    """GUID or name."""
    runtime_version: int | None = None
    entry_point: str | None = None
    """Path in the package; None: ``main`` with the ending of the runtime's language."""
    resources: ResourceDefaults = ResourceDefaults()
    dependencies: DependencyChoices = DependencyChoices()
    processes: Mapping[str, str] = MappingProxyType({})
    """Process id by context key."""


def context_key(organization_id: str, project_id: str | None = None) -> str:
    """Return the key of a context in :attr:`Manifest.processes`: ``ORG`` or ``ORG/PROJECT``."""
    return organization_id if project_id is None else f"{organization_id}/{project_id}"


def parse_manifest(text: str, file: str = names.MANIFEST) -> Manifest:
    """Return the manifest.

    Raises:
        InvalidPackage: with all errors, each with its file and line.
    """
    root = yaml_nodes.parse_nodes(text, file)
    reader = _Reader(file)
    fields: dict[str, Any] = {"description": ""}
    if root is not None:
        fields |= reader.fields(root, _FIELDS)
    for required in ("name", "runtime"):
        if not fields.get(required) and required not in reader.refused:
            reader.errors.append(Detail(f"'{required}' is missing", file=file, line=1))
    if reader.errors:
        raise InvalidPackage(details=reader.errors)
    return Manifest(**fields)


def find_entry_point(text: str, file: str = names.MANIFEST) -> str | None:
    """Return the manifest's entry point, even if other fields are wrong.

    Raises:
        InvalidPackage: the text is not YAML.
    """
    root = yaml_nodes.parse_nodes(text, file)
    found = root.find("entry_point") if isinstance(root, yaml_nodes.Mapping) else None
    if found is None or is_null(found[1]) or not isinstance(found[1], yaml_nodes.Scalar):
        return None
    return found[1].text.removeprefix("./")


class _Reader:
    """Reader of fields, with a list of errors."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[Detail] = []
        self.refused: set[str] = set()

    def fields(
        self, node: yaml_nodes.Node, readers: "Mapping[str, _FieldReader]"
    ) -> dict[str, Any]:
        """Return the fields with a value other than null, each read by its reader."""
        found: dict[str, Any] = {}
        for key, value in self.items(node):
            if key.text not in readers:
                known = ", ".join(readers)
                self.add(key, f"'{key.text}' is not known here (known: {known})")
                continue
            if is_null(value):
                continue
            field_name, read = readers[key.text]
            try:
                found[field_name] = read(self, value)
            except InvalidRequest as error:
                self.refused.add(key.text)
                self.add(value, f"'{key.text}': {error.message}")
        return found

    def items(self, node: yaml_nodes.Node) -> tuple[tuple[yaml_nodes.Scalar, yaml_nodes.Node], ...]:
        """Return the items of a mapping; anything else is an error."""
        if isinstance(node, yaml_nodes.Mapping):
            return node.items
        if not is_null(node):
            self.add(node, "write 'key: value' lines here")
        return ()

    def add(self, node: yaml_nodes.Node, message: str) -> None:
        self.errors.append(Detail(message, file=self.file, line=node.start.line + 1))


_FieldReader = tuple[str, Callable[[_Reader, yaml_nodes.Node], object]]


def _text(node: yaml_nodes.Node) -> str:
    if not isinstance(node, yaml_nodes.Scalar):
        raise InvalidRequest("write a single value.")
    return node.text


def is_line(text: str) -> bool:
    """Whether a field of one line may have this value."""
    return len(text) <= 200 and text.isprintable()


def _line(_: _Reader, node: yaml_nodes.Node) -> str:
    text = _text(node).strip()
    if not is_line(text):
        raise InvalidRequest("at most 200 characters on one line.")
    return text


def _description(_: _Reader, node: yaml_nodes.Node) -> str:
    text = _text(node).strip()
    if len(text) > 100_000 or "\0" in text:
        raise InvalidRequest("at most 100000 characters.")
    return text


def _runtime_version(_: _Reader, node: yaml_nodes.Node) -> int:
    text = _text(node)
    if not _VERSION.fullmatch(text):
        raise InvalidRequest("write a version number: 1, 2, 3 …")
    return int(text)


def _entry_point(_: _Reader, node: yaml_nodes.Node) -> str:
    text = _text(node).removeprefix("./")
    error = find_path_error(text)
    if error:
        raise InvalidRequest(error)
    return text


def _cpu(_: _Reader, node: yaml_nodes.Node) -> float:
    text = _text(node)
    if not _CPU.fullmatch(text) or float(text) <= 0:
        raise InvalidRequest("write a number of cores, like 1 or 0.5.")
    return float(text)


def _network(_: _Reader, node: yaml_nodes.Node) -> Network:
    text = _text(node)
    if text not in set(Network):
        raise InvalidRequest("write internet or none.")
    return Network(text)


def _processes(reader: _Reader, node: yaml_nodes.Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in reader.items(node):
        if not all(is_guid(part) for part in key.text.split("/", 1)):
            reader.add(key, "write ORGANIZATION or ORGANIZATION/PROJECT, both GUIDs, as the key")
        elif not isinstance(value, yaml_nodes.Scalar) or not is_guid(value.text):
            reader.add(value, "the id of a process is a GUID")
        else:
            found[key.text.lower()] = value.text.lower()
    return found


def _resources(reader: _Reader, node: yaml_nodes.Node) -> ResourceDefaults:
    return ResourceDefaults(**reader.fields(node, _RESOURCES))


def _dependencies(reader: _Reader, node: yaml_nodes.Node) -> DependencyChoices:
    return DependencyChoices(**reader.fields(node, _DEPENDENCIES))


def _names(_: _Reader, node: yaml_nodes.Node) -> tuple[str, ...]:
    if not isinstance(node, yaml_nodes.Sequence):
        raise InvalidRequest("write a list of names, like [numpy].")
    found = [_text(item) for item in node.items]
    if not all(_DISTRIBUTION.fullmatch(name) for name in found):
        raise InvalidRequest("write names alone; their versions belong into requirements.txt.")
    return tuple(found)


_DEPENDENCIES: dict[str, _FieldReader] = {"override": ("override", _names)}

_RESOURCES: dict[str, _FieldReader] = {
    "cpu": ("cpu", _cpu),
    "memory": ("memory_bytes", lambda _, node: parse_size(_text(node))),
    "shm_size": ("shared_memory_bytes", lambda _, node: parse_size(_text(node))),
    "timeout": ("timeout_seconds", lambda _, node: parse_duration(_text(node))),
    "network": ("network", _network),
}

_FIELDS: dict[str, _FieldReader] = {
    "name": ("name", _line),
    "description": ("description", _description),
    "runtime": ("runtime", _line),
    "runtime_version": ("runtime_version", _runtime_version),
    "entry_point": ("entry_point", _entry_point),
    "resources": ("resources", _resources),
    "dependencies": ("dependencies", _dependencies),
    PROCESSES: (PROCESSES, _processes),
}
