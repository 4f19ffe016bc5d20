"""The validator library, with the only options safe for schemas by untrusted users."""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from au2.jsonschema.limits import PATTERN_BYTES, PATTERN_CACHE_BYTES

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
            size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_CACHE_BYTES
        ),
    )
