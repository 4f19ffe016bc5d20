"""Reference pages made from the code: ``scripts/docs`` writes them, a test compares."""

from collections.abc import Callable, Mapping
from pathlib import Path

from au2.domain.errors import Au2Error, all_errors
from au2.domain.identity import DOWNWARD_ACTIONS, Action, Role, is_allowed
from au2.server.settings_source import list_settings
from tests.support.checkout import ROOT

DIRECTORY = ROOT / "docs" / "reference"
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
                f"`{place.key}`",
                note.meaning,
                note.default_text.replace("<", "&lt;"),
                f"`{place.variable}`",
            ]
        )
    for section, rows in sections.items():
        page += f"\n## [{section}]\n\n" + _table(["key", "meaning", "default", "variable"], rows)
    return page


PAGES: Mapping[str, Callable[[], str]] = {
    "errors.md": make_errors_page,
    "permissions.md": make_permissions_page,
    "settings.md": make_settings_page,
}


def write_pages(directory: Path = DIRECTORY) -> None:
    """Write all pages."""
    for name, make in PAGES.items():
        (directory / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    write_pages()
