"""Unknown keywords, which JSON Schema ignores and which most likely are typing errors."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from au2.jsonschema.subschemas import LISTS, MAPPINGS, SINGLE

KEYWORDS: Final = frozenset(
    {
        *SINGLE,
        *LISTS,
        *MAPPINGS,
        *("$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary"),
        *("$comment", "title", "description", "default", "deprecated", "examples"),
        *("readOnly", "writeOnly", "type", "enum", "const", "format", "pattern"),
        *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
        *("minContains", "maxContains", "minProperties", "maxProperties"),
        *("required", "dependentRequired", "contentEncoding", "contentMediaType"),
    }
)
"""Of 2020-12."""
_LIKENESS: Final = 0.8
"""``typ`` is as like ``type`` as that, ``unit`` like nothing."""


def has_no_keyword(schema: Mapping[str, Any]) -> bool:
    """Whether a non-empty document has no keyword at all: another kind of file."""
    return bool(schema) and KEYWORDS.isdisjoint(schema)


def find_mistyped_keywords(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return unknown top-level names, each with the similar keyword."""
    open_to_guess = sorted(KEYWORDS - schema.keys())
    unknown = (name for name in schema if name not in KEYWORDS)
    guesses = ((name, get_close_matches(name, open_to_guess, 1, _LIKENESS)) for name in unknown)
    return {name: guess[0] for name, guess in guesses if guess}
