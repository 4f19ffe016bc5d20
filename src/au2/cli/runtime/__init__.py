"""`au2 runtime`."""

from au2.console.commands import Group

command = Group(
    "runtime",
    package=__name__,
    help="The base environments that packages run in.",
    summaries={
        "list": "List the runtimes that can be used in the context.",
        "show": "Show a runtime.",
    },
)
