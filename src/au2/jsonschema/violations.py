"""Violations of a schema by a value, from the validator library's errors, as sentences.

The library gets the only options safe for schemas by untrusted users. Of a value only numbers and
short texts are quoted, and nothing of a secret part (``writeOnly: true`` or ``format: password``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs
from jsonschema_rs import ValidationError, ValidationErrorKind

from au2.domain.errors import Detail
from au2.domain.json_value import format_pointer
from au2.domain.wording import count_of
from au2.jsonschema.display import (
    format_value,
    list_names,
    list_values,
    name_types,
    quote_name,
    shorten,
)

_PATTERN_BYTES = 8 << 20
r"""Largest compiled regular expression: ``^\p{L}{1,64}$`` takes 3 MiB."""
_PATTERN_CACHE_BYTES = 1 << 20
MOST_VIOLATIONS = 50
"""Mistakes told at once."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def compile_schema(
    schema: Mapping[str, Any] | bool, registry: jsonschema_rs.Registry | None = None
) -> jsonschema_rs.Validator:
    """Return a validator: formats are checked, nothing is fetched, no pattern can backtrack.

    Args:
        schema: the schema.
        registry: the only other schemas for references.

    Raises:
        jsonschema_rs.ValidationError: the document is not a schema.
    """
    return jsonschema_rs.Draft202012Validator(
        dict(schema) if isinstance(schema, Mapping) else schema,
        validate_formats=True,
        offline=True,
        registry=registry,
        pattern_options=jsonschema_rs.RegexOptions(
            size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_CACHE_BYTES
        ),
    )


def list_violations(
    compiled: jsonschema_rs.Validator, schema: Mapping[str, Any], value: Any
) -> list[Detail]:
    """Return the violations up to the limit. Time and memory are not bounded here."""
    found: list[Detail] = []
    for error in compiled.iter_errors(value):
        for detail in explain(error, schema, value):
            if detail not in found:
                found.append(detail)
        if len(found) >= MOST_VIOLATIONS:
            break
    return found[:MOST_VIOLATIONS]


def explain(error: ValidationError, schema: Any, value: Any) -> Iterator[Detail]:
    """Return the violations of ``error``, each with its pointer into ``value``."""
    path = error.instance_path
    holder = _holder(schema, error.schema_path)
    # One path goes through the definitions, the other through what refers to them.
    paths = (error.schema_path, error.evaluation_path)
    shown = format_value(error.instance, hidden=any(_is_hidden(schema, path) for path in paths))
    kind = error.kind
    match kind:
        case ValidationErrorKind.AdditionalProperties(unexpected=names):
            yield from _unknown(path, names, holder)
        case ValidationErrorKind.UnevaluatedProperties(unexpected=names):
            yield from _unknown(path, names, holder)
        case ValidationErrorKind.FalseSchema() if _is_closing(error.schema_path):
            # Where the schema names no property at all, the library tells of all of them as one.
            *_, found = _along(value, path)
            yield from _unknown(path, list(found) if isinstance(found, dict) else [], holder)
        case ValidationErrorKind.PropertyNames(error=inner):
            for detail in explain(inner, None, None):
                yield Detail(f"a property's name: {detail.message}", format_pointer(path))
        case _:
            yield Detail(_sentence(kind, shown, holder), format_pointer(path))


def _is_closing(path: Sequence[str | int]) -> bool:
    return path[-1:] == ["additionalProperties"]


def _unknown(
    path: Sequence[str | int], names: Sequence[str], holder: Mapping[str, Any]
) -> Iterator[Detail]:
    known = holder.get("properties")
    hint = ""
    if isinstance(known, dict) and known:
        hint = f"; known are {list_names(known)}"
    for name in names:
        yield Detail(f"there is no such property{hint}", format_pointer([*path, name]))


def _sentence(  # noqa: PLR0911 - one line per keyword
    kind: ValidationErrorKind, shown: str, holder: Mapping[str, Any]
) -> str:
    expected = _expected(kind, holder)
    if expected is not None:
        return f"expected {expected}, not {shown}"
    match kind:
        case ValidationErrorKind.Required(property=name):
            return f"{quote_name(name)} is missing"
        case ValidationErrorKind.FalseSchema():
            return "nothing may be given here"
        case ValidationErrorKind.UniqueItems():
            return "expected items that all differ"
        case ValidationErrorKind.Contains():
            return "expected an item that matches 'contains'; none does"
        case ValidationErrorKind.UnevaluatedItems():
            return "there are more items than the schema knows"
        case ValidationErrorKind.OneOfMultipleValid():
            return "it matches more than one of the alternatives of 'oneOf'"
        case ValidationErrorKind.Not():
            return "it matches what 'not' excludes"
        case _:
            return f"it does not match '{kind.name}'"


def _expected(kind: ValidationErrorKind, holder: Mapping[str, Any]) -> str | None:  # noqa: PLR0911, PLR0912 - one line per keyword
    match kind:
        case ValidationErrorKind.Type(types=types):
            return name_types(types)
        case ValidationErrorKind.Enum(options=options):
            return f"one of {list_values(options)}"
        case ValidationErrorKind.Constant(expected_value=value):
            return format_value(value)
        case ValidationErrorKind.Minimum(limit=limit):
            return f"at least {limit}"
        case ValidationErrorKind.Maximum(limit=limit):
            return f"at most {limit}"
        case ValidationErrorKind.ExclusiveMinimum(limit=limit):
            return f"more than {limit}"
        case ValidationErrorKind.ExclusiveMaximum(limit=limit):
            return f"less than {limit}"
        case ValidationErrorKind.MultipleOf(multiple_of=step):
            return f"a multiple of {step}"
        case ValidationErrorKind.MinLength(limit=limit):
            return f"at least {count_of(limit, 'character')}"
        case ValidationErrorKind.MaxLength(limit=limit):
            return f"at most {count_of(limit, 'character')}"
        case ValidationErrorKind.MinItems(limit=limit):
            return f"at least {count_of(limit, 'item')}"
        case ValidationErrorKind.MaxItems(limit=limit):
            return f"at most {count_of(limit, 'item')}"
        case ValidationErrorKind.MinProperties(limit=limit):
            return f"at least {count_of(limit, 'property', 'properties')}"
        case ValidationErrorKind.MaxProperties(limit=limit):
            return f"at most {count_of(limit, 'property', 'properties')}"
        case ValidationErrorKind.Pattern(pattern=pattern):
            return f"a text that matches {shorten(pattern)}"
        case ValidationErrorKind.Format(format=name):
            return f"the format '{name}'"
        case ValidationErrorKind.AnyOf() | ValidationErrorKind.OneOfNotValid():
            return _alternatives(holder.get(kind.name))
        case _:
            return None


def _alternatives(schemas: Any) -> str:
    """Return the alternatives by their types, where the types tell them apart."""
    types: list[str] = []
    for schema in schemas if isinstance(schemas, list) else []:
        found = schema.get("type") if isinstance(schema, dict) else None
        types += [found] if isinstance(found, str) else found if isinstance(found, list) else [""]
    if types and all(types) and len(set(types)) == len(types):
        return name_types(types)
    return "a value that matches one of the alternatives"


def _holder(schema: Any, path: Sequence[str | int]) -> Mapping[str, Any]:
    *_, last = _along(schema, path[:-1])
    return last if isinstance(last, dict) else {}


def _is_hidden(schema: Any, path: Sequence[str | int]) -> bool:
    return any(
        isinstance(found, dict)
        and (found.get("writeOnly") is True or found.get("format") == "password")
        for found in _along(schema, path)
    )


def _along(schema: Any, path: Sequence[str | int]) -> Iterator[Any]:
    yield schema
    for token in path:
        if isinstance(schema, dict) and str(token) in schema:
            schema = schema[str(token)]
        elif isinstance(schema, list) and isinstance(token, int) and token < len(schema):
            schema = schema[token]
        else:
            return
        yield schema


def explain_schema_error(error: ValidationError) -> str:
    """Return a sentence for a schema refused by the validator library."""
    match error.kind:
        case ValidationErrorKind.Format(format="regex"):
            return (
                f"{format_value(error.instance)} is no regular expression that goes here: "
                "look-around and back references do not, and it must not be huge"
            )
        case ValidationErrorKind.Referencing():
            return "a reference leads nowhere"
        case _:
            return _sentence(error.kind, format_value(error.instance), {})
