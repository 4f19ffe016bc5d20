"""Endless recursion: schemas with a reference to themselves for the same value."""

from collections.abc import Sequence

from au2.jsonschema.references import References
from au2.jsonschema.subschemas import IN_PLACE, IN_PLACE_LISTS, IN_PLACE_MAPPINGS, Path


def same_value(references: References, path: Path) -> list[Path]:
    """Return the schemas applied by the schema at ``path`` to its own value."""
    schema = references.schemas[path]
    if not isinstance(schema, dict):
        return []
    found = [(*path, keyword) for keyword in IN_PLACE if keyword in schema]
    for keyword in IN_PLACE_LISTS:
        items = schema.get(keyword)
        if isinstance(items, list):
            found += [(*path, keyword, str(index)) for index in range(len(items))]
    for keyword in IN_PLACE_MAPPINGS:
        named = schema.get(keyword)
        if isinstance(named, dict):
            found += [(*path, keyword, name) for name in named]
    return [*found, *references.targets(path)]


class EndlessRecursion(Exception):
    """A schema applies itself to the same value again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """A schema on the circle: the one that leads back."""
        super().__init__(path)


def order_same_value(references: References) -> Sequence[Path]:
    """Return all schemas, each after the schemas applied to the same value.

    Raises:
        EndlessRecursion: no such order exists.
    """
    order: list[Path] = []
    seen: set[Path] = set()
    for start in references.schemas:
        if start not in seen:
            _visit(references, start, seen, order)
    return order


def _visit(references: References, start: Path, seen: set[Path], order: list[Path]) -> None:
    # By hand instead of by recursion: the chains of strangers are longer than our stack.
    under_way = {start}
    seen.add(start)
    stack = [(start, iter(same_value(references, start)))]
    while stack:
        path, rest = stack[-1]
        following = next(rest, None)
        if following is None:
            stack.pop()
            under_way.discard(path)
            order.append(path)
        elif following in under_way:
            raise EndlessRecursion(path)
        elif following not in seen:
            seen.add(following)
            under_way.add(following)
            stack.append((following, iter(same_value(references, following))))
