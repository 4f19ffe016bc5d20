from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.app.maintenance.live_set import list_image_roots
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Actor
from au2.domain.errors import Conflict, InvalidRequest, NotFound, NotPermitted
from au2.domain.jobs.job import JobState, Outcome
from au2.domain.processes.repository import Repository
from au2.stores.database import accounts, owners, secrets
from au2.stores.database.content.repositories import put_tag
from au2.stores.database.events import list_events
from tests.support.images.busybox import make_image, make_layer
from tests.support.packages.built_versions import add_image_version, add_packaged_version, packaged
from tests.support.servers.backend import OPERATOR, Backend


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


@pytest.fixture
def above(context: Context) -> Context:
    return Context(context.organization_id)


def operator(backend: Backend) -> Actor:
    return backend.actor(OPERATOR)


def project_of(context: Context) -> tuple[str, str]:
    assert context.project_id is not None
    return context.organization_id, context.project_id


def test_a_new_name(backend: Backend, context: Context, above: Context) -> None:
    changes = backend.services.organization_changes

    changed = changes.rename_organization(operator(backend), above.organization_id, " Research ")
    project = changes.rename_project(operator(backend), *project_of(context), "Demand")

    assert (changed.name, project.name) == ("Research", "Demand")
    found = backend.services.organizations.list_contexts(operator(backend))
    assert [(one.organization_name, one.project_name) for one in found] == [
        ("Research", None),
        ("Research", "Demand"),
    ]
    with backend.database.read() as transaction:
        events = [
            event
            for subject in (f"organization:{above.organization_id}", f"project:{project.id}")
            for event in list_events(transaction, subject)
        ]
    assert ("organization:renamed", {"old_name": "Acme", "name": "Research"}) in [
        (event.action, event.data) for event in events
    ]
    assert "project:renamed" in [event.action for event in events]


def test_a_name_that_another_has_is_refused(backend: Backend, context: Context) -> None:
    services, other = backend.services, backend.organization("Other", "Alpha")
    changes = services.organization_changes
    services.organizations.create_project(operator(backend), context.organization_id, "Second")

    for name in ("other", "OTHER"):
        with pytest.raises(Conflict, match="already an organization"):
            changes.rename_organization(operator(backend), context.organization_id, name)
        with pytest.raises(Conflict, match="already an organization"):
            services.organizations.create_organization(operator(backend), name)
    with pytest.raises(Conflict, match="already a project"):
        changes.rename_project(operator(backend), *project_of(context), "second")
    with pytest.raises(Conflict, match="already a project"):
        services.organizations.create_project(
            operator(backend), context.organization_id, "forecast"
        )
    # Another organization's projects have names of their own, and letter case may change.
    changes.rename_project(operator(backend), *project_of(other), "Forecast")
    changes.rename_organization(operator(backend), other.organization_id, "OTHER")


def test_equal_names_from_before_stay(backend: Backend, context: Context) -> None:
    other = backend.organization("Other", None)
    with backend.database.write() as transaction:
        transaction.exec_driver_sql("UPDATE organizations SET name = 'Acme'")

    names = [
        one.name for one in backend.services.organizations.list_organizations(operator(backend))
    ]
    assert names == ["Acme", "Acme"]
    renamed = backend.services.organization_changes.rename_organization(
        operator(backend), other.organization_id, "Other"
    )
    assert renamed.name == "Other"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m", "x" * 201])
def test_what_is_no_name(backend: Backend, context: Context, name: str) -> None:
    changes = backend.services.organization_changes
    with pytest.raises(InvalidRequest):
        changes.rename_organization(operator(backend), context.organization_id, name)
    with pytest.raises(InvalidRequest):
        changes.rename_project(operator(backend), *project_of(context), name)


def test_a_project_s_admin_does_not_rename_or_delete_it(backend: Backend, context: Context) -> None:
    admin = backend.user("a@example.com", "admin", context)
    changes = backend.services.organization_changes

    with pytest.raises(NotPermitted):
        changes.rename_project(admin, *project_of(context), "Mine")
    with pytest.raises(NotPermitted):
        changes.delete_project(admin, *project_of(context))


def test_something_inside_keeps_it(backend: Backend, context: Context) -> None:
    backend.process(context)
    backend.services.secrets.create(operator(backend), context, "db", value="v")
    changes = backend.services.organization_changes

    with pytest.raises(Conflict, match="not empty: it has 1 process, 1 secret") as caught:
        changes.delete_project(operator(backend), *project_of(context))
    assert "--with-contents" in str(caught.value.hint)
    with pytest.raises(Conflict, match="1 process, 1 secret, 1 project"):
        changes.delete_organization(operator(backend), context.organization_id)
    with pytest.raises(InvalidRequest, match="named 'Forecast', not 'forecast'"):
        changes.delete_project(operator(backend), *project_of(context), name="forecast")


def test_an_unfinished_job_keeps_it_whatever_is_said(backend: Backend, context: Context) -> None:
    process = backend.process(context)
    backend.version(process)
    backend.services.jobs.submit_run(operator(backend), context, RunOrder(process))
    changes = backend.services.organization_changes

    with pytest.raises(Conflict, match=r"1 job of the project 'Forecast' is not finished"):
        changes.delete_project(operator(backend), *project_of(context), name="Forecast")
    with pytest.raises(Conflict, match="not finished"):
        changes.delete_organization(operator(backend), context.organization_id, name="Acme")


def test_an_empty_project_goes_without_a_word(backend: Backend, context: Context) -> None:
    services = backend.services
    services.organization_changes.delete_project(operator(backend), *project_of(context))

    assert services.organizations.list_projects(operator(backend), context.organization_id) == []
    # The name is free again, and nothing comes into being in what was deleted.
    services.organizations.create_project(operator(backend), context.organization_id, "Forecast")
    with pytest.raises(NotFound):
        services.organizations.resolve_context(operator(backend), *project_of(context))
    with pytest.raises(NotFound):
        services.organization_changes.delete_project(operator(backend), *project_of(context))


def test_a_project_goes_with_all_that_is_in_it(backend: Backend, context: Context) -> None:
    services = backend.services
    process = backend.process(context)
    add_image_version(backend, process, make_image([make_layer({"a": b"1"})]))
    kept = backend.process(Context(context.organization_id), "kept")
    add_image_version(backend, kept, make_image([make_layer({"a": b"2"})]))
    job = services.jobs.submit_run(operator(backend), context, RunOrder(process)).id
    backend.end(backend.claim(job), Outcome(JobState.SUCCEEDED, exit_code=0), {"a": 1})
    services.secrets.create(operator(backend), context, "db", value="v")
    member = backend.user("m@example.com", "developer", context)

    services.organization_changes.delete_project(
        operator(backend), *project_of(context), name="Forecast"
    )

    with pytest.raises(NotFound):
        services.processes.get(operator(backend), process)
    assert services.processes.get(operator(backend), kept).name == "kept"
    assert backend.actor(member.email).memberships == ()
    # The record of its job stays for the organization.
    assert services.jobs.get(operator(backend), job).output == {"a": 1}
    with backend.database.read() as transaction:
        assert secrets.list_secrets(transaction, context) == []
        roots = [root.owner for root in list_image_roots(transaction, since=backend.clock())]
        deleted = list_events(transaction, f"project:{context.project_id}")[-1]
    assert [owner for owner in roots if "hello" in owner] == []
    assert [owner for owner in roots if "kept" in owner]
    assert deleted.action == "project:deleted"
    assert (deleted.actor, deleted.data) == (
        OPERATOR,
        {"name": "Forecast", "process": 1, "secret": 1},
    )


def test_an_organization_leaves_nothing_that_garbage_collection_keeps(
    backend: Backend, context: Context
) -> None:
    services = backend.services
    # With a runtime of the organization, a package, contents and a pushed blob.
    add_packaged_version(backend, context, [packaged("main.py", b"print(1)")])
    with backend.database.write() as transaction:
        transaction.exec_driver_sql(
            "INSERT INTO repository_tags VALUES (?, 'base', 'latest', ?, ?, 'me')",
            (context.organization_id, "sha256:" + "1" * 64, "2030-01-01 00:00:00.000000"),
        )
    other = backend.organization("Other", None)
    changes = services.organization_changes

    changes.delete_organization(operator(backend), context.organization_id, name="Acme")

    with pytest.raises(NotFound):
        services.organizations.get_organization(operator(backend), context.organization_id)
    with backend.database.read() as transaction:
        assert list(list_image_roots(transaction, since=backend.clock())) == []
        assert accounts.find_project(transaction, str(context.project_id)) is None
        for table in ("contents", "repository_tags", "dependency_layers"):
            count = transaction.exec_driver_sql(f"SELECT count(*) FROM {table}")
            assert count.scalar_one() == 0, table
        (*_, deleted) = list_events(transaction, f"organization:{context.organization_id}")
    assert deleted.action == "organization:deleted"
    assert [one.id for one in services.organizations.list_organizations(operator(backend))] == [
        other.organization_id
    ]
    # A new one may have the name.
    assert services.organizations.create_organization(operator(backend), "Acme").name == "Acme"


def _put_tag(backend: Backend, owner: Context) -> None:
    repository, digest = Repository(owner.organization_id, "base"), "sha256:" + "1" * 64
    with backend.database.write() as transaction:
        put_tag(transaction, repository, "latest", digest, at=backend.clock(), by=OPERATOR)


Insertion = Callable[[Backend, Actor, Context], object]

PROJECT_INSERTIONS: dict[str, Insertion] = {
    "process": lambda backend, actor, owner: backend.services.processes.create(actor, owner, "x"),
    "secret": lambda backend, actor, owner: backend.services.secrets.create(actor, owner, "x"),
    "member": lambda backend, actor, owner: backend.services.members.add(
        actor, owner, "m@example.com", "viewer"
    ),
    "runtime": lambda backend, actor, owner: backend.runtime("Own", owner),
    "run of the organization's process": lambda backend, actor, owner: (
        backend.services.jobs.submit_run(actor, owner, RunOrder("shared"))
    ),
}
ORGANIZATION_INSERTIONS: dict[str, Insertion] = {
    **{name: made for name, made in PROJECT_INSERTIONS.items() if "run" not in name},
    "project": lambda backend, actor, owner: backend.services.organizations.create_project(
        actor, owner.organization_id, "x"
    ),
    "tag": lambda backend, _, owner: _put_tag(backend, owner),
    "push": lambda backend, actor, owner: backend.services.repository_blobs.begin(
        actor, Repository(owner.organization_id, "base")
    ),
}


@pytest.mark.parametrize("insertion", PROJECT_INSERTIONS)
def test_nothing_is_added_to_a_project_deleted_in_between(
    backend: Backend, context: Context, above: Context, insertion: str
) -> None:
    process = backend.process(above, "shared")
    backend.version(process)
    # As a request knows its actor, before the deletion.
    actor = backend.user("dev@example.com", "admin", above)
    backend.services.organization_changes.delete_project(operator(backend), *project_of(context))

    with pytest.raises(NotFound):
        PROJECT_INSERTIONS[insertion](backend, actor, context)
    with backend.database.read() as transaction:
        assert owners.count_possessions(transaction, context) == {}
        assert owners.count_unfinished_jobs(transaction, context) == 0


@pytest.mark.parametrize("insertion", ORGANIZATION_INSERTIONS)
def test_nothing_is_added_to_an_organization_deleted_in_between(
    backend: Backend, context: Context, above: Context, insertion: str
) -> None:
    actor = backend.user("dev@example.com", "admin", above)
    backend.services.organization_changes.delete_organization(
        operator(backend), above.organization_id, name="Acme"
    )

    with pytest.raises(NotFound):
        ORGANIZATION_INSERTIONS[insertion](backend, actor, above)
    with backend.database.read() as transaction:
        assert owners.count_possessions(transaction, above) == {}


def test_runs_and_a_deletion_at_once(backend: Backend, context: Context, above: Context) -> None:
    """Each run is either finished with before the deletion, or refused."""
    backend.version(backend.process(above, "shared"))
    actor = operator(backend)
    services = backend.services

    def submit(_: int) -> int | None:
        try:
            return services.jobs.submit_run(actor, context, RunOrder("shared")).id
        except NotFound:
            return None

    def delete(_: int) -> bool:
        try:
            services.organization_changes.delete_project(actor, *project_of(context))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        deleted = pool.map(delete, range(1))
        submitted = [number for number in pool.map(submit, range(8)) if number is not None]
    with backend.database.read() as transaction:
        unfinished = owners.count_unfinished_jobs(transaction, context)
    assert unfinished == len(submitted)
    assert any(deleted) is (unfinished == 0)
