"""Command-line view of an arguments schema: the list of arguments, and typed values.

Imports are few and quick: ``au2 process run`` reads its ``--arg`` options here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from au2.domain.errors import Detail, InvalidRequest
from au2.domain.json_value import format_pointer
from au2.jsonschema.references import References
from au2.jsonschema.subschemas import Path

_MOST_STEPS = 10_000
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}
_WANTED = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a JSON array",
    "object": "a JSON object",
}


class Argument(NamedTuple):
    """A top-level property of the arguments."""

    name: str
    types: tuple[str, ...]
    """What JSON Schema calls them; empty: any."""
    is_required: bool
    has_default: bool
    default: Any
    description: str
    choices: tuple[Any, ...]
    """The only values that go; empty: not limited to a list."""

    def to_document(self) -> dict[str, Any]:
        """Return the argument as a JSON object; ``default`` is left out if there is none."""
        document: dict[str, Any] = {
            "name": self.name,
            "type": list(self.types),
            "required": self.is_required,
            "description": self.description,
            "enum": list(self.choices),
        }
        return document | ({"default": self.default} if self.has_default else {})


def list_arguments(schema: Mapping[str, Any]) -> list[Argument]:
    """Return the arguments named by ``schema``, in its order.

    Arguments are found like defaults: in ``properties``, through ``$ref`` and ``allOf``.
    """
    return _Description(schema).arguments()


def read_arguments(schema: Mapping[str, Any] | None, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments in ``texts``, each read by the type in the schema.

    A string stays as written (``01234``). Where several types are possible, JSON is tried before
    text. An argument without a type in the schema is JSON if valid JSON, else text.

    Raises:
        InvalidRequest: texts of the wrong type; each has a detail.
    """
    known = {} if schema is None else {found.name: found for found in list_arguments(schema)}
    read: dict[str, Any] = {}
    violations: list[Detail] = []
    for name, text in texts.items():
        types = known[name].types if name in known else ()
        value, ok = _read(text, types)
        read[name] = value
        if not ok:
            wanted = " or ".join(_WANTED[kind] for kind in types)
            message = f"expected {wanted}, not '{text[:60]}'"
            violations.append(Detail(message, format_pointer(("arguments", name))))
    if violations:
        raise InvalidRequest(
            "The arguments do not match what the process takes.", details=violations
        )
    return read


def _read(text: str, types: tuple[str, ...]) -> tuple[Any, bool]:
    """Return the value, and whether its type is one of ``types``."""
    if types == ("string",):
        return text, True
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text, not types or "string" in types
    if not types or any(_is_of(value, kind) for kind in types):
        return value, True
    return text, "string" in types


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_of(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, ()))


class _Description:
    """Reader of the properties of a schema. A too complex schema only loses its descriptions."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._references = References(dict(schema))
        self._steps_left = _MOST_STEPS

    def arguments(self) -> list[Argument]:
        required: set[str] = set()
        places: dict[str, list[Path]] = {}
        for path, part in self._parts([()]):
            required.update(name for name in _list(part.get("required")) if isinstance(name, str))
            named = part.get("properties")
            for name in named if isinstance(named, dict) else ():
                places.setdefault(name, []).append((*path, "properties", name))
        return [self._describe(name, places[name], name in required) for name in places]

    def _describe(self, name: str, paths: list[Path], is_required: bool) -> Argument:
        parts = [part for _, part in self._parts(paths)]
        defaults = [part["default"] for part in parts if "default" in part]
        texts = [part[word] for word in ("description", "title") for part in parts if word in part]
        choices = [tuple(part["enum"]) for part in parts if "enum" in part]
        choices += [(part["const"],) for part in parts if "const" in part]
        return Argument(
            name=name,
            types=self._find_types(paths),
            is_required=is_required,
            has_default=bool(defaults),
            default=defaults[0] if defaults else None,
            description=str(texts[0]) if texts else "",
            choices=choices[0] if choices else (),
        )

    def _find_types(self, paths: list[Path]) -> tuple[str, ...]:
        """Return the types of a value, as far as the schema states them directly."""
        for path, part in self._parts(paths):
            found = _stated_types(part)
            for keyword in ("anyOf", "oneOf"):
                count = 0 if found else len(_list(part.get(keyword)))
                inner = [self._find_types([(*path, keyword, str(at))]) for at in range(count)]
                if inner and all(inner):
                    found = tuple(dict.fromkeys(kind for kinds in inner for kind in kinds))
            if found:
                return found
        return ()

    def _parts(self, paths: list[Path]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        for path in self._references.holding(paths):
            self._steps_left -= 1
            if self._steps_left < 0:
                return
            schema = self._references.schemas[path]
            if isinstance(schema, dict):
                yield path, schema


def _stated_types(part: Mapping[str, Any]) -> tuple[str, ...]:
    stated = part.get("type")
    if stated is not None:
        return (stated,) if isinstance(stated, str) else tuple(stated)
    values = [part["const"]] if "const" in part else _list(part.get("enum"))
    return tuple(dict.fromkeys(map(_type_of, values)))


def _type_of(value: Any) -> str:
    if isinstance(value, float) and not value.is_integer():
        return "number"
    return next(kind for kind in ("boolean", "integer", *_TYPES) if _is_of(value, kind))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
