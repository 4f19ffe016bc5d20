"""OpenAPI document: what the framework's own one leaves out or says loosely."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from au2.domain.errors import Busy, TooManyRequests
from au2.http.created import PREFIX
from au2.http.errors import error_responses
from au2.http.examples import EXAMPLES
from au2.http.request_body import find_body_model
from au2.wire.base import WireType
from au2.wire.descriptions import format_text
from au2.wire.field import LARGEST_NUMBER
from au2.wire.job import LogChunk
from au2.wire.violations import adapter_of

Schema = dict[str, Any]
_REFERENCE: Final = "#/components/schemas/{model}"

DESCRIPTION: Final = """\
Processes are versioned container images of people's code; jobs run them.

* Authenticate with `Authorization: Bearer TOKEN`; `POST /api/v1/login` gives a token.
* A context goes into the query: `organization`, and for a project `project` too.
* Lists come in pages: pass `next` of a page as `after`.
* GUIDs are taken in any letter case and given in lower case. Times are RFC 3339, with a zone.
* Every error has one body (`ErrorResponse`). A method that a path does not have is answered by 405,
  with `Allow`.
* Fields, and values of the enumerations that say so, may be added; clients are to ignore fields
  that they do not know.
"""
LICENSE: Final = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
TAGS: Final = [
    {"name": name, "description": description}
    for name, description in (
        ("health", "Liveness of the server."),
        ("account", "Logins, tokens and the own account."),
        ("organization", "Organizations and their projects."),
        ("member", "Members of a context, and their roles."),
        ("runtime", "Images that packages are built on."),
        ("process", "Processes: names for versioned code."),
        ("version", "Versions of a process, and their downloads."),
        ("upload", "Uploads of packages: a list of files, then the missing contents."),
        ("image upload", "Uploads of ready-made images: blobs, then the manifest."),
        ("job", "Jobs: runs and builds, their logs and outputs."),
        ("secret", "Secrets of a context, given to runs as variables."),
    )
]


def complete_document(
    app: FastAPI, routers: Sequence[APIRouter], *, small_bodies: frozenset[str]
) -> None:
    """Complete the OpenAPI document of an application.

    Args:
        app: the application.
        routers: those with bodies that endpoints read by a dependency.
        small_bodies: paths whose bodies are too small to be counted for their sender.
    """
    make_document = app.openapi
    models = _body_models(routers)

    def openapi() -> Schema:
        if app.openapi_schema is None:
            document = make_document()
            _add_schema(document, LogChunk)
            _name_output(document)
            for path, _, operation in operations_of(document):
                model = models.get(operation["operationId"])
                if model is not None:
                    _add_body(document, operation, model, counted=path not in small_bodies)
                _complete_operation(document, operation)
            app.openapi_schema = _with_whole_numbers(document)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def operations_of(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yield path, method and operation of a document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _body_models(routers: Sequence[APIRouter]) -> dict[str, type[WireType]]:
    """Return the bodies by operation name."""
    routes = [route for router in routers for route in router.routes]
    return {
        route.name: model
        for route in routes
        if isinstance(route, APIRoute) and (model := find_body_model(route.dependant))
    }


def _add_schema(document: Schema, model: type[WireType]) -> None:
    schema = adapter_of(model).json_schema(ref_template=_REFERENCE)
    named = {**schema.pop("$defs", {}), model.__name__: schema}
    for name, found in named.items():
        document["components"]["schemas"].setdefault(name, found)


def _add_body(document: Schema, operation: Schema, model: type[WireType], *, counted: bool) -> None:
    _add_schema(document, model)
    name = model.__name__
    body = {"schema": {"$ref": _REFERENCE.format(model=name)}, "example": EXAMPLES[name]}
    text = format_text((model.__doc__ or "").strip().splitlines()[0])
    operation["requestBody"] = {
        "required": True,
        "description": text,
        "content": {"application/json": body},
    }
    if counted:
        for status, response in error_responses(Busy, TooManyRequests).items():
            content = {"schema": {"$ref": _REFERENCE.format(model="ErrorResponse")}}
            made = {name: value for name, value in response.items() if name != "model"}
            made["content"] = {"application/json": content}
            operation["responses"].setdefault(str(status), made)


def _name_output(document: Schema) -> None:
    """Give the output of a job a schema with a name, after which clients call their class."""
    name = "JobOutput"
    document["components"]["schemas"][name] = {
        "type": "object",
        "title": name,
        "description": "Output of a job's code; the version's schema of the output describes it.",
        "additionalProperties": True,
    }
    answer = document["paths"][f"{PREFIX}/jobs/{{job}}/output"]["get"]["responses"]["200"]
    answer["content"]["application/json"]["schema"] = {"$ref": _REFERENCE.format(model=name)}


def _complete_operation(document: Schema, operation: Schema) -> None:
    operation["description"] = format_text(operation["description"])
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = schema = _without_null(parameter["schema"])
        if "description" in schema:
            parameter.setdefault("description", schema.pop("description"))
    for response in operation["responses"].values():
        if response["description"] == "Successful Response":
            response["description"] = _describe_success(document, response)


def _without_null(schema: Schema) -> Schema:
    """Return the schema of an optional parameter: a query has no null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    return {**choices[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _describe_success(document: Schema, response: Schema) -> str:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    if not name:
        return "Done."
    description: str = document["components"]["schemas"][name]["description"]
    return description.splitlines()[0]


def _with_whole_numbers(value: Any) -> Any:
    """Return a part of the document with bounds as whole numbers; the framework makes floats."""
    if isinstance(value, dict):
        return {name: _with_whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        # A float of the largest number is one more.
        return min(int(value), LARGEST_NUMBER)
    return value
