"""Secrets of a run: resolved at its start, and held for the masking of its log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from au2.domain.accounts.secret import Secret, merge_environment
from au2.domain.errors import Au2Error
from au2.domain.jobs.job import Claim, Job
from au2.domain.processes.version import Version
from au2.secrets.keyring import KeyFile
from au2.stores.database.database import Database
from au2.stores.database.secrets import (
    bound_to_attempt,
    bound_to_secret,
    find_ciphertext,
    find_held_values,
    find_secret,
)


class SecretMissing(Exception):
    """A secret of a run is missing; the message names the secret and the next step."""


@dataclass(frozen=True, slots=True)
class ResolvedSecrets:
    """The secrets of one attempt."""

    variables: Mapping[str, str]
    """Variable → value."""
    used: tuple[Secret, ...] = ()
    """Each once."""
    sealed: str | None = None
    """All values, encrypted, held while the attempt runs; None: there are none."""

    def __repr__(self) -> str:
        """Return the names only: no value may get into a message."""
        return f"ResolvedSecrets({', '.join(self.variables)})"


@dataclass(frozen=True, slots=True)
class JobSecrets:
    """Resolver of secrets; one instance for all jobs."""

    database: Database
    keys: KeyFile

    def resolve(self, claim: Claim, version: Version) -> ResolvedSecrets:
        """Return the present values.

        Raises:
            SecretMissing: a secret was deleted, has no value, or can't be decrypted.
        """
        wanted = _wanted_secrets(claim.job, version)
        if not wanted:
            return ResolvedSecrets({})
        found: dict[str, Secret] = {}
        values: dict[str, str] = {}
        for variable, name in wanted.items():
            if name not in values:
                found[name], values[name] = self._read(claim.job, variable, name)
        sealed = self.keys.ring().encrypt(
            json.dumps(sorted(set(values.values()))).encode(),
            bound_to=bound_to_attempt(claim.job.id, claim.attempt.number),
        )
        variables = {variable: values[name] for variable, name in wanted.items()}
        return ResolvedSecrets(variables, tuple(found.values()), sealed)

    def held(self, claim: Claim) -> list[str]:
        """Return the values resolved at an attempt's start.

        Raises:
            SecretUnreadable: the values can't be decrypted any more.
        """
        job_id, number = claim.job.id, claim.attempt.number
        with self.database.read() as transaction:
            sealed = find_held_values(transaction, job_id, number)
        if sealed is None:
            return []
        opened = self.keys.ring().decrypt(sealed, bound_to=bound_to_attempt(job_id, number))
        values: list[str] = json.loads(opened)
        return values

    def _read(self, job: Job, variable: str, name: str) -> tuple[Secret, str]:
        with self.database.read() as transaction:
            secret = find_secret(transaction, job.context, name)
            ciphertext = None if secret is None else find_ciphertext(transaction, secret.id)
        wants = f"The variable '{variable}' takes the secret '{name}'"
        if secret is None:
            raise SecretMissing(
                f"{wants}, which was deleted meanwhile. Create it again with 'au2 secret create "
                f"{name}', then run it again."
            )
        if ciphertext is None:
            raise SecretMissing(
                f"{wants}, which has no value any more. Give it one with 'au2 secret ingest "
                f"{name}', then run it again."
            )
        try:
            value = self.keys.ring().decrypt(ciphertext, bound_to=bound_to_secret(secret.id))
        except Au2Error as error:
            raise SecretMissing(f"{wants}. {error.explanation}") from None
        return secret, value.decode()


def _wanted_secrets(job: Job, version: Version) -> Mapping[str, str]:
    if job.request is None:
        return {}
    request = job.request
    return merge_environment(version.environment, request.environment, request.secrets).secrets
