"""Changing the key: everything stays readable at every moment."""

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.app.secret_keys import SecretKeys, ensure_keys
from au2.domain.accounts.context import Context
from au2.domain.errors import Conflict, SecretUnreadable
from au2.secrets.keyring import KeyFile
from au2.stores.database.events import list_events
from au2.stores.database.secrets import (
    bound_to_attempt,
    find_held_values,
    hold_values,
    list_ciphertexts,
    release_values,
)
from tests.support.servers.backend import OPERATOR, Backend


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


@pytest.fixture
def key_file(backend: Backend) -> KeyFile:
    return KeyFile(backend.folder / "secrets.key")


@pytest.fixture
def keys(backend: Backend, key_file: KeyFile) -> SecretKeys:
    return SecretKeys(backend.database, key_file, backend.clock)


def give(backend: Backend, context: Context, count: int) -> None:
    for number in range(count):
        backend.services.secrets.create(
            backend.actor(OPERATOR), context, f"s{number}", value=f"value {number}"
        )


def read(backend: Backend, context: Context, number: int) -> str:
    return backend.services.secrets.download(backend.actor(OPERATOR), context, f"s{number}")


@pytest.mark.slow
def test_everything_is_encrypted_anew(
    backend: Backend, context: Context, keys: SecretKeys, key_file: KeyFile
) -> None:
    give(backend, context, 230)
    process = backend.process(context)
    backend.version(process)
    job = backend.services.jobs.submit_run(backend.actor(OPERATOR), context, RunOrder(process))
    bound_to = bound_to_attempt(job.id, 1)
    with backend.database.write() as transaction:
        sealed = key_file.ring().encrypt(b"[]", bound_to=bound_to)
        hold_values(transaction, job.id, 1, sealed)
        before = {found.text for found in list_ciphertexts(transaction)}

    done = keys.rotate()

    assert (done.values, done.unreadable, done.dropped) == (231, 0, 0)
    with backend.database.write() as transaction:
        assert not before & {found.text for found in list_ciphertexts(transaction)}
        held = find_held_values(transaction, job.id, 1)
        assert held is not None
        assert key_file.ring().decrypt(held, bound_to=bound_to) == b"[]"
        release_values(transaction, job.id)
        assert find_held_values(transaction, job.id, 1) is None
        events = list_events(transaction, "secret-key")
    assert [read(backend, context, number) for number in (0, 229)] == ["value 0", "value 229"]
    assert [event.action for event in events] == ["secret-key:added", "secret-key:rotated"]
    current, old = keys.list_keys()
    assert (current.id, current.is_current, current.values) == (done.key_id, True, 230)
    assert (old.is_current, old.values) == (False, 0)


def test_broken_off_in_the_middle(
    backend: Backend, context: Context, keys: SecretKeys, key_file: KeyFile
) -> None:
    """As after the first step: the new key is there, and nothing was encrypted with it yet."""
    give(backend, context, 3)
    key_file.add(backend.clock())
    backend.services.secrets.ingest(backend.actor(OPERATOR), context, "s0", "new value")

    assert [read(backend, context, number) for number in range(3)] == [
        "new value",
        "value 1",
        "value 2",
    ]
    assert [key.values for key in keys.list_keys()] == [1, 2]
    assert keys.rotate().values == 3
    assert [key.values for key in keys.list_keys()] == [3, 0, 0]


def test_old_keys_go_when_nobody_can_be_using_them(
    backend: Backend, context: Context, keys: SecretKeys, key_file: KeyFile
) -> None:
    give(backend, context, 1)
    stale = key_file.ring()
    keys.rotate()
    assert keys.rotate().dropped == 0
    # A request that had read the keys before both changes ends well.
    with backend.database.write() as transaction:
        (present,) = list_ciphertexts(transaction)
    late = stale.encrypt(b"late", bound_to=present.bound_to)
    assert key_file.ring().decrypt(late, bound_to=present.bound_to) == b"late"
    backend.clock.move(days=2)
    assert keys.rotate().dropped == 2
    assert len(keys.list_keys()) == 2
    assert read(backend, context, 0) == "value 0"


def test_a_key_that_is_needed_is_never_dropped(
    backend: Backend, context: Context, keys: SecretKeys, key_file: KeyFile
) -> None:
    give(backend, context, 1)
    key_file.add(backend.clock())
    backend.clock.move(days=2)
    assert keys.rotate().dropped == 0
    assert read(backend, context, 0) == "value 0"


def test_what_can_not_be_read_does_not_hinder_the_rest(
    backend: Backend, context: Context, keys: SecretKeys, key_file: KeyFile
) -> None:
    give(backend, context, 2)
    key_file.path.unlink()
    with pytest.raises(SecretUnreadable):
        keys.rotate()
    ensure_keys(backend.database, key_file, backend.clock())
    assert not key_file.exists()
    keys.create()
    with pytest.raises(Conflict):
        keys.create()
    backend.services.secrets.ingest(backend.actor(OPERATOR), context, "s0", "again")

    done = keys.rotate()

    assert (done.values, done.unreadable) == (1, 1)
    assert read(backend, context, 0) == "again"
    lost = keys.list_keys()[-1]
    assert (lost.made_at, lost.values) == (None, 1)
