from itertools import pairwise

import pytest

from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import (
    DOWNWARD_ACTIONS,
    Action,
    Actor,
    Membership,
    Role,
    is_allowed,
)

ORGANIZATION = Context("o")
PROJECT = Context("o", "p")
SISTER = Context("o", "q")
FOREIGN = Context("x")


def actor(*memberships: Membership) -> Actor:
    return Actor("u", "u@example.org", "t", memberships=memberships)


@pytest.mark.parametrize("action", list(Action))
def test_a_stronger_role_may_all_that_a_weaker_one_may(action: Action):
    for weaker, stronger in pairwise(Role):
        assert is_allowed(stronger, action) or not is_allowed(weaker, action)


def test_a_viewer_only_looks():
    allowed = {action for action in Action if is_allowed(Role.VIEWER, action)}
    # To pull an image is to look at it.
    assert all(":view-" in action or action is Action.PULL_IMAGE for action in allowed)


def test_an_organization_role_reaches_down_into_projects():
    developer = actor(Membership(ORGANIZATION, Role.DEVELOPER))
    assert developer.may(Action.CREATE_PROCESS, PROJECT)
    assert not developer.knows(FOREIGN)


def test_a_project_role_uses_but_does_not_change_what_lies_above():
    admin = actor(Membership(PROJECT, Role.ADMIN))
    assert admin.may(Action.MANAGE_MEMBERS, PROJECT)
    for action in Action:
        assert admin.may(action, ORGANIZATION) == (action in DOWNWARD_ACTIONS)
    assert not admin.may(Action.VIEW_PROCESS, SISTER)
    assert not admin.knows(SISTER)


def test_the_strongest_of_several_roles_counts():
    both = actor(Membership(ORGANIZATION, Role.VIEWER), Membership(PROJECT, Role.ADMIN))
    assert both.role_in(PROJECT) is Role.ADMIN
    assert both.role_in(SISTER) is Role.VIEWER


def test_nobody_sees_upward_or_sideways():
    assert PROJECT.sees(ORGANIZATION)
    assert PROJECT.sees(PROJECT)
    assert not ORGANIZATION.sees(PROJECT)
    assert not PROJECT.sees(SISTER)
    assert not PROJECT.sees(FOREIGN)
