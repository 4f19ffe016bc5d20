"""What is told of schemas that can be used, but hardly as they were meant."""

from collections.abc import Mapping
from typing import Any

from au2.console.console import Console
from au2.jsonschema.keywords import find_mistyped_keywords


def remark_on_schemas(console: Console, schemas: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Tell which keywords at the top of ``schemas`` (file → what it holds) look mistyped."""
    for file, schema in schemas.items():
        for name, meant in find_mistyped_keywords(schema or {}).items():
            console.remark(
                f"Warning: {file}: '{name}' is no keyword of JSON Schema and says nothing; "
                f"did you mean '{meant}'?"
            )
