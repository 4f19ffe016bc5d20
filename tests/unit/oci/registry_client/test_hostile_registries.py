"""Registries that lie, dawdle and send people elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from au2.domain.errors import DigestMismatch, RegistryFailure
from au2.oci.registry_client.login import Credentials
from au2.oci.registry_client.registry import Registry
from au2.oci.registry_client.transport import RegistryOptions
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Descriptor
from tests.support.network.hostile_registry import (
    Answer,
    Asked,
    ScriptedRegistry,
    scripted_registry,
)

ME = Credentials("me", "secret")
BLOB = b"0123456789" * 100_000
BLOB_DIGEST = sha256_of(BLOB)
THE_BLOB = Descriptor("x", BLOB_DIGEST, len(BLOB))


@contextmanager
def pulling(
    answer: Callable[[Asked], Answer], credentials: Credentials | None = None
) -> Iterator[tuple[Registry, ScriptedRegistry, list[float]]]:
    pauses: list[float] = []
    with scripted_registry(answer) as scripted:
        options = RegistryOptions(sleep=pauses.append)
        registry = Registry(scripted.name, credentials=credentials, options=options)
        with closing(registry):
            yield registry, scripted, pauses


def read_blob(registry: Registry, blob: Descriptor = THE_BLOB) -> bytes:
    with registry.open_blob("a", blob) as stream:
        return stream.read()


def test_a_manifest_that_is_another_one() -> None:
    with pulling(lambda _: Answer(body=b"{}")) as (registry, _, _):
        data, digest = registry.read_manifest("a", "latest")
        assert (data, digest) == (b"{}", sha256_of(b"{}"))
        with pytest.raises(RegistryFailure, match="something else"):
            registry.read_manifest("a", "sha256:" + "0" * 64)


def test_a_manifest_without_end() -> None:
    with (
        pulling(lambda _: Answer(body=b" " * (5 << 20))) as (registry, _, _),
        pytest.raises(RegistryFailure, match="more than"),
    ):
        registry.read_manifest("a", "latest")


def test_a_compressed_answer_is_not_opened() -> None:
    bomb = Answer(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    with pulling(lambda _: bomb) as (registry, scripted, _):
        with pytest.raises(RegistryFailure, match="compressed"):
            registry.read_manifest("a", "latest")
        assert scripted.asked[-1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("body", [BLOB[:-1], BLOB + b"x", BLOB[:-1] + b"x", b"", BLOB * 3], ids=len)
def test_a_blob_that_is_not_what_was_stated(body: bytes) -> None:
    with pulling(lambda _: Answer(body=body)) as (registry, _, _), pytest.raises(DigestMismatch):
        read_blob(registry)


def test_a_broken_connection_is_taken_up() -> None:
    def answer(asked: Asked) -> Answer:
        if "blobs" not in asked.path:
            return Answer()
        start = int(asked.headers.get("range", "bytes=0-")[6:-1])
        if start < 600_000:
            return Answer(
                206 if start else 200, BLOB[start : start + 250_000], _range(start), 10**6
            )
        return Answer(206, BLOB[start:], _range(start))

    with pulling(answer) as (registry, scripted, pauses):
        assert read_blob(registry) == BLOB
    assert [asked.headers.get("range") for asked in scripted.asked if "blobs" in asked.path] == [
        None,
        "bytes=250000-",
        "bytes=500000-",
        "bytes=750000-",
    ]
    assert len(pauses) == 3


def _range(start: int) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-{len(BLOB) - 1}/{len(BLOB)}"}


def test_a_registry_that_knows_no_ranges() -> None:
    answers = [Answer(body=BLOB[:400_000], stated_bytes=10**6), Answer(body=BLOB)]

    def answer(asked: Asked) -> Answer:
        return answers.pop(0) if "blobs" in asked.path else Answer()

    with pulling(answer) as (registry, _, _):
        assert read_blob(registry) == BLOB


def test_going_on_in_the_wrong_place() -> None:
    answers = [
        Answer(body=BLOB[:400_000], stated_bytes=10**6),
        Answer(206, BLOB[10:], _range(10)),
    ]

    def answer(asked: Asked) -> Answer:
        return answers.pop(0) if "blobs" in asked.path else Answer()

    with pulling(answer) as (registry, _, _), pytest.raises(RegistryFailure, match="goes on"):
        read_blob(registry)


def test_connections_that_always_break() -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(body=b"0", stated_bytes=10**6) if "blobs" in asked.path else Answer()

    with pulling(answer) as (registry, scripted, _):
        with pytest.raises(RegistryFailure, match="not reached"):
            read_blob(registry)
        assert 2 < len(scripted.asked) < 30


def test_redirects_without_end() -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(307, headers={"Location": asked.path + "x"})

    with pulling(answer) as (registry, scripted, _):
        with pytest.raises(RegistryFailure, match="redirects more than"):
            registry.read_manifest("a", "latest")
        assert len(scripted.asked) < 20


@pytest.mark.parametrize(
    "location",
    ["", "ftp://x/y", "file:///etc/passwd", "http://me:you@127.0.0.1/", "http://["],
)
def test_redirects_to_strange_places(location: str) -> None:
    def answer(asked: Asked) -> Answer:
        headers = {"Location": location} if "manifests" in asked.path else {}
        return Answer(302 if "manifests" in asked.path else 200, headers=headers)

    with (
        pulling(answer) as (registry, _, _),
        pytest.raises(RegistryFailure, match=r"unsafe address|not reached"),
    ):
        registry.read_manifest("a", "latest")


def test_the_login_stays_with_the_registry() -> None:
    def elsewhere(asked: Asked) -> Answer:
        # Asks for a login, too: it is not the registry.
        if asked.path == "/asks":
            return Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return Answer(body=BLOB)

    with scripted_registry(elsewhere) as other:

        def answer(asked: Asked) -> Answer:
            if "authorization" not in asked.headers:
                return Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            if "blobs" in asked.path:
                return Answer(307, headers={"Location": f"http://{other.name}/stored"})
            return Answer(307, headers={"Location": f"http://{other.name}/asks"})

        with pulling(answer, ME) as (registry, scripted, _):
            assert read_blob(registry) == BLOB
            with pytest.raises(RegistryFailure, match="HTTP 401"):
                registry.read_manifest("a", "latest")
            assert any("authorization" in asked.headers for asked in scripted.asked)
    assert other.asked
    assert not any("authorization" in asked.headers for asked in other.asked)


def test_a_token_is_fetched_for_pulling_only() -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path.startswith("/token"):
            assert asked.headers["authorization"] == "Basic bWU6c2VjcmV0"
            return Answer(body=b'{"token": "t0"}')
        if asked.headers.get("authorization") == "Bearer t0":
            return Answer(body=b"{}")
        realm = (
            f'Bearer realm="http://{asked.headers["host"]}/token",service="s",scope="all:*:push"'
        )
        return Answer(401, headers={"WWW-Authenticate": realm})

    with pulling(answer, ME) as (registry, scripted, _):
        registry.read_manifest("a/b", "latest")
        registry.read_manifest("a/b", "other")
    tokens = [path for path in scripted.paths() if path.startswith("/token")]
    assert tokens == ["/token?service=s&scope=repository%3Aa%2Fb%3Apull"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"{}"),
        Answer(body=b"[]"),
        Answer(body=b'{"token": 7}'),
        Answer(body=b'{"token": "a\\nHost: x"}'),
        Answer(body=b"[" * 100_000),
        Answer(body=b" " * (2 << 20)),
        Answer(403),
    ],
)
def test_tokens_that_are_none(answer: Answer) -> None:
    def reply(asked: Asked) -> Answer:
        if asked.path.startswith("/token"):
            return answer
        realm = f'Bearer realm="http://{asked.headers["host"]}/token"'
        return Answer(401, headers={"WWW-Authenticate": realm})

    with pulling(reply) as (registry, _, _), pytest.raises(RegistryFailure):
        registry.read_manifest("a", "latest")


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "http://a:b@127.0.0.1/", "x"])
def test_a_login_in_a_strange_place(realm: str) -> None:
    told = Answer(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})
    with (
        pulling(lambda _: told, ME) as (registry, _, _),
        pytest.raises(RegistryFailure, match="unsafe address"),
    ):
        registry.read_manifest("a", "latest")


def test_a_login_that_is_never_enough() -> None:
    told = Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    with pulling(lambda _: told, ME) as (registry, scripted, _):
        with pytest.raises(RegistryFailure, match="HTTP 401"):
            registry.read_manifest("a", "latest")
        assert len(scripted.asked) < 5


def test_a_busy_registry_is_waited_for() -> None:
    answers = [
        Answer(429, headers={"Retry-After": "7"}),
        Answer(503, headers={"Retry-After": "99999"}),
        Answer(500),
        Answer(body=b"{}"),
    ]
    with pulling(lambda _: answers.pop(0)) as (registry, _, pauses):
        assert registry.read_manifest("a", "latest")[0] == b"{}"
    assert pauses == [7.0, 30.0, 2.0]
    with pulling(lambda _: Answer(503)) as (registry, scripted, _):
        with pytest.raises(RegistryFailure, match="HTTP 503"):
            registry.read_manifest("a", "latest")
        assert len(scripted.asked) <= 6


def test_nobody_there() -> None:
    with scripted_registry(lambda _: Answer()) as gone:
        name = gone.name
    options = RegistryOptions(sleep=lambda _: None)
    with (
        closing(Registry(name, options=options)) as registry,
        pytest.raises(RegistryFailure, match="not reached"),
    ):
        registry.read_manifest("a", "latest")


def test_not_unencrypted_unless_it_is_allowed() -> None:
    with scripted_registry(lambda _: Answer()) as scripted:
        port = scripted.name.rpartition(":")[2]
        # A name for loopback that does not say so.
        name = f"ip6-localhost.invalid:{port}"
        options = RegistryOptions(sleep=lambda _: None)
        with (
            closing(Registry(name, options=options)) as registry,
            pytest.raises(RegistryFailure, match="not reached"),
        ):
            registry.read_manifest("a", "latest")
        assert scripted.asked == []
