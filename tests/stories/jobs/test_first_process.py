"""The manual page's walk, with the real command against a real server."""

import json
import re
from pathlib import Path

from tests.support.checkout import RUNTIME_NAME
from tests.support.commands.command import Au2
from tests.support.commands.people import People
from tests.support.packages.folders import submitted_job

GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
CODE = """\
import json, os, sys

with open(os.environ["AU_ARGS_FILE"]) as file:
    arguments = json.load(file)
print(f"hello {arguments.get('name', 'world')}")
print("to be seen apart", file=sys.stderr)
with open(os.environ["AU_OUTPUT_FILE"], "w") as file:
    json.dump({"greeted": arguments}, file)
"""
VERSION_LIST = """\
┌────┬─────────────┬──────────────┬───────────┐
│ id │ description │ image_status │ published │
├────┼─────────────┼──────────────┼───────────┤
│ 1  │             │ AVAILABLE    │           │
└────┴─────────────┴──────────────┴───────────┘
"""


def init_package(au2: Au2, directory: Path, name: str) -> None:
    directory.mkdir()
    au2.inside(directory).ok(
        *("process", "repo", "init", "--yes", "--name", name),
        *("--description", "Says hello.", "--runtime", RUNTIME_NAME),
    )


def process_id_in(directory: Path, au2: Au2) -> str:
    text = (directory / "aunsight.yml").read_text()
    context = au2.json("context", "show")
    found = re.search(rf"{context['organization']}/{context['project']}\W+({GUID})", text)
    assert found, text
    return found[1]


def test_from_empty_folder_to_output(people: People, tmp_path: Path) -> None:
    au2 = people.admin()
    directory = tmp_path / "my-first-process"
    init_package(au2, directory, "walk")
    there = au2.inside(directory)

    made = {path.name for path in directory.iterdir()}
    assert made == {
        *("aunsight.yml", "args.schema.yml", "out.schema.yml", "env.yml", "main.py", ".auignore"),
    }

    (directory / "main.py").write_text(CODE)
    there.ok("process", "repo", "check")
    uploaded = there.ok("process", "repo", "upload", "--yes", "--wait")
    assert uploaded.text.splitlines()[:3] == [
        "Version created: 1",
        "Uploading package",
        f"Job submitted: {submitted_job(uploaded)}",
    ]

    process = process_id_in(directory, au2)
    listed = there.ok("process", "version", "list", process)
    assert listed.text == VERSION_LIST

    run = there.ok("process", "run", process, "--arg", "name=Ada", "--follow")
    job = submitted_job(run)
    assert "hello Ada" in run.text.splitlines()
    assert "to be seen apart" in run.errors.splitlines()
    assert json.loads(there.ok("job", "output", job).stdout) == {"greeted": {"name": "Ada"}}

    shown = there.json("job", "show", job)
    assert (shown["state"], shown["exit_code"], shown["type"]) == (
        "SUCCEEDED",
        0,
        "au-process:run",
    )
    assert there.ok("job", "logs", job).text.splitlines() == ["hello Ada"]


def test_an_unchanged_package_makes_a_version_only_if_that_is_forced(
    people: People, tmp_path: Path
) -> None:
    au2 = people.admin()
    directory = tmp_path / "twice"
    init_package(au2, directory, "twice")
    there = au2.inside(directory)

    first = there.ok("process", "repo", "upload", "--yes", "--wait")
    known = there.ok("process", "repo", "upload", "--wait")
    forced = there.ok("process", "repo", "upload", "--yes", "--wait", "--force")

    assert first.text.startswith("Version created: 1\n")
    assert "Version 1 is AVAILABLE (build " in first.errors
    assert "Package: 6 files" in first.errors, "the build's log is shown"
    assert known.text == "Unchanged: version 1 is this package already\n"
    assert forced.text.startswith("Version created: 2\n")
    versions = there.json("process", "version", "list", process_id_in(directory, au2))
    assert len(versions) == 2
    assert len({version["image_digest"] for version in versions}) == 1, "same files, same digest"


def test_upload_asks_and_without_terminal_names_the_flag(people: People, tmp_path: Path) -> None:
    au2 = people.admin()
    directory = tmp_path / "asks"
    init_package(au2, directory, "asks")

    result = au2.inside(directory)("process", "repo", "upload")

    assert result.exit_code == 2, result
    assert "--yes" in result.errors


def test_arguments_come_in_three_ways(people: People, tmp_path: Path) -> None:
    au2 = people.admin()
    directory = tmp_path / "arguments"
    init_package(au2, directory, "arguments")
    (directory / "main.py").write_text(CODE)
    there = au2.inside(directory)
    there.ok("process", "repo", "upload", "--yes", "--wait")
    process = process_id_in(directory, au2)
    arguments = {"name": "Grace", "rows": [1, 2.5, None], "deep": {"a": "ü"}}
    (directory / "arguments.json").write_text(json.dumps(arguments))

    for options in (
        ("--args", json.dumps(arguments)),
        ("--args-file", "arguments.json"),
    ):
        run = there.ok("process", "run", process, *options, "--wait")
        output = there.ok("job", "output", submitted_job(run))
        assert json.loads(output.stdout) == {"greeted": arguments}


def test_runtime_list_has_the_columns_that_people_know(au2: Au2) -> None:
    listed = au2.ok("runtime", "list").text

    header = [cell.strip() for cell in listed.splitlines()[1].strip("│").split("│")]
    assert header == ["runtime", "runtime_name", "organization", "project", "VERSION"]
    assert re.search(rf"│ {GUID} │ {RUNTIME_NAME} ", listed)


def test_version_create_prints_type_and_id(au2: Au2) -> None:
    process = au2.json("process", "create", "--name", "made-by-hand")["id"]

    au2.ok("process", "version", "create", process)
    shown = au2.ok("process", "version", "create", process).text

    assert shown.splitlines() == [
        "┌──────┬───────┐",
        "│ type │ image │",
        "├──────┼───────┤",
        "│ id   │ 2     │",
        "└──────┴───────┘",
    ]
