"""Each 429 and 503, of the API and of the registry, names a pause in ``Retry-After``."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from au2.domain.errors import Au2Error, Busy, TooManyAttempts
from au2.http.errors import make_error_response
from au2.http.registry import errors as registry_errors
from au2.http.registry.errors import RegistryError
from au2.server.http.protocol import format_refusal

RETRIED = {429, 503}


def subclasses(kind: type[Au2Error]) -> Iterator[type[Au2Error]]:
    """Yield all classes of errors below ``kind``."""
    for below in kind.__subclasses__():
        yield below
        yield from subclasses(below)


KINDS = sorted(set(subclasses(Au2Error)), key=lambda kind: kind.__qualname__)


def make_request() -> Request:
    """Return a request to the registry."""

    class App:
        class state:  # noqa: N801 - as in the framework
            external_url = "https://example.com"

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/v2/",
        "headers": [],
        "state": {},
        "app": App,
    }
    return Request(scope)


def pause_of(response: Response) -> int:
    return int(response.headers["Retry-After"])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_each_kind_of_error_has_a_pause_if_it_passes(kind: type[Au2Error]) -> None:
    for response in (
        make_error_response(kind("Not now.")),
        registry_errors.answer_own(make_request(), kind("Not now.")),
    ):
        if response.status_code in RETRIED:
            assert 1 <= pause_of(response) <= 3600
        else:
            assert "Retry-After" not in response.headers


def test_an_errors_own_pause_is_told() -> None:
    for make in (
        make_error_response,
        lambda error: registry_errors.answer_own(make_request(), error),
    ):
        assert pause_of(make(TooManyAttempts.until(77))) == 77
    assert b"retry-after: 10\r\n" in format_refusal(503, Busy())


@pytest.mark.parametrize("status", sorted(RETRIED))
def test_the_registrys_own_errors_have_a_pause(status: int) -> None:
    error = RegistryError(status, "UNAVAILABLE", "Not now.")
    response = registry_errors.answer_registry(make_request(), error)
    assert (response.status_code, pause_of(response)) == (status, 10)
    assert json.loads(bytes(response.body))["errors"][0]["code"] == "UNAVAILABLE"
    own = RegistryError(status, "UNAVAILABLE", "Not now.", {"Retry-After": "3"})
    assert pause_of(registry_errors.answer_registry(make_request(), own)) == 3


def test_a_status_given_apart_has_a_pause_too() -> None:
    assert pause_of(make_error_response(Au2Error("Not now."), status=503)) == 10
