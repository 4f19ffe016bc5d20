import socket
from threading import Thread

import pytest

from au2.client.http.proxies import Proxy, find_proxy
from au2.client.http.transport import Transport
from au2.client.http.urls import parse_address
from au2.domain.errors import Au2Error, InvalidRequest, ServerUnreachable

FAR = parse_address("https://au.example.org")


def test_no_variable_no_proxy() -> None:
    assert find_proxy(FAR, {"PATH": "/bin", "https_proxy": "", "HTTP_PROXY": "http://p"}) is None


def test_a_server_on_this_machine_needs_none() -> None:
    assert find_proxy(parse_address("http://127.0.0.1:1"), {"http_proxy": "http://p:1"}) is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "all_proxy", "Https_Proxy"])
def test_the_variable_is_heard(name: str) -> None:
    found = find_proxy(FAR, {name: "http://me:p%40ss@proxy:3128"})
    assert found == Proxy("proxy", 3128, "Basic bWU6cEBzcw==", name)


def test_written_small_it_wins_also_when_it_is_empty() -> None:
    both = {"HTTPS_PROXY": "http://large:1", "https_proxy": "small:2"}
    assert find_proxy(FAR, both) == Proxy("small", 2, None, "https_proxy")
    assert find_proxy(FAR, both | {"https_proxy": ""}) is None


@pytest.mark.parametrize("rule", [".example.org", "example.org", "*", "x, AU.example.org:443"])
def test_no_proxy_is_heard(rule: str) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        assert find_proxy(FAR, {"https_proxy": "http://proxy:3128", name: rule}) is None


@pytest.mark.parametrize(
    "url",
    [
        *("socks5://proxy:1", "http://", "http://proxy:none", "http://proxy:99999", "http://[::1"),
        *(
            "http://pro xy",
            "http://pr\u00f6xy",
            "http://\udcff",
            f"http://{'a' * 64}",
            "http://a..b",
        ),
        *("http://u:pass@:1", "//", ":", "http://proxy\n"[:12] + "\x7f"),
    ],
)
def test_a_proxy_that_cannot_be_used(url: str) -> None:
    with pytest.raises(InvalidRequest, match="which HTTPS_PROXY names, cannot be used") as caught:
        find_proxy(FAR, {"HTTPS_PROXY": url})
    assert "pass" not in caught.value.message
    assert "HTTPS_PROXY=" in (caught.value.hint or "")


def test_a_password_in_any_encoding_is_sent() -> None:
    found = find_proxy(FAR, {"https_proxy": "http://u:\udcff%fe@proxy"})
    assert found is not None
    assert found.authorization == "Basic dTr//g=="


def ask_through(url: str, variable: str, address: str = "http://far.example.org") -> Au2Error:
    transport = Transport(parse_address(address), token=None, environment={variable: url})
    with pytest.raises(Au2Error) as caught:
        transport.call("GET", "/account")
    transport.close()
    return caught.value


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_named_with_its_variable(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    error = ask_through(
        f"http://me:word@127.0.0.1:{port}", "ALL_PROXY", f"{scheme}://far.example.org"
    )

    assert isinstance(error, ServerUnreachable)
    assert f"The proxy http://127.0.0.1:{port} (ALL_PROXY), through which" in error.message
    assert "connection refused" in error.message
    assert "ALL_PROXY" in (error.hint or "")
    assert "word" not in error.message


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n",
            "wants a user name and a password",
        ),
        (b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", "502"),
        (b"", "(https_proxy)"),
        (b"no HTTP\r\n\r\n", "(https_proxy)"),
    ],
    ids=["407", "502", "nothing", "rubbish"],
)
def test_what_a_proxy_answers(scheme: str, answer: bytes, told: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        error = ask_through(url, f"{scheme}_proxy", f"{scheme}://far.example.org")
        thread.join()

    assert isinstance(error, ServerUnreachable)
    assert told.replace("https", scheme) in error.message
