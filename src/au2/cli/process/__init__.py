"""`au2 process`."""

from au2.console.commands import Group

command = Group(
    "process",
    package=__name__,
    help="Processes: named code that runs in containers, version by version.",
    summaries={
        "list": "List the processes of the context.",
        "create": "Make a process without versions.",
        "show": "Show a process.",
        "update": "Change a process's name, description or tags.",
        "delete": "Delete a process with its versions.",
        "repo": "Packages: folders of code that become versions.",
        "version": "Versions of a process.",
        "args": "Show which arguments a process takes.",
        "run": "Run a process.",
    },
)
