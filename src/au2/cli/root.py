"""The command `au2` itself."""

import click

from au2.cli.commands import Group, server_option
from au2.console.commands import print_and_end

_SUMMARIES = {
    "login": "Log in to a server.",
    "logout": "Log out.",
    "context": "Choose where to work; see who you are.",
    "process": "Processes, their versions, packages and runs.",
    "job": "What runs and what ran: records, logs, outputs.",
    "secret": "Secrets: values that jobs get and nobody sees.",
    "runtime": "The base environments that packages run in.",
    "organization": "Organizations.",
    "project": "Projects in the organization.",
    "member": "Who may do what in the context.",
    "token": "Managed tokens, for programs.",
    "whoami": "Show who is logged in.",
    "token-info": "Show the token in use.",
    "renew": "Exchange the login token for a fresh one.",
    "password": "Change your password.",
    "completion": "Print a script that completes commands in your shell.",
}

_ELSEWHERE = {
    name: f"au2.cli.context.{name.replace('-', '_')}" for name in ("whoami", "token-info", "renew")
}

_HELP = """Run your own code as versioned container jobs.

A folder of code becomes a version of a process; a run of a version is a job.

\b
  au2 login --server http://127.0.0.1:8080
  au2 context set ORGANIZATION
  au2 process repo init
  au2 process repo upload
  au2 process run PROCESS --follow
"""


def make_root() -> Group:
    """Return the outermost group."""
    return Group(
        "au2",
        package="au2.cli",
        help=_HELP,
        summaries=_SUMMARIES,
        elsewhere=_ELSEWHERE,
        params=[server_option(), _version_option()],
    )


def _version_option() -> click.Option:
    def show(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            from importlib.metadata import version  # slow, and rarely needed

            print_and_end(ctx, f"au2 {version('au2')}")

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the version and end.",
    )
