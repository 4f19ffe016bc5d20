"""`au2 process repo`: packages."""

from au2.console.commands import Group

command = Group(
    "repo",
    package=__name__,
    help="Packages: folders of code that become versions of a process.",
    summaries={
        "init": "Make a folder a package.",
        "upload": "Upload a package as a new version.",
        "check": "Find every mistake in a package.",
        "run": "Run a package on this machine.",
    },
)
