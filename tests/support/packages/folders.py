"""Fixtures: packages on disk, and processes made from them."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import RUNTIME_NAME
from tests.support.commands.command import Au2, Result

_numbers = itertools.count(1)
_SUBMITTED = re.compile(r"Job submitted: (\d+)")


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A process with one version, ready to run."""

    process: str
    version: int
    directory: Path


def submitted_job(result: Result) -> str:
    """Return the id in ``Job submitted: ID``."""
    found = _SUBMITTED.search(result.text)
    assert found, result
    return found[1]


def fill_package(
    au2: Au2, directory: Path, files: Mapping[str, str | bytes], *, runtime: str = RUNTIME_NAME
) -> Path:
    """Make a package with ``repo init`` and put ``files`` into it; return its folder."""
    directory.mkdir(parents=True, exist_ok=True)
    name = f"{directory.name}-{next(_numbers)}"
    au2.ok(
        *("process", "repo", "init", directory, "--yes"),
        *("--name", name, "--description", "Made by a test.", "--runtime", runtime),
    )
    for path, content in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return directory


def upload_package(au2: Au2, directory: Path) -> Uploaded:
    """Upload a package, wait until its image is there, and return what it became."""
    result = au2.ok("process", "repo", "upload", directory, "--yes", "--wait")
    job = au2.json("job", "show", submitted_job(result))
    return Uploaded(job["process"], job["version"], directory)


def run_to_end(au2: Au2, uploaded: Uploaded, *options: str) -> tuple[Result, dict[str, Any]]:
    """Run a process with ``--follow``; return what was shown and the job record."""
    result = au2("process", "run", uploaded.process, "--follow", *options)
    # The id is among the first lines; what the code printed may be no text at all.
    found = re.search(rb"Job submitted: (\d+)", result.stdout + result.stderr)
    assert found, result
    return result, au2.json("job", "show", found[1].decode())


@pytest.fixture
def make_package(tmp_path: Path) -> Callable[..., Path]:
    """``make_package(au2, {"main.py": …})`` → the package's folder."""

    def make(au2: Au2, files: Mapping[str, str | bytes] | None = None) -> Path:
        return fill_package(au2, tmp_path / f"package-{next(_numbers)}", files or {})

    return make


@pytest.fixture
def make_process(make_package: Callable[..., Path]) -> Callable[..., Uploaded]:
    """``make_process(au2, {"main.py": …})`` → a process whose first version can run."""

    def make(au2: Au2, files: Mapping[str, str | bytes] | None = None) -> Uploaded:
        return upload_package(au2, make_package(au2, files))

    return make
