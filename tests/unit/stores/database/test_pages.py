"""Parts of lists: together the whole list, read by an index, while rows come and go."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from au2.domain.accounts.context import Context
from au2.stores.database import processes, versions
from au2.stores.database.database import Transaction
from au2.stores.database.queries import Key
from tests.support.servers.backend import OPERATOR, Backend

Read = Callable[[Key | None, int | None], list[Any]]
NAMES = ("a", "a", "ä", "天", "Z", "b c", "'; --")


def read_pages(
    backend: Backend, read: Callable[[Transaction], Read], key: Callable[[Any], Key], limit: int
) -> list[Any]:
    found: list[Any] = []
    after: Key | None = None
    while True:
        with backend.database.read() as transaction:
            page = read(transaction)(after, limit)
        found += page
        if len(page) < limit:
            return found
        after = key(page[-1])


def key_of(process: Any) -> Key:
    return process.name, process.created_at, process.id


def fill(backend: Backend, context: Context, count: int, random: Random) -> None:
    outer = Context(context.organization_id)
    for _ in range(count):
        backend.services.processes.create(
            backend.actor(OPERATOR),
            random.choice((context, outer)),
            random.choice(NAMES),
            tags=random.choice(([], ["daily"])),
        )
        backend.clock.move(seconds=random.choice((0, 0, 1)))


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
@pytest.mark.parametrize("tag", [None, "daily", "none"])
def test_pages_of_processes_are_the_whole_list(
    backend: Backend, limit: int, tag: str | None
) -> None:
    context = backend.organization()
    fill(backend, context, 30, Random(limit))
    for owner in (context, Context(context.organization_id)):

        def read(transaction: Transaction, owner: Context = owner) -> Read:
            return lambda after, most: processes.list_processes(
                transaction, owner, tag=tag, after=after, limit=most
            )

        with backend.database.read() as transaction:
            whole = read(transaction)(None, None)
        assert whole == sorted(whole, key=key_of)
        assert read_pages(backend, read, key_of, limit) == whole


def test_processes_that_come_and_go_between_pages_move_no_other(backend: Backend) -> None:
    context, random = backend.organization(), Random(5)
    fill(backend, context, 40, random)
    with backend.database.read() as transaction:
        expected = processes.list_processes(transaction, context)
    seen: list[Any] = []
    while True:
        after = key_of(seen[-1]) if seen else None
        with backend.database.read() as transaction:
            page = processes.list_processes(transaction, context, after=after, limit=4)
        seen += page
        if len(page) < 4:
            break
        # The process that the next page begins after is gone, and others have come.
        backend.services.processes.delete(backend.actor(OPERATOR), page[-1].id)
        fill(backend, context, 2, random)
    assert [found for found in seen if found in expected] == expected
    assert seen == sorted(seen, key=key_of)


def test_pages_of_versions_are_the_whole_list(backend: Backend) -> None:
    process = backend.process(backend.organization(), "one")
    for _ in range(7):
        backend.version(process)

    def read(transaction: Transaction) -> Read:
        return lambda after, most: versions.list_versions(
            transaction, process, after=after, limit=most
        )

    pages = read_pages(backend, read, lambda version: (version.number,), 3)
    assert [version.number for version in pages] == list(range(1, 8))


def test_parts_of_lists_are_read_by_an_index(backend: Backend) -> None:
    context = Context("o", "p")
    at = backend.clock()
    for after in (None, ("a", at, "id")):
        plan = explain(
            backend, lambda t, a=after: processes.list_processes(t, context, after=a, limit=9)
        )
        assert "ix_processes_list" in plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan
    for number in (None, (4,)):
        plan = explain(
            backend, lambda t, a=number: versions.list_versions(t, "p", after=a, limit=9)
        )
        assert "SEARCH versions" in plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan


def explain(backend: Backend, read: Callable[[Transaction], object]) -> str:
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    with backend.database.read() as transaction:
        event.listen(transaction, "before_cursor_execute", note)
        read(transaction)
        event.remove(transaction, "before_cursor_execute", note)
        return " ".join(
            str(row.detail)
            for statement, parameters in statements
            for row in transaction.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        )
