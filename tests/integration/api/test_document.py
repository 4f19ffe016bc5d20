"""The OpenAPI document is strict: a walk over all of it finds nothing loose."""

import re
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode

from au2.domain.accounts.identity import Role
from au2.domain.errors import all_errors
from au2.domain.jobs.container_contract import Language, Network
from au2.domain.jobs.explanation import list_codes
from au2.domain.jobs.job import JobState, JobType, Reason
from au2.domain.jobs.waiting import WaitingCode
from au2.domain.processes.version import ChoiceRule, ImageStatus, VersionType
from au2.http.app import make_app
from au2.http.document import operations_of
from au2.http.examples import EXAMPLES
from au2.wire.violations import adapter_of
from tests.integration.api.test_openapi import BOUNDED
from tests.support.wire_types import all_wire_types

NOTHING: Any = None
APP = make_app(NOTHING, NOTHING, NOTHING)
DOCUMENT = APP.openapi()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
WITH_JSON = [
    operation["operationId"]
    for _, _, operation in operations_of(DOCUMENT)
    if "application/json" in operation.get("requestBody", {}).get("content", {})
]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BOUNDS = (
    {"minimum", "exclusiveMinimum"},
    {"maximum", "exclusiveMaximum"},
)


def parameters() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, method, operation in operations_of(DOCUMENT):
        for parameter in operation.get("parameters", ()):
            yield f"{method} {path} {parameter['name']}", parameter


def choices_of(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parts of a schema that are no alternative: it, its items and values."""
    for part in schema.get("anyOf", [schema]):
        yield part
        for below in (part.get("items"), part.get("additionalProperties")):
            if isinstance(below, dict):
                yield from choices_of(below)


def test_every_body_has_an_example_that_the_server_takes():
    """An example is taken as it is, and a field more in it is refused."""
    models = all_wire_types()
    shown = set()
    for _, _, operation in operations_of(DOCUMENT):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is None:
            continue
        name = body["schema"]["$ref"].rpartition("/")[2]
        shown.add(name)
        validator = jsonschema_rs.validator_for(
            {**DOCUMENT, "$ref": f"#/components/schemas/{name}"}
        )
        assert validator.is_valid(body["example"]), name
        adapter_of(models[name]).validate_python(body["example"])
        with pytest.raises(ValueError, match="surplus"):
            adapter_of(models[name]).validate_python({**body["example"], "surplus": 1})
    assert shown == set(EXAMPLES)


def sent_schemas() -> set[str]:
    """The names of the schemas in bodies of requests."""
    found: set[str] = set()
    waiting = [
        operation["requestBody"]
        for _, _, operation in operations_of(DOCUMENT)
        if "requestBody" in operation
    ]
    while waiting:
        names = set(re.findall(r"#/components/schemas/(\w+)", str(waiting.pop()))) - found
        found |= names
        waiting.extend(SCHEMAS[name] for name in names)
    return found


def sent() -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas of all that clients send: parameters, and fields of bodies."""
    for name, parameter in parameters():
        for part in choices_of(parameter["schema"]):
            yield name, part
    for model in sorted(sent_schemas()):
        for name, field in SCHEMAS[model].get("properties", {}).items():
            for part in choices_of(field):
                yield f"{model}.{name}", part


def test_it_is_a_valid_openapi_document():
    SCHEMA.validate()


def test_every_parameter_and_field_is_described():
    bare = [name for name, parameter in parameters() if not parameter.get("description")]
    for model, schema in SCHEMAS.items():
        assert schema.get("description"), model
        bare += [
            f"{model}.{name}"
            for name, field in schema.get("properties", {}).items()
            if not field.get("description")
        ]
    assert bare == []


def descriptions(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "description" and isinstance(item, str):
                yield item
            yield from descriptions(item)
    elif isinstance(value, list):
        for item in value:
            yield from descriptions(item)


def test_descriptions_speak_json_and_markdown():
    texts = list(descriptions(DOCUMENT))
    assert texts
    assert [text for text in texts if "``" in text or re.search(r"\bNone\b|:\w+:`", text)] == []


def test_every_operation_and_tag_is_described():
    named = {tag["name"] for tag in DOCUMENT["tags"]}
    for path, method, operation in operations_of(DOCUMENT):
        assert operation["description"], (method, path)
        assert set(operation["tags"]) <= named
        for status, response in operation["responses"].items():
            assert response["description"] not in {"", "Successful Response"}, (path, status)


# Values of maps have their bounds in prose.
FREE = {
    "VersionCreation.environment",
    "RunCreation.environment",
}


def test_every_text_that_is_sent_has_a_form_or_a_length():
    limits = {"pattern", "enum", "const", "format", "maxLength"}
    loose = {
        name for name, part in sent() if part.get("type") == "string" and not limits & set(part)
    }
    assert loose == FREE


def test_every_number_that_is_sent_is_bounded():
    loose = [
        name
        for name, part in sent()
        if part.get("type") in {"integer", "number"}
        and not all(side & set(part) for side in BOUNDS)
    ]
    assert loose == []


def test_no_parameter_may_be_null():
    assert [name for name, parameter in parameters() if "null" in str(parameter["schema"])] == []


def test_guids_and_digests_have_their_pattern():
    loose = [
        f"{model}.{name}"
        for model, schema in SCHEMAS.items()
        for name, field in schema.get("properties", {}).items()
        for part in choices_of(field)
        if part.get("type") == "string"
        and (name.endswith("digest") or name in {"id", "organization", "project"})
        and "pattern" not in part
    ]
    assert loose == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *((kind.__name__, list(kind)) for kind in (JobState, JobType, Reason, Role, ImageStatus)),
        *((kind.__name__, list(kind)) for kind in (VersionType, Language, Network, ChoiceRule)),
        ("WaitingCode", list(WaitingCode)),
        ("ExplanationCode", list_codes()),
        ("ErrorCode", list(all_errors())),
    ],
)
def test_enumerations_are_those_of_the_domain(name: str, values: list[str]):
    assert SCHEMAS[name]["enum"] == [str(value) for value in values]
    assert f"#/components/schemas/{name}'" in str(SCHEMAS)


def test_no_answer_is_a_bare_array():
    for path, _, operation in operations_of(DOCUMENT):
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                assert content["schema"].get("type") != "array", (path, status)


def test_declared_answers_have_their_headers():
    wanted = {"201": "Location", "401": "WWW-Authenticate", "429": "Retry-After"}
    wanted["503"] = "Retry-After"
    for path, method, operation in operations_of(DOCUMENT):
        for status in operation["responses"].keys() & wanted.keys():
            headers = operation["responses"][status]["headers"]
            assert headers[wanted[status]]["required"], (method, path, status)


def test_events_are_a_text_whose_parts_are_described():
    answer = DOCUMENT["paths"]["/api/v1/jobs/{job}/logs/follow"]["get"]["responses"]["200"]
    schema = answer["content"]["text/event-stream"]["schema"]
    assert schema["type"] == "string"
    for name in re.findall(r"#/components/schemas/(\w+)", str(schema["x-item-schema"])):
        assert name in SCHEMAS


def test_examples_fit_their_schemas():
    for name, part in sent():
        for example in part.get("examples", ()):
            if "pattern" in part:
                assert re.search(part["pattern"], example), name


@pytest.mark.parametrize("operation", WITH_JSON)
def test_bodies_that_the_document_allows_have_the_form_that_the_server_takes(operation: str):
    found = SCHEMA.find_operation_by_id(operation)
    reference = found.definition.raw["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    model = all_wire_types()[reference.rpartition("/")[2]]

    @BOUNDED
    @given(case=found.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def run(case: schemathesis.Case) -> None:
        adapter_of(model).validate_python(case.body)

    run()


async def _ask_all() -> list[tuple[str, str, int, str | None]]:
    transport = httpx.ASGITransport(APP)
    found = []
    async with httpx.AsyncClient(transport=transport, base_url="http://au2.example") as client:
        for path, methods in DOCUMENT["paths"].items():
            there = {method.upper() for method in methods}
            address = path.replace("{version}", "1").replace("{other}", "2").replace("{job}", "1")
            address = re.sub(r"\{\w+\}", "a", address)
            for method in METHODS:
                if method not in there | _also(path):
                    answer = await client.request(method, address)
                    found.append((path, method, answer.status_code, answer.headers.get("Allow")))
    return found


def _also(path: str) -> set[str]:
    """The methods of other paths in the document that this path fits too."""
    found: set[str] = set()
    for other, methods in DOCUMENT["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", other)
        if re.fullmatch(pattern, path):
            found |= {method.upper() for method in methods}
    return found


def test_other_methods_are_refused_with_all_that_are_there():
    answers = anyio.run(_ask_all)
    assert len(answers) > len(DOCUMENT["paths"])
    for path, method, status, allowed in answers:
        assert (status, allowed) == (405, ", ".join(sorted(_also(path)))), (method, path)


async def _ask(method: str, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(APP)
    async with httpx.AsyncClient(transport=transport, base_url="http://au2.example") as client:
        return await client.request(method, path)


@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/sdk/", "/sdk/x"])
def test_paths_outside_the_document_name_their_methods_too(path: str):
    answer = anyio.run(_ask, "POST", path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
