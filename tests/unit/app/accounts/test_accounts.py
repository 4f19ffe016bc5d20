from datetime import datetime, timedelta, timezone

import pytest
from argon2 import PasswordHasher

from au2.app.accounts.accounts import Accounts, SessionOptions
from au2.app.accounts.passwords import Passwords
from au2.domain.errors import (
    Conflict,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    TokenExpired,
    TooManyAttempts,
    WrongPassword,
)
from au2.stores.database import accounts
from au2.stores.database.events import list_events
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend


def test_a_token_stands_for_its_user(backend: Backend):
    new = backend.services.accounts.login(f" {OPERATOR.upper()} ", PASSWORD)

    actor = backend.services.accounts.authenticate(new.secret)

    assert new.secret.startswith("au2_")
    assert (actor.email, actor.is_operator, actor.token_id) == (OPERATOR, True, new.token.id)
    with backend.database.read() as transaction:
        kept = accounts.find_token(transaction, new.token.id)
    assert kept is not None
    assert new.secret not in str(kept)


@pytest.mark.parametrize("email", [OPERATOR, "nobody@example.com", "", "\0"])
def test_wrong_password_and_unknown_user_read_the_same(backend: Backend, email: str):
    with pytest.raises(WrongPassword) as caught:
        backend.services.accounts.login(email, "wrong")
    assert str(caught.value) == "The email address or the password is wrong."


def test_unknown_users_cost_a_hash_too(backend: Backend):
    class Counting(PasswordHasher):
        verified = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
            Counting.verified += 1
            return super().verify(hash, password)

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    with pytest.raises(WrongPassword):
        Accounts(backend.database, passwords).login("nobody@example.com", PASSWORD)
    assert Counting.verified == 1


def test_hashes_are_renewed_when_the_parameters_change(backend: Backend):
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))

    Accounts(backend.database, stronger, clock=backend.clock).login(OPERATOR, PASSWORD)

    with backend.database.read() as transaction:
        user = accounts.find_user_by_email(transaction, OPERATOR)
    assert user is not None
    assert "m=16,t=2" in user.password_hash
    backend.services.accounts.login(OPERATOR, PASSWORD)


def test_a_braked_key_opens_again_and_others_are_free(backend: Backend):
    def fail(address: str) -> None:
        backend.services.accounts.login(OPERATOR, "wrong", address=address)

    for _ in range(6):
        with pytest.raises(WrongPassword):
            fail("10.0.0.1")
        backend.clock.move(seconds=1)
    with pytest.raises(TooManyAttempts):
        backend.services.accounts.login(OPERATOR, PASSWORD, address="10.0.0.1")
    backend.services.accounts.login(OPERATOR, PASSWORD, address="10.0.0.2")
    backend.clock.move(seconds=300)
    backend.services.accounts.login(OPERATOR, PASSWORD, address="10.0.0.1")
    with pytest.raises(WrongPassword):
        fail("10.0.0.1")


def test_an_unused_login_ends(backend: Backend):
    secret = backend.services.accounts.login(OPERATOR, PASSWORD).secret
    backend.clock.move(hours=24)
    with pytest.raises(TokenExpired):
        backend.services.accounts.authenticate(secret)


def test_use_prolongs_a_login_up_to_a_limit(backend: Backend):
    login = backend.services.accounts.login(OPERATOR, PASSWORD)
    for _ in range(30):
        backend.clock.move(hours=23, minutes=59)
        actor = backend.services.accounts.authenticate(login.secret)
    token = backend.services.accounts.token_info(actor)
    assert token.expires_at == login.token.created_at + timedelta(days=30)

    backend.clock.move(minutes=30)
    with pytest.raises(TokenExpired):
        backend.services.accounts.authenticate(login.secret)


def test_use_never_prolongs_a_managed_or_a_registry_token(backend: Backend):
    ends = backend.clock() + timedelta(hours=2)
    managed = backend.services.managed_tokens.create_token(
        backend.operator, "robot", expires_at=ends
    )
    lent = backend.services.accounts.lend_to_registry(managed.secret, 7200)
    backend.clock.move(hours=1)

    for new in (managed, lent):
        actor = backend.services.accounts.authenticate(new.secret, at_registry=True)
        assert backend.services.accounts.token_info(actor).expires_at == ends


def test_the_limit_holds_for_a_new_login_too(backend: Backend):
    options = SessionOptions(login_seconds=3600, longest_seconds=60)
    users = Accounts(backend.database, Passwords(PasswordHasher()), options, backend.clock)

    login = users.login(OPERATOR, PASSWORD)

    assert login.token.expires_at == backend.clock() + timedelta(seconds=60)


def test_renewing_replaces_the_token(backend: Backend):
    old = backend.services.accounts.login(OPERATOR, PASSWORD).secret
    backend.clock.move(hours=20)
    new = backend.services.accounts.renew(backend.services.accounts.authenticate(old)).secret
    backend.clock.move(hours=20)

    assert backend.services.accounts.authenticate(new).email == OPERATOR
    with pytest.raises(NotAuthenticated):
        backend.services.accounts.authenticate(old)


def test_logging_out_ends_a_login_but_no_managed_token(backend: Backend):
    login = backend.services.accounts.login(OPERATOR, PASSWORD)
    actor = backend.services.accounts.authenticate(login.secret)
    managed = backend.services.managed_tokens.create_token(actor, "robot").secret

    backend.services.accounts.logout(actor)
    backend.services.accounts.logout(backend.services.accounts.authenticate(managed))

    with pytest.raises(NotAuthenticated):
        backend.services.accounts.authenticate(login.secret)
    robot = backend.services.accounts.authenticate(managed)
    with pytest.raises(Conflict):
        backend.services.accounts.renew(robot)
    assert backend.services.accounts.token_info(robot).name == "robot"


def test_managed_tokens_are_removed_by_id_or_name(backend: Backend):
    make = backend.services.managed_tokens.create_token
    first, second = make(backend.operator, "first"), make(backend.operator, "second")
    with pytest.raises(Conflict):
        make(backend.operator, "first")

    backend.services.managed_tokens.delete_token(backend.operator, first.token.id.upper())
    backend.services.managed_tokens.delete_token(backend.operator, "second")

    assert backend.services.managed_tokens.list_tokens(backend.operator) == []
    with pytest.raises(NotAuthenticated):
        backend.services.accounts.authenticate(second.secret)


def test_another_s_token_is_not_there(backend: Backend):
    token = backend.services.managed_tokens.create_token(backend.operator, "mine").token
    other = backend.user("other@example.com")
    for name in (token.id, "mine"):
        with pytest.raises(NotFound):
            backend.services.managed_tokens.delete_token(other, name)


@pytest.mark.parametrize("name", ["", " ", "a/b", "current", "a\nb", "x" * 201])
def test_names_that_could_not_be_named(backend: Backend, name: str):
    with pytest.raises(InvalidRequest):
        backend.services.managed_tokens.create_token(backend.operator, name)


def test_ends_that_are_none(backend: Backend):
    for moment in (
        datetime(2031, 1, 1),
        datetime(2020, 1, 1, tzinfo=timezone.utc),  # noqa: UP017
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
    ):
        with pytest.raises(InvalidRequest):
            backend.services.managed_tokens.create_token(
                backend.operator, "robot", expires_at=moment
            )


def test_use_is_noted_at_most_once_a_minute(backend: Backend):
    secret = backend.services.accounts.login(OPERATOR, PASSWORD).secret
    actor = backend.services.accounts.authenticate(secret)
    began = backend.clock()
    backend.clock.move(seconds=60)
    backend.services.accounts.authenticate(secret)
    assert backend.services.accounts.token_info(actor).last_used_at == began
    backend.clock.move(seconds=1)
    backend.services.accounts.authenticate(secret)
    assert backend.services.accounts.token_info(actor).last_used_at == backend.clock()


def test_an_account_names_its_places(backend: Backend):
    context = backend.organization("Acme", "Forecast")
    viewer = backend.user("viewer@example.com", "viewer", context)

    (membership,) = backend.services.accounts.show(viewer).memberships

    assert (membership.organization_name, membership.project_name) == ("Acme", "Forecast")


def test_a_new_password_ends_the_other_logins(backend: Backend):
    service = backend.services.accounts
    other = service.login(OPERATOR, PASSWORD)
    mine = service.login(OPERATOR, PASSWORD)
    stranger = service.login(backend.user("other@example.com").email, PASSWORD)
    actor = service.authenticate(mine.secret)
    managed = backend.services.managed_tokens.create_token(actor, "robot")

    service.change_password(actor, PASSWORD, "12345678")

    for kept in (mine, managed, stranger):
        service.authenticate(kept.secret)
    with pytest.raises(NotAuthenticated):
        service.authenticate(other.secret)
    with pytest.raises(WrongPassword):
        service.login(OPERATOR, PASSWORD)
    service.login(OPERATOR, "12345678")
    with backend.database.read() as transaction:
        actions = [event.action for event in list_events(transaction, f"user:{actor.user_id}")]
    assert actions.count("user:password-changed") == 1


def test_a_new_password_ends_managed_tokens_if_asked(backend: Backend):
    service = backend.services.accounts
    mine = service.login(OPERATOR, PASSWORD)
    actor = service.authenticate(mine.secret)
    managed = backend.services.managed_tokens.create_token(actor, "robot")
    lent = service.lend_to_registry(managed.secret, 3600)
    other = backend.user("other@example.com")
    others = backend.services.managed_tokens.create_token(
        service.authenticate(service.login(other.email, PASSWORD).secret), "robot"
    )

    service.change_password(actor, PASSWORD, "12345678", end_tokens=True)

    for kept in (mine, others):
        service.authenticate(kept.secret)
    assert backend.services.managed_tokens.list_tokens(actor) == []
    for ended in (managed, lent):
        with pytest.raises(NotAuthenticated):
            service.authenticate(ended.secret, at_registry=True)


@pytest.mark.parametrize("new", ["", "1234567", "x" * 1025])
def test_passwords_that_nobody_may_choose(backend: Backend, new: str):
    actor = backend.services.accounts.authenticate(backend.token(OPERATOR))
    with pytest.raises(InvalidRequest):
        backend.services.accounts.change_password(actor, PASSWORD, new)


def test_guessing_the_present_password_is_braked_like_logins(backend: Backend):
    service = backend.services.accounts
    actor = service.authenticate(backend.token(OPERATOR))
    for _ in range(2):
        with pytest.raises(WrongPassword):
            service.login(OPERATOR, "wrong")
    for _ in range(3):
        with pytest.raises(WrongPassword, match="present"):
            service.change_password(actor, "wrong", "12345678")
    with pytest.raises(TooManyAttempts):
        service.change_password(actor, PASSWORD, "12345678")
    backend.clock.move(seconds=300)
    service.change_password(actor, PASSWORD, "12345678")


def test_a_login_during_a_change_gets_no_token(backend: Backend):
    """Whoever knew the old password must not slip in between its check and the new one."""
    actor = backend.services.accounts.authenticate(backend.token(OPERATOR))

    class Meanwhile(Passwords):
        def verify(self, password_hash: str | None, password: str) -> bool:
            fits = super().verify(password_hash, password)
            backend.services.accounts.change_password(actor, PASSWORD, "12345678")
            return fits

    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.raises(Conflict):
        Accounts(backend.database, Meanwhile(hasher), clock=backend.clock).login(OPERATOR, PASSWORD)
