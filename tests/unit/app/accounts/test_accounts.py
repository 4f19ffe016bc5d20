from datetime import datetime, timedelta, timezone

import pytest
from argon2 import PasswordHasher

from au2.app.accounts.accounts import Accounts
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
from tests.support.world import OPERATOR, PASSWORD, World


def test_a_token_stands_for_its_user(world: World):
    new = world.services.accounts.login(f" {OPERATOR.upper()} ", PASSWORD)

    actor = world.services.accounts.authenticate(new.secret)

    assert new.secret.startswith("au2_")
    assert (actor.email, actor.is_operator, actor.token_id) == (OPERATOR, True, new.token.id)
    with world.database.read() as transaction:
        kept = accounts.find_token(transaction, new.token.id)
    assert kept is not None
    assert new.secret not in str(kept)


@pytest.mark.parametrize("email", [OPERATOR, "nobody@example.com", "", "\0"])
def test_wrong_password_and_unknown_user_read_the_same(world: World, email: str):
    with pytest.raises(WrongPassword) as caught:
        world.services.accounts.login(email, "wrong")
    assert str(caught.value) == "The email address or the password is wrong."


def test_unknown_users_cost_a_hash_too(world: World):
    class Counting(PasswordHasher):
        verified = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
            Counting.verified += 1
            return super().verify(hash, password)

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    with pytest.raises(WrongPassword):
        Accounts(world.database, passwords).login("nobody@example.com", PASSWORD)
    assert Counting.verified == 1


def test_hashes_are_renewed_when_the_parameters_change(world: World):
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))

    Accounts(world.database, stronger, clock=world.clock).login(OPERATOR, PASSWORD)

    with world.database.read() as transaction:
        user = accounts.find_user_by_email(transaction, OPERATOR)
    assert user is not None
    assert "m=16,t=2" in user.password_hash
    world.services.accounts.login(OPERATOR, PASSWORD)


def test_a_braked_key_opens_again_and_others_are_free(world: World):
    def fail(address: str) -> None:
        world.services.accounts.login(OPERATOR, "wrong", address=address)

    for _ in range(6):
        with pytest.raises(WrongPassword):
            fail("10.0.0.1")
        world.clock.move(seconds=1)
    with pytest.raises(TooManyAttempts):
        world.services.accounts.login(OPERATOR, PASSWORD, address="10.0.0.1")
    world.services.accounts.login(OPERATOR, PASSWORD, address="10.0.0.2")
    world.clock.move(seconds=300)
    world.services.accounts.login(OPERATOR, PASSWORD, address="10.0.0.1")
    with pytest.raises(WrongPassword):
        fail("10.0.0.1")


def test_tokens_end(world: World):
    secret = world.services.accounts.login(OPERATOR, PASSWORD).secret
    world.clock.move(hours=24, seconds=-1)
    world.services.accounts.authenticate(secret)
    world.clock.move(seconds=1)
    with pytest.raises(TokenExpired):
        world.services.accounts.authenticate(secret)


def test_renewing_replaces_the_token(world: World):
    old = world.services.accounts.login(OPERATOR, PASSWORD).secret
    world.clock.move(hours=20)
    new = world.services.accounts.renew(world.services.accounts.authenticate(old)).secret
    world.clock.move(hours=20)

    assert world.services.accounts.authenticate(new).email == OPERATOR
    with pytest.raises(NotAuthenticated):
        world.services.accounts.authenticate(old)


def test_logging_out_ends_a_login_but_no_managed_token(world: World):
    login = world.services.accounts.login(OPERATOR, PASSWORD)
    actor = world.services.accounts.authenticate(login.secret)
    managed = world.services.managed_tokens.create_token(actor, "robot").secret

    world.services.accounts.logout(actor)
    world.services.accounts.logout(world.services.accounts.authenticate(managed))

    with pytest.raises(NotAuthenticated):
        world.services.accounts.authenticate(login.secret)
    robot = world.services.accounts.authenticate(managed)
    with pytest.raises(Conflict):
        world.services.accounts.renew(robot)
    assert world.services.accounts.token_info(robot).name == "robot"


def test_managed_tokens_are_removed_by_id_or_name(world: World):
    make = world.services.managed_tokens.create_token
    first, second = make(world.operator, "first"), make(world.operator, "second")
    with pytest.raises(Conflict):
        make(world.operator, "first")

    world.services.managed_tokens.delete_token(world.operator, first.token.id.upper())
    world.services.managed_tokens.delete_token(world.operator, "second")

    assert world.services.managed_tokens.list_tokens(world.operator) == []
    with pytest.raises(NotAuthenticated):
        world.services.accounts.authenticate(second.secret)


def test_another_s_token_is_not_there(world: World):
    token = world.services.managed_tokens.create_token(world.operator, "mine").token
    other = world.user("other@example.com")
    for name in (token.id, "mine"):
        with pytest.raises(NotFound):
            world.services.managed_tokens.delete_token(other, name)


@pytest.mark.parametrize("name", ["", " ", "a/b", "current", "a\nb", "x" * 201])
def test_names_that_could_not_be_named(world: World, name: str):
    with pytest.raises(InvalidRequest):
        world.services.managed_tokens.create_token(world.operator, name)


def test_ends_that_are_none(world: World):
    for moment in (
        datetime(2031, 1, 1),
        datetime(2020, 1, 1, tzinfo=timezone.utc),  # noqa: UP017
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
    ):
        with pytest.raises(InvalidRequest):
            world.services.managed_tokens.create_token(world.operator, "robot", expires_at=moment)


def test_use_is_noted_at_most_once_a_minute(world: World):
    secret = world.services.accounts.login(OPERATOR, PASSWORD).secret
    actor = world.services.accounts.authenticate(secret)
    began = world.clock()
    world.clock.move(seconds=60)
    world.services.accounts.authenticate(secret)
    assert world.services.accounts.token_info(actor).last_used_at == began
    world.clock.move(seconds=1)
    world.services.accounts.authenticate(secret)
    assert world.services.accounts.token_info(actor).last_used_at == world.clock()


def test_an_account_names_its_places(world: World):
    context = world.organization("Acme", "Forecast")
    viewer = world.user("viewer@example.com", "viewer", context)

    (membership,) = world.services.accounts.show(viewer).memberships

    assert (membership.organization_name, membership.project_name) == ("Acme", "Forecast")


def test_a_new_password_ends_the_other_logins(world: World):
    service = world.services.accounts
    other = service.login(OPERATOR, PASSWORD)
    mine = service.login(OPERATOR, PASSWORD)
    stranger = service.login(world.user("other@example.com").email, PASSWORD)
    actor = service.authenticate(mine.secret)
    managed = world.services.managed_tokens.create_token(actor, "robot")

    service.change_password(actor, PASSWORD, "12345678")

    for kept in (mine, managed, stranger):
        service.authenticate(kept.secret)
    with pytest.raises(NotAuthenticated):
        service.authenticate(other.secret)
    with pytest.raises(WrongPassword):
        service.login(OPERATOR, PASSWORD)
    service.login(OPERATOR, "12345678")
    with world.database.read() as transaction:
        actions = [event.action for event in list_events(transaction, f"user:{actor.user_id}")]
    assert actions.count("user:password-changed") == 1


def test_a_new_password_ends_managed_tokens_if_asked(world: World):
    service = world.services.accounts
    mine = service.login(OPERATOR, PASSWORD)
    actor = service.authenticate(mine.secret)
    managed = world.services.managed_tokens.create_token(actor, "robot")
    lent = service.lend_to_registry(managed.secret, 3600)
    other = world.user("other@example.com")
    others = world.services.managed_tokens.create_token(
        service.authenticate(service.login(other.email, PASSWORD).secret), "robot"
    )

    service.change_password(actor, PASSWORD, "12345678", end_tokens=True)

    for kept in (mine, others):
        service.authenticate(kept.secret)
    assert world.services.managed_tokens.list_tokens(actor) == []
    for ended in (managed, lent):
        with pytest.raises(NotAuthenticated):
            service.authenticate(ended.secret, at_registry=True)


@pytest.mark.parametrize("new", ["", "1234567", "x" * 1025])
def test_passwords_that_nobody_may_choose(world: World, new: str):
    actor = world.services.accounts.authenticate(world.token(OPERATOR))
    with pytest.raises(InvalidRequest):
        world.services.accounts.change_password(actor, PASSWORD, new)


def test_guessing_the_present_password_is_braked_like_logins(world: World):
    service = world.services.accounts
    actor = service.authenticate(world.token(OPERATOR))
    for _ in range(2):
        with pytest.raises(WrongPassword):
            service.login(OPERATOR, "wrong")
    for _ in range(3):
        with pytest.raises(WrongPassword, match="present"):
            service.change_password(actor, "wrong", "12345678")
    with pytest.raises(TooManyAttempts):
        service.change_password(actor, PASSWORD, "12345678")
    world.clock.move(seconds=300)
    service.change_password(actor, PASSWORD, "12345678")


def test_a_login_during_a_change_gets_no_token(world: World):
    """Whoever knew the old password must not slip in between its check and the new one."""
    actor = world.services.accounts.authenticate(world.token(OPERATOR))

    class Meanwhile(Passwords):
        def verify(self, password_hash: str | None, password: str) -> bool:
            fits = super().verify(password_hash, password)
            world.services.accounts.change_password(actor, PASSWORD, "12345678")
            return fits

    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.raises(Conflict):
        Accounts(world.database, Meanwhile(hasher), clock=world.clock).login(OPERATOR, PASSWORD)
