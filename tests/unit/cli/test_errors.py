"""Whatever goes wrong: one sentence, the right exit code, nothing on stdout."""

import socket
from pathlib import Path

import pytest

from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import PROCESS, Answer, Api


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (422, "invalid-request", 2),
        (401, "token-expired", 4),
        (403, "not-permitted", 4),
        (404, "not-found", 3),
        (409, "conflict", 5),
        (507, "storage-full", 1),
        (500, "internal", 1),
        (503, "server-unreachable", 6),
    ],
)
def test_exit_codes(api: Api, au2: CommandLine, status: int, code: str, exit_code: int) -> None:
    api.fail(f"GET /processes/{PROCESS}", status, code, "It went wrong.", hint="Do this.")

    result = au2("process", "show", PROCESS)

    assert result.exit_code == exit_code
    assert result.out == b""
    assert result.errors == "error: It went wrong.\nhint: Do this.\n"


def test_details_are_told_one_a_line(api: Api, au2: CommandLine) -> None:
    details = [{"message": "no", "pointer": "/a"}, {"message": "bad", "file": "f", "line": 2}]
    api.fail("POST /jobs", 422, "invalid-request", "Wrong.", details=details)

    result = au2("process", "run", PROCESS)

    assert result.errors == "error: Wrong.\n  /a: no\n  f:2: bad\n"


def test_no_server(au2: CommandLine) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = au2("login", "--server", url, "--email", "a", "--password-stdin", stdin=b"x")

    assert result.exit_code == 6
    assert url in result.errors


def test_no_server_known(anonymous: CommandLine) -> None:
    del anonymous.environment["AU_SERVER"]

    result = anonymous("process", "list")

    assert result.exit_code == 2
    assert "au2 login --server" in result.errors


def test_not_logged_in(anonymous: CommandLine) -> None:
    result = anonymous("process", "list")

    assert result.exit_code == 4
    assert "au2 login" in result.errors


def test_no_context(api: Api, anonymous: CommandLine) -> None:
    api.answer("POST /login", _token())
    anonymous.ok("login", "--email", "a@b", "--password-stdin", stdin=b"x")

    result = anonymous("process", "list")

    assert result.exit_code == 2
    assert "au2 context set" in result.errors


def _token() -> dict[str, object]:
    return {
        "id": "t",
        "kind": "login",
        "name": "",
        "created_at": "2026-01-01T00:00:00Z",
        "expires_at": None,
        "last_used_at": None,
        "token": "secret",
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["proces"], "Did you mean process"),
        (["job", "lits"], "Did you mean list"),
        (["Process"], "Did you mean process?"),
        (["login", "--server"], "See: au2 login --help"),
        (["run", "forecast"], "Did you mean au2 process run?"),
        (["logs", "12"], "Did you mean au2 job logs?"),
        (["upload"], "Did you mean au2 process repo upload?"),
        (["init"], "Did you mean au2 process repo init?"),
        (["ps"], "Did you mean au2 job list?"),
        (["process", "run"], "Name the process"),
        (["process", "run", "p", "--memry", "1"], "--memory"),
        (["process", "version", "show", "p", "0"], "0"),
        (["job", "show", "twelve"], "'twelve' is not a whole number"),
        (["process", "list", "-o", "xml"], "'table', 'json', 'yaml'"),
        (["process", "update", PROCESS], "Nothing to change"),
        (["process", "run", PROCESS, "--exit-code"], "--wait"),
        (["process", "run", PROCESS, "--memory", "much"], "512MiB"),
        (["process", "run", PROCESS, "--arg", "novalue"], "wants K=V"),
        (["process", "run", PROCESS, "--secret", "novalue"], "wants K=NAME"),
        (["process", "run", PROCESS, "--arg", "a=1", "--args", "{}"], "Give one of"),
        (["process", "run", PROCESS, "--args", "[1]"], "JSON object"),
        (["process", "run", PROCESS, "--args", '{"a": NaN}'], "JSON"),
        (
            ["process", "run", PROCESS, "--args-file", "/nowhere"],
            "No such file or directory: '/nowhere'",
        ),
        (["process", "repo", "check", "/nowhere"], "'/nowhere' does not exist"),
        (["process", "repo", "upload", "/nowhere"], "'/nowhere' does not exist"),
        (["process", "repo", "run", __file__], "is a file"),
        (["process", "repo", "run", "--output-file", "/nowhere/x"], "no folder '/nowhere'"),
        (["process", "repo", "upload", "--new", "--process", "p"], "not both"),
        (["token", "create", "x", "--expires", "soon"], "90d"),
        (["context", "set", "managed-token", "x"], "no further"),
        (["--server", "ftp://x", "process", "list"], "not the address"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use(au2: CommandLine, arguments: list[str], told: str) -> None:
    result = au2(*arguments)

    assert result.exit_code == 2
    assert told in result.errors
    assert result.out == b""


def test_a_broken_configuration(anonymous: CommandLine) -> None:
    anonymous.config_file.parent.mkdir()
    for content in (
        b"{",
        b"[]",
        b'{"servers": {"a": 1}}',
        b"\xff",
        b'{"servers":{"a":{"token":1}}}',
    ):
        anonymous.config_file.write_bytes(content)

        result = anonymous("context", "show")

        assert result.exit_code == 1
        assert str(anonymous.config_file) in result.errors


def test_names_cannot_steer_the_terminal(api: Api, au2: CommandLine) -> None:
    api.fail(f"GET /processes/{PROCESS}", 404, "not-found", "No \x1b[31mred\x07\u202e.")

    errors = au2("process", "show", PROCESS).errors

    assert "\x1b" not in errors
    assert "\x07" not in errors
    assert "\\x1b[31mred\\x07\\u202e" in errors


def test_a_mistake_of_ours_is_told_as_such(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.routes["GET /jobs/1/output"] = Answer(body=b'{"a": "\\ud800"}')
    au2.environment["AU_CONFIG_FILE"] = str(tmp_path)

    result = au2("job", "output", "1")

    assert result.exit_code == 1
    assert "Traceback" not in result.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["login"],
        ["login", "--email", "me@x"],
        ["context", "set", "managed-token"],
        ["process", "delete", PROCESS],
        ["process", "version", "delete", PROCESS, "1"],
    ],
    ids=" ".join,
)
def test_a_question_that_cannot_be_asked_names_its_flag(
    anonymous: CommandLine, au2: CommandLine, arguments: list[str]
) -> None:
    person = au2 if arguments[0] == "process" else anonymous
    if arguments == ["login"]:
        person.config_file.unlink(missing_ok=True)

    result = person(*arguments)

    flags = {"login": "--", "context": "--stdin", "process": "--yes"}
    assert result.exit_code == 2
    assert "no terminal" in result.errors
    assert flags[arguments[0]] in result.errors
