"""Organizations, projects and members."""

from au2.client.http.urls import context_query, quote_segment
from au2.client.resources.resource import Resource
from au2.domain.context import Context
from au2.wire.account import (
    Creation,
    MemberAdded,
    MemberAddition,
    MemberView,
    OrganizationView,
    ProjectView,
)
from au2.wire.documents import format_request, parse_record, parse_records
from au2.wire.violations import build


class Organizations(Resource):
    """``/organizations`` and ``/members``."""

    def list_organizations(self) -> list[OrganizationView]:
        """Return the organizations that the account knows."""
        return parse_records(OrganizationView, self._transport.call("GET", "/organizations"))

    def create_organization(self, name: str) -> OrganizationView:
        """Make an organization (operators only)."""
        document = self._transport.call(
            "POST", "/organizations", document=format_request(build(Creation, name=name))
        )
        return parse_record(OrganizationView, document)

    def get_organization(self, organization: str) -> OrganizationView:
        """Return one organization. Raises NotFound."""
        return parse_record(
            OrganizationView, self._transport.call("GET", f"/organizations/{organization}")
        )

    def list_projects(self, organization: str) -> list[ProjectView]:
        """Return the projects of ``organization`` that the account knows."""
        document = self._transport.call("GET", f"/organizations/{organization}/projects")
        return parse_records(ProjectView, document)

    def create_project(self, organization: str, name: str) -> ProjectView:
        """Make a project in ``organization``."""
        document = self._transport.call(
            "POST",
            f"/organizations/{organization}/projects",
            document=format_request(build(Creation, name=name)),
        )
        return parse_record(ProjectView, document)

    def list_members(self, context: Context) -> list[MemberView]:
        """Return the members of ``context``."""
        document = self._transport.call("GET", "/members", query=context_query(context))
        return parse_records(MemberView, document)

    def add_member(self, context: Context, email: str, role: str) -> MemberAdded:
        """Give ``email`` a role in ``context``; a new user's first password is in the answer."""
        document = self._transport.call(
            "POST",
            "/members",
            query=context_query(context),
            document=format_request(build(MemberAddition, email=email, role=role)),
        )
        return parse_record(MemberAdded, document)

    def remove_member(self, context: Context, email: str) -> None:
        """Take the role of ``email`` in ``context`` away."""
        self._transport.call(
            "DELETE", f"/members/{quote_segment(email, 'member')}", query=context_query(context)
        )
