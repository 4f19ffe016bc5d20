"""`au2 job list`: the table of jobs, once or renewed until Ctrl-C."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from au2.cli.command import Session, define
from au2.cli.options import complete_processes
from au2.console.cells import Columns, Document, WideColumn, columns
from au2.console.parameters import WholeNumber
from au2.domain.clock import now, parse_time
from au2.domain.wording import format_seconds, format_seconds_roughly

if TYPE_CHECKING:
    from au2.wire.job import JobView

_STATES: Final = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED")
_DEFAULT_ITEMS: Final = 50
_WATCH_SECONDS: Final = 2.0
_LINES_OF_JOB: Final = 3
"""Of a row, with the rule below: the state may have a reason under it."""
_LINES_AROUND: Final = 5
_PERSON_CHARACTERS: Final = 10
_CLEAR_SCREEN: Final = "\x1b[H\x1b[2J"


def _format_state(document: Document) -> str:
    """Return the state, and below it the reason or the progress."""
    state, progress = str(document["state"]), document["progress"]
    if document["reason"]:
        return f"{state}\n{document['reason']}"
    is_running = document["ended_at"] is None and progress is not None
    return f"{state}\n{progress:.0%}" if is_running else state


def _format_process(document: Document) -> str:
    is_run = str(document["type"]).endswith(":run")
    return f"{document['name']} {document['version']}{'' if is_run else ' (upload)'}"


def _format_took(document: Document) -> str | None:
    """Return the length of the run; of a running job, the length so far."""
    begun, ended = document["started_at"], document["ended_at"]
    if begun is None:
        return None
    if ended is None:
        return format_seconds_roughly((now() - parse_time(begun)).total_seconds())
    return format_seconds((parse_time(ended) - parse_time(begun)).total_seconds())


def _format_context(document: Document) -> str:
    inner = document.get("project_name")
    outer = document.get("organization_name") or document["organization"]
    return f"{outer}/{inner}" if inner else str(outer)


def _format_person(document: Document) -> str:
    """Return the beginning of the email address, which would take the place of others."""
    name = str(document["submitted_by"]).partition("@")[0]
    return name if len(name) <= _PERSON_CHARACTERS else f"{name[: _PERSON_CHARACTERS - 1]}…"


def choose_columns(*, has_context: bool = False, is_wide: bool = False) -> Columns:
    """Return the columns of a list of jobs.

    Args:
        has_context: whether the context's names are among them.
        is_wide: whether email addresses are whole.
    """
    context = {"context": _format_context} if has_context else {}
    return columns(
        "id",
        **context,
        type=WideColumn(lambda document: str(document["type"]).rpartition(":")[2]),
        state=_format_state,
        process=_format_process,
        exit_code=WideColumn("exit_code"),
        by="submitted_by" if is_wide else _format_person,
        created_at="created_at",
        took=_format_took,
    )


@define(
    "list",
    examples=(
        "au2 job list",
        "au2 job list --mine --watch",
        "au2 job list --state FAILED --process forecast",
        "au2 job list --all-contexts --limit 10",
        "au2 job list --type process-upload -o json",
    ),
    reads=True,
)
@click.option(
    "--state", type=click.Choice(_STATES, case_sensitive=False), help="Only jobs in this state."
)
@click.option(
    "--type", "type_name", metavar="T", help="Only jobs of this type: run, process-upload."
)
@click.option(
    "--process",
    metavar="P",
    shell_complete=complete_processes,
    help="Only jobs of this process: GUID or name.",
)
@click.option("--search", metavar="TEXT", help="Only jobs whose record holds this text.")
@click.option("--mine", is_flag=True, help="Only jobs that you have submitted.")
@click.option("--all-contexts", is_flag=True, help="Jobs of all contexts that you may see.")
@click.option(
    "--limit",
    type=WholeNumber(),
    metavar="N",
    default=_DEFAULT_ITEMS,
    show_default=True,
    help="Most jobs listed.",
)
@click.option("--watch", is_flag=True, help="Show the newest again every 2 seconds, until Ctrl-C.")
def command(
    session: Session,
    *,
    state: str | None,
    type_name: str | None,
    process: str | None,
    search: str | None,
    mine: bool,
    all_contexts: bool,
    limit: int,
    watch: bool,
) -> None:
    """List the jobs of the context, newest first.

    Below the state stands the reason of a job that failed, or the progress of one that runs.
    """
    from au2.client.resources.jobs import Jobs

    console = session.console
    if watch and (console.makes_document or not console.shows_data):
        raise click.UsageError(
            "--watch draws on a terminal; here, list the jobs without it.",
            click.get_current_context(),
        )
    wanted = _find_type(type_name)
    process_id = None if process is None else session.find_process(process)
    jobs = Jobs(session.transport)

    def find(most: int) -> "list[JobView]":
        return list(
            jobs.list_jobs(
                None if all_contexts else session.context,
                state=state,
                type_name=wanted,
                process_id=process_id,
                search=search,
                mine=mine,
                brief=not console.makes_document,
                limit=most,
            )
        )

    shown = choose_columns(has_context=all_contexts, is_wide=console.is_wide)
    if watch:
        _watch(session, shown, find, limit)
    session.show_all(shown, find(limit))


def _find_type(stated: str | None) -> str | None:
    """Return the whole name of a job type. Raises UsageError."""
    from au2.domain.jobs.job import JobType

    types = {known.rpartition(":")[2]: known.value for known in JobType}
    if stated is None or stated in types.values():
        return stated
    if stated not in types:
        raise click.UsageError(
            f"--type wants {' or '.join(sorted(types))}, not '{stated}'.",
            click.get_current_context(),
        )
    return types[stated]


def _watch(
    session: Session, shown: Columns, find: "Callable[[int], list[JobView]]", limit: int
) -> None:
    """Draw the table again and again; ends with KeyboardInterrupt only."""
    from shutil import get_terminal_size

    budget = session.make_retry_budget()
    while True:
        lines = get_terminal_size().lines
        most = max(1, min(limit, (lines - _LINES_AROUND) // _LINES_OF_JOB))
        found = budget.retry(partial(find, most))
        session.console.text(_CLEAR_SCREEN)
        session.show_all(shown, found)
        session.console.remark("Ctrl-C ends the list; the jobs go on.")
        time.sleep(_WATCH_SECONDS)
