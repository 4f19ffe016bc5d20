"""Completion of organizations, projects, members, secrets and tokens."""

from collections.abc import Iterator
from shlex import quote
from typing import Any, Final

import click

from au2.cli.command import Session
from au2.cli.options import completing


def _is_one_word(name: str) -> bool:
    """Whether a shell takes the name as it is."""
    return quote(name) == name


def _find_organizations(session: Session, _: click.Context) -> Iterator[tuple[str, str]]:
    found = {one["organization"]: one["organization_name"] for one in _list_contexts(session)}
    for id_, name in found.items():
        yield (name, id_) if _is_one_word(name) else (id_, name)


def _find_projects(session: Session, ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Return projects of the organization that was typed before, or of all."""
    typed = ctx.params.get("organization") or session.stated_organization
    for one in _list_contexts(session):
        id_, name = one["project"], one["project_name"]
        if id_ is None or typed not in {None, one["organization"], one["organization_name"]}:
            continue
        inside = one["organization_name"]
        yield (name, inside) if _is_one_word(name) else (id_, f"{name} in {inside}")


def _list_contexts(session: Session) -> list[dict[str, Any]]:
    from au2.client.resources.accounts import Accounts
    from au2.wire.documents import format_document

    return [format_document(found) for found in Accounts(session.transport).list_contexts()]


def _find_members(session: Session, _: click.Context) -> Iterator[tuple[str, str]]:
    from au2.client.resources.organizations import Organizations

    for member in Organizations(session.transport).list_members(session.context):
        yield member.email, member.role


def _find_secrets(session: Session, _: click.Context) -> Iterator[tuple[str, str]]:
    from au2.client.resources.secrets import Secrets

    for secret in Secrets(session.transport).list_secrets(session.context):
        yield secret.name, secret.description


def _find_tokens(session: Session, _: click.Context) -> Iterator[tuple[str, str]]:
    from au2.client.resources.accounts import Accounts

    for token in Accounts(session.transport).list_tokens():
        yield (token.name, token.id) if _is_one_word(token.name) else (token.id, token.name)


complete_organizations: Final = completing(_find_organizations)
complete_projects: Final = completing(_find_projects)
complete_members: Final = completing(_find_members)
complete_secrets: Final = completing(_find_secrets)
complete_tokens: Final = completing(_find_tokens)
