"""The command `au2` itself."""

from au2.cli.command import server_option
from au2.console.commands import Group, version_option

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

_ADDRESSES = {
    **{
        name: f"au2.cli.commands.account:{name.replace('-', '_')}"
        for name in ("login", "logout", "whoami", "token-info", "renew", "password")
    },
    "completion": "au2.cli.completion:command",
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
        package="au2.cli.commands",
        help=_HELP,
        summaries=_SUMMARIES,
        addresses=_ADDRESSES,
        params=[server_option(), version_option("au2")],
    )
