import pytest

from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Role
from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.stores.database.events import list_events
from tests.support.servers.backend import OPERATOR, Backend


@pytest.fixture
def above(backend: Backend) -> Context:
    return backend.organization(project=None)


def test_a_new_member_gets_a_first_password_once(backend: Backend, above: Context):
    operator = backend.actor(OPERATOR)
    new = backend.services.members.add(operator, above, "New@Example.com", "runner")

    assert new.initial_password is not None
    assert backend.services.accounts.login("new@example.com", new.initial_password)
    again = backend.services.members.add(operator, above, "new@example.com", "viewer")
    assert again.initial_password is None
    assert backend.actor("new@example.com").role_in(above) is Role.VIEWER


def test_only_an_operator_makes_users(backend: Backend, above: Context):
    admin = backend.user("admin@example.com", "admin", above)
    with pytest.raises(NotFound, match=r"no user new@example\.com\. An operator"):
        backend.services.members.add(admin, above, "new@example.com", "viewer")
    with pytest.raises(NotFound):
        backend.actor("new@example.com")

    backend.user("new@example.com")
    known = backend.services.members.add(admin, above, "New@example.com", "viewer")
    assert known.initial_password is None
    assert backend.actor("new@example.com").role_in(above) is Role.VIEWER


def test_the_last_admin_stays(backend: Backend, above: Context):
    operator = backend.actor(OPERATOR)
    with pytest.raises(Conflict):
        backend.services.members.remove(operator, above, OPERATOR)
    with pytest.raises(Conflict):
        backend.services.members.add(operator, above, OPERATOR, "developer")
    backend.services.members.add(operator, above, OPERATOR, "admin")
    assert backend.actor(OPERATOR).role_in(above) is Role.ADMIN

    backend.user("second@example.com", "admin", above)
    backend.services.members.remove(operator, above, OPERATOR)
    assert backend.actor(OPERATOR).role_in(above) is None


def test_a_project_may_lose_its_last_admin(backend: Backend):
    context = backend.organization()
    backend.user("admin@example.com", "admin", context)
    backend.services.members.remove(backend.actor(OPERATOR), context, "admin@example.com")
    assert backend.actor("admin@example.com").memberships == ()


def test_who_is_no_member_can_t_be_removed(backend: Backend, above: Context):
    backend.user("elsewhere@example.com")
    for email in ("elsewhere@example.com", "nobody@example.com", ""):
        with pytest.raises(NotFound):
            backend.services.members.remove(backend.actor(OPERATOR), above, email)


@pytest.mark.parametrize("email", ["", "a", "a@", "@b", "a@b@c", "a b@c", "a\n@b"])
def test_what_is_no_email_address(backend: Backend, above: Context, email: str):
    with pytest.raises(InvalidRequest):
        backend.services.members.add(backend.actor(OPERATOR), above, email, "viewer")


def test_what_is_no_role(backend: Backend, above: Context):
    with pytest.raises(InvalidRequest, match="not a role"):
        backend.services.members.add(backend.actor(OPERATOR), above, "a@example.com", "owner")


def test_changes_are_noted(backend: Backend, above: Context):
    backend.user("a@example.com", "viewer", above)
    backend.services.members.remove(backend.actor(OPERATOR), above, "a@example.com")

    with backend.database.read() as transaction:
        events = list_events(transaction, f"organization:{above.organization_id}")
    assert [(event.action, event.actor) for event in events] == [
        ("organization:created", OPERATOR),
        ("member:added", OPERATOR),
        ("member:removed", OPERATOR),
    ]
