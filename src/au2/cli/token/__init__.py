"""`au2 token`: managed tokens."""

from au2.console.commands import Group

command = Group(
    "token",
    package=__name__,
    help="Managed tokens, for programs. Each acts as its owner.",
    summaries={
        "create": "Make a managed token and show it once.",
        "list": "List your tokens.",
        "delete": "End a token.",
    },
)
