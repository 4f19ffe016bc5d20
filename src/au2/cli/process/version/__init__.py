"""`au2 process version`."""

from au2.console.commands import Group

command = Group(
    "version",
    package=__name__,
    help="Versions of a process. Each has one image, which never changes.",
    summaries={
        "create": "Make an empty image version.",
        "upload": "Upload an image into an empty image version.",
        "list": "List the versions of a process.",
        "show": "Show a version.",
        "diff": "Show what differs between two versions.",
        "download": "Download an image, or the source of a package.",
        "publish": "Publish a version: runs take it by default.",
        "unpublish": "Take a publication back.",
        "delete": "Delete a version.",
    },
)
