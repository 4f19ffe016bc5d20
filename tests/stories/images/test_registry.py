"""Docker, podman and skopeo against the registry that the server is."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.commands.command import Au2, Result, run_command
from tests.support.commands.people import People
from tests.support.images.busybox import BUSYBOX, digest_of
from tests.support.images.docker import Docker
from tests.support.images.image_tools import ImageTools
from tests.support.images.registry_clients import reachable
from tests.support.packages.folders import Uploaded
from tests.support.servers.server_process import EMAIL, PASSWORD, ServerProcess

LOGIN = f"{EMAIL}:{PASSWORD}"
PLAIN = "--tls-verify=false"


def root_file_system(text: bytes) -> bytes:
    """What ``docker import`` takes: a busybox, and a file that makes it unlike all others."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(BUSYBOX, "bin/busybox")
        entry = tarfile.TarInfo("text")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return out.getvalue()


def skopeo(*arguments: str) -> Result:
    """Run skopeo, which may fail here."""
    return run_command("skopeo", *arguments)


class Hub:
    """The registry as Docker sees it."""

    def __init__(self, server: ServerProcess, docker: Docker, host: str) -> None:
        self.server = server
        self.docker = docker
        self.host = host
        self.organization = str(server.ids["organization"])

    def name(self, process: str, version: int | str) -> str:
        return f"{self.host}/org_{self.organization}/process_{process}:{version}"

    def own(self, name: str) -> str:
        return f"{self.host}/org_{self.organization}/{name}"

    def make(self, text: bytes, name: str) -> None:
        """Make an image that prints ``text``, under a name."""
        change = 'CMD ["/bin/busybox", "cat", "/text"]'
        self.docker.ok("import", "-c", change, "-", name, stdin=root_file_system(text))

    def log_in(self, email: str = EMAIL, password: str = PASSWORD) -> None:
        self.docker.ok("login", "-u", email, "--password-stdin", self.host, stdin=password.encode())


@pytest.fixture
def hub(server: ServerProcess, docker: Docker) -> Iterator[Hub]:
    with reachable(server, docker) as host:
        hub = Hub(server, docker, host)
        hub.log_in()
        yield hub
        docker("logout", host)


def new_version(au2: Au2, name: str) -> str:
    """A process with an empty image version; its id."""
    process = str(au2.json("process", "create", "--name", name)["id"])
    au2.ok("process", "version", "create", process)
    return process


def status(au2: Au2, process: str, version: int = 1) -> str:
    return str(au2.json("process", "version", "show", process, str(version))["image_status"])


def test_a_push_fills_a_version_and_a_pull_gives_it_back(au2: Au2, hub: Hub) -> None:
    process = new_version(au2, "pushed")
    name = hub.name(process, 1)
    hub.make(b"pushed\n", name)

    pushed = hub.docker.ok("push", name)

    assert status(au2, process) == "AVAILABLE"
    digest = au2.json("process", "version", "show", process, "1")["image_digest"]
    assert digest in pushed.text
    ran = au2("process", "run", process, "--follow")
    assert (ran.exit_code, ran.text.splitlines()[-1]) == (0, "pushed"), ran

    # The same once more is fine, another one is not, and why not is said.
    hub.docker.ok("push", name)
    hub.make(b"another\n", name)
    refused = hub.docker("push", name)
    assert refused.exit_code != 0
    assert "has its image already" in refused.errors

    hub.docker.ok("rmi", "-f", name)
    hub.docker.ok("pull", name)
    assert hub.docker.ok("run", "--rm", name).text == "pushed\n"


def test_a_push_to_nowhere_says_what_to_do(au2: Au2, hub: Hub, tmp_path: Path) -> None:
    process = new_version(au2, "nowhere")
    archive = tmp_path / "image.tar"
    for tag, said in ((7, "au2 process version create"), ("latest", "numbers of its versions")):
        hub.make(b"nowhere\n", hub.name(process, tag))
        refused = hub.docker("push", hub.name(process, tag))
        assert refused.exit_code != 0
        assert said in refused.errors, refused
        # Nor is it tried again in other formats, as if the image were at fault.
        hub.docker.ok("save", "-o", archive, hub.name(process, tag))
        target = f"docker://{hub.name(process, tag)}"
        copied = ("copy", "--dest-tls-verify=false", "--dest-creds", LOGIN)
        refused = skopeo(*copied, f"docker-archive:{archive}", target)
        assert refused.exit_code != 0
        assert refused.errors.count(said) == 1, refused
        assert "attempted" not in refused.errors
    assert status(au2, process) == "NONE"


def test_packaged_versions_are_pulled_and_inspected(
    au2: Au2,
    make_process: Callable[..., Uploaded],
    hub: Hub,
    image_tools: ImageTools,
    tmp_path: Path,
) -> None:
    process = make_process(au2, {"main.py": "print('packaged')\n"})
    name = hub.name(process.process, 1)

    hub.docker.ok("pull", name)
    assert hub.docker.ok("run", "--rm", name).text == "packaged\n"
    inspected = image_tools.skopeo("inspect", PLAIN, "--creds", LOGIN, f"docker://{name}").document
    version = au2.json("process", "version", "show", process.process, "1")
    assert inspected["Digest"] == version["image_digest"]
    assert inspected["RepoTags"] == ["1"]

    target = f"dir:{tmp_path / 'copied'}"
    image_tools.skopeo(
        *("copy", "--src-tls-verify=false", "--src-creds", LOGIN, f"docker://{name}", target)
    )
    manifest = (tmp_path / "copied" / "manifest.json").read_bytes()
    assert digest_of(manifest) == version["image_digest"]
    pulled = image_tools.podman("pull", PLAIN, "--creds", LOGIN, name).text.strip()
    found = image_tools.podman("image", "inspect", pulled).document[0]
    assert found["Digest"] == version["image_digest"]
    image_tools.podman("rmi", "-f", pulled)


def test_skopeo_and_podman_push(
    au2: Au2, hub: Hub, image_tools: ImageTools, tmp_path: Path
) -> None:
    source = "source/image:1"
    hub.make(b"copied\n", source)
    archive = tmp_path / "image.tar"
    hub.docker.ok("save", "-o", archive, source)
    loaded = image_tools.podman("load", "-i", archive).text.rpartition(": ")[2].strip()
    for number, push in enumerate(("skopeo", "podman"), start=1):
        process = new_version(au2, f"pushed by {push} {number}")
        name = f"docker://{hub.name(process, 1)}"
        if push == "skopeo":
            copied = ("copy", "--dest-tls-verify=false", "--dest-creds", LOGIN)
            image_tools.skopeo(*copied, f"docker-archive:{archive}", name)
        else:
            image_tools.podman("push", PLAIN, "--creds", LOGIN, loaded, name)
        assert status(au2, process) == "AVAILABLE"
        ran = au2("process", "run", process, "--follow")
        assert ran.text.splitlines()[-1] == "copied", ran


def test_base_images_of_ones_own(hub: Hub, image_tools: ImageTools, tmp_path: Path) -> None:
    base = hub.own("base:1")
    for text in (b"first\n", b"second\n"):
        hub.make(text, base)
        hub.docker.ok("push", base)
    hub.docker.ok("rmi", "-f", base)
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nENV MORE=1\n")
    hub.docker.ok("build", "-q", "--pull", "-t", "own/derived", tmp_path)
    assert hub.docker.ok("run", "--rm", "own/derived").text == "second\n"

    image_tools.skopeo("delete", PLAIN, "--creds", LOGIN, f"docker://{base}")
    gone = skopeo("inspect", PLAIN, "--creds", LOGIN, f"docker://{base}")
    assert gone.exit_code != 0
    assert "manifest unknown" in gone.errors


def test_what_comes_gzipped_is_not_sent_or_kept_raw(au2: Au2, hub: Hub, tmp_path: Path) -> None:
    raw, pushed = new_version(au2, "raw"), new_version(au2, "gzipped")
    name = hub.name(pushed, 1)
    hub.make(b"kept once\n", name)
    archive = tmp_path / "image.tar"
    hub.docker.ok("save", "-o", archive, name)
    layer = digest_of(layer_of(archive)).removeprefix("sha256:")
    blobs = hub.server.data_dir / "blobs"

    hub.docker.ok("push", name)
    sent = au2.ok(
        *("process", "version", "upload", "--process", raw, "--ver", "1"),
        *("--file", archive, "--wait"),
    )

    assert "the server had 2 of 2 blobs" in sent.errors, sent
    assert not (blobs / "sha256" / layer[:2] / layer).exists()
    kept = (blobs / "compressed" / layer[:2] / layer).read_text().split()[0]
    digits = kept.removeprefix("sha256:")
    packed = (blobs / "sha256" / digits[:2] / digits).read_bytes()
    assert digest_of(gzip.decompress(packed)).removeprefix("sha256:") == layer
    for process in (raw, pushed):
        ran = au2("process", "run", process, "--follow")
        assert ran.text.splitlines()[-1] == "kept once", ran
    # The one that came raw can be pulled as it came.
    hub.docker.ok("pull", hub.name(raw, 1))


def layer_of(archive: Path) -> bytes:
    with tarfile.open(archive) as members:
        [path] = json.loads(members.extractfile("manifest.json").read())[0]["Layers"]  # type: ignore[union-attr]
        found = members.extractfile(path)
        assert found is not None
        return found.read()


def test_who_may_do_what(
    au2: Au2, people: People, hub: Hub, make_process: Callable[..., Uploaded]
) -> None:
    process = make_process(au2, {"main.py": "print('seen')\n"})
    au2.ok("process", "version", "create", process.process)
    token = au2.json("token", "create", f"registry {process.process}")["token"]
    viewer = au2.json("member", "add", f"sees-{process.process}@example.com", "--role", "viewer")
    login = f"sees-{process.process}@example.com:{viewer['initial_password']}"
    seen, empty = hub.name(process.process, 1), hub.name(process.process, 2)
    hub.make(b"new\n", empty)
    hub.docker.ok("logout", hub.host)

    hub.log_in("whoever", token)
    hub.docker.ok("push", empty)
    hub.docker.ok("logout", hub.host)

    assert skopeo("inspect", PLAIN, "--creds", login, f"docker://{seen}").exit_code == 0
    hub.log_in(*login.split(":"))
    hub.docker.ok("tag", empty, hub.own("viewed:1"))
    refused = hub.docker("push", hub.own("viewed:1"))
    assert refused.exit_code != 0
    assert "denied" in refused.errors

    other = people.admin()
    elsewhere = other.json("organization", "create", f"Elsewhere {process.process}")["id"]
    theirs = f"{hub.host}/org_{elsewhere}/base:1"
    foreign = skopeo("inspect", PLAIN, "--creds", login, f"docker://{theirs}")
    assert foreign.exit_code != 0
    assert "name unknown" in foreign.errors
    nobody = skopeo("inspect", PLAIN, "--no-creds", f"docker://{seen}")
    assert nobody.exit_code != 0
