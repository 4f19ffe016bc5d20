"""Run the real ``au2`` as a person would: own configuration file, no terminal."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.checkout import AU2


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind."""

    command: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode()

    @property
    def errors(self) -> str:
        """Standard error as text."""
        return self.stderr.decode()

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.stdout)

    def __str__(self) -> str:
        """Everything, for the message of a failed assertion."""
        parts = (
            f"$ {' '.join(self.command)}\nexit code {self.exit_code}",
            "--- stdout\n" + self.stdout.decode(errors="replace"),
            "--- stderr\n" + self.stderr.decode(errors="replace"),
        )
        return "\n".join(parts)


def run_command(
    *command: str | Path,
    stdin: bytes | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Run a command to its end and return what it did, whatever its exit code."""
    words = tuple(str(word) for word in command)
    done = subprocess.run(
        words,
        cwd=cwd,
        env=None if env is None else dict(env),
        # Without given input there is none: a question must end in an error and not wait.
        input=stdin or b"",
        capture_output=True,
        check=False,
    )
    return Result(words, done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class Au2:
    """One person's ``au2``: their configuration file, against one server."""

    config_file: Path
    server_url: str
    cwd: Path | None = None
    extra_env: Mapping[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """The environment that the command gets."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AU_", "AU2_"))}
        return {
            **inherited,
            "AU_CONFIG_FILE": str(self.config_file),
            "AU_SERVER": self.server_url,
            **self.extra_env,
        }

    def __call__(
        self, *arguments: str | Path, stdin: bytes | None = None, cwd: Path | None = None
    ) -> Result:
        """Run ``au2`` with these arguments."""
        return run_command(AU2, *arguments, stdin=stdin, cwd=cwd or self.cwd, env=self.env)

    def ok(
        self, *arguments: str | Path, stdin: bytes | None = None, cwd: Path | None = None
    ) -> Result:
        """Run ``au2`` and insist that it succeeds."""
        result = self(*arguments, stdin=stdin, cwd=cwd)
        assert result.exit_code == 0, result
        return result

    def json(self, *arguments: str | Path, cwd: Path | None = None) -> Any:
        """Run a read command with ``-o json`` and return the document."""
        return self.ok(*arguments, "-o", "json", cwd=cwd).document

    def background(
        self, *arguments: str | Path, cwd: Path | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start ``au2`` and return at once; the caller waits for it or ends it."""
        return subprocess.Popen(
            [str(AU2), *map(str, arguments)],
            cwd=cwd or self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def inside(self, directory: Path) -> "Au2":
        """Return the same person's ``au2``, working in ``directory``."""
        return Au2(self.config_file, self.server_url, directory, self.extra_env)
