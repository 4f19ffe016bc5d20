"""Who may push to the registry and pull from it, as Docker's users see it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.commands.command import Au2, Result, run_command
from tests.support.commands.people import People
from tests.support.images.docker import Docker
from tests.support.images.registry_clients import reachable
from tests.support.packages.folders import Uploaded
from tests.support.servers.server_process import EMAIL, PASSWORD, ServerProcess

BASE = "au2-test/registry-base:latest"


@dataclass(frozen=True, slots=True)
class Client:
    """One person's ``docker``: logins of their own, at one registry."""

    docker: Docker
    host: str
    configuration: Path

    def __call__(self, *arguments: str | Path, stdin: bytes | None = None) -> Result:
        return self.docker("--config", self.configuration, *arguments, stdin=stdin)

    def ok(self, *arguments: str | Path, stdin: bytes | None = None) -> Result:
        result = self(*arguments, stdin=stdin)
        assert result.exit_code == 0, result
        return result

    def log_in(self, email: str, password: str) -> Result:
        words = ("login", "--username", email, "--password-stdin", self.host)
        return self(*words, stdin=password.encode())


NewClient = Callable[[str], Client]


@pytest.fixture
def new_client(server: ServerProcess, docker: Docker, tmp_path: Path) -> Iterator[NewClient]:
    """``new_client(name)`` → a ``docker`` that has not logged in."""
    with reachable(server, docker) as host:
        yield lambda name: Client(docker, host, tmp_path / f"docker-{name}")


@pytest.fixture
def admin(new_client: NewClient) -> Client:
    """The ``docker`` of the first user, logged in."""
    client = new_client("admin")
    assert client.log_in(EMAIL, PASSWORD).exit_code == 0
    return client


@pytest.fixture
def build(docker: Docker, busybox_layer: bytes, tmp_path: Path) -> Callable[..., None]:
    """``build(name, says)`` makes an image that prints a word, on busybox or on ``base``."""
    docker.ok("import", "-", BASE, stdin=busybox_layer)

    def make(name: str, says: str, base: str = BASE) -> None:
        folder = tmp_path / "build"
        folder.mkdir(exist_ok=True)
        dockerfile = f"FROM {base}\nRUN echo {says} > /said\nCMD cat /said\n"
        (folder / "Dockerfile").write_text(dockerfile)
        docker.ok("build", "-t", name, folder)

    return make


def empty_version(au2: Au2, name: str) -> str:
    """A process whose version 1 waits for its image."""
    process = str(au2.json("process", "create", "--name", name)["id"])
    au2.ok("process", "version", "create", process)
    return process


def image_name(server: ServerProcess, process: str, version: int = 1) -> str:
    organization = server.ids["organization"]
    return f"127.0.0.1:{server.port}/org_{organization}/process_{process}:{version}"


def image_status(au2: Au2, process: str) -> str:
    return str(au2.json("process", "version", "show", process, "1")["image_status"])


def login_of(added: dict[str, str], email: str) -> tuple[str, str]:
    return email, added["initial_password"]


def test_a_login_needs_what_is_right(au2: Au2, new_client: NewClient) -> None:
    client = new_client("somebody")
    token = au2.json("token", "create", "docker-login")

    wrong = client.log_in(EMAIL, "not the password")
    made_up = client.log_in(EMAIL, "au2_made-up")
    right = client.log_in(EMAIL, token["token"])

    assert (wrong.exit_code, made_up.exit_code, right.exit_code) == (1, 1, 0), right
    assert "unauthorized" in wrong.errors
    assert "unauthorized" in made_up.errors


def test_a_deleted_token_opens_nothing(
    au2: Au2, server: ServerProcess, new_client: NewClient, make_process: Callable[..., Uploaded]
) -> None:
    name = image_name(server, make_process(au2, {"main.py": "print('seen')\n"}).process)
    client = new_client("token")
    token = au2.json("token", "create", "to-be-deleted")
    assert client.log_in(EMAIL, token["token"]).exit_code == 0
    client.ok("pull", name)

    au2.ok("token", "delete", "to-be-deleted")
    refused = client("pull", name)

    assert refused.exit_code == 1
    assert "unauthorized" in refused.errors


def test_a_viewer_pulls_but_does_not_push(
    au2: Au2,
    server: ServerProcess,
    admin: Client,
    new_client: NewClient,
    make_process: Callable[..., Uploaded],
    build: Callable[..., None],
) -> None:
    packaged = image_name(server, make_process(au2, {"main.py": "print('seen')\n"}).process)
    process = empty_version(au2, "registry-viewer")
    name = image_name(server, process)
    email = "registry-viewer@example.com"
    added = au2.json("member", "add", email, "--role", "viewer")
    viewer = new_client("viewer")
    assert viewer.log_in(*login_of(added, email)).exit_code == 0
    build(name, "pushed")

    refused = viewer("push", name)

    assert refused.exit_code == 1
    assert "denied" in refused.errors, refused
    assert image_status(au2, process) == "NONE"
    admin.ok("push", name)
    for pulled, says in ((name, "pushed\n"), (packaged, "seen\n")):
        viewer("image", "rm", "--force", pulled)
        viewer.ok("pull", pulled)
        assert viewer.ok("run", "--rm", pulled).text == says


def test_a_stranger_sees_nothing(
    au2: Au2,
    people: People,
    server: ServerProcess,
    admin: Client,
    new_client: NewClient,
    make_process: Callable[..., Uploaded],
    build: Callable[..., None],
) -> None:
    packaged = image_name(server, make_process(au2, {"main.py": "print('seen')\n"}).process)
    own = f"{admin.host}/org_{server.ids['organization']}/registry-hidden:1"
    build(own, "hidden")
    admin.ok("push", own)
    founder = people.admin()
    elsewhere = founder.json("organization", "create", "registry-elsewhere")["id"]
    founder.ok("context", "set", elsewhere)
    email = "registry-stranger@example.com"
    added = founder.json("member", "add", email, "--role", "admin")
    anonymous, nobody = new_client("stranger"), new_client("nobody")
    assert anonymous.log_in(*login_of(added, email)).exit_code == 0
    missing = packaged.replace("/process_", "/no-process_")

    refused = [anonymous("pull", name) for name in (packaged, own, missing)]
    pushed = anonymous("push", own)

    assert [result.exit_code for result in (*refused, pushed)] == [1, 1, 1, 1]
    # What is there looks to a stranger just as what is not.
    assert len({_without_name(result.errors, server) for result in refused}) == 1, refused
    for name in (packaged, own):
        without = nobody("pull", name)
        assert without.exit_code == 1
        assert "unauthorized" in without.errors or "no basic auth" in without.errors, without
    admin.ok("pull", own)


def _without_name(message: str, server: ServerProcess) -> str:
    """What is said, without which repository it is said of."""
    organization = f"org_{server.ids['organization']}/"
    words = message.split()
    return " ".join("NAME" if organization in word else word for word in words)


def test_an_image_on_ones_own_base_sends_only_what_is_new(
    au2: Au2, server: ServerProcess, admin: Client, build: Callable[..., None]
) -> None:
    base = f"{admin.host}/org_{server.ids['organization']}/registry-mounted:1"
    build(base, "base")
    admin.ok("push", base)
    process = empty_version(au2, "registry-mounted")
    name = image_name(server, process)
    build(name, "derived", base)

    pushed = admin.ok("push", name)

    assert f"Mounted from org_{server.ids['organization']}/registry-mounted" in pushed.text
    assert image_status(au2, process) == "AVAILABLE"
    ran = au2("process", "run", process, "--follow")
    assert (ran.exit_code, ran.text.splitlines()[-1]) == (0, "derived"), ran


def test_of_two_who_push_at_once_one_wins(
    au2: Au2, server: ServerProcess, admin: Client, build: Callable[..., None], tmp_path: Path
) -> None:
    process = empty_version(au2, "registry-two")
    name = image_name(server, process)
    archives = {says: tmp_path / f"{says}.tar" for says in ("first", "second")}
    for says, archive in archives.items():
        build(f"registry-two/{says}", says)
        admin.ok("save", "--output", archive, f"registry-two/{says}")

    def push(says: str) -> Result:
        # Not by Docker: there a name stands for one image at a time.
        options = ("--dest-tls-verify=false", "--dest-creds", f"{EMAIL}:{PASSWORD}")
        source, target = f"docker-archive:{archives[says]}", f"docker://{name}"
        return run_command("skopeo", "copy", *options, source, target)

    with ThreadPoolExecutor() as threads:
        at_once = dict(zip(archives, threads.map(push, archives), strict=True))
    [winner] = [says for says, result in at_once.items() if result.exit_code == 0]
    [loser] = set(archives) - {winner}

    assert "denied" in at_once[loser].errors, at_once[loser]
    assert push(winner).exit_code == 0
    again = push(loser)
    assert again.exit_code == 1
    assert "has its image already" in again.errors, again
    admin.ok("pull", name)
    assert admin.ok("run", "--rm", name).text == f"{winner}\n"
    ran = au2("process", "run", process, "--follow")
    assert (ran.exit_code, ran.text.splitlines()[-1]) == (0, winner), ran
