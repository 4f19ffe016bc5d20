"""Contexts of an account: their list, the choice after a login, and the one at a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from au2.cli.command import Session
from au2.domain.errors import Detail, InvalidRequest, NotFound

if TYPE_CHECKING:
    from au2.client.http.transport import Transport
    from au2.wire.account import MembershipView

_FIELDS = ("organization", "organization_name", "project", "project_name")
_SET_COMMAND = "au2 context set ORGANIZATION [PROJECT]"
_MOST_LISTED = 20


def name_context(found: "MembershipView") -> str:
    """Return ``Acme`` or ``Acme / forecasting``."""
    names = (found.organization_name, found.project_name)
    return " / ".join(name for name in names if name is not None)


def choose_context(session: Session, token: str) -> dict[str, str | None]:
    """Choose the account's context after a login, if there is only one; else tell what to do.

    A context that was chosen before stays, if it is still the account's. Returns the fields of the
    context for a document.
    """
    transport = session.connect(token)
    try:
        contexts = list_contexts(transport)
    finally:
        transport.close()
    entry = session.entry
    there = [(found.organization, found.project) for found in contexts]
    if (
        contexts
        and entry.organization is not None
        and (entry.organization, entry.project) not in there
    ):
        session.remember(
            entry._replace(
                organization=None, organization_name=None, project=None, project_name=None
            )
        )
    if session.entry.organization is None:
        _choose_only(session, contexts)
    return {name: getattr(session.entry, name) for name in _FIELDS}


def list_contexts(transport: "Transport") -> "Sequence[MembershipView]":
    """Return the contexts of an account; of an older server, which lists none, no context."""
    from au2.client.resources.accounts import Accounts

    try:
        return Accounts(transport).list_contexts()
    except NotFound:
        return []


def _choose_only(session: Session, contexts: "Sequence[MembershipView]") -> None:
    remark = session.console.remark
    if len(contexts) == 1:
        remember_context(session, contexts[0])
        return
    if not contexts:
        remark("No context is set: your account has no role in an organization yet.")
        return
    remark("\n".join(["Your contexts:", *map(name_context, contexts[:_MOST_LISTED])]))
    if len(contexts) > _MOST_LISTED:
        remark(f"… and {len(contexts) - _MOST_LISTED} more. See all of them: au2 context list")
    remark(f"Choose one with: {_SET_COMMAND}")


def remember_context(session: Session, chosen: "MembershipView") -> None:
    """Keep ``chosen`` as the present context, and tell so."""
    fields = {name: getattr(chosen, name) for name in _FIELDS}
    session.remember(session.entry._replace(**fields))
    inner = f", project {chosen.project_name}" if chosen.project_name is not None else ""
    session.console.remark(f"The context is now: organization {chosen.organization_name}{inner}.")
    if session.environment.get("AU_ORGANIZATION"):
        session.console.remark("AU_ORGANIZATION is set: commands use its context instead.")


def ask_context(session: Session, contexts: "Sequence[MembershipView]") -> "MembershipView":
    """Ask at a terminal for one of the contexts.

    Raises:
        NotFound: there are none.
        InvalidRequest: there is no terminal; the details list the contexts.
    """
    if not contexts:
        raise NotFound(
            "You have no role in an organization yet.", hint="Ask an admin of an organization."
        )
    names = [name_context(found) for found in contexts]
    if not session.console.can_ask:
        details = [Detail(name) for name in names]
        hint = f"Name one: {_SET_COMMAND}"
        raise InvalidRequest("There is no terminal to choose on.", hint=hint, details=details)
    choices = [(name, found.role) for name, found in zip(names, contexts, strict=True)]
    return contexts[session.console.choose("Context", choices, flag="ORGANIZATION")]
