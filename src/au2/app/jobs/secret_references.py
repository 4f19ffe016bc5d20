"""Checks of a run's secret references at submission: names, permissions, values."""

from collections.abc import Mapping
from typing import Any

from au2.app.jobs.run_requests import ENVIRONMENT_BYTES
from au2.app.lookup import get_secret
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.accounts.secret import Secret, merge_environment
from au2.domain.accounts.secret_name import find_secret_name_error
from au2.domain.errors import Detail, InvalidRequest, NotFound, NotPermitted
from au2.domain.json_value import format_pointer
from au2.domain.wording import format_bytes
from au2.package.environment import find_length_error, find_name_error
from au2.stores.database.database import Transaction

_MOST_SECRETS = 100


def check_secret_names(
    secrets: Mapping[str, str], environment: Mapping[str, str], *, any_name: bool = False
) -> None:
    """Refuse invalid names, and variables given twice. Raises InvalidRequest.

    ``any_name``: of an image version; see :func:`au2.package.environment.find_name_error`.
    """
    errors = []
    for variable, name in secrets.items():
        message = find_name_error(variable, any_name=any_name)
        message = message or find_secret_name_error(name)
        if message is None and variable in environment:
            message = f"'{variable}' is given both as a text and as a secret"
        if message is not None:
            errors.append(Detail(message, pointer=format_pointer(("secrets", variable))))
    if errors:
        raise InvalidRequest("The secrets can't be given like this.", details=errors)


def check_secret_references(
    transaction: Transaction,
    actor: Actor,
    context: Context,
    *,
    defaults: Mapping[str, Any] | None,
    environment: Mapping[str, str],
    secrets: Mapping[str, str],
) -> None:
    """Refuse a run whose secrets are missing, have no value, or may not be used by the actor.

    Args:
        transaction: of the job's insertion.
        actor: submitter.
        context: of the run, from which names of secrets are resolved.
        defaults: variables of ``env.yml``.
        environment: texts given at submission.
        secrets: secrets given at submission.

    Raises:
        InvalidRequest: with every error.
    """
    wanted = merge_environment(defaults, environment, secrets)
    errors: list[Detail] = []
    size_bytes = 0
    if len(wanted.secrets) > _MOST_SECRETS:
        errors.append(Detail(f"more than {_MOST_SECRETS} secrets", pointer="/secrets"))
    for variable, name in list(wanted.secrets.items())[:_MOST_SECRETS]:
        wants = f"'{variable}' takes the secret '{name}'"
        try:
            found = get_secret(transaction, actor, Action.USE_SECRET, context, name)
        except NotFound:
            message: str | None = f"{wants}, which is not there: au2 secret create {name}"
        except NotPermitted:
            message = f"{wants}, which you may not use"
        else:
            size_bytes += found.size_bytes
            message = _find_value_error(variable, wants, found)
        if message is None:
            continue
        if variable in secrets:
            errors.append(Detail(message, pointer=format_pointer(("secrets", variable))))
        else:
            errors.append(Detail(message, file="env.yml"))
    if size_bytes > ENVIRONMENT_BYTES:
        errors.append(Detail(f"together more than {format_bytes(ENVIRONMENT_BYTES)}", "/secrets"))
    if errors:
        raise InvalidRequest(
            "The run can't have the secrets that it asks for.",
            details=errors,
            hint="See what there is: au2 secret list",
        )


def _find_value_error(variable: str, wants: str, found: Secret) -> str | None:
    if not found.has_value:
        return f"{wants}, which has no value yet: au2 secret ingest {found.name}"
    return find_length_error(variable, found.size_bytes)
