"""The registry over HTTP: logging in, blobs, and names that mean no good."""

import os
from collections.abc import Iterator

import httpx
import pytest

from au2.http.app import ApiOptions
from tests.integration.registry.guest import NOWHERE, Guest, code
from tests.support.images.busybox import digest_of
from tests.support.servers.backend import PASSWORD, Backend
from tests.support.servers.live import served
from tests.support.waiting import wait_until

EMAIL = "developer@example.com"
BLOB = os.urandom(3000)


# -- logging in ------------------------------------------------------------------------------


def test_who_has_no_token_is_told_where_to_get_one(client: httpx.Client) -> None:
    answer = client.get("/v2/")
    assert code(answer) == (401, "UNAUTHORIZED")
    realm = f"{str(client.base_url).rstrip('/')}/v2/token"
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="{realm}",service="au2"'
    assert answer.headers["Docker-Distribution-API-Version"] == "registry/2.0"


def test_a_host_that_is_none_does_not_get_into_the_challenge(client: httpx.Client) -> None:
    answer = client.get("/v2/", headers={"Host": 'evil",realm="http://evil'})
    # Refused by the server, or answered with its own address.
    assert "evil" not in answer.headers.get("WWW-Authenticate", "")
    assert answer.status_code in {400, 401}


def test_behind_a_proxy_tokens_are_where_the_operator_says(backend: Backend) -> None:
    app = backend.app(ApiOptions(external_url="https://images.example.com/"))
    with served(app) as address:
        answer = httpx.get(f"{address}/v2/", headers={"Host": "elsewhere.example.com"})
    realm = "https://images.example.com/v2/token"
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="{realm}",service="au2"'


@pytest.mark.parametrize("way", ["basic", "form"])
@pytest.mark.parametrize("with_token", [False, True])
def test_a_login_gives_a_token_that_opens(
    backend: Backend, client: httpx.Client, developer: Guest, way: str, *, with_token: bool
) -> None:
    password = backend.token(EMAIL) if with_token else PASSWORD
    if way == "basic":
        answer = client.get("/v2/token", params={"service": "au2"}, auth=(EMAIL, password))
    else:
        form = {"grant_type": "password", "username": EMAIL, "password": password}
        answer = client.post("/v2/token", data=form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json()["token"]
    assert answer.json()["access_token"] == token
    assert token != password
    assert answer.json()["expires_in"] == 3600
    assert answer.json()["issued_at"] == "2030-01-02T03:04:05Z"
    assert client.get("/v2/", headers={"Authorization": f"Bearer {token}"}).json() == {}
    assert client.get("/v2/", auth=("anything", token)).status_code == 200


def log_in(client: httpx.Client, password: str = PASSWORD) -> str:
    """Get a registry token."""
    answer = client.get("/v2/token", auth=(EMAIL, password))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


@pytest.mark.parametrize("with_token", [False, True])
def test_what_a_client_is_given_opens_the_registry_only(
    backend: Backend, client: httpx.Client, developer: Guest, *, with_token: bool
) -> None:
    token = log_in(client, backend.token(EMAIL) if with_token else PASSWORD)
    bearer = {"Authorization": f"Bearer {token}"}
    for method, path in (("POST", "tokens"), ("GET", "account"), ("POST", "tokens/renew")):
        answer = client.request(method, f"/api/v1/{path}", headers=bearer, json={"name": "mine"})
        assert answer.status_code == 401
        assert "registry only" in answer.json()["error"]["message"]
    assert client.get("/v2/", headers=bearer).status_code == 200
    # Nor does it prolong itself.
    backend.clock.move(minutes=50)
    assert log_in(client, token) == token
    backend.clock.move(minutes=10)
    assert code(client.get("/v2/token", auth=(EMAIL, token))) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("with_token", [False, True])
def test_a_long_push_goes_on_with_another_token(
    backend: Backend, client: httpx.Client, developer: Guest, *, with_token: bool
) -> None:
    password = backend.token(EMAIL) if with_token else PASSWORD
    developer.headers = {"Authorization": f"Bearer {log_in(client, password)}"}
    place = developer.begin().headers["Location"]
    developer.ask("PATCH", place, content=BLOB[:1000])
    backend.clock.move(hours=1)

    late = developer.ask("PATCH", place, content=BLOB[1000:])
    assert code(late) == (401, "UNAUTHORIZED")
    assert late.headers["WWW-Authenticate"].startswith("Bearer realm=")

    developer.headers = {"Authorization": f"Bearer {log_in(client, password)}"}
    developer.ask("PATCH", place, content=BLOB[1000:])
    done = developer.ask("PUT", place, params={"digest": digest_of(BLOB)})
    assert done.status_code == 201


def test_a_wrong_password_gives_none(client: httpx.Client, developer: Guest) -> None:
    wrong = "not the password"
    form = {"grant_type": "password", "username": EMAIL, "password": wrong}
    for answer in (
        client.get("/v2/token", auth=(EMAIL, wrong)),
        client.get("/v2/token", auth=("nobody@example.com", PASSWORD)),
        client.get("/v2/token", auth=(EMAIL, "au2_" + "x" * 40)),
        client.get("/v2/token", headers={"Authorization": "Basic %%%"}),
        client.get("/v2/token"),
        client.post("/v2/token", data=form),
    ):
        assert code(answer) == (401, "UNAUTHORIZED")
        assert "WWW-Authenticate" in answer.headers


def test_passwords_are_taken_at_the_token_endpoint_only(
    client: httpx.Client, developer: Guest
) -> None:
    assert code(client.get("/v2/", auth=(EMAIL, PASSWORD))) == (401, "UNAUTHORIZED")


def test_a_form_of_another_grant_or_without_end_is_refused(client: httpx.Client) -> None:
    assert client.post("/v2/token", data={"grant_type": "refresh_token"}).status_code == 400
    assert client.post("/v2/token", content=b"x" * (65 << 10)).status_code == 413
    many = "&".join(f"a{number}=1" for number in range(200))
    assert client.post("/v2/token", content=many).status_code == 400


# -- sending blobs ---------------------------------------------------------------------------


def test_a_blob_comes_in_pieces(developer: Guest) -> None:
    begun = developer.begin()
    assert begun.status_code == 202
    place = begun.headers["Location"]
    first = developer.ask("PATCH", place, content=BLOB[:1000], headers={"Content-Range": "0-999"})
    assert (first.status_code, first.headers["Range"]) == (202, "0-999")
    wrong = developer.ask(
        "PATCH", place, content=BLOB[2000:], headers={"Content-Range": "2000-2999"}
    )
    assert code(wrong) == (416, "BLOB_UPLOAD_INVALID")
    assert wrong.headers["Range"] == "0-999"
    status = developer.ask("GET", place)
    assert (status.status_code, status.headers["Range"]) == (204, "0-999")
    second = developer.ask(
        "PATCH", place, content=BLOB[1000:2000], headers={"Content-Range": "1000-1999"}
    )
    assert second.headers["Range"] == "0-1999"
    done = developer.ask("PUT", place, content=BLOB[2000:], params={"digest": digest_of(BLOB)})
    assert done.status_code == 201
    assert done.headers["Docker-Content-Digest"] == digest_of(BLOB)
    assert developer.ask("GET", done.headers["Location"]).content == BLOB
    assert code(developer.ask("GET", place)) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        *(("1000-5", 0), ("1000-1998", 0), ("0-999", 0), ("2000-2999", 0)),
        *(("1000", 0), ("-1000-1999", 0), ("", 0), ("x", 0), ("1000-1e3", 0), ("1" * 30 + "-1", 0)),
        # As long as nobody says how long it is, only its end shows that it is shorter.
        *(("1000-2000", 1000), ("1000-999999999999999999", 1000)),
    ],
)
def test_a_piece_is_what_its_range_says(
    developer: Guest, method: str, *, chunked: bool, stated: str, kept: int
) -> None:
    place = developer.begin().headers["Location"]
    developer.ask("PATCH", place, content=BLOB[:1000])
    digest = digest_of(BLOB[:2000])
    piece = BLOB[1000:2000]
    answer = developer.ask(
        method,
        place,
        content=iter([piece]) if chunked else piece,
        headers={"Content-Range": stated},
        params={"digest": digest} if method == "PUT" else {},
    )
    assert code(answer) == (416, "BLOB_UPLOAD_INVALID")
    come = 1000 + (kept if chunked else 0)
    assert answer.headers["Range"] == f"0-{come - 1}"
    assert answer.headers["Location"] == place
    # So one goes on where that says.
    assert developer.ask("GET", place).headers["Range"] == answer.headers["Range"]
    assert code(developer.ask("GET", f"blobs/{digest}")) == (404, "BLOB_UNKNOWN")
    done = developer.ask("PUT", place, content=BLOB[come:2000], params={"digest": digest})
    assert done.status_code == 201


@pytest.mark.parametrize("stated", ["1000-1999", "bytes 1000-1999/2000", "bytes=1000-1999"])
@pytest.mark.parametrize("chunked", [False, True])
def test_ranges_are_written_in_several_ways(
    developer: Guest, stated: str, *, chunked: bool
) -> None:
    place = developer.begin().headers["Location"]
    developer.ask("PATCH", place, content=BLOB[:1000])
    piece = BLOB[1000:2000]
    answer = developer.ask(
        "PATCH",
        place,
        content=iter([piece]) if chunked else piece,
        headers={"Content-Range": stated},
    )
    assert (answer.status_code, answer.headers["Range"]) == (202, "0-1999")


def test_a_blob_comes_whole(developer: Guest) -> None:
    digest = developer.push_blob(BLOB)
    head = developer.ask("HEAD", f"blobs/{digest}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(BLOB))
    assert head.headers["Docker-Content-Digest"] == digest


def test_an_empty_blob_is_one_too(developer: Guest) -> None:
    digest = developer.push_blob(b"")
    answer = developer.ask("GET", f"blobs/{digest}")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("digest", [NOWHERE, "", "sha256:1", "md5:" + "0" * 32, "sha512:../.."])
def test_what_is_not_what_was_stated_is_not_kept(developer: Guest, digest: str) -> None:
    place = developer.begin().headers["Location"]
    answer = developer.ask("PUT", place, content=BLOB, params={"digest": digest})
    assert code(answer) == (400, "DIGEST_INVALID")
    whole = developer.ask("POST", "blobs/uploads/", params={"digest": digest}, content=BLOB)
    assert code(whole) == (400, "DIGEST_INVALID")
    for missing in (NOWHERE, digest_of(BLOB)):
        assert code(developer.ask("GET", f"blobs/{missing}")) == (404, "BLOB_UNKNOWN")


def test_an_upload_that_was_something_else_is_over(developer: Guest) -> None:
    place = developer.begin().headers["Location"]
    answer = developer.ask("PUT", place, content=BLOB, params={"digest": NOWHERE})
    assert code(answer) == (400, "DIGEST_INVALID")
    assert code(developer.ask("GET", place)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_takes_one_piece_at_a_time(developer: Guest) -> None:
    place = developer.begin().headers["Location"]
    large = b"x" * (1 << 20)  # What the server takes at once.
    busy: list[httpx.Response] = []

    def send_slowly() -> Iterator[bytes]:
        yield large
        wait_until(lambda: developer.ask("GET", place).headers["Range"] != "0-0")
        busy.append(developer.ask("PATCH", place, content=b"between"))
        yield BLOB

    first = developer.ask("PATCH", place, content=send_slowly())
    assert code(busy[0]) == (409, "DENIED")
    whole = large + BLOB
    assert (first.status_code, first.headers["Range"]) == (202, f"0-{len(whole) - 1}")
    done = developer.ask("PUT", place, params={"digest": digest_of(whole)})
    assert done.status_code == 201


def test_an_upload_is_given_up(developer: Guest) -> None:
    place = developer.begin().headers["Location"]
    developer.ask("PATCH", place, content=BLOB)
    assert developer.ask("DELETE", place).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert code(developer.ask(method, place)) == (404, "BLOB_UPLOAD_UNKNOWN")


# -- fetching blobs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [("0-9", 0, 10), ("100-", 100, 3000), ("-7", 2993, 3000), ("2990-99999", 2990, 3000)],
)
def test_a_part_of_a_blob_is_fetched(developer: Guest, asked: str, first: int, end: int) -> None:
    digest = developer.push_blob(BLOB)
    answer = developer.ask("GET", f"blobs/{digest}", headers={"Range": f"bytes={asked}"})
    assert (answer.status_code, answer.content) == (206, BLOB[first:end])
    assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/3000"


@pytest.mark.parametrize("asked", ["3000-", "5000-6000", "9-3", "-0"])
def test_a_part_that_is_not_there_is_refused(developer: Guest, asked: str) -> None:
    digest = developer.push_blob(BLOB)
    answer = developer.ask("GET", f"blobs/{digest}", headers={"Range": f"bytes={asked}"})
    assert code(answer) == (416, "SIZE_INVALID")
    assert answer.headers["Content-Range"] == "bytes */3000"


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=0-1,5-6", "bytes=a-b", "bytes=-", "x"])
def test_a_range_of_another_kind_gives_the_whole(developer: Guest, asked: str) -> None:
    digest = developer.push_blob(BLOB)
    answer = developer.ask("GET", f"blobs/{digest}", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, BLOB)


def test_blobs_are_not_deleted_by_hand(developer: Guest) -> None:
    digest = developer.push_blob(BLOB)
    assert code(developer.ask("DELETE", f"blobs/{digest}")) == (405, "UNSUPPORTED")


# -- mounting --------------------------------------------------------------------------------


@pytest.mark.parametrize("names_source", [False, True])
def test_a_blob_of_another_repository_is_mounted(developer: Guest, *, names_source: bool) -> None:
    digest = developer.push_blob(BLOB)
    source = developer.repository
    developer.repository = source.replace("/base", "/other")
    assert code(developer.ask("GET", f"blobs/{digest}")) == (404, "BLOB_UNKNOWN")
    query = {"from": source} if names_source else {}
    assert developer.begin(mount=digest, **query).status_code == 201
    assert developer.ask("GET", f"blobs/{digest}").content == BLOB


def test_what_can_not_be_mounted_is_to_be_sent(
    backend: Backend, developer: Guest, stranger: Guest
) -> None:
    digest = developer.push_blob(BLOB)
    (membership,) = backend.actor("stranger@example.com").memberships
    stranger.repository = f"org_{membership.context.organization_id}/base"
    for query in ({}, {"from": developer.repository}, {"from": "../.."}, {"from": ""}):
        answer = stranger.begin(mount=digest, **query)
        assert answer.status_code == 202, query
        assert "/blobs/uploads/" in answer.headers["Location"]
    assert code(stranger.ask("GET", f"blobs/{digest}")) == (404, "BLOB_UNKNOWN")
    assert developer.begin(mount=NOWHERE).status_code == 202
    assert developer.begin(mount="sha256:1").status_code == 400
