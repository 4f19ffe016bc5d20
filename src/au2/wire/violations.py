"""Validation of requests with pydantic, with violations as plain sentences.

The messages of pydantic speak of strings and inputs, name no unit and end with a link.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from au2.domain.errors import Detail, InvalidRequest
from au2.domain.wording import as_sentence, count_of, format_bytes, format_seconds
from au2.wire.base import WireType

_Wire = TypeVar("_Wire", bound=WireType)
Violation = Mapping[str, Any]
"""An element of ``ValidationError.errors()``."""

MOST_DETAILS: Final = 100
_MOST_NAME_CHARACTERS: Final = 100
OURS: Final = frozenset({"many"})
"""Types of violations that the API makes itself, with a message of its own."""
_OTHER: Final = "is not valid"
_PLAIN: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be a text",
    "string_unicode": "is no text in UTF-8",
    "string_pattern_mismatch": "is not of the right form",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is a number with too many digits",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
"""Type of violation → what is said of the field."""
_BOUNDED: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("must be more than", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be less than", "lt"),
    "less_than_equal": ("must be at most", "le"),
}
_COUNTED: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "string_too_short": ("is shorter than", "min_length", ("character",)),
    "string_too_long": ("is longer than", "max_length", ("character",)),
    "too_short": ("has fewer than", "min_length", ("entry", "entries")),
    "too_long": ("has more than", "max_length", ("entry", "entries")),
}
_NAMES: Final = {"cpu": "number of cores", "env": "environment", "expires_at": "end"}
_UNITS: Final[Mapping[str, Callable[[float], str]]] = {
    "_bytes": format_bytes,
    "_seconds": format_seconds,
}
"""End of a field's name → how its numbers are told."""


_adapters: Final[dict[type[WireType], TypeAdapter[Any]]] = {}


def adapter_of(kind: type[_Wire]) -> TypeAdapter[_Wire]:
    """Return pydantic's validator and serializer of a wire type."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def build(kind: type[_Wire], **fields: object) -> _Wire:
    """Return a request with these fields, validated.

    Raises:
        InvalidRequest: a violation, as a sentence that names the field.
    """
    try:
        return adapter_of(kind).validate_python(fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        sentences = [sentence_of(violation) for violation in found]
        if len(sentences) == 1:
            raise InvalidRequest(sentences[0]) from None
        details = [Detail(sentence) for sentence in sentences[:MOST_DETAILS]]
        raise InvalidRequest(details=details) from None


def sentence_of(violation: Violation) -> str:
    """Return a sentence that names the field: "The name is empty."."""
    name = name_of(violation["loc"])
    subject = f"The {name}" if name else "The request"
    return as_sentence(f"{subject} {describe(violation)}")


def describe(violation: Violation) -> str:
    """Return the predicate of a field's sentence: "is empty"."""
    kind, facts = str(violation["type"]), violation.get("ctx") or {}
    if violation["loc"] and violation["loc"][-1] == "email" and kind.startswith("string_"):
        return "must be an email address, like you@example.org"
    if kind in OURS:
        return str(violation["msg"])
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in _BOUNDED:
        words, key = _BOUNDED[kind]
        return f"{words} {_format_number(facts[key], violation['loc'])}"
    if kind in _COUNTED:
        words, key, nouns = _COUNTED[kind]
        is_empty = kind == "string_too_short" and facts[key] == 1
        return "is empty" if is_empty else f"{words} {count_of(facts[key], *nouns)}"
    return _describe_choice(kind, facts)


def name_of(place: Sequence[Any]) -> str:
    """Return the name of a field in messages: without its unit, and with the enclosing field."""
    names = [str(part) for part in place if isinstance(part, str)]
    if not names:
        return ""
    name = names[-1]
    for unit in _UNITS:
        name = name.removesuffix(unit)
    plain = _NAMES.get(name, name.replace("_", " "))[:_MOST_NAME_CHARACTERS]
    return plain if len(names) == 1 else f"{plain} in {names[0]}"


def _describe_choice(kind: str, facts: Mapping[str, Any]) -> str:
    if kind in {"literal_error", "enum"}:
        return f"must be {facts['expected']}"
    if kind.startswith(("datetime", "date_", "timezone", "time_")):
        return "must be a time, like 2030-01-31T00:00:00Z"
    if kind == "value_error" and "error" in facts:
        return str(facts["error"])
    return _OTHER


def _format_number(number: float, place: Sequence[Any]) -> str:
    name = str(place[-1]) if place else ""
    for end, format_unit in _UNITS.items():
        if name.endswith(end) and number > 0:
            return format_unit(number)
    return f"{number:g}" if isinstance(number, float) else str(number)
