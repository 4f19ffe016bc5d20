"""What a command works with: terminal, memory and connection, each made when it is needed."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from au2.console.commands import CommandSession
from au2.console.console import Console
from au2.domain.errors import InvalidRequest, NotAuthenticated

if TYPE_CHECKING:
    # Help and completion must not pay for these.
    from pathlib import Path

    from au2.cli.configuration import Configuration, ServerEntry
    from au2.client.http.transport import Transport
    from au2.client.http.urls import Address
    from au2.domain.context import Context


class Session(CommandSession):
    """One run of the command line."""

    def __init__(self, console: Console, environment: Mapping[str, str]) -> None:
        super().__init__(console, environment)
        self.stated_server: str | None = None
        """What ``--server`` said."""
        self._configuration: Configuration | None = None
        self._transport: Transport | None = None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._transport is not None:
            self._transport.close()

    @cached_property
    def configuration_path(self) -> "Path":
        """Where the configuration is kept."""
        from au2.cli.configuration import find_path

        return find_path(self.environment)

    @property
    def configuration(self) -> "Configuration":
        """What is remembered."""
        if self._configuration is None:
            from au2.cli.configuration import load

            self._configuration = load(self.configuration_path)
        return self._configuration

    def ensure_memory(self) -> None:
        """Raise ConfigurationBroken if nothing can be kept; to be called before a token is made."""
        from au2.cli.configuration import ensure_writable

        ensure_writable(self.configuration_path)

    def remember(self, entry: "ServerEntry") -> None:
        """Keep ``entry`` for the present server."""
        from au2.cli.configuration import save

        self._configuration = self.configuration.with_entry(str(self.address), entry)
        save(self._configuration, self.configuration_path)

    @cached_property
    def address(self) -> "Address":
        """The server: ``--server``, ``AU_SERVER``, or the one last logged in to.

        Raises:
            InvalidRequest: none of them says.
        """
        from au2.client.http.urls import parse_address

        stated = (
            self.stated_server or self.environment.get("AU_SERVER") or self.configuration.server
        )
        if not stated:
            raise InvalidRequest(
                "No server is known.",
                hint="Say which: au2 login --server http://127.0.0.1:8080 (or set AU_SERVER).",
            )
        return parse_address(stated)

    @property
    def entry(self) -> "ServerEntry":
        """What is remembered of the present server."""
        return self.configuration.entry(str(self.address))

    @property
    def context(self) -> "Context":
        """The context that was set. Raises InvalidRequest."""
        context = self.entry.context
        if context is None:
            raise InvalidRequest(
                "No context is set.", hint="Set one with: au2 context set ORGANIZATION [PROJECT]"
            )
        return context

    @property
    def transport(self) -> "Transport":
        """The connection of the account that is logged in.

        Raises:
            NotAuthenticated: nobody is.
        """
        if self._transport is None:
            token = self.entry.token
            if token is None:
                raise NotAuthenticated(
                    f"You are not logged in to {self.address}.", hint="Log in with: au2 login"
                )
            self._transport = self.connect(token)
        return self._transport

    def connect(self, token: str | None) -> "Transport":
        """Return a connection of its own that carries ``token``; the caller closes it."""
        from au2.client.http.transport import Transport

        return Transport(self.address, token=token, environment=self.environment)
