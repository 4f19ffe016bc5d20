"""Commands of `au2`: each takes ``--server``."""

from collections.abc import Callable, Sequence

import click

from au2.cli.session import Session
from au2.console.commands import Command, Group
from au2.console.commands import define as define_command


def define(
    name: str, *, examples: Sequence[str], group: Group | None = None, reads: bool = False
) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function that takes the :class:`Session` first.

    Args: see :func:`au2.console.commands.define`.
    """
    return define_command(
        name, examples=examples, group=group, reads=reads, options=(server_option(),)
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
