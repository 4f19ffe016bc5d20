"""Reference pages made from the code: ``scripts/docs`` writes them, a test compares."""

import ast
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click

from au2.cli.main import make_root
from au2.domain.accounts.identity import DOWNWARD_ACTIONS, Action, Role, is_allowed
from au2.domain.code import Code
from au2.domain.errors import Au2Error, all_errors
from au2.domain.jobs.explanation import ProgressCode
from au2.domain.jobs.job import Reason
from au2.domain.jobs.waiting import WaitingCode
from au2.server.settings.source import list_settings
from tests.support.checkout import ROOT
from tests.support.servers.backend import open_backend

DIRECTORY = ROOT / "docs" / "reference"
SOURCE = ROOT / "src" / "au2"
_NOTE = "<!-- Made from the code by scripts/docs; a test compares. -->\n"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _summary(error: type[Au2Error]) -> str:
    return (error.__doc__ or "").strip().splitlines()[0]


def make_errors_page() -> str:
    """Return the page of all error codes."""
    rows = [
        [f"`{code}`", _summary(error), str(error.status), str(error.exit_code)]
        for code, error in all_errors().items()
    ]
    return (
        f"# Errors\n\n{_NOTE}\n"
        "Every answer with a status of 400 or more, and every failure of `au2`, carries one of\n"
        "these codes. `au2` ends with the exit code beside it; a message, often a hint and a list\n"
        "of details say the rest. A container of yours that fails is no error but a result: its\n"
        "job has a reason code instead.\n\n"
        + _table(["code", "says", "HTTP status", "exit code"], rows)
    )


def make_reasons_page() -> str:
    """Return the page of all codes of jobs."""
    return (
        f"# Reason codes\n\n{_NOTE}\n"
        "A job that ends without success has one of these codes (`reason` in its record) and a\n"
        "sentence with the particulars and what to do (`reason_text`).\n\n"
        + _code_table(Reason)
        + "\n## Waiting\n\n"
        "A job that waits has one of these causes (`waiting` in its record).\n\n"
        + _code_table(WaitingCode)
        + "\n## Otherwise\n\n"
        "`au2 job why` (`GET /api/v1/jobs/{job}/why`) has one of the codes above, or of these.\n\n"
        + _code_table(ProgressCode)
    )


def _code_table(codes: Iterable[Code]) -> str:
    return _table(["code", "meaning"], [[f"`{code}`", code.meaning] for code in codes])


def make_permissions_page() -> str:
    """Return the role by action table."""
    rows = [
        [
            f"`{action}`",
            *("yes" if is_allowed(role, action) else "no" for role in Role),
            "yes" if action in DOWNWARD_ACTIONS else "no",
        ]
        for action in Action
    ]
    return (
        f"# Permissions\n\n{_NOTE}\n"
        "What each role may do in the context where a member has it. A role in an organization\n"
        "also holds in all of its projects. The last column tells what a member of a project may\n"
        "do to what belongs to the organization above it, if the role allows it. Operators, who\n"
        "run the installation, may also create organizations.\n\n"
        + _table(["action", *(role.value for role in Role), "from a project below"], rows)
    )


def make_settings_page() -> str:
    """Return the page of all server settings."""
    page = (
        f"# Settings of the server\n\n{_NOTE}\n"
        "They stand in `settings.toml` in the data directory, a section as a table. A variable of\n"
        "the name in the last column wins over the file. All are checked when the server starts.\n"
    )
    sections: dict[str, list[list[str]]] = {}
    for place in list_settings():
        note = place.note
        sections.setdefault(place.section, []).append(
            [
                f"`{place.name}`",
                note.meaning,
                note.default_text.replace("<", "&lt;"),
                f"`{place.variable}`",
            ]
        )
    for section, rows in sections.items():
        page += f"\n## [{section}]\n\n" + _table(["key", "meaning", "default", "variable"], rows)
    return page


def make_commands_page() -> str:
    """Return the page of all commands of ``au2``, as their ``--help`` shows them."""
    page = (
        f"# Commands\n\n{_NOTE}\n"
        "Every command as its own `--help` shows it. Exit codes: 0 ok, 1 failed, 2 usage, 3 not\n"
        "found, 4 not permitted, 5 conflict, 6 server not reachable, 130 interrupted (Ctrl-C).\n"
    )
    for words, text in _helps(make_root(), ("au2",)):
        page += f"\n## {' '.join(words)}\n\n```text\n{text}\n```\n"
    return page


def _helps(
    command: click.Command, words: tuple[str, ...], parent: click.Context | None = None
) -> Iterator[tuple[tuple[str, ...], str]]:
    settings = command.context_settings  # As the command itself makes it.
    context = click.Context(
        command, info_name=words[-1], parent=parent, terminal_width=90, **settings
    )
    yield words, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _helps(below, (*words, name), context)


def make_http_page() -> str:
    """Return the page of all HTTP operations, from the OpenAPI document."""
    with tempfile.TemporaryDirectory() as folder, open_backend(Path(folder)) as backend:
        document = backend.app().openapi()
    rows = [
        [
            f"`{method.upper()} {path}`",
            operation["description"].splitlines()[0],
            ", ".join(sorted(operation["responses"])),
        ]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return (
        f"# HTTP\n\n{_NOTE}\n"
        "A server tells all of this itself, with every field: the OpenAPI document is at\n"
        "`/api/v1/openapi.json`. Send `Authorization: Bearer TOKEN`. A\n"
        "context goes into the query: `organization=GUID` and, for a project, `project=GUID`.\n"
        "Errors have one form: see [errors](errors.md).\n\n"
        + _table(["operation", "does", "statuses"], rows)
    )


def _find_subject(path: Path) -> str:
    """Return the first sentence of a module, or the first comment of a file in another language."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return " ".join((ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0].split())
    comment = re.search(r"^(?:#|//) (.*(?:\n(?:#|//) .*)*)", text, re.MULTILINE)
    return "" if comment is None else re.sub(r"\n(?:#|//)", "", comment[1]).partition(". ")[0]


def make_modules_page() -> str:
    """Return the index of all modules and other files: the subject of each, by folder."""
    page = (
        f"# Modules\n\n{_NOTE}\n"
        "Every file of `src/au2` with the first line of its docstring or comment.\n"
        "Search for a subject.\n"
    )
    folders: dict[Path, list[list[str]]] = {}
    for path in sorted(SOURCE.rglob("*.*")):
        if path.is_file() and path.suffix not in {".pyc", ".mako", ".json", ".typed"}:
            subject = _find_subject(path).replace("|", "\\|")
            folders.setdefault(path.parent, []).append([f"`{path.name}`", subject])
    for folder, rows in folders.items():
        page += f"\n## {folder.relative_to(SOURCE.parent)}\n\n"
        page += _table(["file", "subject"], [row for row in rows if row[1]])
    return page


PAGES: Mapping[str, Callable[[], str]] = {
    "../../contributing/modules.md": make_modules_page,
    "commands.md": make_commands_page,
    "errors.md": make_errors_page,
    "reasons.md": make_reasons_page,
    "http.md": make_http_page,
    "permissions.md": make_permissions_page,
    "settings.md": make_settings_page,
}


def write_pages(directory: Path = DIRECTORY) -> None:
    """Write all pages."""
    for name, make in PAGES.items():
        (directory / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    write_pages()
