"""Runtimes."""

from au2.client.http.urls import context_query
from au2.client.resources.resource import Resource
from au2.domain.context import Context
from au2.wire.documents import parse_record, parse_records
from au2.wire.runtime import RuntimeView


class Runtimes(Resource):
    """``/runtimes``."""

    def list_runtimes(self, context: Context, *, name: str | None = None) -> list[RuntimeView]:
        """Return the runtimes that are visible in ``context``."""
        query = context_query(context) | {"name": name}
        return parse_records(RuntimeView, self._transport.call("GET", "/runtimes", query=query))

    def get_runtime(self, runtime_id: str) -> RuntimeView:
        """Return one runtime. Raises NotFound."""
        return parse_record(RuntimeView, self._transport.call("GET", f"/runtimes/{runtime_id}"))
