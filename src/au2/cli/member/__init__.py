"""`au2 member`."""

from au2.console.commands import Group

command = Group(
    "member",
    package=__name__,
    help="Who may do what in the context (an organization, or a project in it).",
    summaries={
        "list": "List the members of the context.",
        "add": "Give somebody a role in the context.",
        "remove": "Take somebody's role in the context away.",
    },
)
