"""The OpenAPI document is true: what schemathesis makes of it is answered as it says."""

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from au2.app.jobs.jobs import RunOrder
from au2.domain.jobs.job import JobState, Outcome
from au2.http.app import make_app
from au2.wire.upload import CONTENTS_MEDIA_TYPE
from tests.support.commands.plain_words import find_foreign_words
from tests.support.images.busybox import make_image, make_layer
from tests.support.packages.built_versions import add_image_version
from tests.support.servers.backend import OPERATOR, Backend, creation, open_backend
from tests.support.servers.live import served
from tests.support.servers.traces import traces


def told_in_plain_words(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """An error says nothing in a library's words, but for what was sent and comes back."""
    if response.status_code >= 400 and "json" in str(response.headers.get("content-type")):
        error = response.json()["error"]
        told = [error["message"], error["hint"] or ""]
        told += [detail["message"] for detail in error["details"]]
        foreign = find_foreign_words(" ".join(told))
        sent = f"{case.path_parameters}{case.query}{case.body}"
        assert foreign is None or foreign in sent, f"{foreign!r} in {told}"


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    told_in_plain_words,
]


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Backend, str, dict[str, str]]]:
    """A served installation with something of everything, and the names of those things."""
    with open_backend(tmp_path_factory.mktemp("openapi")) as backend:
        context = backend.organization()
        runtime = backend.runtime()
        process = backend.process(context)
        version = add_image_version(backend, process, make_image([make_layer({})]))
        operator = backend.actor(OPERATOR)
        job = backend.services.jobs.submit_run(operator, context, RunOrder(process))
        backend.end(backend.claim(job.id), Outcome(JobState.SUCCEEDED, exit_code=0), {"a": 1})
        upload = backend.services.upload_starter.begin(
            operator, context, creation({"main.py": b"1"}, runtime)
        )
        backend.services.secrets.create(operator, context, "db", value="of the reports")
        names = {
            "secret": "db",
            "organization": context.organization_id,
            "project": str(context.project_id),
            "runtime": runtime,
            "process": process,
            "version": str(version),
            "job": str(job.id),
            "upload": upload.upload.id,
            "email": "somebody@example.com",
            "token": "mine",
        }
        # Many sign in at once here, always rightly.
        with traces() as found, served(backend.app()) as address:
            yield backend, address, names
        assert not [record.getMessage() for record in found]


def make_document() -> dict[str, Any]:
    """The document; making it needs no services."""
    nothing: Any = None
    return make_app(nothing, nothing, nothing).openapi()


@schemathesis.serializer(CONTENTS_MEDIA_TYPE)
def serialize_contents(_: object, value: object) -> bytes:
    """Contents are sent as they are made up: as any bytes."""
    return value if isinstance(value, bytes) else str(value).encode()


def document_of_events() -> dict[str, Any]:
    """The document with the schema of an event where schemathesis looks for it: at the stream."""
    document = copy.deepcopy(make_document())
    follow = document["paths"]["/api/v1/jobs/{job}/logs/follow"]["get"]
    stream = follow["responses"]["200"]["content"]["text/event-stream"]
    stream["schema"] = stream["schema"]["x-item-schema"]
    return document


SCHEMA = schemathesis.openapi.from_dict(document_of_events())
OPERATIONS = sorted(
    operation["operationId"]
    for methods in make_document()["paths"].values()
    for operation in methods.values()
)
BOUNDED = settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_answers_are_as_the_document_says(
    operation: str, mode: GenerationMode, place: tuple[Backend, str, dict[str, str]]
):
    backend, address, names = place
    found = SCHEMA.find_operation_by_id(operation)

    def ask(case: schemathesis.Case) -> None:
        if operation in {"logout", "renew_token"}:
            backend.tokens.clear()  # Both end the login.
        case.call_and_validate(base_url=address, headers=backend.bearer(OPERATOR), checks=CHECKS)

    @BOUNDED
    @given(case=found.as_strategy(generation_mode=mode))
    def run(case: schemathesis.Case) -> None:
        ask(case)
        # And once more about things that are there.
        for parameters in (case.path_parameters, case.query):
            for name in names.keys() & (parameters or {}).keys():
                parameters[name] = names[name]
        ask(case)

    try:
        run()
    except Unsatisfiable:
        # Without parameters and body there is nothing to get wrong.
        assert mode is GenerationMode.NEGATIVE
        assert "requestBody" not in found.definition.raw


def test_everything_but_health_and_login_asks_for_a_token(
    place: tuple[Backend, str, dict[str, str]],
):
    answered = httpx.get(f"{place[1]}/api/v1/openapi.json")
    document = answered.json()
    assert document == make_document()
    open_to_all = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if not operation.get("security")
    }
    assert open_to_all == {"get_health", "login"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_number_in_an_address_is_bounded() -> None:
    unbounded = [
        (operation["operationId"], parameter["name"])
        for methods in make_document()["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        for schema in (parameter["schema"], *parameter["schema"].get("anyOf", []))
        if schema.get("type") in {"integer", "number"}
        and not (
            {"minimum", "exclusiveMinimum"} & schema.keys()
            and {"maximum", "exclusiveMaximum"} & schema.keys()
        )
    ]
    assert unbounded == []
