"""Secrets."""

from au2.client.http.urls import context_query, quote_segment
from au2.client.resources.resource import Resource
from au2.domain.context import Context
from au2.wire.documents import format_request, parse_record, parse_records
from au2.wire.secret import SecretCreation, SecretIngestion, SecretValueView, SecretView
from au2.wire.violations import build


class Secrets(Resource):
    """``/secrets``."""

    def list_secrets(self, context: Context) -> list[SecretView]:
        """Return the secrets that can be used in ``context``."""
        document = self._transport.call("GET", "/secrets", query=context_query(context))
        return parse_records(SecretView, document)

    def create_secret(
        self, context: Context, name: str, description: str, value: str | None
    ) -> SecretView:
        """Make a secret, with a value if one is given."""
        creation = build(SecretCreation, name=name, description=description, value=value)
        document = self._transport.call(
            "POST", "/secrets", query=context_query(context), document=format_request(creation)
        )
        return parse_record(SecretView, document)

    def get_secret(self, context: Context, name: str) -> SecretView:
        """Return what a name means in ``context``. Raises NotFound."""
        document = self._transport.call("GET", _path(name), query=context_query(context))
        return parse_record(SecretView, document)

    def ingest_secret(self, context: Context, name: str, value: str) -> SecretView:
        """Give a secret of exactly ``context`` a value."""
        document = self._transport.call(
            "PUT",
            f"{_path(name)}/value",
            query=context_query(context),
            document=format_request(build(SecretIngestion, value=value)),
        )
        return parse_record(SecretView, document)

    def download_secret(self, context: Context, name: str) -> str:
        """Return the value of a secret of exactly ``context``."""
        document = self._transport.call("GET", f"{_path(name)}/value", query=context_query(context))
        return parse_record(SecretValueView, document).value

    def delete_secret(self, context: Context, name: str) -> None:
        """Delete a secret of exactly ``context``."""
        self._transport.call("DELETE", _path(name), query=context_query(context))


def _path(name: str) -> str:
    return f"/secrets/{quote_segment(name, 'secret')}"
