"""A server with a certificate of its own, and who trusts it."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.commands.people import MakePeople
from tests.support.packages.folders import Uploaded, run_to_end
from tests.support.servers.certificates import Certificates, make_certificates
from tests.support.servers.fixtures import MakeServer
from tests.support.servers.server_process import EMAIL, PASSWORD, ServerProcess, run_server_command


def settings(files: Certificates) -> dict[str, str]:
    return {
        "AU2_SERVER_TLS_CERTIFICATE": str(files.certificate),
        "AU2_SERVER_TLS_KEY": str(files.key),
    }


def start_with(make_server: MakeServer, files: Certificates) -> ServerProcess:
    server = make_server(env=settings(files))
    server.scheme = "https"
    server.start()
    return server


def test_who_trusts_the_authority_works_as_ever(
    make_server: MakeServer,
    make_people: MakePeople,
    make_process: Callable[..., Uploaded],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = make_certificates(tmp_path)
    server = start_with(make_server, files)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    au2 = make_people(server).admin()
    process = make_process(au2, {"main.py": "print('hello')\n"})

    result, job = run_to_end(au2, process)

    assert job["state"] == "SUCCEEDED", result
    assert "hello" in result.text

    suspicious = replace(au2, extra_env={"SSL_CERT_FILE": "/dev/null"})
    refused = suspicious("process", "list")
    assert refused.exit_code == 6, refused
    assert "certificate" in refused.errors

    # A registry client of somebody else's, told of the same authority.
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    shutil.copy(files.authority, trusted / "ca.crt")
    name = f"127.0.0.1:{server.port}/org_{server.ids['organization']}/process_{process.process}:1"
    inspected = subprocess.run(
        [
            *("skopeo", "inspect", "--cert-dir", str(trusted)),
            *("--creds", f"{EMAIL}:{PASSWORD}", f"docker://{name}"),
        ],
        capture_output=True,
        check=False,
    )
    assert inspected.returncode == 0, inspected.stderr


def test_a_certificate_that_can_not_be_used_is_told_at_the_start(
    make_server: MakeServer, tmp_path: Path
) -> None:
    files, others = make_certificates(tmp_path), tmp_path / "others"
    others.mkdir()
    server = make_server()
    missing = tmp_path / "missing.key"
    for env, said in (
        (
            settings(files._replace(key=make_certificates(others).key)),
            "no certificate with its key",
        ),
        (settings(files._replace(key=missing)), str(missing)),
        ({"AU2_SERVER_TLS_CERTIFICATE": str(files.certificate)}, "give both or none"),
    ):
        started = run_server_command(
            *("start", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0"), env=env
        )
        assert started.exit_code != 0
        assert said in started.errors, started
