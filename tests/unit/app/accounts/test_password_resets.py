import pytest

from au2.domain.errors import InvalidRequest, NotAuthenticated, NotFound, WrongPassword
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend

NEW = "another password of enough length"


def test_the_new_one_holds_and_all_tokens_are_ended(backend: Backend):
    accounts = backend.services.accounts
    login = accounts.login(OPERATOR, PASSWORD)
    managed = backend.services.managed_tokens.create_token(
        accounts.authenticate(login.secret), "for a robot"
    )

    assert backend.services.accounts.reset_password(f" {OPERATOR.upper()} ", NEW) >= 2

    for ended in (login, managed):
        with pytest.raises(NotAuthenticated):
            accounts.authenticate(ended.secret)
    with pytest.raises(WrongPassword):
        accounts.login(OPERATOR, PASSWORD)
    assert accounts.authenticate(accounts.login(OPERATOR, NEW).secret).email == OPERATOR


def test_a_user_who_is_not_there_and_a_password_that_will_not_do(backend: Backend):
    with pytest.raises(NotFound):
        backend.services.accounts.reset_password("nobody@example.com", NEW)
    with pytest.raises(InvalidRequest):
        backend.services.accounts.reset_password(OPERATOR, "short")
