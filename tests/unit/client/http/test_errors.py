import json

import pytest

from au2.client.http.errors import parse_error_response
from au2.domain.errors import (
    Au2Error,
    Conflict,
    InvalidPackage,
    InvalidRequest,
    LeaseLost,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RegistryFailure,
    ServerUnreachable,
    StorageFull,
    TooLarge,
    UnexpectedAnswer,
    all_errors,
)


@pytest.mark.parametrize("known", list(all_errors().values()), ids=lambda error: error.code)
def test_every_error_comes_back_as_itself(known: type[Au2Error]) -> None:
    sent = known("What happened.", hint="What to do.")

    read = parse_error_response(known.status, json.dumps({"error": sent.to_document()}).encode())

    assert type(read) is known
    assert (read.message, read.hint, read.details) == (sent.message, sent.hint, ())


def test_details_come_along() -> None:
    details = [{"message": "unknown key", "file": "aunsight.yml", "line": 3, "new": 1}, "odd"]
    body = {"error": {"code": "invalid-package", "message": "No.", "details": details}}

    read = parse_error_response(422, json.dumps(body).encode())

    assert type(read) is InvalidPackage
    assert [str(detail) for detail in read.details] == ["aunsight.yml:3: unknown key"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, NotAuthenticated),
        (403, NotPermitted),
        (404, NotFound),
        (409, Conflict),
        (413, TooLarge),
        (422, InvalidRequest),
        (507, StorageFull),
    ],
)
def test_a_code_of_a_newer_server_is_read_by_its_status(
    status: int, expected: type[Au2Error]
) -> None:
    body = {"error": {"code": "of-the-future", "message": "New."}}

    assert type(parse_error_response(status, json.dumps(body).encode())) is expected
    assert not issubclass(expected, LeaseLost)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b"[1]",
        b'{"error": "x"}',
        b'{"error": {"code": 502, "message": "x"}}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_of_ours(body: bytes) -> None:
    for status in (500, 501):
        assert type(parse_error_response(status, body)) is UnexpectedAnswer
        assert len(parse_error_response(status, body).message) < 300
    assert type(parse_error_response(404, body)) is NotFound
    for status in (502, 503, 504):
        away = parse_error_response(status, body)
        assert type(away) is ServerUnreachable
        assert f"a proxy in front of it answered with status {status} (" in away.message


def test_a_server_that_is_there_says_itself_what_is_the_matter() -> None:
    body = {"error": {"code": "registry-failure", "message": "No such image."}}
    assert type(parse_error_response(502, json.dumps(body).encode())) is RegistryFailure
