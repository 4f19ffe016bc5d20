"""Validation of a value against a schema, with all violations."""

import json
import marshal
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from au2.domain.errors import Detail
from au2.domain.json_value import measure_depth
from au2.jsonschema.check_process import check_in_process
from au2.jsonschema.cost import LIGHT_EXPLANATION, LIGHT_STEPS, LIGHT_WORK, Cost, measure
from au2.jsonschema.references import References
from au2.jsonschema.subschemas import all_subschemas
from au2.jsonschema.violations import compile_schema, list_violations

_KEPT = 64
# As `marshal` writes integers: the number of their 15-bit digits, negative for negative ones.
_BEYOND_75_BITS = re.compile(
    rb"l(?:[\x06-\xff]\0\0\0|[\0-\xff][\x01-\xff][\0-\xff]\0"
    rb"|[\0-\xfa]\xff\xff\xff|[\0-\xff][\0-\xfe][\0-\xff]\xff)",
    re.DOTALL,
)
"""Integers of more than 75 bits: the library compares them as texts of digits, which is slow."""
_BEYOND_45_BITS = re.compile(
    rb"l(?:[\x04-\xff]\0\0\0|[\0-\xff][\x01-\xff][\0-\xff]\0"
    rb"|[\0-\xfc]\xff\xff\xff|[\0-\xff][\0-\xfe][\0-\xff]\xff)",
    re.DOTALL,
)
"""Integers that may be more exact than a float: those that are one float are all compared with
each other to find out whether they are unique."""


def validate(schema: Mapping[str, Any], value: Any, *, patient: bool = True) -> list[Detail]:
    """Return the violations of ``schema`` in ``value``, each with its JSON pointer; formats count.

    At most :data:`~au2.jsonschema.violations.MOST_VIOLATIONS` are returned.

    Args:
        schema: a schema without violations (:func:`au2.jsonschema.check.find_schema_violations`).
        value: a JSON value (:func:`au2.domain.json_value.find_json_error`).
        patient: wait for other expensive checks.

    Raises:
        CheckTooCostly: the check exceeds the limit of time or memory.
        Conflict: not ``patient``, and too many expensive checks wait already.
    """
    return _keep(json.dumps(schema)).find_violations(value, patient=patient)


class Validator:
    """A compiled schema for many values."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = dict(schema)
        self._cost: Cost = measure(References(self._schema))
        self._compiled: jsonschema_rs.Validator | None = None
        if not self._cost.is_heavy:
            self._compiled = compile_schema(self._schema)
        self._slow_integers = _BEYOND_45_BITS if _asks_for_unique(self._schema) else _BEYOND_75_BITS

    def find_violations(self, value: Any, *, patient: bool = True) -> list[Detail]:
        """Return the violations; see :func:`validate`."""
        # Not its length as JSON, but near to it and five times as quick to have.
        written = marshal.dumps(value, 0)
        size_bytes = len(written)
        compiled, steps = self._compiled, self._cost.at_most
        if not _is_light(steps, size_bytes):
            # To count the levels takes as long as most checks, and few schemas make it matter.
            steps = self._cost.for_depth(measure_depth(value))
        if compiled is None or not _is_light(steps, size_bytes):
            return check_in_process(self._schema, value, patient=patient)
        if self._slow_integers.search(written):
            return check_in_process(self._schema, value, patient=patient)
        if compiled.is_valid(value):
            return []
        if steps * size_bytes**2 > LIGHT_EXPLANATION:
            return check_in_process(self._schema, value, patient=patient)
        return list_violations(compiled, self._schema, value)


def _is_light(steps: int, size_bytes: int) -> bool:
    return steps <= LIGHT_STEPS and steps * size_bytes <= LIGHT_WORK


def _asks_for_unique(schema: Mapping[str, Any]) -> bool:
    places = all_subschemas(schema)
    return any(isinstance(part, dict) and part.get("uniqueItems") is True for _, part in places)


@lru_cache(maxsize=_KEPT)
def _keep(schema: str) -> Validator:
    return Validator(json.loads(schema))
