"""`au2 job`."""

from au2.console.commands import Group

command = Group(
    "job",
    package=__name__,
    help="What runs and what ran: uploads and runs of processes.",
    summaries={
        "list": "List jobs, newest first.",
        "show": "Show a job's record.",
        "logs": "Print a job's log.",
        "wait": "Wait for a job's end.",
        "stop": "Stop a job.",
        "output": "Print what a job wrote as its output.",
    },
)
