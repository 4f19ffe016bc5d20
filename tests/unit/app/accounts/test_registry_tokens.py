"""Tokens of registry clients: narrow, short, and gone with what they were given for."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from au2.app.accounts.accounts import Accounts
from au2.app.accounts.tokens import NewToken
from au2.domain.errors import NotAuthenticated, TokenExpired
from au2.stores.database import accounts
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend

HOUR = 3600.0


@pytest.fixture
def people(backend: Backend) -> Accounts:
    return backend.services.accounts


def log_in(people: Accounts) -> NewToken:
    return people.login(OPERATOR, PASSWORD)


def is_open(people: Accounts, token: NewToken) -> bool:
    try:
        people.authenticate(token.secret, at_registry=True)
    except NotAuthenticated:
        return False
    return True


def test_the_registry_only_takes_them(people: Accounts) -> None:
    by_password = people.login(OPERATOR, PASSWORD, for_registry_seconds=HOUR)
    by_token = people.lend_to_registry(log_in(people).secret, HOUR)
    for token in (by_password, by_token):
        assert people.authenticate(token.secret, at_registry=True).email == OPERATOR
        with pytest.raises(NotAuthenticated, match="registry only"):
            people.authenticate(token.secret)


def end_by_logout(people: Accounts, login: NewToken) -> None:
    people.logout(people.authenticate(login.secret))


def end_by_renewing(people: Accounts, login: NewToken) -> None:
    people.renew(people.authenticate(login.secret))


def end_by_password(people: Accounts, login: NewToken) -> None:
    people.change_password(people.authenticate(login.secret), PASSWORD, "another long password")


@pytest.mark.parametrize("end", [end_by_logout, end_by_renewing, end_by_password])
def test_they_end_with_the_login_they_were_given_for(
    people: Accounts, end: Callable[[Accounts, NewToken], None]
) -> None:
    login, other = log_in(people), log_in(people)
    lent = people.lend_to_registry(login.secret, HOUR)
    kept = people.lend_to_registry(other.secret, HOUR)
    by_password = people.login(OPERATOR, PASSWORD, for_registry_seconds=HOUR)

    end(people, login)

    assert not is_open(people, lent)
    # Whoever had the old password may have some.
    assert is_open(people, kept) is (end is not end_by_password)
    assert is_open(people, by_password) is (end is not end_by_password)


def test_they_end_with_the_managed_token_they_were_given_for(
    backend: Backend, people: Accounts
) -> None:
    managed = backend.services.managed_tokens.create_token(backend.operator, "robot")
    lent = people.lend_to_registry(managed.secret, HOUR)
    backend.services.managed_tokens.delete_token(backend.operator, "robot")
    assert not is_open(people, lent)


def test_they_hold_no_longer_than_what_they_were_given_for(
    backend: Backend, people: Accounts
) -> None:
    soon = backend.clock() + timedelta(minutes=10)
    managed = backend.services.managed_tokens.create_token(
        backend.operator, "robot", expires_at=soon
    )
    assert people.lend_to_registry(managed.secret, HOUR).token.expires_at == soon
    backend.clock.move(minutes=10)
    with pytest.raises(TokenExpired):
        people.lend_to_registry(managed.secret, HOUR)


def test_a_push_that_waits_outlives_them_but_not_their_removal(
    backend: Backend, people: Accounts
) -> None:
    managed = backend.services.managed_tokens.create_token(backend.operator, "robot")
    lent = people.lend_to_registry(managed.secret, HOUR)
    actor = people.authenticate(lent.secret, at_registry=True)
    backend.clock.move(hours=1, minutes=30)
    people.lend_to_registry(managed.secret, HOUR)  # Tidies up, too.

    assert people.refresh(actor).email == OPERATOR
    backend.services.managed_tokens.delete_token(backend.operator, "robot")
    with pytest.raises(NotAuthenticated):
        people.refresh(actor)


def test_those_whose_time_is_over_do_not_pile_up(backend: Backend, people: Accounts) -> None:
    """Clients get one for each command."""
    managed = backend.services.managed_tokens.create_token(backend.operator, "robot")
    lent = [people.lend_to_registry(managed.secret, HOUR) for _ in range(20)]
    backend.clock.move(hours=4)
    last = people.lend_to_registry(managed.secret, HOUR)
    with backend.database.read() as transaction:
        there = [accounts.find_token(transaction, new.token.id) for new in (*lent, last)]
    assert [token is not None for token in there] == [False] * 20 + [True]
