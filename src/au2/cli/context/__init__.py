"""`au2 context`: where to work, and as whom."""

from au2.console.commands import Group

command = Group(
    "context",
    package=__name__,
    help="Choose where to work; see who you are.",
    summaries={
        "set": "Choose an organization or project, or take up a managed token.",
        "show": "Show the context that is set.",
        "whoami": "Show who is logged in.",
        "token-info": "Show the token in use.",
        "renew": "Exchange the login token for a fresh one.",
    },
)
