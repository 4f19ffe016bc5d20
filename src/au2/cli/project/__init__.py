"""`au2 project`."""

from au2.console.commands import Group

command = Group(
    "project",
    package=__name__,
    help="Projects in the organization of the context.",
    summaries={
        "list": "List the organization's projects.",
        "create": "Make a project in the organization.",
    },
)
