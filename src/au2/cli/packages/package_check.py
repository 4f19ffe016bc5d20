"""Checks beyond a package's own rules: syntax of the entry point, and files without effect."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from au2.domain.errors import Au2Error, Detail, InvalidRequest, NotAuthenticated, NotFound
from au2.package import names
from au2.package.text import TEXT_BYTES

if TYPE_CHECKING:
    from au2.cli.command import Session

_CHECK_SECONDS: Final = 20.0
_PYTHON_RUNTIME: Final = re.compile(r"python(\d+)\.(\d+)", re.IGNORECASE)
_LINE: Final = re.compile(r":(?: line)? ?(\d+)(?::|$)")
_CHECKERS: Final = {"sh": ("sh", "-n"), "js": ("node", "--check")}
"""Ending → program and option that read a file without running it."""
_NOT_ASKED: Final = "Whether the server has the runtime is not known:"
_WITHOUT_EFFECT: Final = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "environment.yml",
    "environment.yaml",
)
"""Files that name a Python package's dependencies for other tools."""


def list_files_without_effect(paths: Iterable[str]) -> list[str]:
    """Return a warning for each file that names dependencies, if nothing installs any.

    ``paths``: of all files of a Python package.
    """
    there = set(paths)
    if names.PYTHON_DEPENDENCIES in there:
        return []  # Then they may hold settings of other tools.
    return [
        f"Warning: {name} installs nothing: list the dependencies in {names.PYTHON_DEPENDENCIES}."
        for name in _WITHOUT_EFFECT
        if name in there
    ]


def find_syntax_error(directory: Path, entry_point: str, runtime: str) -> Detail | None:
    """Return the first syntax error of the entry point, which is compiled, never run.

    None also where nothing here can tell: the interpreter is missing, or is older than the
    runtime's.

    Args:
        directory: of the package.
        entry_point: path in the package.
        runtime: as in ``aunsight.yml``.
    """
    from subprocess import TimeoutExpired  # rarely needed

    path = directory / entry_point
    ending = entry_point.rpartition(".")[2].lower()
    try:
        if path.stat().st_size > TEXT_BYTES:
            return None
        if ending == "py":
            return _find_python_error(path, entry_point, runtime)
        checker = _CHECKERS.get(ending)
        return None if checker is None else _ask_checker(checker, path, entry_point)
    except (OSError, TimeoutExpired):
        return None


def find_runtime_error(session: "Session", runtime: str) -> Detail | None:
    """Return the error of a runtime that the server does not have in the context.

    None also without a login, or where the server can't be asked: then a remark says so.

    Args:
        session: of the command.
        runtime: as in ``aunsight.yml``.
    """
    from au2.cli.lookup import find_runtime_id
    from au2.client.resources.processes import Runtimes
    from au2.domain.wording import as_sentence

    try:
        transport, _ = session.transport, session.context
    except (InvalidRequest, NotAuthenticated):
        return None  # People work without a server, too.
    except Au2Error as error:
        session.console.remark(f"{_NOT_ASKED} {error.message}")
        return None
    try:
        Runtimes(transport).get_runtime(find_runtime_id(session, runtime))
    except NotFound as error:
        hint = "" if error.hint is None else f" {as_sentence(error.hint)}"
        return Detail(f"{error.message}{hint}", file=names.MANIFEST)
    except Au2Error as error:
        session.console.remark(f"{_NOT_ASKED} {error.message}")
    return None


def _find_python_error(path: Path, name: str, runtime: str) -> Detail | None:
    import warnings

    if _is_newer_than_ours(runtime):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(path.read_bytes(), name, "exec", dont_inherit=True)
    except SyntaxError as error:
        return Detail(f"syntax error: {error.msg}", file=name, line=error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:
        return Detail(f"syntax error: {error or type(error).__name__}", file=name)
    return None


def _is_newer_than_ours(runtime: str) -> bool:
    """Whether the runtime's Python may know syntax that this one does not."""
    from au2.runtimes.recipe_file import find_recipe

    recipe = find_recipe(runtime)
    found = _PYTHON_RUNTIME.match(recipe.name if recipe is not None else runtime)
    return found is not None and (int(found[1]), int(found[2])) > sys.version_info[:2]


def _ask_checker(checker: tuple[str, str], path: Path, name: str) -> Detail | None:
    import subprocess
    from shutil import which

    program = which(_choose_shell(path) if checker[0] == "sh" else checker[0])
    if program is None:
        return None
    done = subprocess.run(
        [program, checker[1], str(path.resolve())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=_CHECK_SECONDS,
        check=False,
    )
    if done.returncode == 0:
        return None
    return _read_report(done.stderr.decode(errors="replace"), name)


def _choose_shell(path: Path) -> str:
    """Return the shell of the first line: scripts for bash are no scripts for sh."""
    with path.open("rb") as file:
        first = file.readline(200)
    return "bash" if first.startswith(b"#!") and b"bash" in first else "sh"


def _read_report(report: str, name: str) -> Detail:
    """Return the error of a checker's report: its line, and the sentence that names it."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    where = _LINE.search(lines[0]) if lines else None
    told = next((line for line in lines if "error" in line.lower()), lines[0] if lines else "")
    message = told.rpartition(": ")[2] or "it can't be read"
    return Detail(f"syntax error: {message}", file=name, line=int(where[1]) if where else None)
