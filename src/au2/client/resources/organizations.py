"""Calls for organizations, projects and members."""

from au2.client.http.urls import quote_segment
from au2.client.resources.resource import Resource
from au2.domain.accounts.context import Context
from au2.wire.account import (
    Creation,
    MemberAdded,
    MemberAddition,
    MemberView,
    NameChange,
    OrganizationView,
    ProjectView,
)
from au2.wire.violations import build


class Organizations(Resource):
    """``/organizations`` and ``/members``."""

    def list_organizations(self) -> list[OrganizationView]:
        """Return the organizations visible to the account."""
        return self._list(OrganizationView, "/organizations")

    def create_organization(self, name: str) -> OrganizationView:
        """Create an organization (operators only)."""
        body = build(Creation, name=name)
        return self._record(OrganizationView, "POST", "/organizations", body=body)

    def get_organization(self, organization: str) -> OrganizationView:
        """Return one organization. Raises NotFound."""
        return self._record(OrganizationView, "GET", _path(organization))

    def rename_organization(self, organization: str, name: str) -> OrganizationView:
        """Give an organization another name. Raises Conflict."""
        body = build(NameChange, name=name)
        return self._record(OrganizationView, "PATCH", _path(organization), body=body)

    def delete_organization(self, organization: str, *, name: str | None = None) -> None:
        """Delete an organization; with all that is in it if its ``name`` is given.

        Raises Conflict, InvalidRequest.
        """
        self._call("DELETE", _path(organization), query={"name": name})

    def rename_project(self, organization: str, project: str, name: str) -> ProjectView:
        """Give a project another name. Raises Conflict."""
        path = _project_path(organization, project)
        return self._record(ProjectView, "PATCH", path, body=build(NameChange, name=name))

    def delete_project(self, organization: str, project: str, *, name: str | None = None) -> None:
        """Delete a project; as :meth:`delete_organization`."""
        path = _project_path(organization, project)
        self._call("DELETE", path, query={"name": name})

    def list_projects(self, organization: str) -> list[ProjectView]:
        """Return the projects of ``organization`` visible to the account."""
        return self._list(ProjectView, f"{_path(organization)}/projects")

    def create_project(self, organization: str, name: str) -> ProjectView:
        """Create a project in ``organization``."""
        path = f"{_path(organization)}/projects"
        return self._record(ProjectView, "POST", path, body=build(Creation, name=name))

    def list_members(self, context: Context) -> list[MemberView]:
        """Return the members of ``context``."""
        return self._list(MemberView, "/members", context)

    def add_member(self, context: Context, email: str, role: str) -> MemberAdded:
        """Give ``email`` a role in ``context``; a new user's first password is in the response."""
        body = build(MemberAddition, email=email, role=role)
        return self._record(MemberAdded, "POST", "/members", context, body=body)

    def remove_member(self, context: Context, email: str) -> None:
        """Take the role of ``email`` in ``context`` away."""
        self._call("DELETE", f"/members/{quote_segment(email, 'member')}", context)


def _path(organization: str) -> str:
    return f"/organizations/{quote_segment(organization, 'organization')}"


def _project_path(organization: str, project: str) -> str:
    return f"{_path(organization)}/projects/{quote_segment(project, 'project')}"
