"""Secrets: who may, what a name means, and that no value gets out by a side door."""

from typing import Any

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.accounts.secret_name import VALUE_BYTES
from au2.domain.errors import Conflict, InvalidRequest, NotFound, NotPermitted, SecretUnreadable
from au2.domain.processes.version import BuiltImage, Contract, ImageStatus
from au2.stores.database.events import list_events
from au2.stores.database.job_lists import JobFilter
from au2.stores.database.secrets import bound_to_secret, list_ciphertexts, replace_ciphertext
from au2.stores.database.versions import change_image_status, find_version
from tests.support.servers.backend import IMAGE, OPERATOR, Backend

VALUE = "the-value-itself"


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def above(context: Context) -> Context:
    return Context(context.organization_id)


def give(backend: Backend, context: Context, name: str, value: str | None = VALUE) -> str:
    made = backend.services.secrets.create(backend.actor(OPERATOR), context, name, value=value)
    return made.id


def read(backend: Backend, context: Context, name: str) -> str:
    return backend.services.secrets.download(backend.actor(OPERATOR), context, name)


def test_made_filled_read_and_deleted(backend: Backend, context: Context) -> None:
    secrets, operator = backend.services.secrets, backend.actor(OPERATOR)
    made = secrets.create(operator, context, "db", description="Reports")
    assert (made.has_value, made.size_bytes) == (False, 0)
    with pytest.raises(NotFound, match="no value"):
        read(backend, context, "db")
    backend.clock.move(seconds=5)
    filled = secrets.ingest(operator, context, "db", VALUE)
    assert filled == secrets.get(operator, context, "db")
    assert filled.updated_at > filled.created_at
    assert read(backend, context, "db") == VALUE
    secrets.ingest(operator, context, "db", "another")
    assert read(backend, context, "db") == "another"
    secrets.delete(operator, context, "db")
    with pytest.raises(NotFound):
        secrets.get(operator, context, "db")
    with backend.database.read() as transaction:
        events = list_events(transaction, f"secret:{made.id}")
    assert [event.action for event in events] == [
        "secret:created",
        "secret:ingested",
        "secret:downloaded",
        "secret:ingested",
        "secret:downloaded",
        "secret:deleted",
    ]
    assert VALUE not in repr(events)
    assert VALUE not in repr(filled)


def test_nothing_of_it_is_in_the_files(backend: Backend, context: Context) -> None:
    give(backend, context, "db")
    for path in backend.folder.rglob("*"):
        assert not path.is_file() or VALUE.encode() not in path.read_bytes()


def test_a_projects_own_wins(backend: Backend, context: Context) -> None:
    secrets, operator = backend.services.secrets, backend.actor(OPERATOR)
    give(backend, above(context), "db", "of the organization")
    assert secrets.get(operator, context, "db").context == above(context)
    own = give(backend, context, "db", "of the project")
    assert secrets.get(operator, context, "db").id == own
    listed = secrets.list_secrets(operator, context)
    assert [secret.context for secret in listed] == [context, above(context)]
    assert len(secrets.list_secrets(operator, above(context))) == 1


def test_what_is_the_organizations_is_changed_there(backend: Backend, context: Context) -> None:
    secrets, operator = backend.services.secrets, backend.actor(OPERATOR)
    give(backend, above(context), "db")
    for change in (
        lambda: secrets.ingest(operator, context, "db", "x"),
        lambda: secrets.download(operator, context, "db"),
        lambda: secrets.delete(operator, context, "db"),
    ):
        with pytest.raises(NotFound) as caught:
            change()
        assert "belongs to the organization" in (caught.value.hint or "")


def test_names_are_unique_in_a_context(backend: Backend, context: Context) -> None:
    give(backend, context, "db")
    with pytest.raises(Conflict, match="already"):
        give(backend, context, "db")
    give(backend, context, "DB")


@pytest.mark.parametrize("name", ["", "a b", "ä", "-a", ".", "../a", "a/b", "a\n", "a" * 201])
def test_names_that_are_none(backend: Backend, context: Context, name: str) -> None:
    with pytest.raises(InvalidRequest, match="name"):
        give(backend, context, name)


@pytest.mark.parametrize("value", ["", "a\0b", "a\ud800", "x" * (VALUE_BYTES + 1)])
def test_values_that_can_not_be_given(backend: Backend, context: Context, value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        give(backend, context, "db", value)
    assert "xxxx" not in str(caught.value)
    with pytest.raises(NotFound):
        backend.services.secrets.get(backend.actor(OPERATOR), context, "db")


def test_swapped_rows_are_found_out(backend: Backend, context: Context) -> None:
    cheap = give(backend, context, "cheap", "cheap value")
    dear = give(backend, context, "dear", "dear value")
    with backend.database.write() as transaction:
        found = {item.bound_to: item.text for item in list_ciphertexts(transaction)}
        texts = [found[bound_to_secret(secret_id)] for secret_id in (cheap, dear)]
        assert replace_ciphertext(transaction, *texts)
    with pytest.raises(SecretUnreadable, match="swapped"):
        read(backend, context, "cheap")


def test_a_lost_key_is_not_replaced_in_silence(backend: Backend, context: Context) -> None:
    give(backend, context, "db")
    (backend.folder / "secrets.key").unlink()
    with pytest.raises(SecretUnreadable, match="missing"):
        give(backend, context, "other")
    with pytest.raises(SecretUnreadable, match="missing"):
        read(backend, context, "db")


# -- asking for them at submission ---------------------------------------------------------------


def make_process(
    backend: Backend, context: Context, environment: dict[str, Any] | None = None
) -> str:
    process = backend.process(context)
    number = backend.version(process, ImageStatus.BUILDING)
    with backend.database.write() as transaction:
        version = find_version(transaction, process, number)
        assert version is not None
        built = BuiltImage(IMAGE, Contract(environment=environment))
        change_image_status(transaction, version, ImageStatus.AVAILABLE, image=built)
    return process


def submit(backend: Backend, context: Context, process: str, **fields: Any):
    order = RunOrder(process, **fields)
    return backend.services.jobs.submit_run(backend.actor(OPERATOR), context, order)


def test_the_record_holds_the_reference(backend: Backend, context: Context) -> None:
    give(backend, context, "db")
    job = submit(backend, context, make_process(backend, context), secrets={"PASSWORD": "db"})
    assert job.request is not None
    assert job.request.secrets == {"PASSWORD": "db"}
    assert backend.job(job.id) == job


def test_every_mistake_is_told(backend: Backend, context: Context) -> None:
    give(backend, context, "empty", None)
    give(backend, context, "large", "x" * VALUE_BYTES)
    process = make_process(backend, context, {"A": {"secret": "none"}, "B": "text"})
    long_name = "V" * (80 << 10)
    with pytest.raises(InvalidRequest) as caught:
        submit(
            backend, context, process, secrets={"C": "empty", "B": "missing", long_name: "large"}
        )
    assert [detail.pointer for detail in caught.value.details] == [
        None,
        "/secrets/C",
        "/secrets/B",
        f"/secrets/{long_name}",
    ]
    assert caught.value.details[0].file == "env.yml"
    assert (
        backend.services.jobs.list_jobs(backend.actor(OPERATOR), context, JobFilter(), limit=9)
        == []
    )


@pytest.mark.parametrize(
    ("secrets", "environment", "expected"),
    [
        ({"AU_JOB": "db"}, {}, "AU_"),
        ({"1=": "db"}, {}, "no name for a variable"),
        ({"A": "d b"}, {}, "no name for a secret"),
        ({"A": "db"}, {"A": "x"}, "both"),
    ],
)
def test_what_can_not_be_asked(
    backend: Backend, context: Context, secrets: Any, environment: Any, expected: str
) -> None:
    give(backend, context, "db")
    process = make_process(backend, context)
    with pytest.raises(InvalidRequest) as caught:
        submit(backend, context, process, secrets=secrets, environment=environment)
    assert expected in caught.value.details[0].message


def test_what_is_overridden_is_not_needed(backend: Backend, context: Context) -> None:
    process = make_process(backend, context, {"A": {"secret": "none"}})
    assert submit(backend, context, process, environment={"A": "x"}).id
    give(backend, context, "db")
    assert submit(backend, context, process, secrets={"A": "db"}).id


def test_foreign_ones_are_missing(backend: Backend, context: Context) -> None:
    foreign = backend.organization("Foreign")
    give(backend, foreign, "db")
    sibling = Context(
        context.organization_id,
        backend.services.organizations.create_project(
            backend.actor(OPERATOR), context.organization_id, "Sibling"
        ).id,
    )
    give(backend, sibling, "db")
    process = make_process(backend, context)
    with pytest.raises(InvalidRequest) as caught:
        submit(backend, context, process, secrets={"A": "db"})
    assert "not there" in caught.value.details[0].message
    give(backend, above(context), "db")
    assert submit(backend, context, process, secrets={"A": "db"}).id


def test_runners_use_what_they_can_not_read(backend: Backend, context: Context) -> None:
    give(backend, above(context), "db")
    process = make_process(backend, context)
    runner = backend.user("runner@example.com", "runner", context)
    order = RunOrder(process, secrets={"A": "db"})
    assert backend.services.jobs.submit_run(runner, context, order).id
    for place in (context, above(context)):
        with pytest.raises(NotPermitted):
            backend.services.secrets.download(runner, place, "db")


def test_viewers_see_names_of_variables_only(backend: Backend, context: Context) -> None:
    give(backend, context, "db")
    job = submit(
        backend,
        context,
        make_process(backend, context),
        environment={"A": "x"},
        secrets={"B": "db"},
    )
    viewer = backend.user("viewer@example.com", "viewer", context)
    for found in (
        backend.services.jobs.get(viewer, job.id),
        *backend.services.jobs.list_jobs(viewer, context, JobFilter(), limit=9),
    ):
        assert found.request is not None
        assert found.request.environment == {"A": "***"}
        assert found.request.secrets == {"B": "db"}
    runner = backend.user("runner@example.com", "runner", context)
    assert backend.services.jobs.get(runner, job.id) == job
