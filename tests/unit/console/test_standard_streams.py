"""Every command of both programs, whatever its standard streams are: it does its work."""

import itertools
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from au2.cli.configuration import Configuration, ServerEntry, save
from tests.support.checkout import AU2, AU2_SERVER
from tests.support.commands.command_tree import Leaf, au2_commands, server_commands
from tests.support.machine.devices import FULL, NULL, make_device
from tests.unit.client.api import ORGANIZATION, PROCESS, Api, job_document, serve

CLOSED: Final = None
NEVER: Final = ("bug in au2", "Traceback", "Exception ignored", "NoneType", "Fatal Python")


class Ended(NamedTuple):
    code: int
    out: bytes
    err: str


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with serve() as served:
        served.answer("POST /jobs", job_document(state="PENDING"), 201)
        served.answer("GET /jobs/12", job_document())
        served.answer("GET /processes", [])
        served.answer("DELETE /tokens/current", None)
        served.answer(f"GET /processes/{PROCESS}/versions", [])
        yield served


@pytest.fixture
def environment(api: Api, tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "config.json"
    entry = ServerEntry(token="secret", email="me@example.org", organization=ORGANIZATION)
    save(Configuration().with_entry(api.url, entry), config)
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("AU")}
    return inherited | {"AU_CONFIG_FILE": str(config), "AU_SERVER": api.url}


def run(
    words: Sequence[str | Path],
    streams: Sequence[Path | int | None],
    environment: Mapping[str, str],
    folder: Path,
) -> Ended:
    """Run a command with three streams: a file, a descriptor, or (None) closed."""
    closing = "".join(f"exec {number}>&-; " for number in range(3) if streams[number] is CLOSED)
    with ExitStack() as stack:
        opened = [
            stack.enter_context(where.open("r+b")) if isinstance(where, Path) else where
            for where in streams
        ]
        done = subprocess.run(
            ["/bin/sh", "-c", f'{closing}exec "$@"', "sh", *words],
            stdin=opened[0],
            stdout=opened[1],
            stderr=opened[2],
            env=dict(environment),
            cwd=folder,
            check=False,
        )
    err = done.stderr.decode(errors="replace") if done.stderr is not None else ""
    assert not any(bad in err for bad in NEVER), err
    return Ended(done.returncode, done.stdout or b"", err)


def command_line(program: Path, leaf: Leaf, folder: Path) -> list[str | Path]:
    data = next((p for p in leaf.command.params if p.name == "data"), None)
    return [program, *leaf.words_with({} if data is None else {data: str(folder / "none")})]


ALL = [(AU2, leaf) for leaf in au2_commands()] + [(AU2_SERVER, leaf) for leaf in server_commands()]


@pytest.mark.parametrize(("program", "leaf"), ALL, ids=lambda value: getattr(value, "name", ""))
def test_every_command_ends_as_with_null_devices(
    environment: dict[str, str], tmp_path: Path, program: Path, leaf: Leaf
) -> None:
    null = make_device(tmp_path / "null", NULL)
    full = make_device(tmp_path / "full", FULL)
    words = command_line(program, leaf, tmp_path)

    expected = run(words, (null, null, subprocess.PIPE), environment, tmp_path)
    closed = run(words, (CLOSED, CLOSED, CLOSED), environment, tmp_path)
    stuffed = run(words, (null, full, full), environment, tmp_path)

    assert closed.code == expected.code, expected
    assert stuffed.code in {expected.code, 1}
    assert not list(tmp_path.glob("[0-9]*"))


@pytest.mark.parametrize(
    "state",
    list(itertools.product((False, True), repeat=3)),
    ids=lambda s: "".join("oc"[c] for c in s),
)
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("process", "run", PROCESS, "--wait"), 0),
        (("job", "show", "13"), 3),
        (("secret", "ingest", "name", "--stdin"), 2),
        (("login", "--email", "me@example.org", "--password-stdin"), 2),
        (("login", "--email", "me@example.org"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_every_combination_of_closed_streams(
    api: Api,
    environment: dict[str, str],
    tmp_path: Path,
    state: tuple[bool, bool, bool],
    words: tuple[str, ...],
    code: int,
) -> None:
    if words[0] == "secret" and not state[0]:
        words = ("secret", "ingest", "name", "--stdin", "--file", "x")  # Empty may be meant.
    null = make_device(tmp_path / "null", NULL)
    streams = [CLOSED if is_closed else null for is_closed in state]
    before = len(api.of("POST /jobs"))

    assert run([AU2, *words], streams, environment, tmp_path).code == code
    assert len(api.of("POST /jobs")) - before == (words[:2] == ("process", "run"))


def test_a_job_whose_number_can_not_be_printed_is_told_of(
    environment: dict[str, str], tmp_path: Path
) -> None:
    full = make_device(tmp_path / "full", FULL)
    null = make_device(tmp_path / "null", NULL)

    ended = run(
        [AU2, "process", "run", PROCESS], (null, full, subprocess.PIPE), environment, tmp_path
    )

    assert ended.code == 1
    assert ended.err.startswith("error: Standard output can't be written: No space left on device.")
    assert "Job submitted: 12" in ended.err


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("process", "run", PROCESS)])
def test_nobody_reads(environment: dict[str, str], tmp_path: Path, words: tuple[str, ...]) -> None:
    null = make_device(tmp_path / "null", NULL)
    for number, code in ((1, 141), (2, 0)):
        reader, writer = os.pipe()
        os.close(reader)
        streams: list[Path | int | None] = [null, null, null]
        streams[number] = writer
        try:
            assert run([AU2, *words], streams, environment, tmp_path).code == code
        finally:
            os.close(writer)


def test_descriptors_of_closed_streams_are_not_taken_by_files(tmp_path: Path) -> None:
    """What is opened next would have their numbers, and get what others print."""
    code = (
        "from au2.console.standard_streams import open_standard_streams as open_streams\n"
        "import os, sys\n"
        "had_input = open_streams()\n"
        "opened = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "print('into nothing'); sys.stdout.flush()\n"
        "assert opened > 2 and not had_input and sys.stdin.read() == ''\n"
        "assert all(os.get_inheritable(number) for number in range(3))\n"
    )
    python = AU2.parent / "python"
    ended = run(
        [python, "-c", code, tmp_path / "f"], (CLOSED, CLOSED, CLOSED), os.environ, tmp_path
    )
    assert ended.code == 0
    assert (tmp_path / "f").read_bytes() == b""
