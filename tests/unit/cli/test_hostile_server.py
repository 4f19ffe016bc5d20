"""Every command against a server that answers what it wants: a sentence, and a terminal that stays.

Answers are made by the server's own OpenAPI document, with hostile values in each field, or are of
another form altogether.
"""

import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from au2.cli.configuration import Configuration, ServerEntry, save
from au2.cli.main import make_root, run
from au2.console.console import Console
from tests.support.images.image_archives import NAME, docker_20, make_image
from tests.support.network.hostile_api import JUNK, NUMBERS, TEXTS, HostileApi, as_json
from tests.support.servers.backend import open_backend
from tests.unit.cli.conftest import Result, Stream
from tests.unit.client.api import ORGANIZATION, PROCESS, PROJECT, Answer, Api, Request

pytestmark = pytest.mark.slow
VERSION = (PROCESS, "1")
COMMANDS = [
    ("process", "list"),
    ("process", "show", PROCESS),
    ("process", "create", "--name", "x"),
    ("process", "update", PROCESS, "--name", "y"),
    ("process", "delete", PROCESS, "--yes"),
    ("process", "args", PROCESS),
    ("process", "run", PROCESS),
    ("process", "run", PROCESS, "--follow"),
    ("process", "run", PROCESS, "--wait"),
    ("process", "run", "by-name", "--ver", "2", "a=1"),
    ("process", "version", "list", PROCESS),
    ("process", "version", "show", *VERSION),
    ("process", "version", "create", PROCESS),
    ("process", "version", "update", *VERSION, "--description", "d"),
    ("process", "version", "publish", *VERSION),
    ("process", "version", "unpublish", *VERSION),
    ("process", "version", "delete", *VERSION, "--yes"),
    ("process", "version", "diff", *VERSION, "2"),
    ("process", "version", "download", *VERSION, "-o", "image.tar"),
    ("process", "version", "download", *VERSION, "--package"),
    ("process", "version", "upload", "--process", PROCESS, "--ver", "1", "--file", "in.tar"),
    ("process", "version", "upload", "--process", PROCESS, "--ver", "1", "--stdin"),
    ("process", "repo", "upload", "package", "--yes"),
    ("process", "repo", "upload", "package", "--yes", "-m", "news", "--publish"),
    ("process", "repo", "diff", "package"),
    ("process", "version", "show", PROCESS),
    ("process", "version", "diff", PROCESS),
    ("job", "list"),
    ("job", "list", "--all-contexts", "--mine"),
    ("job", "show"),
    ("job", "stop", "--yes"),
    ("job", "show", "1"),
    ("job", "why"),
    ("job", "why", "1"),
    ("job", "logs", "1"),
    ("job", "logs", "1", "--follow"),
    ("job", "logs", "1", "--timestamps"),
    ("job", "logs", "1", "--tail", "3"),
    ("job", "output", "1"),
    ("job", "stop", "1"),
    ("job", "wait", "1"),
    ("runtime", "list"),
    ("runtime", "show", "Python3.11"),
    ("runtime", "show", PROCESS),
    ("secret", "list"),
    ("secret", "show", "A"),
    ("secret", "create", "A"),
    ("secret", "ingest", "A", "--stdin"),
    ("secret", "download", "A", "--output-file", "value"),
    ("secret", "delete", "A", "--yes"),
    ("member", "list"),
    ("member", "add", "you@example.org", "--role", "viewer"),
    ("member", "remove", "you@example.org", "--yes"),
    ("organization", "list"),
    ("organization", "create", "--name", "x"),
    ("organization", "rename", ORGANIZATION, "x"),
    ("organization", "delete", ORGANIZATION, "--yes"),
    ("project", "list"),
    ("project", "rename", ORGANIZATION, "x"),
    ("project", "delete", ORGANIZATION, "--yes"),
    ("project", "create", "--name", "x"),
    ("token", "list"),
    ("token", "create", "x"),
    ("token", "delete", "x", "--yes"),
    ("context", "list"),
    ("context", "set", ORGANIZATION),
    ("context", "set", "by-name", "project"),
    ("context", "set", "managed-token", "--stdin"),
    ("context", "show"),
    ("context", "whoami"),
    ("context", "token-info"),
    ("context", "renew"),
    ("login", "--email", "me@example.org", "--password-stdin"),
    ("password", "--stdin"),
    ("whoami",),
    ("token-info",),
    ("renew",),
    ("logout",),
]
MANIFEST = "name: x\nruntime: Python3.11\nmain: main.py\n"
LOG = b"2026 stdout F \x1b]0;title\x07\x1b[31mred\x1b[0m\n\x1b[2J stdout F x\nno record\x1b[2J\n"
EVENT = (
    'event: log\nid: 9\ndata: {"records": [{"time": "\\u001b[2J\\n", "stream": "stdout", '
    '"partial": false, "text": "\\u001b]52;c;eA==\\u0007"}]}\n\n'
)
STEERING = re.compile(r"(?!\x1b\[[0-9;:]*[mK])[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]")
PROGRESS = re.compile(r"\r\x1b\[K")


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with open_backend(tmp_path_factory.mktemp("backend")) as backend:
        return dict(backend.app().openapi())


@pytest.fixture
def home(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a package, an archive and a login."""
    folder = tmp_path / "home" / "work"
    (folder / "package").mkdir(parents=True)
    (folder / "package" / "main.py").write_text("print()\n")
    (folder / "package" / "aunsight.yml").write_text(MANIFEST)
    (folder / "in.tar").write_bytes(docker_20((make_image(b"x"), [NAME])))
    log_in(api, folder)
    monkeypatch.chdir(folder)
    return folder


def log_in(api: Api, folder: Path) -> None:
    entry = ServerEntry(
        token="secret",
        email="me@example.org",
        organization=ORGANIZATION,
        organization_name="Acme",
        project=PROJECT,
        project_name="Forecasting",
    )
    save(Configuration().with_entry(api.url, entry), folder / "au2.json")


def command(api: Api, folder: Path, *words: str) -> Result:
    """Run a command with its output on a terminal and without input."""
    given, out, err = (
        Stream(b"secret\nsecret-2\n"),
        Stream(is_terminal=True),
        Stream(is_terminal=True),
    )
    for stream in (out, err):
        stream.reconfigure(errors="backslashreplace")  # As au2.cli.main does.
    environment = {"AU_CONFIG_FILE": str(folder / "au2.json"), "AU_SERVER": api.url}
    code = run(words, Console(given, out, err), environment)
    return Result(code, out.content(), err.content())


def find_mistakes(result: Result, folder: Path) -> list[str]:
    """Say what is wrong with what a command printed and wrote."""
    text = PROGRESS.sub("", result.out.decode() + result.err.decode())
    found = [said for said in ("bug in au2", "Traceback") if said in text]
    found += map(repr, STEERING.findall(text))
    if re.search(r"^hint: run this", text, re.MULTILINE):
        found.append("a line of its own")
    if len(text) > 20_000_000:
        found.append("too long")
    written = [*folder.parent.iterdir(), *folder.rglob("pwned"), *folder.rglob(".git")]
    found += [str(path) for path in written if path != folder]
    return [f"{one} in {text[:300]}" for one in found]


class Everything(dict[str, Any]):
    """Routes to whatever is asked for."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._answer = answer

    def get(self, _: str, default: Any = None) -> Any:
        return self._answer


def package_of(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return out.getvalue()


def answering(hostile: HostileApi) -> Everything:
    def answer(request: Request) -> Answer:
        path = request.path
        if path.endswith("/logs"):
            return Answer(body=LOG, media_type="application/octet-stream")
        if path.endswith("/follow"):
            end = as_json(hostile.answer("GET", path.removesuffix("/logs/follow"))).decode()
            body = f"{EVENT}event: end\ndata: {end}\n\n".encode()
            return Answer(body=body, media_type="text/event-stream")
        if path.endswith(("/package", "/archive")):
            body = package_of("aunsight.yml", ".git/hooks/post-checkout", "../../out")
            return Answer(body=body, media_type="application/x-tar")
        return Answer(body=as_json(hostile.answer(request.method, path)))

    return Everything(answer)


FOLLOWING = {"--follow", "--wait", "wait"}
"""What waits goes on asking a server whose stream has no end."""
SHOWING = {"list", "show", "logs", "output", "diff", "whoami"}
FORMS: tuple[tuple[str, ...], ...] = ((), ("-o", "json"), ("-o", "yaml"))


def try_all(api: Api, folder: Path, *, follows: bool = True) -> None:
    """Run every command. ``follows``: also those that ask until there is an end."""
    found = {}
    for words in COMMANDS:
        forms = FORMS if SHOWING & set(words) else FORMS[:1]
        for form in forms if follows or not FOLLOWING & set(words) else ():
            log_in(api, folder)
            result = command(api, folder, *words, *form)
            if mistakes := find_mistakes(result, folder):
                found[(*words, *form)] = mistakes
    assert found == {}


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_texts(api: Api, home: Path, contract: dict[str, Any], text: str) -> None:
    api.routes = answering(HostileApi(contract, text=TEXTS[text]))
    try_all(api, home)


@pytest.mark.parametrize("number", NUMBERS)
def test_hostile_numbers(api: Api, home: Path, contract: dict[str, Any], number: str) -> None:
    api.routes = answering(HostileApi(contract, number=NUMBERS[number]))
    try_all(api, home)


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: str(as_json(junk), "ascii"))
def test_answers_of_another_form(api: Api, home: Path, junk: Any) -> None:
    api.routes = Everything(Answer(body=as_json(junk)))
    try_all(api, home, follows=False)


@pytest.mark.parametrize("status", [201, 301, 400, 401, 404, 409, 418, 422, 500, 507])
def test_errors_of_any_status(api: Api, home: Path, status: int) -> None:
    text = TEXTS["escapes"] + TEXTS["lines"]
    error = {"code": text, "message": text, "hint": text, "details": [{"message": text}]}
    api.routes = Everything(Answer(status, as_json({"error": error})))
    try_all(api, home, follows=False)


def test_all_commands_are_tried() -> None:
    def leaves(group: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name in group.list_commands(None):
            below = group.get_command(None, name)
            if hasattr(below, "list_commands"):
                yield from leaves(below, (*words, name))
            else:
                yield (*words, name)

    local = {("process", "repo", name) for name in ("init", "check", "run")} | {("completion",)}
    untried = [
        words
        for words in leaves(make_root(), ())
        if words not in local and not any(tried[: len(words)] == words for tried in COMMANDS)
    ]
    assert untried == []
