"""`au2 secret`."""

from au2.console.commands import Group

command = Group(
    "secret",
    package=__name__,
    help="Secrets: values that jobs get and nobody sees.",
    summaries={
        "create": "Make a secret.",
        "list": "List the secrets of the context.",
        "show": "Show a secret, without its value.",
        "ingest": "Give a secret a value, or another one.",
        "download": "Print a secret's value.",
        "delete": "Delete a secret with its value.",
    },
)
