"""Secrets: who may, what a name means, and that no value gets out by a side door."""

from typing import Any

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.context import Context
from au2.domain.errors import Conflict, InvalidRequest, NotFound, NotPermitted, SecretUnreadable
from au2.domain.secret_name import VALUE_BYTES
from au2.domain.version import BuiltImage, Contract, ImageStatus
from au2.stores.database.events import list_events
from au2.stores.database.jobs import JobFilter
from au2.stores.database.secrets import bound_to_secret, list_ciphertexts, replace_ciphertext
from au2.stores.database.versions import change_image_status, find_version
from tests.support.world import IMAGE, OPERATOR, World

VALUE = "the-value-itself"


@pytest.fixture
def context(world: World) -> Context:
    return world.organization()


def above(context: Context) -> Context:
    return Context(context.organization_id)


def give(world: World, context: Context, name: str, value: str | None = VALUE) -> str:
    made = world.services.secrets.create(world.actor(OPERATOR), context, name, value=value)
    return made.id


def read(world: World, context: Context, name: str) -> str:
    return world.services.secrets.download(world.actor(OPERATOR), context, name)


def test_made_filled_read_and_deleted(world: World, context: Context) -> None:
    secrets, operator = world.services.secrets, world.actor(OPERATOR)
    made = secrets.create(operator, context, "db", description="Reports")
    assert (made.has_value, made.size_bytes) == (False, 0)
    with pytest.raises(NotFound, match="no value"):
        read(world, context, "db")
    world.clock.move(seconds=5)
    filled = secrets.ingest(operator, context, "db", VALUE)
    assert filled == secrets.get(operator, context, "db")
    assert filled.updated_at > filled.created_at
    assert read(world, context, "db") == VALUE
    secrets.ingest(operator, context, "db", "another")
    assert read(world, context, "db") == "another"
    secrets.delete(operator, context, "db")
    with pytest.raises(NotFound):
        secrets.get(operator, context, "db")
    with world.database.read() as transaction:
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


def test_nothing_of_it_is_in_the_files(world: World, context: Context) -> None:
    give(world, context, "db")
    for path in world.folder.rglob("*"):
        assert not path.is_file() or VALUE.encode() not in path.read_bytes()


def test_a_projects_own_wins(world: World, context: Context) -> None:
    secrets, operator = world.services.secrets, world.actor(OPERATOR)
    give(world, above(context), "db", "of the organization")
    assert secrets.get(operator, context, "db").context == above(context)
    own = give(world, context, "db", "of the project")
    assert secrets.get(operator, context, "db").id == own
    listed = secrets.list_secrets(operator, context)
    assert [secret.context for secret in listed] == [context, above(context)]
    assert len(secrets.list_secrets(operator, above(context))) == 1


def test_what_is_the_organizations_is_changed_there(world: World, context: Context) -> None:
    secrets, operator = world.services.secrets, world.actor(OPERATOR)
    give(world, above(context), "db")
    for change in (
        lambda: secrets.ingest(operator, context, "db", "x"),
        lambda: secrets.download(operator, context, "db"),
        lambda: secrets.delete(operator, context, "db"),
    ):
        with pytest.raises(NotFound) as caught:
            change()
        assert "belongs to the organization" in (caught.value.hint or "")


def test_names_are_unique_in_a_context(world: World, context: Context) -> None:
    give(world, context, "db")
    with pytest.raises(Conflict, match="already"):
        give(world, context, "db")
    give(world, context, "DB")


@pytest.mark.parametrize("name", ["", "a b", "ä", "-a", ".", "../a", "a/b", "a\n", "a" * 201])
def test_names_that_are_none(world: World, context: Context, name: str) -> None:
    with pytest.raises(InvalidRequest, match="name"):
        give(world, context, name)


@pytest.mark.parametrize("value", ["", "a\0b", "a\ud800", "x" * (VALUE_BYTES + 1)])
def test_values_that_can_not_be_given(world: World, context: Context, value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        give(world, context, "db", value)
    assert "xxxx" not in str(caught.value)
    with pytest.raises(NotFound):
        world.services.secrets.get(world.actor(OPERATOR), context, "db")


def test_swapped_rows_are_found_out(world: World, context: Context) -> None:
    cheap = give(world, context, "cheap", "cheap value")
    dear = give(world, context, "dear", "dear value")
    with world.database.write() as transaction:
        found = {item.bound_to: item.text for item in list_ciphertexts(transaction)}
        texts = [found[bound_to_secret(secret_id)] for secret_id in (cheap, dear)]
        assert replace_ciphertext(transaction, *texts)
    with pytest.raises(SecretUnreadable, match="swapped"):
        read(world, context, "cheap")


def test_a_lost_key_is_not_replaced_in_silence(world: World, context: Context) -> None:
    give(world, context, "db")
    (world.folder / "secrets.key").unlink()
    with pytest.raises(SecretUnreadable, match="missing"):
        give(world, context, "other")
    with pytest.raises(SecretUnreadable, match="missing"):
        read(world, context, "db")


# -- asking for them at submission ---------------------------------------------------------------


def make_process(world: World, context: Context, environment: dict[str, Any] | None = None) -> str:
    process = world.process(context)
    number = world.version(process, ImageStatus.BUILDING)
    with world.database.write() as transaction:
        version = find_version(transaction, process, number)
        assert version is not None
        built = BuiltImage(IMAGE, Contract(environment=environment))
        change_image_status(transaction, version, ImageStatus.AVAILABLE, image=built)
    return process


def submit(world: World, context: Context, process: str, **fields: Any):
    order = RunOrder(process, **fields)
    return world.services.jobs.submit_run(world.actor(OPERATOR), context, order)


def test_the_record_holds_the_reference(world: World, context: Context) -> None:
    give(world, context, "db")
    job = submit(world, context, make_process(world, context), secrets={"PASSWORD": "db"})
    assert job.request is not None
    assert job.request.secrets == {"PASSWORD": "db"}
    assert world.job(job.id) == job


def test_every_mistake_is_told(world: World, context: Context) -> None:
    give(world, context, "empty", None)
    give(world, context, "large", "x" * VALUE_BYTES)
    process = make_process(world, context, {"A": {"secret": "none"}, "B": "text"})
    long_name = "V" * (80 << 10)
    with pytest.raises(InvalidRequest) as caught:
        submit(world, context, process, secrets={"C": "empty", "B": "missing", long_name: "large"})
    assert [detail.pointer for detail in caught.value.details] == [
        None,
        "/secrets/C",
        "/secrets/B",
        f"/secrets/{long_name}",
    ]
    assert caught.value.details[0].file == "env.yml"
    assert world.services.jobs.list_jobs(world.actor(OPERATOR), context, JobFilter(), limit=9) == []


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
    world: World, context: Context, secrets: Any, environment: Any, expected: str
) -> None:
    give(world, context, "db")
    process = make_process(world, context)
    with pytest.raises(InvalidRequest) as caught:
        submit(world, context, process, secrets=secrets, environment=environment)
    assert expected in caught.value.details[0].message


def test_what_is_overridden_is_not_needed(world: World, context: Context) -> None:
    process = make_process(world, context, {"A": {"secret": "none"}})
    assert submit(world, context, process, environment={"A": "x"}).id
    give(world, context, "db")
    assert submit(world, context, process, secrets={"A": "db"}).id


def test_foreign_ones_are_missing(world: World, context: Context) -> None:
    foreign = world.organization("Foreign")
    give(world, foreign, "db")
    sibling = Context(
        context.organization_id,
        world.services.organizations.create_project(
            world.actor(OPERATOR), context.organization_id, "Sibling"
        ).id,
    )
    give(world, sibling, "db")
    process = make_process(world, context)
    with pytest.raises(InvalidRequest) as caught:
        submit(world, context, process, secrets={"A": "db"})
    assert "not there" in caught.value.details[0].message
    give(world, above(context), "db")
    assert submit(world, context, process, secrets={"A": "db"}).id


def test_runners_use_what_they_can_not_read(world: World, context: Context) -> None:
    give(world, above(context), "db")
    process = make_process(world, context)
    runner = world.user("runner@example.com", "runner", context)
    order = RunOrder(process, secrets={"A": "db"})
    assert world.services.jobs.submit_run(runner, context, order).id
    for place in (context, above(context)):
        with pytest.raises(NotPermitted):
            world.services.secrets.download(runner, place, "db")


def test_viewers_see_names_of_variables_only(world: World, context: Context) -> None:
    give(world, context, "db")
    job = submit(
        world, context, make_process(world, context), environment={"A": "x"}, secrets={"B": "db"}
    )
    viewer = world.user("viewer@example.com", "viewer", context)
    for found in (
        world.services.jobs.get(viewer, job.id),
        *world.services.jobs.list_jobs(viewer, context, JobFilter(), limit=9),
    ):
        assert found.request is not None
        assert found.request.environment == {"A": "***"}
        assert found.request.secrets == {"B": "db"}
    runner = world.user("runner@example.com", "runner", context)
    assert world.services.jobs.get(runner, job.id) == job
