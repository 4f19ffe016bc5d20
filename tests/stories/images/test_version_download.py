"""What was uploaded can be had back: the image by other tools, the package by its author."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.support.commands.command import Au2, run_command
from tests.support.commands.people import People
from tests.support.images.docker import Docker
from tests.support.packages.folders import Uploaded, fill_package, upload_package
from tests.support.servers.server_process import ServerProcess

FILES = {
    "main.py": "print('hello from the package')\n",
    "before.sh": "echo before\r\n",
    "env.yml": "COLOUR: blue\n",
    "data/größe.bin": bytes(range(256)) * 100,
}
DOWNLOAD = ("process", "version", "download")


def image_name(server: ServerProcess, au2: Au2, uploaded: Uploaded) -> str:
    process = au2.json("process", "show", uploaded.process)
    place = server.url.removeprefix("http://")
    repository = f"org_{process['organization']}/process_{uploaded.process}"
    return f"{place}/{repository}:{uploaded.version}"


def test_docker_loads_and_runs_it(
    server: ServerProcess, au2: Au2, make_process: Callable[..., Uploaded], docker: Docker
) -> None:
    process = make_process(au2, FILES)
    with subprocess.Popen(
        [*docker.command, "load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=docker.env
    ) as load:
        sent = au2.ok(*DOWNLOAD, process.process, "1")
        loaded, _ = load.communicate(sent.stdout)

    name = image_name(server, au2, process)
    assert loaded.decode() == f"Loaded image: {name}\n"
    assert "Received" in sent.errors
    ran = docker.ok("run", "--rm", name)
    assert ran.text.splitlines() == ["before", "hello from the package"]


def test_podman_and_skopeo_take_the_file(
    server: ServerProcess,
    au2: Au2,
    make_process: Callable[..., Uploaded],
    tmp_path: Path,
    short_directory: Path,
) -> None:
    process = make_process(au2, FILES)
    file = tmp_path / "image.tar"
    au2.ok(*DOWNLOAD, process.process, "1", "-o", file)
    name = image_name(server, au2, process)

    for kind in ("docker-archive", "oci-archive"):
        inspected = run_command("skopeo", "inspect", f"{kind}:{file}")
        assert inspected.exit_code == 0, inspected
        assert json.loads(inspected.stdout)["Labels"]["au2.launcher.version"]
    digest = run_command("skopeo", "inspect", "--format", "{{.Digest}}", f"oci-archive:{file}")
    version = au2.json("process", "version", "show", process.process, "1")
    assert digest.text.strip() == version["image_digest"]

    # Podman takes no longer path than 50 characters for what is for the moment.
    run_root = short_directory / "podman"
    podman = ("podman", "--storage-driver", "vfs", "--root", tmp_path / "root")
    podman = (*podman, "--runroot", run_root)
    loaded = run_command(*podman, "load", "--input", file)
    assert loaded.exit_code == 0, loaded
    assert name in loaded.text
    run_command(*podman, "rmi", "--all", "--force")


def test_a_package_comes_back_and_is_known_again(people: People, tmp_path: Path) -> None:
    au2 = people.admin()
    package = fill_package(au2, tmp_path / "forecast", FILES)
    (package / "before.sh").chmod(0o755)
    (package / "latest").symlink_to("data/größe.bin")
    process = upload_package(au2, package).process

    back = tmp_path / "back"
    au2.ok(*DOWNLOAD, process, "1", "--package", "-o", back)

    for path in FILES:
        assert (back / path).read_bytes() == (package / path).read_bytes()
    assert (back / "before.sh").stat().st_mode & 0o111
    assert not (back / "main.py").stat().st_mode & 0o111
    assert (back / "latest").readlink() == Path("data/größe.bin")
    again = au2.ok("process", "repo", "upload", back, "--yes")
    assert again.text == "Unchanged: version 1 is this package already\n"

    # Nothing but the id tells the process: a changed name does not make another.
    manifest = back / "aunsight.yml"
    manifest.write_text(manifest.read_text().replace("name: ", "name: another-", 1))
    uploaded = upload_package(au2, back)
    assert (uploaded.process, uploaded.version) == (process, 2)
    other = people.member("viewer", of=au2).inside(tmp_path)
    other.ok(*DOWNLOAD, process, "2", "--package", "-o", "theirs")
    assert "name: another-" in (tmp_path / "theirs/aunsight.yml").read_text()


def test_what_is_not_there_can_not_be_had(
    people: People, make_process: Callable[..., Uploaded], tmp_path: Path
) -> None:
    au2 = people.admin().inside(tmp_path)
    process = make_process(au2, FILES).process
    number = au2.json("process", "version", "create", process)["version"]

    empty = au2(*DOWNLOAD, process, str(number), "-o", "image.tar")
    missing = au2(*DOWNLOAD, process, "9", "-o", "image.tar")
    anonymous = people.anonymous()(*DOWNLOAD, process, "1", "-o", "image.tar")

    assert (empty.exit_code, missing.exit_code, anonymous.exit_code) == (5, 3, 4)
    assert "is NONE, not AVAILABLE" in empty.errors
    assert not (tmp_path / "image.tar").exists()
