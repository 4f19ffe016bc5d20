import json

import pytest

from au2.execution.job_results import Output, Status, parse_output, parse_status
from au2.secrets.masking import Masker

NOTHING = Masker(()).mask_text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"text": "half", "progress": 0.5}', Status("half", 0.5)),
        (b'{"progress": 7}', Status(None, 1.0)),
        (b'{"progress": -7}', Status(None, 0.0)),
        (b'{"progress": true, "text": 3}', Status()),
        (b'{"progress": NaN}', None),
        (b'{"progress": 1' + b"0" * 400 + b"}", Status(None, 1.0)),
        (b'{"text": "\\ud800"}', None),
        (b"{}", Status()),
        (b"[]", None),
        (b'{"text": "ha', None),
        (b"\xff", None),
        (b"[" * 60_000, None),
    ],
)
def test_parse_status(content: bytes, status: Status | None):
    assert parse_status(content, NOTHING) == status


def test_a_long_text_is_cut():
    status = parse_status(b'{"text": "' + b"x" * 5000 + b'"}', NOTHING)
    assert status is not None
    assert len(status.text or "") == 1000


def test_a_secret_is_covered_before_a_long_text_is_cut():
    mask = Masker(["hunter22-and-more"]).mask_text
    status = parse_status(b'{"text": "' + b"x" * 990 + b'hunter22-and-more"}', mask)
    assert status is not None
    assert status.text == "x" * 990 + "***"


def test_output_is_a_json_object_or_nothing():
    assert parse_output(None, limit_bytes=100) == Output()
    assert parse_output(b'{"a": [1, null]}', limit_bytes=100).value == {"a": [1, None]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[1]",
        b'"text"',
        b"null",
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}",
        b"3",
        b"NaN",
        b'{"a": NaN}',
        b"\xff\xfe",
        b"[" * 50_000,
    ],
)
def test_what_is_no_json_object_is_a_problem(content: bytes):
    output = parse_output(content, limit_bytes=1 << 20)
    assert output.value is None
    assert output.problem


def test_a_large_output_is_a_problem():
    content = json.dumps({"a": "x" * 200}).encode()
    assert "larger" in (parse_output(content, limit_bytes=100).problem or "")
