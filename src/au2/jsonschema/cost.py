"""Cost of a schema: an upper bound of the steps of a check, computed before the check.

Two references to the same schema, one below the other, double the steps with each level, and a
reference to itself for the same value never ends. The validator library has no limit and can't be
interrupted, so an expensive check runs in a process with limits
(:mod:`au2.jsonschema.check_process`), and endless recursion is a violation.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from au2.domain.json_value import DEEPEST as DEEPEST_VALUE
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


LIGHT_STEPS = 5_000
"""Steps for one position in a value. Schemas with more are used in a process of their own."""
LIGHT_WORK = 32_000_000
"""Steps times bytes of the value, up to which a check is done here: below a second at worst."""
LIGHT_EXPLANATION = 16_000_000
"""Steps times bytes squared up to which violations are listed here: each may copy a value."""
_MOST_WORK = 400_000
"""Steps of finding out itself."""
_REPEATED = re.compile(r"\{(\d{1,9})?(?:,(\d{1,9})?)?\}")
_UNICODE_CLASS_STEPS = 50
_DIVISION_STEPS = 300
"""Dividing by a fraction is done exactly, with numbers as long as the exponents say."""
_LONG_DIVISION_STEPS = 1_000
_TINY = 1e-20
_EVALUATED_TWICE = frozenset({"unevaluatedProperties", "unevaluatedItems"})
"""Keywords whose siblings are evaluated once more."""


class Cost(NamedTuple):
    """Steps for one position in a value, by the value's depth: ``steps[0]`` for a scalar.

    Counting stops above :data:`~au2.jsonschema.cost.LIGHT_STEPS`.
    """

    steps: Sequence[int]
    patterns: int
    """Size of all regular expressions together."""

    @property
    def is_heavy(self) -> bool:
        """Whether compiling the schema alone is expensive."""
        return self.patterns > LIGHT_STEPS

    @property
    def at_most(self) -> int:
        """Steps for the deepest value; fewer levels never take more."""
        return self.steps[-1]

    def for_depth(self, depth: int) -> int:
        """Return the steps for a value of ``depth`` levels."""
        return self.steps[min(depth, len(self.steps) - 1)]


def measure(references: References) -> Cost:
    """Return the cost of the schema. Raises EndlessRecursion."""
    order = order_same_value(references)
    own = {path: _own_steps(references.schemas[path]) for path in order}
    inner = {path: same_value(references, path) for path in order}
    found: list[int] = []
    before: dict[Path, int] = {}
    for depth in range(DEEPEST_VALUE + 1):
        now: dict[Path, int] = {}
        for path in order:
            schema = references.schemas[path]
            same = sum(now[other] for other in inner[path])
            if isinstance(schema, dict) and not _EVALUATED_TWICE.isdisjoint(schema):
                same *= 2
            parts = _parts(path, schema, before) if depth else 0
            now[path] = min(own[path] + same + parts, LIGHT_STEPS + 1)
        root = now[()]
        if root > LIGHT_STEPS or (depth + 1) * len(order) > _MOST_WORK:
            # What is deeper takes more.
            return Cost([*found, LIGHT_STEPS + 1], _patterns_size(references))
        found.append(root)
        if now == before:
            break
        before = now
    return Cost(found, _patterns_size(references))


def _parts(path: Path, schema: Any, costs: Mapping[Path, int]) -> int:
    """Return the steps for one member of an object or item of a list."""
    if not isinstance(schema, dict):
        return 0

    def one(keyword: str) -> int:
        return costs.get((*path, keyword), 0)

    def each(keyword: str) -> list[int]:
        held = schema.get(keyword, ())
        names = held if isinstance(held, dict) else map(str, range(len(held)))
        return [costs.get((*path, keyword, name), 0) for name in names]

    member = max([one("additionalProperties"), *each("properties")])
    member += sum(each("patternProperties"))
    member += one("unevaluatedProperties") + one("propertyNames")
    item = max([one("items"), *each("prefixItems")]) + one("contains") + one("unevaluatedItems")
    return max(member, item)


def _own_steps(schema: Any) -> int:
    if not isinstance(schema, dict):
        return 1
    steps = 1 + len(schema)
    for keyword, value in schema.items():
        if keyword in {"properties", "required", "dependentRequired"}:
            steps += _count(value)
        elif keyword == "enum" and isinstance(value, list):
            # Texts are looked up at once, all else is compared one by one.
            steps += sum(_count(item) for item in value if not isinstance(item, str))
        elif keyword == "multipleOf" and isinstance(value, float) and not value.is_integer():
            steps += _DIVISION_STEPS if value > _TINY else _LONG_DIVISION_STEPS
        elif keyword == "const":
            steps += _count(value)
        elif keyword == "pattern":
            steps += pattern_size(value)
        elif keyword == "patternProperties" and isinstance(value, dict):
            steps += sum(pattern_size(pattern) for pattern in value)
        elif keyword == "format" and value == "regex":
            steps += LIGHT_STEPS
    return steps


def _count(value: Any) -> int:
    """Return the number of values inside a value, two levels deep."""
    if isinstance(value, dict):
        return 1 + sum(1 + (len(item) if isinstance(item, list) else 0) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(1 + (len(item) if isinstance(item, list | dict) else 0) for item in value)
    return 1


def pattern_size(pattern: Any) -> int:
    """Return about a fifth of a regular expression's states: one state is a quick step."""
    if not isinstance(pattern, str):
        return 0
    size = len(pattern)
    counts = [max(int(least or 1), int(most or 1)) for least, most in _REPEATED.findall(pattern)]
    if "){" in pattern or "}{" in pattern:
        for count in counts:
            size *= max(1, count)
    elif counts:
        size *= max(counts)
    if "\\p" in pattern or "\\P" in pattern:
        size *= _UNICODE_CLASS_STEPS
    return 1 + min(size, 1 << 40) // 5


def _patterns_size(references: References) -> int:
    total = 0
    for schema in references.schemas.values():
        if isinstance(schema, dict):
            total += pattern_size(schema.get("pattern"))
            named = schema.get("patternProperties")
            total += sum(map(pattern_size, named)) if isinstance(named, dict) else 0
    return total
