"""The command line in this process: real server on loopback, streams in memory."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from au2.cli.configuration import Configuration, ServerEntry, load, save
from au2.cli.main import run
from au2.console.console import Console
from tests.unit.cli.package_store import RUNTIME, Store, runtime_document
from tests.unit.client.api import ORGANIZATION, PROJECT, Api, serve


@dataclass(frozen=True)
class Result:
    exit_code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def errors(self) -> str:
        return self.err.decode()

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class Stream(io.TextIOWrapper):
    """A text stream in memory that may claim to be a terminal."""

    def __init__(self, content: bytes = b"", *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8", newline="", write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def content(self) -> bytes:
        self.flush()
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue()


@dataclass
class CommandLine:
    """``au2`` of one user."""

    config_file: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: object, stdin: bytes | None = None, typed: str = "") -> Result:
        """Run; ``typed`` is the input at a terminal."""
        is_terminal = bool(typed)
        given = Stream(stdin or typed.encode(), is_terminal=is_terminal)
        out, err = Stream(), Stream(is_terminal=is_terminal)
        code = run([str(word) for word in arguments], Console(given, out, err), self.environment)
        return Result(code, out.content(), err.content())

    def ok(self, *arguments: object, stdin: bytes | None = None, typed: str = "") -> Result:
        result = self(*arguments, stdin=stdin, typed=typed)
        assert result.exit_code == 0, result
        return result

    @property
    def configuration(self) -> Configuration:
        return load(self.config_file)


@pytest.fixture
def api() -> Iterator[Api]:
    with serve() as served:
        yield served


@pytest.fixture
def anonymous(api: Api, tmp_path: Path) -> CommandLine:
    """``au2`` of a user without a login."""
    config_file = tmp_path / "config" / "au2.json"
    environment = {"AU_CONFIG_FILE": str(config_file), "AU_SERVER": api.url}
    return CommandLine(config_file, environment)


@pytest.fixture
def au2(api: Api, anonymous: CommandLine) -> CommandLine:
    """``au2`` of a user with a login and a context."""
    entry = ServerEntry(
        token="secret",
        email="me@example.org",
        organization=ORGANIZATION,
        organization_name="Acme",
        project=PROJECT,
        project_name="Forecasting",
    )
    save(Configuration().with_entry(api.url, entry), anonymous.config_file)
    return anonymous


@pytest.fixture
def store(api: Api) -> Store:
    return Store(api)


@pytest.fixture
def package(api: Api, au2: CommandLine, tmp_path: Path) -> Path:
    """A new package called forecast."""
    api.answer("GET /runtimes", [runtime_document()])
    api.answer(f"GET /runtimes/{RUNTIME}", runtime_document())
    directory = tmp_path / "forecast"
    au2.ok("process", "repo", "init", directory, "--yes")
    api.requests.clear()
    return directory
