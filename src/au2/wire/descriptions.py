"""Descriptions of fields in the OpenAPI document: the docstrings below the fields of wire types."""

import ast
import inspect
import re
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any


@cache
def read_docstrings(kind: type) -> dict[str, str]:
    """Return name → text below the field, for the fields that a class itself has."""
    try:
        [found] = ast.parse(dedent(inspect.getsource(kind))).body
    except (OSError, TypeError, ValueError):  # Made without a source file.
        return {}
    body = found.body if isinstance(found, ast.ClassDef) else []
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def format_text(docstring: str) -> str:
    """Return a docstring for readers of JSON: Markdown, and null for None."""
    return re.sub(r"\bNone\b", "null", docstring.replace("``", "`"))


def describe_fields(kind: type, schema: dict[str, Any]) -> None:
    """Add the descriptions to the JSON Schema of a class.

    The docstring of a field wins over the description in its type.
    """
    texts: dict[str, str] = {}
    for above in reversed(kind.__mro__):
        texts.update(read_docstrings(above))
    if "description" in schema:
        schema["description"] = format_text(schema["description"])
    for name, field in schema.get("properties", {}).items():
        if name in texts:
            field["description"] = format_text(texts[name])
        _lift(field)


def _lift(field: dict[str, Any]) -> None:
    """Move description and examples of a type that may be null to the field."""
    for choice in field.get("anyOf", ()):
        for key in ("description", "examples"):
            if key in choice and "$ref" not in choice:
                field.setdefault(key, choice.pop(key))
