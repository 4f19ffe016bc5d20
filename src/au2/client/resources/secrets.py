"""Calls for secrets."""

from au2.client.http.urls import quote_segment
from au2.client.resources.resource import Resource
from au2.domain.accounts.context import Context
from au2.wire.secret import SecretCreation, SecretIngestion, SecretValueView, SecretView
from au2.wire.violations import build


class Secrets(Resource):
    """``/secrets``. Reading finds secrets of the organization too, the other calls do not."""

    def list_secrets(self, context: Context) -> list[SecretView]:
        """Return the secrets visible in ``context``."""
        return self._list(SecretView, "/secrets", context)

    def create_secret(
        self, context: Context, name: str, description: str, value: str | None
    ) -> SecretView:
        """Create a secret, with a value or without."""
        creation = build(SecretCreation, name=name, description=description, value=value)
        return self._record(SecretView, "POST", "/secrets", context, body=creation)

    def get_secret(self, context: Context, name: str) -> SecretView:
        """Return the secret of this name in ``context``. Raises NotFound."""
        return self._record(SecretView, "GET", _path(name), context)

    def ingest_secret(self, context: Context, name: str, value: str) -> SecretView:
        """Give a secret of exactly ``context`` a value."""
        body = build(SecretIngestion, value=value)
        return self._record(SecretView, "PUT", f"{_path(name)}/value", context, body=body)

    def download_secret(self, context: Context, name: str) -> str:
        """Return the value of a secret of exactly ``context``."""
        return self._record(SecretValueView, "GET", f"{_path(name)}/value", context).value

    def delete_secret(self, context: Context, name: str) -> None:
        """Delete a secret of exactly ``context``."""
        self._call("DELETE", _path(name), context)


def _path(name: str) -> str:
    return f"/secrets/{quote_segment(name, 'secret')}"
