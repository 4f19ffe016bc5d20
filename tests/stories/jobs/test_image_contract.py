"""An image version with the contract of a package: its runs are held to it, in a real container."""

import json
from pathlib import Path

import pytest

from tests.support.commands.command import Au2
from tests.support.images.busybox import BUSYBOX, make_layer
from tests.support.images.docker import Docker

NAME = "au2-test/contract:latest"
JOB = """\
grep -q '"days":7' "$AU_ARGS_FILE" || grep -q '"days": 7' "$AU_ARGS_FILE" || exit 3
echo "level $LEVEL, secret of ${#PASSWORD} characters"
/bin/busybox tr '\\0' '\\n' < /proc/$$/environ | grep -E '^(spring|a-b)'
echo "{\\"sum\\": $SUM}" > "$AU_OUTPUT_FILE"
"""
CONTRACT = {
    "args.yml": "properties:\n  city: {type: string}\n  days: {type: integer, default: 7}\n"
    "required: [city]\n",
    "out.yml": "properties:\n  sum: {type: integer, minimum: 1}\nrequired: [sum]\n",
    "env.yml": "LEVEL: 1.10\nSUM: 5\nPASSWORD: {secret: CONTRACT_PASSWORD}\n",
}


@pytest.fixture
def archive(docker: Docker) -> bytes:
    """What ``docker save`` gives of an image whose shell script uses everything."""
    links = dict.fromkeys(("bin/sh", "bin/grep"), "busybox")
    layer = make_layer({"bin/busybox": BUSYBOX.read_bytes(), "job.sh": JOB.encode()}, links)
    command = 'CMD ["/bin/sh", "/job.sh"]'
    changes = ("--change", command, "--change", "ENV PATH=/bin LEVEL=image")
    docker.ok("import", *changes, "-", NAME, stdin=layer)
    return docker.ok("save", NAME).stdout


def test_runs_of_an_image_are_held_to_its_contract(
    au2: Au2, docker: Docker, archive: bytes, tmp_path: Path
) -> None:
    for name, text in CONTRACT.items():
        (tmp_path / name).write_text(text)
    process = au2.json("process", "create", "--name", "contract")["id"]
    au2.ok("secret", "create", "CONTRACT_PASSWORD")
    au2.ok("secret", "ingest", "CONTRACT_PASSWORD", "--stdin", stdin=b"0123456789")
    made = au2.ok(
        *("process", "version", "create", process, "--args-schema", tmp_path / "args.yml"),
        *("--out-schema", tmp_path / "out.yml", "--env", tmp_path / "env.yml"),
    )
    assert "│ image │" in made.text
    upload = ("process", "version", "upload", "--process", process, "--ver", "1", "--stdin")
    au2.ok(*upload, "--wait", stdin=archive)

    version = au2.json("process", "version", "show", process, "1")
    assert version["image_status"] == "AVAILABLE"
    assert version["environment"]["LEVEL"] == "1.10"
    assert "days" in au2.ok("process", "args", process).text

    refused = au2("process", "run", process, "--arg", "days=3")
    assert refused.exit_code == 2
    assert "'city' is missing" in refused.errors
    run = ("process", "run", process, "--arg", "city=Bonn", "--follow")
    ran = au2.ok(*run)
    assert "level 1.10, secret of 10 characters" in ran.text
    dotted = au2.ok(*run, "--env", "spring.datasource.url=jdbc:x", "--env", "a-b=c")
    assert {"spring.datasource.url=jdbc:x", "a-b=c"} <= set(dotted.text.splitlines())
    wrong = au2(*run, "--env", "SUM=0")
    assert wrong.exit_code == 1
    assert "/sum" in wrong.errors

    # And back again: another Docker would load it under the name that tells where it is from.
    back = au2.ok("process", "version", "download", process, "1").stdout
    docker.ok("image", "rm", NAME)
    loaded = docker.ok("load", stdin=back).text
    name = loaded.removeprefix("Loaded image: ").strip()
    assert name.endswith(f"/process_{process}:1")
    [image] = json.loads(docker.ok("image", "inspect", name).stdout)
    assert image["Config"]["Cmd"] == ["/bin/sh", "/job.sh"]
