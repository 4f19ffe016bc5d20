"""The first user of an installation, and where that user works."""

from dataclasses import dataclass

from au2.app.accounts.accounts import Accounts, parse_email
from au2.app.organizations.organizations import Organizations
from au2.app.validation import parse_name
from au2.domain.errors import Conflict, InvalidRequest
from au2.domain.ids import parse_guid
from au2.stores.database.accounts import count_users
from au2.stores.database.database import Database

_LEAST_PASSWORD_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class NewScope:
    """An organization or project to make, with an id of the operator's choice or a random one."""

    name: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class InitialSetup:
    """What ``au2-server init`` is asked to make."""

    email: str
    organization: NewScope | None = None
    project: NewScope | None = None

    def check(self) -> None:
        """Raise InvalidRequest before anything is made, if anything of it could not be."""
        parse_email(self.email)
        if self.project is not None and self.organization is None:
            raise InvalidRequest("A project is made in an organization: name one, too.")
        for what, place in (("an organization", self.organization), ("a project", self.project)):
            if place is not None:
                parse_name(place.name, what)
                if place.id is not None:
                    parse_guid(place.id)


def bootstrap_installation(
    database: Database,
    accounts: Accounts,
    organizations: Organizations,
    wanted: InitialSetup,
    password: str,
) -> dict[str, str | None]:
    """Make them and return their ids; to be called by one process at a time.

    Raises:
        Conflict: there are users already.
        InvalidRequest: something of it is not valid; nothing was made.
    """
    wanted.check()
    if len(password) < _LEAST_PASSWORD_CHARACTERS:
        raise InvalidRequest(
            f"The password is shorter than {_LEAST_PASSWORD_CHARACTERS} characters."
        )
    with database.read() as transaction:
        if count_users(transaction):
            raise Conflict(
                "This data directory has its first user already.",
                hint="Log in as that user and add others with 'au2 member add'.",
            )
    user = accounts.add_user(wanted.email, password, is_operator=True)
    record: dict[str, str | None] = {"email": user.email, "user": user.id}
    if wanted.organization is None:
        return record
    organization = organizations.create_organization(
        accounts.actor_of(user.email),
        wanted.organization.name,
        organization_id=wanted.organization.id,
    )
    record["organization"] = organization.id
    if wanted.project is not None:
        # Looked up anew: the user is now the organization's admin.
        project = organizations.create_project(
            accounts.actor_of(user.email),
            organization.id,
            wanted.project.name,
            project_id=wanted.project.id,
        )
        record["project"] = project.id
    return record
