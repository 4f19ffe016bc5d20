"""Arguments and options of several commands, with values for the shell's completion.

Completion must neither delay nor disturb the typing of a command: after two seconds, and after any
error, the shell gets no values.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from au2.cli.command import Session
from au2.console.console import Console
from au2.console.parameters import PathType, WholeNumber, find_path_error

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMPLETION_SECONDS: Final = 2.0
_COMPLETED_JOBS: Final = 20
_STDOUT: Final = "-"
_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
Find = Callable[[Session, click.Context], Iterator[tuple[str, str]]]
"""Returns values, each with its description."""
Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def completing(find: Find) -> Complete:
    """Return a completion with the values that ``find`` yields in time."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        from threading import Thread

        from click.shell_completion import CompletionItem

        found: list[tuple[str, str]] = []

        def look() -> None:
            with suppress(Exception):
                found.extend(find(ctx.ensure_object(Session), ctx))

        # In a thread that is not waited for to its end: looking up a host can't be interrupted.
        thread = Thread(target=look, daemon=True)
        thread.start()
        thread.join(_COMPLETION_SECONDS)
        return [
            CompletionItem(value, help=text)
            for value, text in tuple(found)
            if value.startswith(incomplete)
        ]

    return complete


def _find_named(session: Session, path: str) -> Iterator[tuple[str, str]]:
    """Return names, and ids in place of shared names and of names with special characters."""
    from collections import Counter
    from shlex import quote

    from au2.client.resources.resource import list_named

    there = list_named(session.transport, session.context, path)
    count = Counter(item.name for item in there)
    for item in there:
        by_name = count[item.name] == 1 and quote(item.name) == item.name
        yield (item.name, item.id) if by_name else (item.id, item.name)


def _find_versions(session: Session, ctx: click.Context) -> Iterator[tuple[str, str]]:
    from au2.cli.packages.package_context import find_folder_process
    from au2.client.resources.versions import list_statuses

    # Click sees no argument where the last word is an option without its value, as --ver is here.
    words = (ctx.params.get("stated"), ctx.params.get("process"), *ctx.args[:1])
    word = next(filter(None, words), None)
    process_id = find_folder_process(session)[1] if word is None else session.find_process(word)
    for version in reversed(list_statuses(session.transport, process_id)):
        yield str(version.version), version.image_status


def _find_arguments(session: Session, ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Return the argument names of the process's version, ready for a value: ``days=``."""
    from au2.cli.packages.package_context import find_folder_process
    from au2.client.resources.versions import get_argument_schema
    from au2.jsonschema.arguments import list_arguments

    word = next(filter(None, (ctx.params.get("process"), *ctx.args[:1])), None)
    process_id = find_folder_process(session)[1] if word is None else session.find_process(word)
    number, latest = ctx.params.get("version"), bool(ctx.params.get("latest"))
    schema = get_argument_schema(session.transport, process_id, number, latest=latest)
    for argument in list_arguments(schema or {}):
        yield f"{argument.name}=", argument.description or ""


def _find_jobs(session: Session, _: click.Context) -> Iterator[tuple[str, str]]:
    from au2.client.http.urls import context_query

    query = {**context_query(session.context), "limit": _COMPLETED_JOBS}
    for job in session.transport.call("GET", "/jobs", query=query)["items"]:
        yield str(job["id"]), f"{job['name']}, {job['state']}"


def _find_process_words(session: Session, ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Return processes and, in a package's folder, the numbers of its versions before them."""
    from au2.cli.packages.package_context import in_package_folder

    if in_package_folder():
        with suppress(Exception):
            yield from _find_versions(session, ctx)
    yield from _find_named(session, "/processes")


complete_processes = completing(lambda session, _: _find_named(session, "/processes"))
complete_runtimes = completing(lambda session, _: _find_named(session, "/runtimes"))
complete_versions = completing(_find_versions)
complete_process_words = completing(_find_process_words)
complete_jobs = completing(_find_jobs)
complete_arguments = completing(_find_arguments)

process_argument = click.argument("process", shell_complete=complete_processes)

version_option = click.option(
    "--ver",
    "version",
    shell_complete=complete_versions,
    type=WholeNumber(),
    metavar="N",
    help="Number of the version.",
)

latest_option = click.option(
    "--latest", is_flag=True, help="The newest version that is AVAILABLE, published or not."
)

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def version_argument(name: str = "number", metavar: str = "N") -> _Decorator:
    """Return the argument for a version of the process in the argument before."""
    return click.argument(
        name, metavar=metavar, type=WholeNumber(), shell_complete=complete_versions
    )


def package_argument(*, exists: bool = True) -> _Decorator:
    """Return the argument for a package's folder, the current one by default."""
    return click.argument(
        "directory",
        metavar="[DIR]",
        default=".",
        type=PathType(exists=exists, file_okay=False, path_type=Path),
    )


class Output(NamedTuple):
    """Destination of a command's data: a file, or (None) stdout."""

    path: Path | None

    @contextmanager
    def open(
        self, console: Console, *, permissions: int | None = None
    ) -> Iterator[Callable[[bytes], None]]:
        """Yield a function to write bytes, all of them (:func:`au2.files.output.open_output`)."""
        if self.path is None:
            yield console.bytes_out
            console.flush()
            return
        from au2.files.output import open_output

        with open_output(self.path, permissions=permissions) as file:
            yield file.write


class OutputType(click.ParamType):  # type: ignore[type-arg]  # older ones have none
    """Type of options for an :class:`Output`; an unwritable one is refused at once."""

    name = "file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Output:
        """Return the output. Raises BadParameter: a folder, or a missing parent folder."""
        if value == _STDOUT:
            return Output(None)
        message = find_path_error(value) or _find_output_error(Path(value))
        if message is not None:
            self.fail(message, param, ctx)
        return Output(Path(value))


def _find_output_error(path: Path) -> str | None:
    try:
        if path.is_dir():
            return f"'{path}' is a folder."
        folder = path.resolve().parent
        return None if folder.is_dir() else f"There is no folder '{folder}'."
    except (OSError, RuntimeError) as error:
        return f"'{path}': {getattr(error, 'strerror', None) or error}."
