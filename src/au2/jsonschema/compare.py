"""Comparison of two versions of a schema: the changes, and which of them break callers.

Callers give arguments and take output. So an arguments schema may become looser, and an output
schema stricter; the opposite breaks callers. A change with an unknown effect counts as breaking.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any, Literal, NamedTuple

from au2.domain.json_value import format_pointer
from au2.jsonschema.display import format_value, list_values, name_types
from au2.jsonschema.shape import ALL_TYPES, CONDITIONS, UPPER_BOUNDS, Shape, Shapes, TooComplex
from au2.jsonschema.subschemas import Path

Direction = Literal["arguments", "output"]


class SchemaChange(NamedTuple):
    """A difference visible to callers."""

    pointer: str
    """Into the new schema; where something was removed, into the old one."""
    message: str
    breaks: bool


class _Effect(Enum):
    """Effect of a change on the set of matching values."""

    SMALLER = auto()
    LARGER = auto()
    SAME = auto()
    UNKNOWN = auto()


_Found = tuple[Path, str, _Effect]


def compare_schemas(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, direction: Direction
) -> list[SchemaChange]:
    """Return the changes. None is the schema of an unstructured process: any object."""
    breaking = _Effect.SMALLER if direction == "arguments" else _Effect.LARGER
    found: dict[SchemaChange, None] = {}
    try:
        for path, message, effect in _Comparison(old or {}, new or {}, direction).compare():
            breaks = effect in {breaking, _Effect.UNKNOWN}
            found[SchemaChange(format_pointer(path), message, breaks)] = None
    except TooComplex:
        found[SchemaChange("", "the schemas are too entangled to compare all of them", True)] = None
    return list(found)


class _Comparison:
    """Parallel walk through both schemas."""

    def __init__(
        self, old: Mapping[str, Any], new: Mapping[str, Any], direction: Direction
    ) -> None:
        self._old = Shapes(old)
        self._new = Shapes(new)
        self._fills_in = direction == "arguments"
        self._seen: set[tuple[tuple[Path, ...], tuple[Path, ...]]] = set()

    def compare(self) -> Iterator[_Found]:
        yield from self._place([()], [()], is_root=True)

    def _place(
        self, old_paths: list[Path], new_paths: list[Path], *, is_root: bool = False
    ) -> Iterator[_Found]:
        pair = tuple(old_paths), tuple(new_paths)
        if pair in self._seen:
            return
        self._seen.add(pair)
        old, new = self._old.find(old_paths), self._new.find(new_paths)
        if is_root:
            # Arguments and output are objects, whether a schema says so or not.
            old.types &= {"object"}
            new.types &= {"object"}
        path = new_paths[0]
        yield from _compare_types(path, old, new)
        yield from _compare_choices(path, old, new)
        yield from _compare_bounds(path, old, new)
        yield from _compare_conditions(path, old, new)
        if old.default != new.default:
            texts = [
                format_value(shape.default[0]) if shape.default else "none" for shape in (old, new)
            ]
            yield (
                (*path, "default"),
                f"the default was {texts[0]} and is {texts[1]}",
                _Effect.SAME,
            )
        yield from self._properties(path, old, new)
        yield from self._pairs(old.items, new.items, (*path, "items"), "the items")

    def _properties(self, path: Path, old: Shape, new: Shape) -> Iterator[_Found]:
        for name in sorted(new.required - old.required):
            yield self._newly_required(path, new, name)
        for name in sorted(old.required - new.required):
            where = (*path, "required")
            yield where, f"'{name}' was required and no longer is", _Effect.LARGER
        for name in new.properties:
            if name not in old.properties:
                effect = _Effect.LARGER if old.is_closed else _Effect.SAME
                yield new.properties[name][0], f"the property '{name}' is new", effect
            else:
                yield from self._place(old.properties[name], new.properties[name])
        for name, places in old.properties.items():
            if name not in new.properties:
                effect = _Effect.SMALLER if new.is_closed else _Effect.LARGER
                yield places[0], f"the property '{name}' was removed", effect
        if old.is_closed != new.is_closed:
            what = "are no longer taken" if new.is_closed else "are taken now"
            effect = _Effect.SMALLER if new.is_closed else _Effect.LARGER
            yield (*path, "additionalProperties"), f"other properties {what}", effect
        elif not new.is_closed:
            where = (*path, "additionalProperties")
            yield from self._pairs(old.others, new.others, where, "other properties")

    def _newly_required(self, path: Path, new: Shape, name: str) -> _Found:
        where = (*path, "required")
        places = new.properties.get(name) if self._fills_in else None
        if places and self._new.find(places).default:
            return where, f"'{name}' is required now, but has a default", _Effect.SAME
        return where, f"'{name}' is required now", _Effect.SMALLER

    def _pairs(self, old: list[Path], new: list[Path], path: Path, what: str) -> Iterator[_Found]:
        if old and new:
            yield from self._place(old, new)
        elif new:
            yield path, f"{what} have a schema now", _Effect.SMALLER
        elif old:
            yield path, f"{what} no longer have a schema", _Effect.LARGER


def _compare_types(path: Path, old: Shape, new: Shape) -> Iterator[_Found]:
    if old.types == new.types:
        return
    texts = [_name(shape.types) for shape in (old, new)]
    effect = _Effect.UNKNOWN
    if old.types > new.types:
        effect = _Effect.SMALLER
    elif old.types < new.types:
        effect = _Effect.LARGER
    yield (*path, "type"), f"it was {texts[0]} and is {texts[1]}", effect


def _name(types: frozenset[str]) -> str:
    if types == ALL_TYPES:
        return "anything"
    shown = types - {"integer"} if "number" in types else types
    return name_types(sorted(shown)) if shown else "nothing at all"


def _compare_choices(path: Path, old: Shape, new: Shape) -> Iterator[_Found]:
    where = (*path, "enum")
    if old.choices is None or new.choices is None:
        if old.choices is not None:
            yield where, "it is no longer limited to some values", _Effect.LARGER
        elif new.choices is not None:
            values = list_values(list(new.choices.values()))
            yield where, f"only these values are left: {values}", _Effect.SMALLER
        return
    gone = [value for text, value in old.choices.items() if text not in new.choices]
    added = [value for text, value in new.choices.items() if text not in old.choices]
    if gone:
        yield where, f"these values were removed: {list_values(gone)}", _Effect.SMALLER
    if added:
        yield where, f"these values are new: {list_values(added)}", _Effect.LARGER


def _compare_bounds(path: Path, old: Shape, new: Shape) -> Iterator[_Found]:
    for keyword in sorted(old.bounds.keys() | new.bounds.keys()):
        before, after = old.bounds.get(keyword), new.bounds.get(keyword)
        where = (*path, keyword)
        if before is None:
            yield where, f"there is a '{keyword}' of {after} now", _Effect.SMALLER
        elif after is None:
            yield where, f"the '{keyword}' of {before} was removed", _Effect.LARGER
        elif before != after:
            is_smaller = (after < before) == (keyword in UPPER_BOUNDS)
            effect = _Effect.SMALLER if is_smaller else _Effect.LARGER
            yield where, f"the '{keyword}' was {before} and is {after}", effect


def _compare_conditions(path: Path, old: Shape, new: Shape) -> Iterator[_Found]:
    for keyword in CONDITIONS:
        before, after = old.conditions.get(keyword), new.conditions.get(keyword)
        if before == after:
            continue
        where = (*path, keyword)
        if before is None:
            yield where, f"'{keyword}' is new", _Effect.SMALLER
        elif after is None:
            yield where, f"'{keyword}' was removed", _Effect.LARGER
        else:
            yield where, f"'{keyword}' changed", _Effect.UNKNOWN
