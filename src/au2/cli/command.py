"""Commands of `au2`: their session, their first argument, and the options of all commands."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import click

from au2.console.cells import Columns
from au2.console.commands import Command, CommandSession, Group
from au2.console.commands import define as define_command
from au2.console.console import Console
from au2.domain.errors import InvalidRequest, NotAuthenticated, NotFound, TokenExpired

if TYPE_CHECKING:
    # Help and completion must not pay for these.
    from pathlib import Path

    from click.shell_completion import CompletionItem

    from au2.cli.configuration import Configuration, ServerEntry
    from au2.cli.options import Complete
    from au2.client.http.transport import Transport
    from au2.client.http.urls import Address
    from au2.domain.accounts.context import Context
    from au2.domain.errors import Au2Error
    from au2.domain.network_retry import RetryBudget
    from au2.wire.base import WireType


class Session(CommandSession):
    """Console, configuration and connection of one command, each made on first use."""

    def __init__(self, console: Console, environment: Mapping[str, str]) -> None:
        super().__init__(console, environment)
        self.stated_server: str | None = None
        """The value of ``--server``; the next three are of ``--profile`` and so on."""
        self.stated_profile: str | None = None
        self.stated_organization: str | None = None
        self.stated_project: str | None = None

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
        """Save ``entry`` for the present server, or for the profile."""
        from au2.cli.configuration import save

        self.configuration = self.configuration.with_entry(str(self.address), entry, self.profile)
        save(self.configuration, self.configuration_path)

    @cached_property
    def profile(self) -> str | None:
        """Name of the profile: ``--profile``, else ``AU_PROFILE``. Raises InvalidRequest."""
        stated = self.stated_profile or self.environment.get("AU_PROFILE")
        if not stated:
            return None
        from au2.cli.configuration import parse_profile_name

        return parse_profile_name(stated)

    @cached_property
    def address(self) -> "Address":
        """The server: ``--server``, ``AU_SERVER``, the profile's, or the one last logged in to.

        Raises:
            InvalidRequest: no server is known, or no such profile.
        """
        from au2.client.http.urls import parse_address

        stated = self.stated_server or self.environment.get("AU_SERVER") or self._kept_server()
        if not stated:
            raise InvalidRequest(
                "No server is known.",
                hint="Name it: au2 login --server http://127.0.0.1:8080 (or set AU_SERVER).",
            )
        return parse_address(stated)

    def _kept_server(self) -> str | None:
        if self.profile is None:
            return self.configuration.server
        found = self.configuration.profiles.get(self.profile)
        if found is None:
            raise InvalidRequest(
                f"There is no profile '{self.profile}'.",
                hint=f"Make it with: au2 login --profile {self.profile} --server URL",
            )
        return found.server

    @property
    def entry(self) -> "ServerEntry":
        """Entry of the present server, or of the profile, in the configuration."""
        return self.configuration.entry(str(self.address), self.profile)

    @cached_property
    def context(self) -> "Context":
        """The context (:func:`au2.cli.context.context_choice.resolve_context`)."""
        from au2.cli.context.context_choice import resolve_context

        return resolve_context(self)

    @cached_property
    def stated_token(self) -> str | None:
        """The token in ``AU_TOKEN``, which wins over a login. Raises InvalidRequest."""
        token = self.environment.get("AU_TOKEN", "").strip()
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise InvalidRequest(
                "The value of AU_TOKEN is not a token.",
                hint="Create one with: au2 token create NAME",
            )
        return token or None

    def ensure_own_login(self) -> None:
        """Raise InvalidRequest under ``AU_TOKEN``, of which no command of a login may dispose."""
        if self.stated_token is not None:
            raise InvalidRequest(
                "AU_TOKEN is set, and this command is for logins.",
                hint="Unset AU_TOKEN first. A managed token ends with: au2 token delete NAME",
            )

    @cached_property
    def transport(self) -> "Transport":
        """Connection with the token of the account. Raises NotAuthenticated without a token."""
        token = self.stated_token or self.entry.token
        if token is None:
            raise NotAuthenticated(
                f"You are not logged in to {self.address}.", hint="Log in with: au2 login"
            )
        return self.connect(token)

    def adapt_error(self, error: "Au2Error") -> "Au2Error":
        """Return the error; the hint names a variable whose value was refused."""
        if type(error) in {NotAuthenticated, TokenExpired} and self.environment.get("AU_TOKEN"):
            error.hint = "The token is that of AU_TOKEN: set a valid one, or unset it."
        if isinstance(error, NotFound):
            for noun in ("organization", "project"):
                variable = f"AU_{noun.upper()}"
                absent = self.environment.get(variable, "").strip()
                quoted = (f"no {noun} '{absent}'", f"no {noun} {absent.lower()}")
                if absent and error.message.startswith(quoted, len("There is ")):
                    error.hint = f"It is the value of {variable}: set another, or unset it."
        return error

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
    has_context: bool = True,
) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function that takes the :class:`Session` first.

    Args: see :func:`au2.console.commands.define`; ``has_context``: whether ``--organization`` and
    ``--project`` are options.
    """
    return define_command(
        name,
        examples=examples,
        group=group,
        reads=reads,
        has_output=has_output,
        options=(*(context_options() if has_context else ()), *server_options()),
    )


def server_options() -> tuple[click.Option, ...]:
    """Return ``--server`` and ``--profile``, which hints repeat."""
    return (
        _make_option(
            "server",
            "URL",
            "Address of the server (else AU_SERVER, the profile's, or the last one logged in to).",
            is_repeated=True,
        ),
        _make_option(
            "profile",
            "NAME",
            "Named choice of server, login and context (else AU_PROFILE).",
            is_repeated=True,
        ),
    )


def context_options() -> tuple[click.Option, ...]:
    """Return ``--organization`` and ``--project``."""
    return (
        _make_option(
            "organization",
            "ORG",
            "GUID or name (else AU_ORGANIZATION, else the one set with au2 context set).",
            complete=_complete_later("complete_organizations"),
        ),
        _make_option(
            "project",
            "PROJECT",
            "GUID or name of a project (else AU_PROJECT).",
            complete=_complete_later("complete_projects"),
        ),
    )


def _complete_later(name: str) -> "Complete":
    """Return a completion of :mod:`au2.cli.context.account_completion`, which needs this module."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        from au2.cli.context import account_completion

        found: Complete = getattr(account_completion, name)
        return found(ctx, param, incomplete)

    return complete


def _make_option(
    name: str,
    metavar: str,
    help_text: str,
    *,
    is_repeated: bool = False,
    complete: "Complete | None" = None,
) -> click.Option:
    """Return the option whose value the session keeps.

    Args:
        name: of the option, and of the session's attribute behind ``stated_``.
        metavar: of the value.
        help_text: of the option.
        is_repeated: whether commands in hints get the option, too.
        complete: its values in a shell.
    """

    def use(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
        if value is None:
            return
        if not value.strip():
            raise click.BadParameter("The text is empty. Is a variable not set?", ctx, param)
        session = ctx.ensure_object(Session)
        setattr(session, f"stated_{name}", value)
        if is_repeated:
            session.console.repeat_option(f"--{name}", value)

    return click.Option(
        [f"--{name}"],
        metavar=metavar,
        expose_value=False,
        callback=use,
        help=help_text,
        shell_complete=complete,
    )
