"""Processes that say what they take and give."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commands.command import Au2
from tests.support.packages.folders import Uploaded, run_to_end

MakePackage = Callable[..., Path]
MakeProcess = Callable[..., Uploaded]

ARGS = """\
type: object
properties:
  zip:
    type: string
    pattern: ^[0-9]{5}$
    description: Where to look.
  days:
    type: integer
    minimum: 1
    default: 7
required: [zip]
additionalProperties: false
"""
OUT = """\
type: object
properties:
  days: {type: integer}
required: [days]
"""
ECHO = """\
import os, shutil
shutil.copy(os.environ["AU_ARGS_FILE"], os.environ["AU_OUTPUT_FILE"])
"""
LARGE = """\
import json, os
json.dump({"days": 1, "x": "x" * (1 << 20)}, open(os.environ["AU_OUTPUT_FILE"], "w"))
"""
WRITE = "import os\nopen(os.environ['AU_OUTPUT_FILE'], 'w').write({!r})\n"


@pytest.fixture
def structured(au2: Au2, make_process: MakeProcess) -> Uploaded:
    return make_process(au2, {"main.py": ECHO, "args.schema.yml": ARGS, "out.schema.yml": OUT})


def test_arguments_have_types_and_defaults(au2: Au2, structured: Uploaded) -> None:
    shown = au2.ok("process", "args", structured.process).text
    assert "Where to look." in shown

    _, job = run_to_end(au2, structured, "--arg", "zip=01234")
    assert job["state"] == "SUCCEEDED"
    assert job["arguments"] == {"zip": "01234", "days": 7}
    assert au2.json("job", "output", str(job["id"])) == {"zip": "01234", "days": 7}

    version = au2.json("process", "version", "show", structured.process, "1")
    assert version["args_schema"]["properties"]["days"]["default"] == 7
    assert version["out_schema"]["required"] == ["days"]
    assert "required:" in au2.ok("process", "version", "show", structured.process, "1").text


def test_no_job_is_made_of_wrong_arguments(au2: Au2, structured: Uploaded) -> None:
    before = au2.json("job", "list")
    for options, says in (
        (("--arg", "days=2"), "/arguments: 'zip' is missing"),
        (("--arg", "zip=1"), "/arguments/zip: expected a text that matches"),
        (("--arg", "zip=01234", "--arg", "days=many"), "/arguments/days: expected an integer"),
        (("--args", '{"zip": "01234", "x": 1}'), "/arguments/x: there is no such property"),
    ):
        result = au2("process", "run", structured.process, *options)
        assert result.exit_code == 2, result
        assert says in result.errors
    assert au2.json("job", "list") == before


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (WRITE.format('{"days": "x"}'), '/days: expected an integer, not "x"'),
        (WRITE.format("{}"), "'days' is missing"),
        (WRITE.format("days"), "is not JSON"),
        (WRITE.format("[1]"), "must be a JSON object"),
        (LARGE, "larger than 1 MiB"),
        ("pass\n", "wrote no output"),
        ("import os\nos.mkdir(os.environ['AU_OUTPUT_FILE'])\n", "can't be read"),
        ("import os\nos.symlink('/etc/passwd', os.environ['AU_OUTPUT_FILE'])\n", "can't be read"),
    ],
)
def test_output_that_is_not_what_was_promised(
    au2: Au2, make_process: MakeProcess, code: str, says: str
) -> None:
    process = make_process(au2, {"main.py": code, "out.schema.yml": OUT})

    _, job = run_to_end(au2, process)

    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "invalid-output", 0)
    assert says in job["reason_text"]
    assert "root:" not in str(job)


def test_schemas_that_are_none_are_found_before_anything_is_sent(
    au2: Au2, make_package: MakePackage
) -> None:
    package = make_package(au2)
    before = au2.json("job", "list")
    for text, says in (
        ("type: object\nrequired: days\n", "args.schema.yml:2: /required"),
        ("$ref: '#'\n", "without end"),
        ("$ref: https://example.com/schema.json\n", "outside this file"),
        ("x: [\n", "args.schema.yml:"),
        ("properties:\n" + "".join(f"  p{n}: {{}}\n" for n in range(30_000)), "20000"),
        ("#" * (1 << 20) + "\n", "larger than 1 MiB"),
    ):
        (package / "args.schema.yml").write_text(text)
        for command in ("check", "upload"):
            options = ("--yes",) if command == "upload" else ()
            result = au2("process", "repo", command, package, *options)
            assert result.exit_code == 1, result
            assert says in result.errors
    assert au2.json("job", "list") == before
