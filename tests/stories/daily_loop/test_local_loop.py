"""Working on a package without a server: as somebody does who has just begun."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pexpect
import pytest

from tests.support.checkout import AU2
from tests.support.commands.command import Au2, run_command

MANIFEST = "name: demo\nruntime: Python3.11\n"
WAYS = ("--plain", "--container")

Package = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def au2(tmp_path: Path, short_directory: Path, runtime_cache: Path) -> Au2:
    """Somebody who has never logged in, and whose server, if there was one, is gone."""
    env = {
        "XDG_CACHE_HOME": str(short_directory / "loop"),
        "AU2_RUNTIMES_CACHE_DIR": str(runtime_cache),
    }
    return Au2(tmp_path / "config.json", "http://127.0.0.1:9", tmp_path, env)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    def make(files: Mapping[str, str]) -> Path:
        folder = tmp_path / "package"
        folder.mkdir()
        for name, text in {"aunsight.yml": MANIFEST, **files}.items():
            (folder / name).write_text(text)
        return folder

    return make


@contextlib.contextmanager
def typed(au2: Au2, folder: Path, *arguments: str) -> "Iterator[pexpect.spawn[bytes]]":
    """``repo run`` at a terminal."""
    command = ["process", "repo", "run", str(folder), *arguments]
    terminal = pexpect.spawn(str(AU2), command, env=dict(au2.env), timeout=120)
    try:
        yield terminal
    finally:
        terminal.close(force=True)


@pytest.mark.parametrize("way", WAYS)
def test_run_in_the_folder_itself(au2: Au2, package: Package, way: str) -> None:
    code = "import aunsight\nprint('hello', end='')\naunsight.write_output({'a': 1})\n"
    folder = package({"main.py": code})

    shown = au2.inside(folder).ok("process", "repo", "run", way)

    assert shown.text == 'hello\n{\n  "a": 1\n}\n'
    assert "Run SUCCEEDED" in shown.errors
    assert {path.name for path in folder.iterdir()} == {"aunsight.yml", "main.py"}


@pytest.mark.parametrize("way", WAYS)
def test_exit_codes(au2: Au2, package: Package, way: str) -> None:
    folder = package({"main.py": "raise SystemExit(7)\n"})

    assert au2("process", "repo", "run", folder, way).exit_code == 1
    assert au2("process", "repo", "run", folder, way, "--exit-code").exit_code == 7


@pytest.mark.parametrize("way", WAYS)
def test_the_record_stands_alone_on_stdout(au2: Au2, package: Package, way: str) -> None:
    folder = package({"main.py": "print('said')\nraise SystemExit(7)\n", "after.sh": "true\n"})

    shown = au2("process", "repo", "run", folder, way, "-o", "json")

    record = json.loads(shown.stdout)
    assert (record["state"], record["reason"], record["exit_code"]) == ("FAILED", "exit-code", 7)
    assert [phase["name"] for phase in record["phases"]] == ["prepare", "run", "entry", "after"]
    assert "said" in shown.errors


CREDENTIALS = {
    "AU_TOKEN": "au2-of-the-shell",
    "AU_PASSWORD": "password-of-the-shell",
    "AU2_SECRET_KEY": "key-of-the-shell",
    "GITHUB_TOKEN": "token-of-the-shell",
    "NVM_AUTH_HEADER": "header-of-the-shell",
    "CONDA_TOKEN": "conda-of-the-shell",
    "MISE_GITHUB_TOKEN": "mise-of-the-shell",
}


@pytest.mark.parametrize("way", WAYS)
def test_credentials_of_the_shell_never_reach_the_code(
    au2: Au2, package: Package, way: str
) -> None:
    code = "import os, pathlib\nprint(dict(os.environ))\n"
    hook = "env\ncat /proc/self/environ\n"
    folder = package({"main.py": code, "before.sh": hook, "after.sh": hook})
    with_credentials = replace(au2, extra_env={**au2.extra_env, **CREDENTIALS})

    shown = with_credentials.ok("process", "repo", "run", folder, way)

    assert "AU_JOB" in shown.text
    for name, value in CREDENTIALS.items():
        assert name not in shown.text
        assert value not in shown.text


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_stops_it_with_its_grace(au2: Au2, package: Package, way: str) -> None:
    files = {
        "main.py": "import time\nprint('ready', flush=True)\ntime.sleep(600)\n",
        "after.sh": 'echo "after $AU_EXIT_CODE"\n',
    }
    with typed(au2, package(files), way) as terminal:
        terminal.expect("ready")
        terminal.sendintr()
        terminal.expect("after 143")
        terminal.expect("STOPPED")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 130


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_also_where_sigint_was_ignored_at_the_start(
    au2: Au2, package: Package, way: str
) -> None:
    """As a script's background job, and a program that is started by one, begin."""
    code = "import time\nprint('ready', flush=True)\ntime.sleep(600)\n"
    folder = package({"main.py": code, "after.sh": "echo after\n"})
    command = ["-c", 'trap "" INT QUIT; exec "$0" "$@"', str(AU2), "process", "repo", "run"]
    terminal = pexpect.spawn("sh", [*command, str(folder), way], env=dict(au2.env), timeout=120)
    try:
        terminal.expect("ready")
        terminal.sendintr()
        terminal.expect("after")
        terminal.expect("STOPPED")
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close(force=True)
    assert terminal.exitstatus == 130


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_twice_kills_it(au2: Au2, package: Package, way: str) -> None:
    code = (
        "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: print('told', flush=True))\n"
        "print('ready', flush=True)\nwhile True:\n    time.sleep(1)\n"
    )
    files = {"main.py": code, "after.sh": "echo cleared up\n"}
    with typed(au2, package(files), way) as terminal:
        terminal.expect("ready")
        terminal.sendintr()
        terminal.expect("told")
        terminal.sendintr()
        assert terminal.expect(["cleared up", pexpect.EOF]) == 1
        terminal.close()
        assert terminal.exitstatus == 130


@pytest.mark.parametrize("way", WAYS)
def test_watch(au2: Au2, package: Package, way: str) -> None:
    folder = package({"main.py": "print('one')\n", "after.sh": "echo cleared up\n"})

    def save(text: str) -> None:
        (folder / "main.py").write_text(text)

    with typed(au2, folder, way, "--watch") as terminal:
        for text, expected in (
            (None, "one"),
            ("print('two')\n", "two"),
            ("print('three'\n", "SyntaxError"),
        ):
            if text is not None:
                save(text)
            terminal.expect(expected)
            terminal.expect("cleared up")
            terminal.expect("Waiting")
        (folder / "env.yml").write_text("AU_JOB: 1\n")
        terminal.expect(r"env.yml saved")
        terminal.expect(r"env.yml:1: 'AU_JOB' can't be set")
        terminal.expect("Waiting")
        (folder / "env.yml").unlink()
        terminal.expect("Waiting")
        save("import time\nprint('long', flush=True)\ntime.sleep(600)\n")
        terminal.expect("long")
        save("print('after all')\n")
        terminal.expect("cleared up")
        terminal.expect("main.py saved")
        terminal.expect("after all")
        terminal.expect("Waiting")
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 130


def test_a_run_that_was_killed_leaves_nothing_for_the_next(
    au2: Au2, package: Package, short_directory: Path
) -> None:
    folder = package({"main.py": "import time\nprint('ready', flush=True)\ntime.sleep(600)\n"})
    process = au2.background("process", "repo", "run", folder, "--container")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.communicate()
    (folder / "main.py").write_text("print('next')\n")

    assert au2.ok("process", "repo", "run", folder, "--container").text == "next\n"

    local = short_directory / "loop" / "au2" / "local"
    assert list((local / "containers").iterdir()) == []


def test_several_at_once(au2: Au2, package: Package) -> None:
    folder = package({"main.py": "import time\ntime.sleep(0.5)\nprint('done')\n"})

    started = [au2.background("process", "repo", "run", folder, "--container") for _ in range(3)]

    assert [process.communicate()[0] for process in started] == [b"done\n"] * 3


def test_without_the_runtime_it_is_a_plain_process(au2: Au2, package: Package) -> None:
    folder = package({"main.py": "print(1)\n"})
    (folder / "aunsight.yml").write_text("name: demo\nruntime: Nowhere9\n")

    shown = au2.ok("process", "repo", "run", folder)
    refused = au2("process", "repo", "run", folder, "--container")

    assert "The runtime 'Nowhere9' is not on this machine" in shown.errors
    assert "plain process" in shown.errors
    assert refused.exit_code == 3
    assert "au2-server runtime build" in refused.errors


def test_without_root_it_is_a_plain_process(au2: Au2, package: Package) -> None:
    folder = package({"main.sh": "id -u\n"})
    # Nobody in particular, who may still read root's files: Python itself may lie among them.
    command = ("unshare", "--user", "--", AU2, "process", "repo", "run", folder)

    shown = run_command(*command, env=au2.env)

    assert "containers need root" in shown.errors, shown
    assert shown.text != "0\n"
    assert "SUCCEEDED" in shown.errors


def test_a_closed_pipe_ends_it(au2: Au2, package: Package) -> None:
    folder = package({"main.sh": "while :; do echo more; done\n"})
    process = au2.background("process", "repo", "run", folder, "--plain")
    assert process.stdout is not None
    assert process.stdout.readline() == b"more\n"
    process.stdout.close()

    assert process.stderr is not None
    process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141


def test_a_request_to_end_is_a_stop(au2: Au2, package: Package) -> None:
    folder = package({"main.sh": "echo ready; sleep 600\n", "after.sh": "echo after\n"})
    process = au2.background("process", "repo", "run", folder, "--plain")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)

    out, _ = process.communicate()

    assert out == b"after\n"


def test_typed_arguments_and_mistakes_of_the_command_line(au2: Au2, package: Package) -> None:
    schema = "type: object\nproperties:\n  days: {type: integer}\n  name: {type: string}\n"
    folder = package({"main.sh": 'cat "$AU_ARGS_FILE"\n', "args.schema.yml": schema})
    command = ("process", "repo", "run", folder, "--plain")

    shown = au2.ok(*command, "--arg", "days=7", "--arg", "name=7")
    assert json.loads(shown.text) == {"days": 7, "name": "7"}
    for options in (
        ("--arg", "days=many"),
        ("--arg", "days"),
        ("--args", "[]"),
        ("--container",),
        ("--env", "A=1", "--secret", "A=s"),
        ("--timeout", "soon"),
        ("--network", "some"),
        ("--data-dir", os.devnull),
    ):
        refused = au2(*command, *options)
        assert refused.exit_code == 2 or options[0] == "--data-dir", refused
        assert not refused.stdout or options[0] == "--data-dir", refused


def test_help_is_quick_and_needs_no_server_part() -> None:
    """Neither the database nor HTTP is imported for a plain run."""
    code = (
        "import sys\nimport au2.cli.packages.local_run\n"
        "print(sorted({'sqlalchemy', 'httpx', 'fastapi', 'inotify_simple'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert done.stdout == b"[]\n"
