"""au2 from its wheel in a virtual environment of its own: the client, then the server."""

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.commands.command import run_command
from tests.support.servers.installing import (
    Distributions,
    build_distributions,
    install,
    make_environment,
    pip_environment,
)

SERVER_ONLY = {"SQLAlchemy", "alembic", "argon2-cffi", "cryptography", "fastapi", "uvicorn", "uv"}
MANIFEST = """\
name: greeter
description: Says hello.
runtime: Python3.11
"""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    return build_distributions(tmp_path_factory.mktemp("dist"))


@pytest.mark.timeout(900)  # pip fetches and unpacks what is not in its cache.
def test_the_client_is_installed_first_and_the_server_by_the_command_it_names(
    distributions: Distributions, tmp_path: Path
) -> None:
    environment = make_environment(tmp_path / "au2")
    install(environment, str(distributions.wheel))
    assert not environment.distributions() & SERVER_ONLY

    version = run_command(environment.bin / "au2", "--version", cwd=tmp_path)
    package = tmp_path / "package"
    package.mkdir()
    (package / "main.py").write_text("print('hello')\n")
    (package / "aunsight.yml").write_text(MANIFEST)
    checked = run_command(environment.bin / "au2", "process", "repo", "check", cwd=package)
    helped = run_command(environment.bin / "au2-server", "--help", cwd=tmp_path)
    refused = run_command(
        *(environment.bin / "au2-server", "init", "--data-dir", tmp_path / "data"),
        *("--email", "ada@example.com", "--password-stdin"),
        stdin=b"a good password\n",
        cwd=tmp_path,
    )

    assert version.exit_code == 0, version
    assert checked.exit_code == 0, checked
    assert helped.exit_code == 0, helped
    assert refused.exit_code == 1, refused
    assert "without the packages that a server needs" in refused.errors
    assert "Traceback" not in refused.errors
    assert not (tmp_path / "data").exists()

    command = re.search(r"^hint: Install them: (.*)$", refused.errors, re.MULTILINE)
    assert command is not None, refused
    subprocess.run(shlex.split(command[1]), check=True, env=pip_environment(), cwd=tmp_path)

    assert environment.distributions() > SERVER_ONLY
    done = run_command(
        *(environment.bin / "au2-server", "init", "--email", "ada@example.com"),
        *("--password-stdin", "--organization", "Acme"),
        stdin=b"a good password\n",
        cwd=tmp_path,
        env={**pip_environment(), "AU2_DATA_DIR": str(tmp_path / "data")},
    )
    assert done.exit_code == 0, done
    assert f"au2-server start --data-dir {tmp_path / 'data'}" in done.errors
    assert (tmp_path / "data" / "database" / "au2.sqlite3").is_file()
    installed = {path.name for path in (environment.root / "share" / "au2").iterdir()}
    assert installed == {path.name for path in (ROOT / "deploy").iterdir()}


def test_the_sdist_makes_the_same_wheel(distributions: Distributions, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    offline = ["--no-build-isolation", "--no-index", "--wheel-dir", tmp_path]
    subprocess.run([*command, *offline, distributions.sdist], check=True)

    [again] = tmp_path.glob("*.whl")
    assert read_contents(again) == read_contents(distributions.wheel)


def read_contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
