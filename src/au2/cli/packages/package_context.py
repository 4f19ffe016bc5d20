"""Process of a command that names none: the one of ``aunsight.yml`` in the current folder.

A typed process always wins. Parent folders are not searched, and the manifest is read alone: an
error in another file of the package does not keep a command from working.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from au2.cli.command import Session
from au2.cli.options import complete_process_words, complete_processes, complete_versions
from au2.console.parameters import WholeNumber
from au2.domain.errors import NotFound
from au2.package import names

if TYPE_CHECKING:
    from au2.package.manifest import Manifest

own_process_argument = click.argument(
    "process", metavar="[PROCESS]", required=False, shell_complete=complete_processes
)
"""The argument for a process; None: that of the current folder."""


def in_package_folder() -> bool:
    """Whether the current folder has an ``aunsight.yml``."""
    return Path(names.MANIFEST).is_file()


def find_process(session: Session, stated: str | None) -> str:
    """Return the GUID of the stated process, or else of the current folder's, which is printed.

    Raises:
        UsageError: no process is stated, and the folder has no ``aunsight.yml``.
        InvalidPackage: the manifest has errors.
        NotFound: there is no such process.
        Conflict: its name is not unique.
    """
    if stated is not None:
        return session.find_process(stated)
    if not in_package_folder():
        raise click.UsageError(
            f"Name the process: this folder has no {names.MANIFEST} to take it from.",
            click.get_current_context(),
        )
    name, found = find_folder_process(session)
    session.console.remark(f"Process {name} ({names.MANIFEST}).")
    return found


def find_folder_process(session: Session) -> tuple[str, str]:
    """Return name and GUID of the process of the ``aunsight.yml`` in the current folder.

    Raises:
        InvalidPackage: the manifest has errors.
        NotFound: the process is not in the context.
        Conflict: its name is not unique.
    """
    from au2.package.manifest import parse_manifest
    from au2.package.text import read_text

    manifest = parse_manifest(read_text(Path(names.MANIFEST), names.MANIFEST))
    return manifest.name, find_manifest_process(session, manifest)


def find_manifest_process(session: Session, manifest: "Manifest") -> str:
    """Return the GUID of a manifest's process: its id for the context, else by its name.

    Raises NotFound, Conflict.
    """
    from au2.package.manifest import context_key

    context = session.context
    known = manifest.processes.get(context_key(context.organization_id, context.project_id))
    try:
        return known or session.find_process(manifest.name)
    except NotFound as error:
        error.hint = "Create it with: au2 process repo upload; or name another process."
        raise


class VersionWords(NamedTuple):
    """Process and version numbers as typed, each None where left out."""

    process: str | None
    numbers: tuple[int | None, ...]

    @property
    def given(self) -> tuple[int, ...]:
        """The numbers typed."""
        return tuple(number for number in self.numbers if number is not None)

    def require_number(self) -> int:
        """Return the one number. Raises UsageError, with a command to copy."""
        if self.given:
            return self.given[0]
        context = click.get_current_context()
        words = f" {self.process}" if self.process is not None else ""
        raise click.UsageError(
            f"Name the version: {context.command_path}{words} N "
            f"(its numbers: au2 process version list{words}).",
            context,
        )


def version_words(*metavars: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the words ``[PROCESS] N …`` and ``--process``; they arrive as ``words``.

    In a package's folder a word of digits is a number, where one is still missing: ``show 3``,
    ``diff 3 5``. ``--process`` names a process of digits.

    Args:
        metavars: of the numbers, all optional for the parser.
    """
    names_of_numbers = tuple(f"number_{index}" for index in range(len(metavars)))
    parameters = [
        click.argument(
            "process", metavar="[PROCESS]", required=False, shell_complete=complete_process_words
        ),
        *(
            click.argument(
                name,
                metavar=metavar,
                required=False,
                type=WholeNumber(),
                shell_complete=complete_versions,
            )
            for name, metavar in zip(names_of_numbers, metavars, strict=True)
        ),
        click.option(
            "--process",
            "stated",
            metavar="P",
            shell_complete=complete_processes,
            help="The process, where its name could be a version's number.",
        ),
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def collect(*positional: Any, **values: Any) -> None:
            typed = tuple(values.pop(name) for name in names_of_numbers)
            words = _sort_words(values.pop("process"), typed, values.pop("stated"))
            command(*positional, words=words, **values)

        for add in reversed(parameters):
            add(collect)
        return collect

    return decorate


def _sort_words(
    word: str | None, numbers: tuple[int | None, ...], stated: str | None
) -> VersionWords:
    """Return the words with a first word of digits moved to the numbers, where it is one."""
    if word is None:
        return VersionWords(stated, numbers)
    is_number = stated is not None or (
        numbers[-1] is None and word.isascii() and word.isdecimal() and in_package_folder()
    )
    if not is_number:
        return VersionWords(word, numbers)
    context = click.get_current_context()
    if numbers[-1] is not None:
        raise click.UsageError("Give the process once: as a word, or by --process.", context)
    first = WholeNumber().convert(word, None, context)
    return VersionWords(stated, (first, *numbers[:-1]))
