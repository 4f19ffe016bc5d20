"""Members of organizations and projects, and their roles."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from au2.app.accounts.email import parse_email
from au2.app.accounts.passwords import Passwords, make_password
from au2.app.lookup import ensure_may
from au2.domain import clock as clocks
from au2.domain.accounts.account import Member, User
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor, Membership, Role
from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.domain.event import EventAction
from au2.domain.ids import make_guid
from au2.stores.database import accounts
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member just added; with the first password of a user who is new too."""

    member: Member
    initial_password: str | None


class Members:
    """Members of contexts."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._clock = clock

    def list_members(self, actor: Actor, context: Context) -> list[Member]:
        """Return the members whose role reaches ``context``. Raises NotPermitted."""
        ensure_may(actor, Action.VIEW_MEMBERS, context)
        with self._database.read() as transaction:
            return accounts.list_members(transaction, context)

    def get(self, actor: Actor, context: Context, email: str) -> Member:
        """Return the member with a role in exactly this context. Raises NotFound, NotPermitted."""
        address = email.strip().lower()
        for member in self.list_members(actor, context):
            if member.email == address and member.membership.context == context:
                return member
        raise _no_member(address)

    def add(self, actor: Actor, context: Context, email: str, role: str) -> NewMember:
        """Give a user a role in ``context``, in place of the present one.

        For an unknown address an operator creates a user, and learns the first password. An admin
        must
        not: they could hold any address before its owner comes.

        Raises:
            NotPermitted: the actor is no admin here.
            InvalidRequest: no email address, or no role.
            NotFound: there is no such user, and the actor is no operator.
            Conflict: the organization would be left without an admin.
        """
        ensure_may(actor, Action.MANAGE_MEMBERS, context)
        address = parse_email(email)
        membership = Membership(context, _parse_role(role))
        # Hashed before it is known whether it is needed: hashing takes time, a transaction none.
        with self._database.read() as transaction:
            is_new = accounts.find_user_by_email(transaction, address) is None
        if is_new and not actor.is_operator:
            raise NotFound(
                f"There is no user {address}. An operator of this installation makes new users.",
                hint="Ask an operator to add them; afterwards you can change their role.",
            )
        password = make_password() if is_new else None
        password_hash = None if password is None else self._passwords.hash(password)
        now = self._clock()
        with self._database.write() as transaction:
            user = accounts.find_user_by_email(transaction, address)
            if user is not None:
                password = None
            elif password_hash is not None:
                user = User(make_guid(), address, password_hash, False, now)
                accounts.add_user(transaction, user)
            else:
                raise Conflict(f"{address} was removed meanwhile.", hint="Try again.")
            if membership.role is not Role.ADMIN:
                _ensure_other_admin(transaction, user.id, context)
            accounts.set_membership(
                transaction,
                membership_id=make_guid(),
                user_id=user.id,
                membership=membership,
                at=now,
                by=actor.email,
            )
            self._note(
                transaction,
                actor,
                EventAction.MEMBER_ADDED,
                context,
                email=address,
                role=str(membership.role),
            )
        return NewMember(Member(address, membership), password)

    def remove(self, actor: Actor, context: Context, email: str) -> None:
        """Remove a user's role in exactly this context.

        Raises:
            NotPermitted: the actor is no admin here.
            NotFound: there is no such member.
            Conflict: the organization would be left without an admin.
        """
        ensure_may(actor, Action.MANAGE_MEMBERS, context)
        address = email.strip().lower()
        with self._database.write() as transaction:
            user = accounts.find_user_by_email(transaction, address)
            if user is not None:
                _ensure_other_admin(transaction, user.id, context)
            if user is None or not accounts.remove_membership(transaction, user.id, context):
                raise _no_member(address)
            self._note(transaction, actor, EventAction.MEMBER_REMOVED, context, email=address)

    def _note(
        self,
        transaction: Transaction,
        actor: Actor,
        action: EventAction,
        context: Context,
        *,
        email: str,
        role: str | None = None,
    ) -> None:
        subject = (
            f"organization:{context.organization_id}"
            if context.project_id is None
            else f"project:{context.project_id}"
        )
        at = self._clock()
        add_event(transaction, actor.email, action, subject, context, at=at, email=email, role=role)


def _no_member(address: str) -> NotFound:
    return NotFound(f"{address} is not a member of this context.", hint="See: au2 member list")


def _ensure_other_admin(transaction: Transaction, user_id: str, context: Context) -> None:
    """Refuse to take the last admin from an organization."""
    if context.project_id is not None:
        return
    held = accounts.list_memberships(transaction, user_id)
    if Membership(context, Role.ADMIN) not in held:
        return
    if accounts.count_admins(transaction, context.organization_id) <= 1:
        raise Conflict(
            "This is the organization's last admin.", hint="Make another member an admin first."
        )


def _parse_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        known = ", ".join(Role)
        raise InvalidRequest(f"'{text}' is not a role.", hint=f"Roles: {known}.") from None
