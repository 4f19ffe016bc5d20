from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Role
from tests.support.servers.backend import OPERATOR, Backend


def test_contexts_are_those_that_a_role_reaches(backend: Backend):
    acme, other = backend.organization("Acme"), backend.organization("Other", "Alpha")
    backend.organization("Foreign")
    beta = backend.services.organizations.create_project(
        backend.actor(OPERATOR), other.organization_id, "Beta"
    )
    user = backend.user("me@example.com", "developer", acme)
    user = backend.user("me@example.com", "viewer", Context(other.organization_id))
    user = backend.user("me@example.com", "admin", Context(other.organization_id, beta.id))

    found = backend.services.organizations.list_contexts(user)

    # Of Acme only the project: its organization's own objects belong to others.
    assert [(one.organization_name, one.project_name, one.role) for one in found] == [
        ("Acme", "Forecast", Role.DEVELOPER),
        ("Other", None, Role.VIEWER),
        ("Other", "Alpha", Role.VIEWER),
        ("Other", "Beta", Role.ADMIN),
    ]
    assert found[0].context == acme


def test_who_has_no_role_has_no_context(backend: Backend):
    backend.organization()

    assert backend.services.organizations.list_contexts(backend.user("me@example.com")) == []
