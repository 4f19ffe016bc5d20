"""The program `au2`: its outermost group, and its way from arguments to an exit code (spec 4)."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from au2.cli.command import Session, server_options
from au2.console.commands import Group, completion_command, run_program, version_option
from au2.console.console import Console, standard_console
from au2.console.standard_streams import close_standard_streams, open_standard_streams

_SUMMARIES = {
    "login": "Log in to a server.",
    "logout": "Log out.",
    "context": "Choose where to work; see who you are.",
    "process": "Processes, their versions, packages and runs.",
    "job": "Jobs: records, logs and outputs of runs and uploads.",
    "secret": "Secrets: encrypted values for jobs.",
    "runtime": "Runtimes: the base images of packages.",
    "organization": "Organizations.",
    "project": "Projects in the organization.",
    "member": "Members of the context and their roles.",
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
    "token": "au2.cli.commands.account:tokens",
    "project": "au2.cli.commands.organization:project",
    "member": "au2.cli.commands.organization:member",
    "completion": "au2.cli.main:completion",
}

_HINTS = {
    "run": "process run",
    "args": "process args",
    "init": "process repo init",
    "check": "process repo check",
    "upload": "process repo upload",
    "deploy": "process repo upload",
    "push": "process repo upload",
    "diff": "process version diff",
    "publish": "process version publish",
    "download": "process version download",
    "versions": "process version list",
    "logs": "job logs",
    "log": "job logs",
    "ps": "job list",
    "jobs": "job list",
    "wait": "job wait",
    "stop": "job stop",
    "kill": "job stop",
    "output": "job output",
    "ls": "process list",
    "processes": "process list",
    "orgs": "organization list",
    "projects": "project list",
    "contexts": "context list",
    "use": "context set",
}
"""Words of other tools, and of users of this one."""

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
        hints=_HINTS,
        params=[*server_options(), version_option("au2")],
    )


completion = completion_command(
    "au2",
    """Print a script that completes commands in your shell.

    Processes, versions, runtimes and jobs are completed, too, where you are logged in.
    """,
    options=server_options(),
)


def main() -> NoReturn:
    """Run the command line of this process."""
    console = standard_console(has_input=open_standard_streams())
    code = run(sys.argv[1:], console, os.environ)
    close_standard_streams()
    sys.exit(code)


def run(arguments: Sequence[str], console: Console, environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    return run_program(make_root(), "au2", arguments, Session(console, environment))


if __name__ == "__main__":
    main()
