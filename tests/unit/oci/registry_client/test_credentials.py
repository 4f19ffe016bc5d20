import base64
import json
from typing import Any

import pytest

from au2.domain.errors import InvalidRequest
from au2.oci.registry_client.login import Credentials, find_credentials


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def test_logins_by_registry() -> None:
    text = json.dumps(
        {
            "auths": {
                "https://index.docker.io/v1/": auth("me:hub"),
                "registry.example:5000": auth("you:a:b"),
                "https://other.example": {"username": "u", "password": "p"},
                "empty.example": {},
            }
        }
    )
    assert find_credentials(text, "docker.io") == Credentials("me", "hub")
    assert find_credentials(text, "registry.example:5000") == Credentials("you", "a:b")
    assert find_credentials(text, "other.example") == Credentials("u", "p")
    for name in ("registry.example", "example", "empty.example"):
        assert find_credentials(text, name) is None
    assert find_credentials("{}", "docker.io") is None


@pytest.mark.parametrize(
    "document",
    [
        {"credHelpers": {"registry.example": "pass"}},
        {"credsStore": "desktop", "auths": {"registry.example": {}}},
    ],
)
def test_a_helper_is_not_asked(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="helper") as caught:
        find_credentials(json.dumps(document), "registry.example")
    assert "registry_logins" in str(caught.value.hint)
    assert find_credentials(json.dumps(document), "elsewhere.example") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"auths": 1}',
        '{"auths": {"r": {"auth": "***"}}}',
        '{"auths": {"r": {"auth": "bm9jb2xvbg=="}}}',
        '{"auths": {"r": {"auth": 7}}}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file(text: str) -> None:
    with pytest.raises(InvalidRequest, match="damaged"):
        find_credentials(text, "r")


def test_nothing_of_the_file_is_told() -> None:
    text = '{"auths": {"r": {"auth": "c2VjcmV0"}}}'
    with pytest.raises(InvalidRequest) as caught:
        find_credentials(text, "r")
    assert "secret" not in str(caught.value)
