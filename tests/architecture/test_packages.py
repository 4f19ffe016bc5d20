"""Rules of packages and files."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import BIN, ROOT
from tests.support.commands.command import run_command

SOURCE = ROOT / "src" / "au2"
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
MOST_LINES = 450

IMPORTS_INSIDE_FUNCTIONS = {
    "console/": "tables, questions and completion are for the commands that need them",
    "client/http/proxies.py": "most people have no proxy, and au2 starts quicker without it",
    "jsonschema/check_process.py": "limits of processes are unknown on Windows",
    "oci/decompression.py": "only who has zstd data waits for the library that unpacks it",
    "package/description.py": "only packages with a requirements.txt wait for what judges it",
    "package/schemas.py": "only packages with a schema wait for the library that checks it",
    "wire/base.py": "only the server reads docstrings, for the OpenAPI document",
}
"""File below src/au2 → why it may import inside a function. Folders end with a slash."""

COMMAND_LINE = "cli/"
"""Command bodies import what they need when they run: that keeps ``au2 --help`` quick."""


def source_files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def packages() -> list[Path]:
    return [path for path in source_files() if path.name == "__init__.py"]


def test_packages_import_from_lower_layers_only() -> None:
    result = run_command(BIN / "lint-imports", cwd=ROOT)

    assert result.exit_code == 0, result


@pytest.mark.parametrize("path", packages(), ids=name_of)
def test_every_package_says_its_purpose(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))

    assert docstring, f"{path} has no docstring"
    assert docstring.splitlines()[0].endswith("."), f"{path}: the first line is no sentence"


def test_no_package_has_a_meaningless_name() -> None:
    names = {
        part for path in source_files() for part in path.relative_to(SOURCE).with_suffix("").parts
    }

    assert not names & FORBIDDEN_NAMES


def test_no_file_is_too_long() -> None:
    lines = {name_of(path): len(path.read_text().splitlines()) for path in source_files()}

    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def imports_inside_functions(tree: ast.Module) -> Iterator[int]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield node.lineno


def test_imports_stand_at_the_top() -> None:
    allowed = (COMMAND_LINE, *IMPORTS_INSIDE_FUNCTIONS)
    found = [
        f"{name_of(path)}:{line}"
        for path in source_files()
        if not name_of(path).startswith(allowed)
        for line in imports_inside_functions(ast.parse(path.read_text()))
    ]

    assert found == []


def test_the_list_of_exceptions_is_not_stale() -> None:
    for name, reason in IMPORTS_INSIDE_FUNCTIONS.items():
        files = [SOURCE / name] if not name.endswith("/") else sorted((SOURCE / name).rglob("*.py"))
        assert reason
        assert any(list(imports_inside_functions(ast.parse(file.read_text()))) for file in files), (
            name
        )
