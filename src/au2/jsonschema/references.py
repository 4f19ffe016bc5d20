"""References (``$ref``, ``$dynamicRef``) inside one file; nothing is ever fetched."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from au2.domain.json_value import parse_pointer
from au2.jsonschema.subschemas import Path, Subschema, all_subschemas


class References:
    """All schemas of a file by path, and the targets of their references."""

    def __init__(self, root: Any) -> None:
        self.schemas: dict[Path, Any] = {}
        self._bases: dict[Path, str] = {}
        self._resources: dict[str, Path] = {"": ()}
        self._anchors: dict[tuple[str, str], Path] = {}
        self._dynamic: dict[str, list[Path]] = {}
        for place in all_subschemas(root):
            self._add(place)

    def _add(self, place: Subschema) -> None:
        path, schema = place
        self.schemas[path] = schema
        base = self._base_above(path)
        if isinstance(schema, dict):
            base = self._add_names(path, schema, base)
        self._bases[path] = base

    def _add_names(self, path: Path, schema: Mapping[str, Any], base: str) -> str:
        own = schema.get("$id")
        if isinstance(own, str):
            base = _join(base, own)[0]
            self._resources.setdefault(base, path)
        for keyword in ("$anchor", "$dynamicAnchor"):
            name = schema.get(keyword)
            if isinstance(name, str):
                self._anchors.setdefault((base, name), path)
                if keyword == "$dynamicAnchor":
                    self._dynamic.setdefault(name, []).append(path)
        return base

    def _base_above(self, path: Path) -> str:
        for length in range(len(path) - 1, -1, -1):
            if path[:length] in self._bases:
                return self._bases[path[:length]]
        return ""

    def find(self, path: Path, reference: str) -> Path | None:
        """Return the target of ``reference`` at ``path``, or None outside this file."""
        try:
            resource, fragment = _join(self._bases[path], reference)
            fragment = unquote(fragment, errors="strict")
        except ValueError:
            return None
        start = self._resources.get(resource)
        if start is None:
            return None
        if fragment and not fragment.startswith("/"):
            return self._anchors.get((resource, fragment))
        target = (*start, *parse_pointer(fragment))
        return target if target in self.schemas else None

    def holding(self, paths: Sequence[Path]) -> Iterator[Path]:
        """Return the schemas applied unconditionally at one position, nearest first.

        These are the schemas at ``paths``, the targets of their ``$ref``, and their ``allOf``.
        References may multiply them beyond the number of schemas in the file: the caller counts.
        """
        waiting = list(reversed(paths))
        while waiting:
            path = waiting.pop()
            yield path
            schema = self.schemas[path]
            if not isinstance(schema, dict):
                continue
            following: list[Path] = []
            if isinstance(schema.get("$ref"), str):
                target = self.find(path, schema["$ref"])
                following += [] if target is None else [target]
            parts = schema.get("allOf")
            if isinstance(parts, list):
                following += [(*path, "allOf", str(index)) for index in range(len(parts))]
            waiting.extend(reversed(following))

    def targets(self, path: Path) -> Iterator[Path]:
        """Return the possible targets of the references of the schema at ``path``."""
        schema = self.schemas[path]
        if not isinstance(schema, dict):
            return
        for keyword in ("$ref", "$dynamicRef"):
            reference = schema.get(keyword)
            if not isinstance(reference, str):
                continue
            target = self.find(path, reference)
            if target is not None:
                yield target
            if keyword == "$dynamicRef":
                # Which one it is hangs on the way to here, so it may be each of them.
                named = self._dynamic.get(urldefrag(reference).fragment, [])
                yield from (other for other in named if other != target)


def _join(base: str, reference: str) -> tuple[str, str]:
    relative, fragment = urldefrag(reference)
    return (urljoin(base, relative) if relative else base), fragment
