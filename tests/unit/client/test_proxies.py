import pytest

from au2.client.address import parse_address
from au2.client.proxies import Proxy, find_proxy
from au2.domain.errors import InvalidRequest

FAR = parse_address("https://au.example.org")


def test_no_variable_no_proxy() -> None:
    assert find_proxy(FAR, {"PATH": "/bin"}) is None


def test_a_server_on_this_machine_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")

    assert find_proxy(parse_address("http://127.0.0.1:1"), {"http_proxy": "x"}) is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "all_proxy"])
def test_the_variable_is_heard(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://me:p%40ss@proxy:3128")

    assert find_proxy(FAR, {name: "set"}) == Proxy("proxy", 3128, "Basic bWU6cEBzcw==")


def test_no_proxy_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", ".example.org")

    assert find_proxy(FAR, {"https_proxy": "set"}) is None


@pytest.mark.parametrize("url", ["socks5://proxy:1", "http://", "http://proxy:none"])
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("https_proxy", url)

    with pytest.raises(InvalidRequest, match="cannot be used"):
        find_proxy(FAR, {"https_proxy": url})
