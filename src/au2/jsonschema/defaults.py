"""Defaults of a schema, filled in through ``properties``, ``$ref`` and ``allOf`` only.

Subschemas of ``anyOf``, ``if`` and similar keywords hold under conditions, so their defaults would
too.
"""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any

from au2.domain.errors import CheckTooCostly
from au2.domain.wording import format_bytes
from au2.jsonschema.references import References
from au2.jsonschema.subschemas import Path

_DEFAULT_BYTES = 1 << 20
"""Most bytes of defaults added to a value, as JSON."""
_MOST_DEFAULT_STEPS = 200_000
_KEPT = 64
_HINT = "Make the schema simpler, or its defaults smaller."


def fill_defaults(schema: Mapping[str, Any], value: Any) -> Any:
    """Return a copy of ``value`` with the defaults of missing properties.

    The nearest default wins: the property's own, then the one of its reference, then those of its
    ``allOf`` in order. Defaults inside a default are filled in, but never a default inside itself.

    Raises:
        CheckTooCostly: the defaults multiply beyond the limit.
    """
    return _keep(json.dumps(schema)).fill(value)


class Defaults:
    """The defaults of one schema, for many values."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._references = References(dict(schema))

    def fill(self, value: Any, path: Path = ()) -> Any:
        """Return ``value`` filled in by the schema at ``path``. Raises CheckTooCostly."""
        return _Filling(self._references).fill(value, [path], frozenset())


@lru_cache(maxsize=_KEPT)
def _keep(schema: str) -> Defaults:
    return Defaults(json.loads(schema))


class _Filling:
    """One value being filled in, with the rest of its size limit."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._steps_left = _MOST_DEFAULT_STEPS
        self._bytes_left = _DEFAULT_BYTES

    def fill(self, value: Any, paths: list[Path], inside: frozenset[Path]) -> Any:
        """Return ``value`` filled in by all schemas at ``paths``.

        Args:
            value: the value so far.
            paths: paths of the schemas.
            inside: the properties whose defaults enclose this value.
        """
        if not isinstance(value, dict):
            return value
        properties = self._find_properties(paths)
        if not properties:
            return value
        filled = dict(value)
        for name, schemas in properties.items():
            below = inside
            if name not in filled:
                found = self._find_default(schemas)
                if found is None or found[0] in inside:
                    continue
                source, default = found
                self._spend(default)
                filled[name] = deepcopy(default)
                below = inside | {source}
            filled[name] = self.fill(filled[name], schemas, below)
        return filled

    def _find_properties(self, paths: list[Path]) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path, schema in self._holding(paths):
            properties = schema.get("properties")
            for name in properties if isinstance(properties, dict) else ():
                self._step()
                found.setdefault(name, []).append((*path, "properties", name))
        return found

    def _find_default(self, paths: list[Path]) -> tuple[Path, Any] | None:
        for path, schema in self._holding(paths):
            if "default" in schema:
                return path, schema["default"]
        return None

    def _holding(self, paths: list[Path]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        for path in self._references.holding(paths):
            self._step()
            schema = self._references.schemas[path]
            if isinstance(schema, dict):
                yield path, schema

    def _step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise CheckTooCostly("The schema is too entangled to fill in defaults.", hint=_HINT)

    def _spend(self, default: Any) -> None:
        self._step()
        # Never nothing: a default that is held by others many times counts each time.
        self._bytes_left -= len(json.dumps(default, ensure_ascii=False)) + 1
        if self._bytes_left < 0:
            raise CheckTooCostly(
                f"The defaults take more than {format_bytes(_DEFAULT_BYTES)}.", hint=_HINT
            )
