"""Lists of jobs by conditions, newest first.

Each condition is served by an index that gives the ids in order, so a page costs the same whether
few or most jobs fit. Names are looked up in the table of names, which are few. Sentences of reasons
and status texts are looked up in the index of texts and in the jobs at the same time, in steps of
growing size, so that a rare text costs as little as a frequent one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, and_, null, or_, select, union_all

from au2.domain.accounts.context import Context
from au2.domain.jobs.job import Job, JobState, JobType
from au2.stores.database.database import Transaction
from au2.stores.database.jobs import read_jobs
from au2.stores.database.queries import in_chunks
from au2.stores.database.sqlite import has_text_index, unindexed, walk_text_index
from au2.stores.database.tables import job_names, jobs

_FIRST_STEP: Final = 500
_LONGEST_STEP: Final = 16_000


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Conditions on the jobs to list; None: no condition."""

    state: JobState | None = None
    type: JobType | None = None
    process_id: str | None = None
    submitted_by: str | None = None
    """Email address."""
    search: str | None = None
    """Text in the name, the reason's sentence or the status text."""
    before: int | None = None
    """Upper bound of the ids, exclusive: for the next page."""


_LARGE = ("request", "output")
"""Columns of up to a megabyte each."""
_BRIEF = select(
    *(null().label(column.name) if column.name in _LARGE else column for column in jobs.c)
)


def list_jobs(
    transaction: Transaction,
    context: Context,
    wanted: JobFilter,
    *,
    limit: int,
    brief: bool = False,
) -> list[Job]:
    """Return at most ``limit`` jobs of exactly this context, newest first.

    ``brief``: without request and output, which may be large.
    """
    owned = {jobs.c.organization_id: context.organization_id, jobs.c.project_id: context.project_id}
    ids = _list_ids(transaction, owned, wanted, limit)
    return _read_newest(transaction, ids, brief=brief)


def list_jobs_of_owners(
    transaction: Transaction,
    owners: Sequence[Context],
    wanted: JobFilter,
    *,
    limit: int,
    brief: bool = False,
) -> list[Job]:
    """Return at most ``limit`` jobs of some owners, newest first.

    An organization counts with all its projects. ``brief``: as in :func:`list_jobs`.
    """
    ids: set[int] = set()
    for owner in owners:
        owned: _Owned = {jobs.c.organization_id: owner.organization_id}
        if owner.project_id is not None:
            owned[jobs.c.project_id] = owner.project_id
        # One statement an owner, so that an index gives each its newest jobs.
        ids.update(_list_ids(transaction, owned, wanted, limit))
    return _read_newest(transaction, sorted(ids, reverse=True)[:limit], brief=brief)


def _read_newest(transaction: Transaction, ids: Sequence[int], *, brief: bool) -> list[Job]:
    columns = _BRIEF if brief else select(jobs)
    return [
        job
        for chunk in in_chunks(ids)
        for job in read_jobs(
            transaction, columns.where(jobs.c.id.in_(chunk)).order_by(jobs.c.id.desc())
        )
    ]


_Owned = dict[Column[Any], str | None]
"""Values of the columns of the owner; of an organization with its projects, only its own."""


def _list_ids(
    transaction: Transaction, owned: _Owned, wanted: JobFilter, limit: int
) -> Sequence[int]:
    if wanted.search is not None:
        return _search(transaction, owned, wanted, limit)
    return transaction.execute(_walk(owned, wanted, limit)).scalars().all()


def _walk(owned: _Owned, wanted: JobFilter, limit: int) -> Select[Any]:
    """Return the query for the newest ids of an owner by all conditions but the text."""
    conditions = owned | _equal(wanted)
    path = _choose_index(conditions)
    free = (_CHOICES[column] for column in path if column not in conditions)
    missing = [column for column in path if column not in conditions]
    branches = [
        _branch(conditions | dict(zip(missing, values, strict=True)), path, wanted, limit)
        for values in product(*free)
    ]
    if len(branches) == 1:
        return branches[0]
    ids = union_all(*(select(branch.subquery().c.id) for branch in branches)).subquery()
    return select(ids.c.id).order_by(ids.c.id.desc()).limit(limit)


_CHOICES: Final[dict[Column[Any], Sequence[str]]] = {
    jobs.c.state: [state.value for state in JobState],
    jobs.c.type: [kind.value for kind in JobType],
}


def _equal(wanted: JobFilter) -> _Owned:
    equal = {
        jobs.c.process_id: wanted.process_id,
        jobs.c.submitted_by: wanted.submitted_by,
        jobs.c.state: wanted.state,
        jobs.c.type: wanted.type,
    }
    return {column: str(value) for column, value in equal.items() if value is not None}


def _choose_index(conditions: _Owned) -> list[Column[Any]]:
    """Return the columns of the index that serves conditions best, without the id at its end.

    Columns of few values may be missing in the conditions: each value is then a look-up.
    """
    column = jobs.c
    has_project = column.project_id in conditions
    owner = [column.organization_id, column.project_id][: 1 + has_project]
    has_ends = bool(conditions.keys() & _CHOICES.keys())
    if column.process_id in conditions:
        if has_ends or column.submitted_by in conditions:
            return [column.process_id, *_CHOICES]
        return [column.process_id, *(owner if has_project else ())]
    if column.submitted_by in conditions:
        if has_ends or not has_project:
            return [column.submitted_by, column.organization_id, *_CHOICES]
        return [*owner, column.submitted_by]
    return [column.organization_id, *_CHOICES] if has_ends else owner


def _branch(
    conditions: _Owned, path: Iterable[Column[Any]], wanted: JobFilter, limit: int
) -> Select[Any]:
    """Return the query for the newest ids by one look-up in an index."""
    in_index = set(path)
    query = select(jobs.c.id).where(
        *(
            _is(column if column in in_index else unindexed(column), value)
            for column, value in conditions.items()
        )
    )
    if wanted.before is not None:
        query = query.where(jobs.c.id < wanted.before)
    return query.order_by(jobs.c.id.desc()).limit(limit)


def _is(column: ColumnElement[Any], value: str | None) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _search(transaction: Transaction, owned: _Owned, wanted: JobFilter, limit: int) -> list[int]:
    """Return the newest ids by all conditions, the text among them."""
    fits = _fits(owned, wanted, [*_NAMES, *_TEXTS])
    by_filter = _walk_reader(owned, wanted)
    # Frequent texts are found at once; of rare conditions, all jobs are looked at.
    is_done = by_filter.read(transaction, fits, _FIRST_STEP, limit)
    if is_done or not has_text_index(wanted.search or ""):
        return _read_in_turns(transaction, [by_filter], fits, limit)
    named = _list_named(transaction, owned, wanted, limit)
    told = _list_told(transaction, owned, wanted, limit)
    return sorted({*named, *told}, reverse=True)[:limit]


def _list_named(
    transaction: Transaction, owned: _Owned, wanted: JobFilter, limit: int
) -> Sequence[int]:
    """Return the newest ids with the text in the name."""
    query = select(job_names.c.process_id, job_names.c.name).where(
        job_names.c.organization_id == owned[jobs.c.organization_id],
        job_names.c.name.icontains(wanted.search or "", autoescape=True),
    )
    if wanted.process_id is not None:
        query = query.where(job_names.c.process_id == wanted.process_id)
    found = transaction.execute(query.limit(_MOST_NAMES + 1)).all()
    if len(found) > _MOST_NAMES:
        fits = _fits(owned, wanted, _NAMES)
        return _read_in_turns(transaction, [_walk_reader(owned, wanted)], fits, limit)
    ids: set[int] = set()
    for process_id, name in found:
        of_process = replace(wanted, process_id=process_id)
        ids.update(
            transaction.execute(_walk(owned | {jobs.c.name: name}, of_process, limit)).scalars()
        )
    return sorted(ids, reverse=True)[:limit]


def _list_told(transaction: Transaction, owned: _Owned, wanted: JobFilter, limit: int) -> list[int]:
    """Return the newest ids with the text in the reason's sentence or the status text."""
    text = wanted.search or ""
    by_text = _Reader(lambda size, before: walk_text_index(text, before, size), wanted.before)
    readers = [by_text, _walk_reader(owned, wanted)]
    return _read_in_turns(transaction, readers, _fits(owned, wanted, _TEXTS), limit)


def _walk_reader(owned: _Owned, wanted: JobFilter) -> "_Reader":
    """Return the reader of the jobs that fit all conditions but the text."""
    return _Reader(
        lambda size, before: _walk(owned, replace(wanted, before=before), size), wanted.before
    )


def _fits(owned: _Owned, wanted: JobFilter, columns: Iterable[Column[Any]]) -> ColumnElement[bool]:
    """Condition: the job fits, with the text in one of some columns."""
    text = wanted.search or ""
    has_text = (_OF_ROW.c[it.name].icontains(text, autoescape=True) for it in columns)
    in_row = (_is(_OF_ROW.c[column.name], it) for column, it in (owned | _equal(wanted)).items())
    return and_(or_(*has_text), *in_row)


def _read_in_turns(
    transaction: Transaction, readers: Sequence["_Reader"], fits: ColumnElement[bool], limit: int
) -> list[int]:
    """Return the newest ids that fit, by readers of the same jobs that take turns.

    One looks at the text of the jobs with the other conditions, one at the other conditions of the
    jobs with the text. The first that has enough, or has come to the end, decides.
    """
    size = _FIRST_STEP
    while not any(
        reader.is_done or reader.read(transaction, fits, size, limit) for reader in readers
    ):
        size = min(2 * size, _LONGEST_STEP)
    return next(reader.found[:limit] for reader in readers if reader.is_done)


_OF_ROW = jobs.alias()
_NAMES: Final = [jobs.c.name]
_TEXTS: Final = [jobs.c.reason_text, jobs.c.status_text]
"""Columns in the index of texts."""
_MOST_NAMES: Final = 20
"""Names that are looked up one by one; more of them have many jobs, so looking at jobs is quick."""


@dataclass(slots=True)
class _Reader:
    """Candidates in steps, newest first, with those found that fit."""

    candidates: Callable[[int, int | None], Select[Any]]
    """Query for the ids of at most so many jobs, below an id."""
    before: int | None = None
    found: list[int] = field(default_factory=list)
    is_done: bool = False

    def read(
        self, transaction: Transaction, fits: ColumnElement[bool], size: int, limit: int
    ) -> bool:
        """Read a step; return whether enough was found or no candidate is left."""
        step = self.candidates(size, self.before).subquery()
        # A look-up in the order of the step: a join might go through the table instead.
        check = select(fits).where(_OF_ROW.c.id == step.c.id).scalar_subquery()
        rows = transaction.execute(select(step.c.id, check.label("fits"))).all()
        self.found += [row.id for row in rows if row.fits]
        if rows:
            self.before = rows[-1].id
        self.is_done = len(rows) < size or len(self.found) >= limit
        return self.is_done
