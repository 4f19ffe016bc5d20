"""Runtimes that an operator makes, renews and retires, and those who use them."""

import re
import uuid
from pathlib import Path

import pytest

from tests.support.commands.command import Au2, Result
from tests.support.commands.people import People
from tests.support.packages.folders import Uploaded, fill_package, run_to_end, upload_package
from tests.support.servers.server_process import ServerProcess, run_server_command

CODE = "import os\nprint('colour:', os.environ['COLOUR'])\n"


class Operator:
    """Makes a runtime of their own from a recipe."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self.server = server
        self.id = str(uuid.uuid4())
        self.name = f"Painted {self.id[:8]}"
        self.recipe = folder / "painted.toml"
        # Not the shared one: these are built once.
        self.env = {**server.env, "AU2_RUNTIMES_CACHE_DIR": str(folder / "cache")}

    def __call__(self, *words: str | Path) -> Result:
        return run_server_command(
            "runtime", *words, "--data-dir", self.server.data_dir, env=self.env
        )

    def build(self, colour: str, *options: str) -> Result:
        self.recipe.write_text(
            f'id = "{self.id}"\nname = "{self.name}"\nlanguage = "python"\nversion = 7\n'
            f'base = "Python3.11"\n[environment]\nCOLOUR = "{colour}"\n'
        )
        return self("build", "--recipe", self.recipe, *options, "-o", "json")

    def package(self, au2: Au2, folder: Path) -> Path:
        package = fill_package(au2, folder, {"main.py": CODE})
        manifest = package / "aunsight.yml"
        text = re.sub(r"^runtime: .*$", f"runtime: {self.name}", manifest.read_text(), flags=re.M)
        manifest.write_text(text)
        return package


@pytest.fixture
def operator(server: ServerProcess, tmp_path: Path) -> Operator:
    return Operator(server, tmp_path)


def names(au2: Au2) -> list[str]:
    return [runtime["name"] for runtime in au2.json("runtime", "list")]


def colour_of(au2: Au2, uploaded: Uploaded, *options: str) -> str:
    result, job = run_to_end(au2, uploaded, *options)
    assert job["state"] == "SUCCEEDED", result
    found = re.search("colour: (.*)", result.text + result.errors)
    assert found, result
    return found[1]


def test_renewed_and_retired(operator: Operator, people: People, tmp_path: Path) -> None:
    au2 = people.member("developer")
    built = operator.build("red").document
    assert (built["version"], built["organization"]) == (7, None)
    assert operator.name in names(au2)
    package = operator.package(au2, tmp_path / "painted")
    first = upload_package(au2, package)
    assert colour_of(au2, first) == "red"

    assert operator.build("red").document["version"] == 7, "nothing changed"
    assert operator.build("blue").document["version"] == 8
    second = upload_package(au2, package)
    assert (second.process, second.version) == (first.process, 2)
    assert colour_of(au2, first, "--ver", "2") == "blue"
    assert colour_of(au2, first, "--ver", "1") == "red"
    shown = operator("show", operator.name, "-o", "json").document
    assert [one["version"] for one in shown["versions"]] == [8, 7]
    assert {"python3.11", "dash"} <= {package["name"] for package in shown["packages"]}

    retired = operator("retire", operator.name, "-o", "json")
    assert retired.document["retired_at"]
    assert operator.name not in names(au2)
    assert operator.name not in operator("list").text
    assert operator.name in operator("list", "--all").text
    refused = au2("process", "repo", "upload", package, "--yes", "--force")
    assert (refused.exit_code, "is retired" in refused.errors) == (5, True), refused
    assert "au2 runtime list" in refused.errors
    assert colour_of(au2, first, "--ver", "1") == "red"

    assert operator.build("blue").document["retired_at"] is None
    assert operator.name in names(au2)


def test_owned_by_a_project(operator: Operator, people: People, tmp_path: Path) -> None:
    admin, ids = people.admin(), operator.server.ids
    owner = ("--organization", ids["organization"], "--project", ids["project"])
    built = operator.build("green", *owner).document
    assert (built["organization"], built["project"]) == (ids["organization"], ids["project"])
    listed = admin.ok("runtime", "list").text
    [line] = [line for line in listed.splitlines() if operator.name in line]
    assert [ids["organization"], ids["project"], "7"] == [
        cell.strip() for cell in line.strip("│").split("│")
    ][2:]
    package = operator.package(admin, tmp_path / "green")
    assert colour_of(admin, upload_package(admin, package)) == "green"

    outside = people.admin()
    elsewhere = outside.json("organization", "create", f"Elsewhere {operator.id}")
    for context in ((elsewhere["id"],), (ids["organization"],)):
        outside.ok("context", "set", *context)
        assert operator.name not in names(outside)
        for runtime in (operator.name, operator.id):
            manifest = package / "aunsight.yml"
            text = re.sub(r"^runtime: .*$", f"runtime: {runtime}", manifest.read_text(), flags=re.M)
            manifest.write_text(text)
            refused = outside("process", "repo", "upload", package, "--yes", "--new")
            assert refused.exit_code == 3, refused
            assert "no runtime" in refused.errors, refused

    moved = operator.build("green")
    assert (moved.exit_code, "for everybody" in moved.errors) == (5, True), moved


def test_an_owner_who_is_not_here(operator: Operator) -> None:
    refused = operator("build", "SF Runtime")
    assert refused.exit_code == 3
    assert "f9acae51-9c4d-4080-a300-03a161a93496" in refused.errors
    assert "--organization" in refused.errors
    assert "--organization-id" in refused.errors


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("Python3.11", "--rootfs", "x.tar"),
        ("Python3.11", "--rootfs", "x.tar", "--sha256", "12"),
        ("Python3.11", "--image", "UPPER/case"),
        ("Python3.11", "Python3.11 Torch", "--image", "python:3.11"),
        ("Python3.11", "--project", "09985c71-a4de-4eb7-9e58-8574f108459f"),
        ("Python3.11", "--everybody", "--organization", "09985c71-a4de-4eb7-9e58-8574f108459f"),
        ("--recipe", "/no/such/file.toml"),
    ],
)
def test_wrong_words(operator: Operator, words: tuple[str, ...]) -> None:
    refused = operator("build", *words)
    assert refused.exit_code != 0
    assert refused.errors.startswith("error: "), refused
    assert "Traceback" not in refused.errors
