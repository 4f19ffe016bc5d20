import pytest

from au2.domain.context import Context
from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.domain.identity import Role
from au2.stores.database.events import list_events
from tests.support.world import OPERATOR, World


@pytest.fixture
def above(world: World) -> Context:
    return world.organization(project=None)


def test_a_new_member_gets_a_first_password_once(world: World, above: Context):
    operator = world.actor(OPERATOR)
    new = world.services.members.add(operator, above, "New@Example.com", "runner")

    assert new.initial_password is not None
    assert world.services.accounts.login("new@example.com", new.initial_password)
    again = world.services.members.add(operator, above, "new@example.com", "viewer")
    assert again.initial_password is None
    assert world.actor("new@example.com").role_in(above) is Role.VIEWER


def test_only_an_operator_makes_users(world: World, above: Context):
    admin = world.user("admin@example.com", "admin", above)
    with pytest.raises(NotFound, match=r"no user new@example\.com\. An operator"):
        world.services.members.add(admin, above, "new@example.com", "viewer")
    with pytest.raises(NotFound):
        world.actor("new@example.com")

    world.user("new@example.com")
    known = world.services.members.add(admin, above, "New@example.com", "viewer")
    assert known.initial_password is None
    assert world.actor("new@example.com").role_in(above) is Role.VIEWER


def test_the_last_admin_stays(world: World, above: Context):
    operator = world.actor(OPERATOR)
    with pytest.raises(Conflict):
        world.services.members.remove(operator, above, OPERATOR)
    with pytest.raises(Conflict):
        world.services.members.add(operator, above, OPERATOR, "developer")
    world.services.members.add(operator, above, OPERATOR, "admin")
    assert world.actor(OPERATOR).role_in(above) is Role.ADMIN

    world.user("second@example.com", "admin", above)
    world.services.members.remove(operator, above, OPERATOR)
    assert world.actor(OPERATOR).role_in(above) is None


def test_a_project_may_lose_its_last_admin(world: World):
    context = world.organization()
    world.user("admin@example.com", "admin", context)
    world.services.members.remove(world.actor(OPERATOR), context, "admin@example.com")
    assert world.actor("admin@example.com").memberships == ()


def test_who_is_no_member_can_t_be_removed(world: World, above: Context):
    world.user("elsewhere@example.com")
    for email in ("elsewhere@example.com", "nobody@example.com", ""):
        with pytest.raises(NotFound):
            world.services.members.remove(world.actor(OPERATOR), above, email)


@pytest.mark.parametrize("email", ["", "a", "a@", "@b", "a@b@c", "a b@c", "a\n@b"])
def test_what_is_no_email_address(world: World, above: Context, email: str):
    with pytest.raises(InvalidRequest):
        world.services.members.add(world.actor(OPERATOR), above, email, "viewer")


def test_what_is_no_role(world: World, above: Context):
    with pytest.raises(InvalidRequest, match="not a role"):
        world.services.members.add(world.actor(OPERATOR), above, "a@example.com", "owner")


def test_changes_are_noted(world: World, above: Context):
    world.user("a@example.com", "viewer", above)
    world.services.members.remove(world.actor(OPERATOR), above, "a@example.com")

    with world.database.read() as transaction:
        events = list_events(transaction, f"organization:{above.organization_id}")
    assert [(event.action, event.actor) for event in events] == [
        ("organization:created", OPERATOR),
        ("member:added", OPERATOR),
        ("member:removed", OPERATOR),
    ]
