"""One package, three ways to run it: a plain process, a container of this machine, the platform.

Every test runs on all three with the same expectation, so they agree.
"""

import json
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from au2.domain.jobs.container_contract import Language
from au2.package.template import write_package
from tests.support.checkout import RUNTIME_NAME
from tests.support.commands.command import Au2
from tests.support.packages.folders import Uploaded, run_to_end, upload_package
from tests.support.servers.server_process import ServerProcess

Files = Mapping[str, str | bytes]
Package = Callable[[Files], Path]

WAYS = ("plain", "container", "platform")
_FIRST_LINE = re.compile(rb"\AJob submitted: \d+\n")


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a run, whichever way it went."""

    state: str
    reason: str | None
    reason_text: str | None
    exit_code: int | None
    output: Any
    status: tuple[str | None, float | None]
    arguments: Any
    image_digest: str | None
    shown: str
    """All that was said, for the message of a failed assertion."""
    find_stdout: Callable[[], bytes]

    @property
    def stdout(self) -> bytes:
        """What the code printed there, byte for byte."""
        return self.find_stdout()

    @property
    def lines(self) -> list[str]:
        """The same as text."""
        return self.stdout.decode().splitlines()

    @property
    def end(self) -> tuple[str, str | None, int | None]:
        """State, reason and exit code."""
        return self.state, self.reason, self.exit_code


Run = Callable[..., Ran]


def local_way(au2: Au2, directory: Path, way: str, options: tuple[str, ...]) -> Ran:
    """Run it on this machine: for the record, and again if the bytes are asked for."""
    command = ("process", "repo", "run", directory, f"--{way}", *options)
    recorded = au2(*command, "-o", "json")
    assert recorded.stdout, recorded
    record = recorded.document
    assert record["mode"] == way
    assert (recorded.exit_code == 0) == (record["state"] == "SUCCEEDED"), recorded

    def find_stdout() -> bytes:
        output_file = directory.parent / f"{directory.name}.output.json"
        shown = au2(*command, "--output-file", output_file)
        assert (shown.exit_code == 0) == (record["state"] == "SUCCEEDED"), shown
        if output_file.exists():
            assert json.loads(output_file.read_text()) == record["output"]
        return shown.stdout

    return Ran(
        find_stdout=find_stdout,
        shown=str(recorded),
        status=(record["status_text"], record["progress"]),
        **{
            name: record[name]
            for name in ("state", "reason", "reason_text", "exit_code", "output", "arguments")
        },
        image_digest=record["image_digest"],
    )


def platform_way(au2: Au2, process: Uploaded, options: tuple[str, ...]) -> Ran:
    """Run it as a job."""
    result, job = run_to_end(au2, process, *options)
    version = au2.json("process", "version", "show", process.process, str(process.version))
    return Ran(
        find_stdout=lambda: _FIRST_LINE.sub(b"", result.stdout),
        shown=f"{result}\n{job}",
        status=(job["status_text"], job["progress"]),
        **{
            name: job[name]
            for name in ("state", "reason", "reason_text", "exit_code", "output", "arguments")
        },
        image_digest=version["image_digest"],
    )


@pytest.fixture
def local_au2(au2: Au2, short_directory: Path, runtime_cache: Path) -> Au2:
    """An ``au2`` with a cache of its own, where built runtimes are."""
    env = {
        "XDG_CACHE_HOME": str(short_directory / "cache"),
        "AU2_RUNTIMES_CACHE_DIR": str(runtime_cache),
        "TOKEN": "a-value-of-some-length",
    }
    return Au2(au2.config_file, au2.server_url, au2.cwd, env)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """``package({"main.py": …})`` → its folder, with the files that `repo init` makes."""

    def make(files: Files) -> Path:
        folder = tmp_path / f"package-{uuid4().hex[:8]}"
        write_package(
            folder,
            name=folder.name,
            description="Made by a test.",
            runtime=RUNTIME_NAME,
            language=Language.PYTHON,
        )
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return make


@pytest.fixture(params=WAYS)
def run(request: pytest.FixtureRequest, local_au2: Au2, package: Package) -> Run:
    """``run({"main.py": …}, "--arg", "a=1")`` → what became of it, this way."""

    def go(files: Files, *options: str) -> Ran:
        if request.param == "platform":
            return platform_way(local_au2, upload_package(local_au2, package(files)), options)
        return local_way(local_au2, package(files), request.param, options)

    return go


def test_success_with_output_and_status(run: Run) -> None:
    code = """\
import aunsight
arguments = aunsight.arguments()
print("days", arguments["days"])
aunsight.status("half way", 0.5)
aunsight.write_output({"doubled": 2 * arguments["days"], "name": arguments["name"]})
"""
    ran = run({"main.py": code}, "--arg", "days=7", "--arg", "name=Zoë")

    assert ran.end == ("SUCCEEDED", None, 0), ran.shown
    assert ran.lines == ["days 7"]
    assert ran.output == {"doubled": 14, "name": "Zoë"}
    assert ran.status == ("half way", 0.5)
    assert ran.reason_text is None


def test_exit_code(run: Run) -> None:
    ran = run({"main.py": "raise SystemExit(42)\n"})

    assert ran.end == ("FAILED", "exit-code", 42), ran.shown
    assert ran.reason_text == "The code exited with code 42."


@pytest.mark.parametrize(("number", "code"), [(9, 137), (11, 139)])
def test_death_by_a_signal(run: Run, number: int, code: int) -> None:
    ran = run({"main.py": f"import os\nos.kill(os.getpid(), {number})\n"})

    assert ran.end == ("FAILED", "exit-code", code), ran.shown
    assert signal.Signals(number).name in (ran.reason_text or "")


def test_hooks_in_order_with_what_they_know(run: Run) -> None:
    ran = run(
        {
            "before.sh": 'echo "before [${AU_EXIT_CODE-unset}]" | tee seen\r\n',
            "main.py": "print(open('seen').read().strip(), 'main')\nraise SystemExit(6)\n",
            "after.sh": 'echo "after $AU_EXIT_CODE $(cat seen)"\n',
        }
    )

    assert ran.lines == ["before [unset]", "before [unset] main", "after 6 before [unset]"]
    assert ran.end == ("FAILED", "exit-code", 6), ran.shown


def test_failing_before(run: Run) -> None:
    ran = run(
        {
            "before.sh": "exit 9\n",
            "main.py": "print('never')\n",
            "after.sh": 'echo "after [$AU_EXIT_CODE]"\n',
        }
    )

    assert ran.lines == ["after []"]
    assert ran.end == ("FAILED", "before-failed", 9), ran.shown


def test_failing_after(run: Run) -> None:
    ran = run({"main.py": "print('fine')\n", "after.sh": "exit 2\n"})

    assert ran.lines == ["fine"]
    assert ran.end == ("FAILED", "after-failed", 2), ran.shown


def test_time_out_runs_after(run: Run) -> None:
    files = {
        "main.py": "import time\nprint('begun')\ntime.sleep(60)\n",
        "after.sh": 'echo "after $AU_EXIT_CODE"\n',
    }
    ran = run(files, "--timeout", "2s")

    assert ran.lines == ["begun", "after 143"]
    assert ran.end == ("FAILED", "timed-out", 143), ran.shown


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("open(path, 'w').write('nonsense')", "not JSON"),
        ("open(path, 'w').write('{\"a\": \"' + 'x' * (1 << 20) + '\"}')", "larger than 1 MiB"),
        ("os.symlink('/etc/passwd', path)", "can't be read"),
    ],
)
def test_output_that_is_not_valid(run: Run, code: str, told: str) -> None:
    ran = run({"main.py": f"import os\npath = os.environ['AU_OUTPUT_FILE']\n{code}\n"})

    assert ran.end == ("FAILED", "invalid-output", 0), ran.shown
    assert told in (ran.reason_text or "")
    assert ran.output is None


def test_output_of_a_failed_run_is_kept(run: Run) -> None:
    code = "import aunsight\naunsight.write_output({'so': 'far'})\nraise SystemExit(1)\n"

    assert run({"main.py": code}).output == {"so": "far"}


SCHEMA = """\
type: object
properties:
  city: {type: string}
  days: {type: integer, default: 7}
  where: {$ref: "#/$defs/where"}
required: [city]
additionalProperties: false
$defs:
  where:
    type: object
    default: {}
    properties:
      zone: {type: string, default: UTC}
"""
ECHO = "import aunsight\naunsight.write_output({'got': aunsight.arguments()})\n"


def test_defaults_of_the_schema_are_filled_in(run: Run) -> None:
    ran = run({"main.py": ECHO, "args.schema.yml": SCHEMA}, "--arg", "city=Rome")

    expected = {"city": "Rome", "days": 7, "where": {"zone": "UTC"}}
    assert ran.output == {"got": expected}, ran.shown
    assert ran.arguments == expected


def test_output_that_does_not_match_its_schema(run: Run) -> None:
    schema = "type: object\nproperties:\n  n: {type: integer}\nrequired: [n]\n"
    code = "import aunsight\naunsight.write_output({'n': 'seven'})\n"

    ran = run({"main.py": code, "out.schema.yml": schema})

    assert ran.end == ("FAILED", "invalid-output", 0), ran.shown
    assert "/n" in (ran.reason_text or "")


def test_no_output_although_there_is_a_schema(run: Run) -> None:
    schema = "type: object\nproperties:\n  n: {type: integer}\nrequired: [n]\n"

    ran = run({"main.py": "", "out.schema.yml": schema})

    assert ran.end == ("FAILED", "invalid-output", 0), ran.shown


ENVIRONMENT = """\
import os, aunsight
mine = {"KEPT", "GIVEN", "VERSION", "ANSWER", "LANG", "PYTHONUNBUFFERED", "TOKEN", "EMPTY"}
aunsight.write_output({
    "own": {name: value for name, value in os.environ.items() if name in mine},
    "platform": sorted(name for name in os.environ if name.startswith("AU_")),
    "files": {
        name: os.path.basename(os.environ[name])
        for name in ("AU_ARGS_FILE", "AU_OUTPUT_FILE", "AU_STATUS_FILE", "AU_SCRATCH_DIR")
    },
    "scratch": os.path.isdir(os.environ["AU_SCRATCH_DIR"]),
    "beside": sorted(os.listdir(os.path.dirname(os.environ["AU_ARGS_FILE"]))),
    "stream": os.environ["AU_LOGGER_STREAM"] == "job-" + os.environ["AU_JOB"] + "-1",
    "folder": os.getcwd() == os.environ["PWD"],
    "input": os.read(0, 1).decode(),
})
"""


def test_what_the_code_is_given(run: Run) -> None:
    files = {
        "main.py": ENVIRONMENT,
        "env.yml": "KEPT: package\nGIVEN: package\nVERSION: 1.10\nANSWER: NO\n",
    }
    ran = run(files, "--env", "GIVEN=submission", "--env", "EMPTY=")

    assert ran.end == ("SUCCEEDED", None, 0), ran.shown
    assert ran.output == {
        "own": {
            "KEPT": "package",
            "GIVEN": "submission",
            "VERSION": "1.10",
            "ANSWER": "NO",
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "EMPTY": "",
        },
        "platform": [
            "AU_AFTER_GRACE_SECONDS",
            "AU_ARGS_FILE",
            "AU_JOB",
            "AU_LOGGER_STREAM",
            "AU_ORGANIZATION",
            "AU_OUTPUT_FILE",
            "AU_PROCESS",
            "AU_PROCESS_VERSION",
            "AU_PROJECT",
            "AU_SCRATCH_DIR",
            "AU_STATUS_FILE",
            "AU_STOP_GRACE_SECONDS",
        ],
        "files": {
            "AU_ARGS_FILE": "args.json",
            "AU_OUTPUT_FILE": "output.json",
            "AU_STATUS_FILE": "status.json",
            "AU_SCRATCH_DIR": "scratch",
        },
        "scratch": True,
        "beside": ["args.json", "scratch"],
        "stream": True,
        "folder": True,
        "input": "",
    }, ran.shown


def test_files_of_the_package(run: Run) -> None:
    code = """\
import os, aunsight
found = []
for folder, _, names in os.walk("."):
    for name in names:
        path = os.path.join(folder, name)[2:]
        kind = "link" if os.path.islink(path) else "x" if os.access(path, os.X_OK) else "file"
        found.append([path, kind])
open("written", "w").close()
aunsight.write_output({"found": sorted(found)})
"""
    ran = run(
        {
            "main.py": code,
            ".auignore": "*.tmp\n",
            "left.tmp": "out",
            "data/naïve 🙂.txt": "in",
        }
    )

    paths = [path for path, _ in ran.output["found"]]
    assert "data/naïve 🙂.txt" in paths, ran.shown
    assert "left.tmp" not in paths
    assert set(paths) >= {"main.py", "aunsight.yml", ".auignore", "env.yml"}


def test_bytes_that_are_no_text(run: Run) -> None:
    code = """\
import sys
line = b"x" * 100_000
sys.stdout.buffer.write(b"\\xff\\xfe\\x00 one\\n\\r\\n\\x1b[1m two \\n" + line + b"\\nend")
"""
    ran = run({"main.py": code})

    expected = b"\xff\xfe\x00 one\n\r\n\x1b[1m two \n" + b"x" * 100_000 + b"\nend"
    assert ran.stdout.rstrip(b"\n") == expected
    assert ran.end == ("SUCCEEDED", None, 0)


def test_refused_before_anything_runs(local_au2: Au2, package: Package) -> None:
    directory = package({"main.py": "print('never')\n", "args.schema.yml": SCHEMA})
    process = upload_package(local_au2, directory)
    bad = ("--args", '{"days": "many", "other": 1}')

    refused = [
        local_au2("process", "repo", "run", directory, "--plain", *bad),
        local_au2("process", "repo", "run", directory, "--container", *bad),
        local_au2("process", "run", process.process, *bad),
    ]

    # Where the schema is to be looked up differs, and is told in the hint.
    told = {(one.exit_code, one.stdout, one.errors.partition("hint:")[0]) for one in refused}
    assert len(told) == 1, refused
    assert "/days" in refused[0].errors


def test_the_image_is_the_very_same(
    local_au2: Au2, server: ServerProcess, package: Package
) -> None:
    directory = package({"main.py": "print(1)\n", "before.sh": "true\r\n"})
    process = upload_package(local_au2, directory)
    version = local_au2.json("process", "version", "show", process.process, "1")

    ran = local_au2.json(
        *("process", "repo", "run", process.directory, "--container"),
        *("--data-dir", server.data_dir),
    )

    assert ran["image_digest"] == version["image_digest"]


def test_secrets_are_given_and_covered(local_au2: Au2, package: Package) -> None:
    code = "import os\nprint(len(os.environ['TOKEN']), os.environ['TOKEN'])\n"
    files = {"main.py": code, "env.yml": "TOKEN: {secret: weather}\n"}
    directory = package(files)

    for way in ("--plain", "--container"):
        shown = local_au2.ok("process", "repo", "run", directory, way)
        assert shown.text == "22 ***\n", shown
