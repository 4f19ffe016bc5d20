"""What the server's log says of refusals, so that an operator can answer for them."""

import logging

import httpx
import pytest

from au2.app.accounts.users import Users
from au2.domain.processes.version import ImageStatus
from tests.support.images.busybox import digest_of
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend

FORGED = "a@b\n2030-01-01T00:00:00.000Z WARNING api[1] au2: \u202e" + "x" * 1000


@pytest.fixture(autouse=True)
def _all_is_caught(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "au2")


def entries(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("au2.")]


def test_refused_logins(
    client: httpx.Client, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    root = str(client.base_url).split("/api", 1)[0]
    client.post("/login", json={"email": OPERATOR, "password": "guessed-it"})
    httpx.get(f"{root}/v2/token", auth=("somebody@example.com", "guessed-it"))
    httpx.get(f"{root}/v2/token", auth=("robot@example.com", "au2_guessed-it"))
    client.post("/login", json={"email": OPERATOR, "password": PASSWORD})

    wrong = "The email address or the password is wrong."
    assert entries(caplog) == [
        f"refused login of '{OPERATOR}' from 127.0.0.1: {wrong}",
        f"refused login of 'somebody@example.com' from 127.0.0.1: {wrong}",
        "refused login of 'robot@example.com' from 127.0.0.1: The token is not valid.",
    ]
    assert "guessed-it" not in caplog.text


def test_a_braked_login(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(8):
        with pytest.raises(Exception, match="wrong"):
            backend.services.accounts.login(OPERATOR, "guessed-it", address="10.0.0.1")
    assert entries(caplog)[-1].endswith(
        "from 10.0.0.1: There were too many wrong passwords lately."
    )


def test_nobody_forges_a_line(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    root = str(client.base_url).split("/api", 1)[0]
    form = {"grant_type": "password", "username": FORGED, "password": "guessed-it"}
    assert httpx.post(f"{root}/v2/token", data=form).status_code == 401
    [entry] = entries(caplog)
    assert entry.isprintable()
    assert entry.startswith(r"refused login of 'a@b\n2030")
    assert len(entry) < 500


def test_what_somebody_may_not_do(
    client: httpx.Client, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    context = backend.organization(project=None)
    backend.user("viewer@example.com", "viewer", context)
    backend.user("stranger@example.com")
    root = str(client.base_url).split("/api", 1)[0]
    path = f"/v2/org_{context.organization_id}/base/blobs/uploads/"
    for email in ("viewer@example.com", "stranger@example.com"):
        answer = httpx.post(f"{root}{path}", headers=backend.bearer(email))
        assert answer.status_code in {403, 404}
    httpx.get(
        f"{root}/v2/org_{context.organization_id}/base/blobs/{digest_of(b'')}",
        headers=backend.bearer("stranger@example.com"),
    )
    client.post(
        "/processes",
        params={"organization": context.organization_id},
        json={"name": "mine"},
        headers=backend.bearer("viewer@example.com"),
    )

    found = entries(caplog)
    assert len(found) == 3, "looking for what is not there is no news"
    assert found[0].startswith(f"refused: POST '{path}' by 'viewer@example.com' from 127.0.0.1: ")
    assert found[1].startswith(f"refused: POST '{path}' by 'stranger@example.com' from 127.0.0.1: ")
    assert "developer" in found[2]


def test_a_full_disk(
    client: httpx.Client, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    process = backend.process(backend.organization())
    number = backend.version(process, ImageStatus.NONE)
    headers = backend.bearer(OPERATOR)
    upload = client.post(f"/processes/{process}/versions/{number}/image", headers=headers).json()
    for _ in range(2):
        answer = client.post(
            f"/image-uploads/{upload['id']}/missing",
            params={"fencing_token": upload["fencing_token"]},
            json={"blobs": [{"digest": digest_of(b""), "size_bytes": 1 << 60}]},
            headers=headers,
        )
        assert answer.status_code == 507, answer.text
    [entry] = entries(caplog)
    assert entry.startswith("the disk is full: POST '/api/v1/image-uploads/")
    assert f"by '{OPERATOR}' from 127.0.0.1: The server's disk has no space" in entry


def test_every_429_says_when_to_come_back(client: httpx.Client, backend: Backend) -> None:
    root = str(client.base_url).split("/api", 1)[0]
    guess = {"email": OPERATOR, "password": "guessed-it"}
    for _ in range(5):
        assert client.post("/login", json=guess).status_code == 401

    changed = {"current_password": "guessed-it", "new_password": PASSWORD + " again"}
    for answer in (
        client.post("/login", json=guess),
        client.put("/account/password", json=changed, headers=backend.bearer(OPERATOR)),
        httpx.get(f"{root}/v2/token", auth=(OPERATOR, "guessed-it")),
    ):
        assert answer.status_code == 429, answer.text
        assert int(answer.headers["Retry-After"]) >= 1


def test_a_disabled_user_is_told_so_and_a_guesser_is_not(
    client: httpx.Client, backend: Backend
) -> None:
    email = "eve@example.com"
    backend.services.accounts.add_user(email, PASSWORD)
    root = str(client.base_url).split("/api", 1)[0]
    token = backend.bearer(email)
    Users(backend.database).disable(email)

    right = client.post("/login", json={"email": email, "password": PASSWORD})
    wrong = client.post("/login", json={"email": email, "password": "guessed-it"})
    docker = httpx.get(f"{root}/v2/token", auth=(email, PASSWORD))

    assert (right.status_code, right.json()["error"]["code"]) == (401, "account-disabled")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "wrong-password")
    assert docker.status_code == 401
    assert client.get("/account", headers=token).status_code == 401
    assert httpx.get(f"{root}/v2/", headers=token).status_code == 401
