"""Resource: base class of the calls of one noun."""

from au2.client.http.transport import Transport


class Resource:
    """Calls of one noun over one connection."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
