import time

from hypothesis import given
from hypothesis import strategies as st

from au2.oci.registry_client.login import Challenge, parse_challenges


def test_what_registries_say() -> None:
    hub = 'Bearer realm="https://auth.example/token",service="r",scope="repository:a:pull,push"'
    assert parse_challenges(hub) == [
        Challenge(
            "bearer",
            {
                "realm": "https://auth.example/token",
                "service": "r",
                "scope": "repository:a:pull,push",
            },
        )
    ]
    assert parse_challenges('Basic realm="x \\"y\\""') == [Challenge("basic", {"realm": 'x "y"'})]
    both = 'Negotiate, Basic realm="x", Bearer Realm=y'
    assert [one.scheme for one in parse_challenges(both)] == ["negotiate", "basic", "bearer"]
    assert parse_challenges("") == []


def test_a_header_made_to_be_slow() -> None:
    started = time.process_time()
    for text in (" ," * 50_000, 'a="' * 20_000, 'Basic x="' + "\\" * 50_000, "a=" * 50_000):
        parse_challenges(text)
    assert time.process_time() - started < 5


@given(st.text())
def test_anything(text: str) -> None:
    parse_challenges(text)
