import pytest

from au2.execution.status import Status, parse_status
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
