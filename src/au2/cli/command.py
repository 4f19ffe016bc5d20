"""Commands of `au2`: their session, their first argument, and ``--server``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import click

from au2.console.cells import Columns
from au2.console.commands import Command, CommandSession, Group
from au2.console.commands import define as define_command
from au2.console.console import Console
from au2.domain.errors import InvalidRequest, NotAuthenticated

if TYPE_CHECKING:
    # Help and completion must not pay for these.
    from pathlib import Path

    from au2.cli.configuration import Configuration, ServerEntry
    from au2.client.http.transport import Transport
    from au2.client.http.urls import Address
    from au2.domain.context import Context
    from au2.domain.network_retry import RetryBudget
    from au2.wire.base import WireType


class Session(CommandSession):
    """Console, configuration and connection of one command, each made on first use."""

    def __init__(self, console: Console, environment: Mapping[str, str]) -> None:
        super().__init__(console, environment)
        self.stated_server: str | None = None
        """The value of ``--server``."""

    def close(self) -> None:
        """Close the connection, if there is one."""
        if "transport" in self.__dict__:
            self.transport.close()

    @cached_property
    def configuration_path(self) -> "Path":
        """Path of the configuration file."""
        from au2.cli.configuration import find_path

        return find_path(self.environment)

    @cached_property
    def configuration(self) -> "Configuration":
        """Content of the configuration file."""
        from au2.cli.configuration import load

        return load(self.configuration_path)

    def ensure_writable(self) -> None:
        """Raise ConfigurationBroken if the configuration can't be written.

        To be called before a token is made, which would be lost.
        """
        from au2.cli.configuration import ensure_writable

        ensure_writable(self.configuration_path)

    def remember(self, entry: "ServerEntry") -> None:
        """Save ``entry`` for the present server."""
        from au2.cli.configuration import save

        self.configuration = self.configuration.with_entry(str(self.address), entry)
        save(self.configuration, self.configuration_path)

    @cached_property
    def address(self) -> "Address":
        """The server: ``--server``, ``AU_SERVER``, or the one last logged in to.

        Raises:
            InvalidRequest: no server is known.
        """
        from au2.client.http.urls import parse_address

        stated = (
            self.stated_server or self.environment.get("AU_SERVER") or self.configuration.server
        )
        if not stated:
            raise InvalidRequest(
                "No server is known.",
                hint="Name it: au2 login --server http://127.0.0.1:8080 (or set AU_SERVER).",
            )
        return parse_address(stated)

    @property
    def entry(self) -> "ServerEntry":
        """Entry of the present server in the configuration."""
        return self.configuration.entry(str(self.address))

    @property
    def context(self) -> "Context":
        """The context chosen by `au2 context set`. Raises InvalidRequest."""
        context = self.entry.context
        if context is None:
            raise InvalidRequest(
                "No context is set.", hint="Set one with: au2 context set ORGANIZATION [PROJECT]"
            )
        return context

    @cached_property
    def transport(self) -> "Transport":
        """Connection with the token of the account. Raises NotAuthenticated without a token."""
        token = self.entry.token
        if token is None:
            raise NotAuthenticated(
                f"You are not logged in to {self.address}.", hint="Log in with: au2 login"
            )
        return self.connect(token)

    def connect(self, token: str | None) -> "Transport":
        """Return a new connection with ``token``; the caller closes the connection."""
        from au2.client.http.transport import Transport

        return Transport(self.address, token=token, environment=self.environment)

    def find_process(self, text: str) -> str:
        """Return the GUID of a process (:func:`au2.cli.lookup.find_process_id`)."""
        from au2.cli.lookup import find_process_id

        return find_process_id(self, text)

    def show(self, columns: Columns, record: "WireType") -> None:
        """Show one record of the server, in the format of ``--output``."""
        from au2.wire.documents import format_document

        self.console.show_record(columns, format_document(record))

    def show_all(self, columns: Columns, records: Iterable["WireType"]) -> None:
        """Show a list of records of the server, in the format of ``--output``."""
        from au2.wire.documents import format_document

        self.console.show_list(columns, [format_document(record) for record in records])

    def make_retry_budget(self, pause: Callable[[float], object] | None = None) -> "RetryBudget":
        """Return a retry budget that prints outages; ``pause`` sleeps for seconds."""
        import time

        from au2.domain.network_retry import RetryBudget

        def tell_outage(seconds: float) -> None:
            until = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
            self.console.remark(f"The server does not answer; trying again until {until} …")

        return RetryBudget(
            pause=pause or time.sleep,
            clock=time.monotonic,
            on_outage=tell_outage,
            on_return=lambda: self.console.remark("The server answers again; going on."),
        )


def define(
    name: str,
    *,
    examples: Sequence[str],
    group: Group | None = None,
    reads: bool = False,
    has_output: bool = True,
) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function that takes the :class:`Session` first.

    Args: see :func:`au2.console.commands.define`.
    """
    return define_command(
        name,
        examples=examples,
        group=group,
        reads=reads,
        has_output=has_output,
        options=(server_option(),),
    )


def server_option() -> click.Option:
    """Return ``--server``."""

    def use(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.ensure_object(Session).stated_server = value

    return click.Option(
        ["--server"],
        metavar="URL",
        expose_value=False,
        callback=use,
        help="Address of the server (else AU_SERVER, else the last one logged in to).",
    )
