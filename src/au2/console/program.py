"""The way of both programs from the words of a command line to an exit code."""

from collections.abc import Sequence

import click

from au2.console.commands import CommandSession
from au2.console.failures import explain_failure


def run_program(
    root: click.Group, name: str, arguments: Sequence[str], session: CommandSession
) -> int:
    """Run one command; every exception becomes a message and an exit code.

    Args:
        root: the program's outermost group.
        name: of the program.
        arguments: words of the command line.
        session: passed to the command, and closed at the end.
    """
    try:
        code = root.main(arguments, prog_name=name, standalone_mode=False, obj=session)
        session.console.flush()
    except BaseException as error:  # noqa: BLE001 - the last handler: every exception gets a message
        failure = explain_failure(error, session.environment)
        if failure.error is not None:
            session.console.error(failure.error)
        return failure.exit_code
    finally:
        session.close()
    return code if isinstance(code, int) else 0
