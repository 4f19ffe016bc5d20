import pytest

from au2.client.http.urls import Address, parse_address
from au2.domain.errors import InvalidRequest


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        (" https://AU.Example.org/ ", "https://au.example.org"),
        ("https://au.example.org:443/below//", "https://au.example.org/below"),
        ("http://[::1]:80", "http://[::1]"),
        ("localhost", "http://localhost"),
    ],
)
def test_addresses_are_normalised(text: str, shown: str) -> None:
    address = parse_address(text)

    assert str(address) == shown
    assert parse_address(shown) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://host",
        "http://",
        "http://host:notaport",
        "http://host:99999",
        "http://user:secret@host",
        "http://host/?query",
        "http://host/#part",
        "http://ho st",
        "http://host/\r\nX: y",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_address(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_loopback(host: str) -> None:
    assert Address("http", host, 80).is_loopback
    assert not Address("http", "10.0.0.1", 80).is_loopback
