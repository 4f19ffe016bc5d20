import pytest

from au2.app.accounts.users import Users, count_managed
from au2.domain.errors import AccountDisabled, Conflict, NotAuthenticated, NotFound
from au2.stores.database.events import list_events
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend

OTHER = "grace@example.com"


@pytest.fixture
def users(backend: Backend) -> Users:
    backend.services.accounts.add_user(OTHER, PASSWORD)
    return Users(backend.database)


def test_a_disabled_user_is_refused_at_once_with_every_token(backend: Backend, users: Users):
    accounts = backend.services.accounts
    login = accounts.login(OTHER, PASSWORD)
    actor = accounts.authenticate(login.secret)
    managed = backend.services.managed_tokens.create_token(actor, "for a robot")
    lent = accounts.lend_to_registry(managed.secret, 300.0)
    docker = accounts.login(OTHER, PASSWORD, for_registry_seconds=300.0)

    assert users.disable(f" {OTHER.upper()} ") == 4

    for ended in (login, managed, lent, docker):
        with pytest.raises(NotAuthenticated):
            accounts.authenticate(ended.secret, at_registry=True)
    with pytest.raises(NotAuthenticated):
        accounts.refresh(actor)
    with pytest.raises(AccountDisabled, match="disabled"):
        accounts.login(OTHER, PASSWORD)
    with pytest.raises(NotAuthenticated) as wrong:
        accounts.login(OTHER, "a wrong password")
    assert not isinstance(wrong.value, AccountDisabled), "only who knows the password is told"


def test_an_enabled_user_logs_in_again_and_old_tokens_stay_ended(backend: Backend, users: Users):
    accounts = backend.services.accounts
    old = accounts.login(OTHER, PASSWORD)
    users.disable(OTHER)
    assert users.disable(OTHER) == 0

    users.enable(OTHER)
    users.enable(OTHER)

    assert accounts.authenticate(accounts.login(OTHER, PASSWORD).secret).email == OTHER
    with pytest.raises(NotAuthenticated):
        accounts.authenticate(old.secret)


def test_a_token_made_while_the_user_was_disabled_never_works(backend: Backend, users: Users):
    accounts = backend.services.accounts
    actor = accounts.authenticate(accounts.login(OTHER, PASSWORD).secret)
    users.disable(OTHER)
    # A request that was authenticated just before.
    late = backend.services.managed_tokens.create_token(actor, "late")

    with pytest.raises(AccountDisabled):
        accounts.authenticate(late.secret)
    users.enable(OTHER)
    with pytest.raises(NotAuthenticated):
        accounts.authenticate(late.secret)


def test_the_last_operator_stays(backend: Backend, users: Users):
    with pytest.raises(Conflict, match="only operator"):
        users.disable(OPERATOR)
    with pytest.raises(Conflict, match="only operator"):
        users.set_operator(OPERATOR, is_operator=False)

    users.set_operator(OTHER, is_operator=True)
    users.disable(OPERATOR)

    with pytest.raises(Conflict, match="only operator"):
        users.disable(OTHER)
    users.set_operator(OPERATOR, is_operator=False)
    assert backend.services.accounts.actor_of(OTHER).is_operator


def test_the_list_has_states_and_tokens(backend: Backend, users: Users):
    accounts = backend.services.accounts
    actor = accounts.authenticate(accounts.login(OTHER, PASSWORD).secret)
    backend.services.managed_tokens.create_token(actor, "robot")
    accounts.login(OTHER, PASSWORD, for_registry_seconds=300.0)

    listed = {record.user.email: record for record in users.list_users()}

    assert list(listed) == sorted(listed)
    assert listed[OPERATOR].user.is_operator
    assert not listed[OTHER].user.is_operator
    assert {token.kind for token in listed[OTHER].tokens} == {"login", "managed"}
    assert count_managed(listed[OTHER]) == 1
    assert listed[OTHER].last_used_at is not None


def test_every_change_is_in_the_audit_log_once(backend: Backend, users: Users):
    for _ in range(2):
        users.disable(OTHER)
    for _ in range(2):
        users.enable(OTHER)
    for _ in range(2):
        users.set_operator(OTHER, is_operator=True)
    users.set_operator(OTHER, is_operator=False)

    user_id = backend.services.accounts.actor_of(OTHER).user_id
    with backend.database.read() as transaction:
        actions = [event.action for event in list_events(transaction, f"user:{user_id}")]
    assert [action for action in actions if action != "user:created"] == [
        *("user:disabled", "user:enabled", "user:promoted", "user:demoted")
    ]


def test_an_unknown_user(users: Users):
    for change in (users.disable, users.enable):
        with pytest.raises(NotFound, match=r"nobody@example\.com"):
            change("nobody@example.com")
