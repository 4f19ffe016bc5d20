"""What the shell offers for processes, versions, runtimes and jobs: those that the server has.

Nobody is to wait for it or to read an error in the middle of a command: it has two seconds, and
offers nothing when something is wrong.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from au2.cli.session import Session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_PATIENCE_SECONDS: Final = 2.0
_MOST_JOBS: Final = 20
_Find = Callable[[Session, click.Context], Iterator[tuple[str, str]]]
"""Returns values, each with what it is."""
Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def _completing(find: _Find) -> Complete:
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        from threading import Thread

        from click.shell_completion import CompletionItem

        found: list[tuple[str, str]] = []

        def look() -> None:
            with suppress(Exception):
                found.extend(find(ctx.ensure_object(Session), ctx))

        # In a thread that nobody waits for to its end: looking up a host can't be interrupted.
        thread = Thread(target=look, daemon=True)
        thread.start()
        thread.join(_PATIENCE_SECONDS)
        return [
            CompletionItem(value, help=text)
            for value, text in tuple(found)
            if value.startswith(incomplete)
        ]

    return complete


def _find_processes(session: Session, _: click.Context) -> Iterator[tuple[str, str]]:
    return _find_named(session, "/processes")


def _find_runtimes(session: Session, _: click.Context) -> Iterator[tuple[str, str]]:
    return _find_named(session, "/runtimes")


def _find_named(session: Session, path: str) -> Iterator[tuple[str, str]]:
    """Names, and ids where a name will not do: there are two, or a shell would take it apart."""
    from collections import Counter
    from shlex import quote

    from au2.client.resources.resource import list_named

    there = list_named(session.transport, session.context, path)
    count = Counter(item.name for item in there)
    for item in there:
        by_name = count[item.name] == 1 and quote(item.name) == item.name
        yield (item.name, item.id) if by_name else (item.id, item.name)


def _find_versions(session: Session, ctx: click.Context) -> Iterator[tuple[str, str]]:
    from au2.cli.lookup import find_process_id

    # Click sees no argument where the last word is an option without its value, as --ver is here.
    process = ctx.params.get("process") or ctx.args[0]
    process_id = find_process_id(session, process)
    for version in reversed(session.transport.call("GET", f"/processes/{process_id}/versions")):
        yield str(version["id"]), str(version["image_status"])


def _find_jobs(session: Session, _: click.Context) -> Iterator[tuple[str, str]]:
    from au2.client.http.urls import context_query

    query = {**context_query(session.context), "limit": _MOST_JOBS}
    for job in session.transport.call("GET", "/jobs", query=query)["items"]:
        yield str(job["id"]), f"{job['name']}, {job['state']}"


complete_processes = _completing(_find_processes)
complete_runtimes = _completing(_find_runtimes)
complete_versions = _completing(_find_versions)
complete_jobs = _completing(_find_jobs)
