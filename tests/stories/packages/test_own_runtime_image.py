"""A runtime that is built on an image of the organization's own, out of the server's registry."""

import base64
import json
import re
import uuid
from pathlib import Path

from tests.support.commands.command import Au2
from tests.support.images.docker import Docker
from tests.support.images.registry_clients import reachable
from tests.support.packages.folders import fill_package, run_to_end, upload_package
from tests.support.servers.server_process import EMAIL, ServerProcess, run_server_command


def test_a_runtime_on_an_image_of_ones_own(
    server: ServerProcess, au2: Au2, docker: Docker, tmp_path: Path
) -> None:
    token = au2.json("token", "create", f"builder {uuid.uuid4()}")["token"]
    [python] = [each for each in au2.json("runtime", "list") if each["name"] == "Python3.11"]
    with reachable(server, docker) as host:
        base = f"{host}/org_{server.ids['organization']}/python:1"
        docker.copy_image(server.data_dir, python["image_digest"], "own/python:1")
        (tmp_path / "Dockerfile").write_text("FROM own/python:1\nENV COLOUR=green\n")
        docker.ok("build", "-q", "-t", base, tmp_path)
        docker.ok("login", "-u", EMAIL, "--password-stdin", host, stdin=token.encode())
        docker.ok("push", base)
        docker.ok("logout", host)

    logins, recipe = tmp_path / "config.json", tmp_path / "own.toml"
    login = base64.b64encode(f"builder:{token}".encode()).decode()
    logins.write_text(json.dumps({"auths": {host: {"auth": login}}}))
    name = f"Own {uuid.uuid4()}"
    recipe.write_text(
        f'id = "{uuid.uuid4()}"\nname = "{name}"\nlanguage = "python"\nversion = 1\n'
        f'[image]\nreference = "{base}"\n'
    )
    built = run_server_command(
        *("runtime", "build", "--recipe", recipe, "--data-dir", server.data_dir),
        env={
            **server.env,
            "AU2_RUNTIMES_CACHE_DIR": str(tmp_path / "cache"),
            "AU2_RUNTIMES_REGISTRY_LOGINS": str(logins),
        },
    )
    assert built.exit_code == 0, built
    assert token not in built.text + built.errors

    code = "import os\nprint('colour', os.environ['COLOUR'])\n"
    package = fill_package(au2, tmp_path / "package", {"main.py": code})
    manifest = package / "aunsight.yml"
    manifest.write_text(
        re.sub(r"^runtime: .*$", f"runtime: {name}", manifest.read_text(), flags=re.M)
    )
    result, job = run_to_end(au2, upload_package(au2, package))
    assert job["state"] == "SUCCEEDED", result
    assert "colour green" in result.text
