"""`au2 process repo diff`: the folder against the newest version with contents."""

import hashlib
import re
from pathlib import Path

import pytest

from au2.package.process_ids import set_process_id
from tests.unit.cli.conftest import CommandLine
from tests.unit.cli.package_store import RUNTIME, runtime_document
from tests.unit.client.api import ORGANIZATION, PROCESS, PROJECT, Api, version_document

VERSIONS = f"GET /processes/{PROCESS}/versions"
SCHEMA = {"type": "object", "properties": {"days": {"type": "integer"}}}


def _version(number: int, **more: object) -> dict[str, object]:
    return version_document(number, runtime=RUNTIME, runtime_version=4, **more)


def entry(path: str, content: bytes, **more: object) -> dict[str, object]:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"path": path, "size_bytes": len(content), "sha256": sha256, **more}


@pytest.fixture
def folder(api: Api, au2: CommandLine, package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a package, uploaded as it is as version 3; version 4 failed."""
    for name in ("args.schema.yml", "out.schema.yml", "env.yml"):
        (package / name).write_text("")
    files = [entry(path.name, path.read_bytes()) for path in package.iterdir()]
    manifest = package / "aunsight.yml"
    key = f"{ORGANIZATION}/{PROJECT}"
    manifest.write_text(set_process_id(manifest.read_text(), key, PROCESS))
    monkeypatch.chdir(package)
    newer = [version_document(5, type="image"), version_document(4, image_status="FAILED")]
    api.answer(VERSIONS, [_version(3), _version(2), *newer])
    api.answer(f"GET /runtimes/{RUNTIME}", runtime_document())
    api.answer(f"{VERSIONS}/3/files", files)
    return package


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines[1:]]


def test_files_that_differ(au2: CommandLine, folder: Path) -> None:
    (folder / "main.py").write_bytes(b"print(1)\n")
    (folder / "new.txt").write_bytes(b"ab")
    (folder / "env.yml").chmod(0o755)
    (folder / "out.schema.yml").unlink()

    shown = au2.ok("process", "repo", "diff")

    assert "From version 3 to the folder" in shown.errors
    found = {row[1]: row[2:] for row in rows(shown.text)}
    assert found["new.txt"] == ["added", "", "2 bytes"]
    assert found["env.yml"] == ["run bit", "0644", "0755"]
    assert found["out.schema.yml"][0] == "removed"
    assert found["main.py"][0] == "changed"
    assert len(found) == 4


def test_no_difference(api: Api, au2: CommandLine, folder: Path) -> None:
    shown = au2.ok("process", "repo", "diff")
    document = au2.ok("process", "repo", "diff", "-o", "json").document

    assert shown.out == b""
    assert "no differences from version 3" in shown.errors
    assert (document["version"], document["files"]) == (3, [])
    assert {request.method for request in api.requests} == {"GET"}


def test_schemas_and_environment(api: Api, au2: CommandLine, folder: Path) -> None:
    old = {"args_schema": SCHEMA, "environment": {"A": "1", "K": {"secret": "key"}}}
    api.answer(VERSIONS, [_version(3, **old)])
    (folder / "args.schema.yml").write_text(
        "type: object\nproperties: {days: {type: string}}\nrequired: [days]\n"
    )
    (folder / "env.yml").write_text("A: '2'\n")

    found = rows(au2.ok("process", "repo", "diff").text)

    assert ["environment", "A", "changed", "1", "2"] in found
    assert ["environment", "K", "removed", "secret key", ""] in found
    assert any(row[0] == "arguments" and row[2] == "breaks callers" for row in found)


def test_runtime_and_resources(api: Api, au2: CommandLine, folder: Path) -> None:
    """An upload takes the newest version of the runtime, whatever the last version has."""
    api.answer(VERSIONS, [_version(3, resources={"cpu": 1.0, "memory_bytes": 1 << 20})])
    api.answer(f"GET /runtimes/{RUNTIME}", runtime_document(version=5))
    with (folder / "aunsight.yml").open("a") as manifest:
        manifest.write("resources:\n  cpu: 2\n")

    found = rows(au2.ok("process", "repo", "diff").text)
    document = au2.ok("process", "repo", "diff", "-o", "json").document

    assert ["runtime", RUNTIME, "changed", "version 4", "version 5"] in found
    assert ["resources", "cpu", "changed", "1.0", "2.0"] in found
    assert ["resources", "memory_bytes", "removed", "1048576", ""] in found
    assert document["new_runtime"] == {"id": RUNTIME, "version": 5}
    # A version that the manifest states stays.
    manifest_file = folder / "aunsight.yml"
    manifest_file.write_text(manifest_file.read_text() + "runtime_version: 4\n")
    assert "version 5" not in au2.ok("process", "repo", "diff").text


def test_a_runtime_that_is_not_there(api: Api, au2: CommandLine, folder: Path) -> None:
    manifest = folder / "aunsight.yml"
    manifest.write_text(re.sub("(?m)^runtime:.*$", "runtime: Python3.12", manifest.read_text()))

    result = au2("process", "repo", "diff")

    assert result.exit_code == 3
    assert "no runtime 'Python3.12'" in result.errors
    assert "Did you mean 'Python3.11'?" in result.errors


def test_nothing_to_compare_with(api: Api, au2: CommandLine, folder: Path) -> None:
    api.answer(VERSIONS, [version_document(1, image_status="FAILED")])

    result = au2("process", "repo", "diff")

    assert result.exit_code == 3
    assert "au2 process repo upload" in result.errors


def test_a_package_with_errors(au2: CommandLine, folder: Path) -> None:
    (folder / "env.yml").write_text("[")

    assert au2("process", "repo", "diff").exit_code == 1
