"""`au2 organization`."""

from au2.console.commands import Group

command = Group(
    "organization",
    package=__name__,
    help="Organizations.",
    summaries={
        "list": "List the organizations you belong to.",
        "create": "Make an organization (operators only).",
    },
)
