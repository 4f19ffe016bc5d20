"""Warnings about a package's files and schemas before an upload or run."""

from collections.abc import Mapping
from heapq import nlargest
from typing import Any, Final

from au2.cli.packages.package_check import list_files_without_effect
from au2.console.console import Console
from au2.domain.wording import count_of, format_bytes
from au2.package import names
from au2.package.names import find_near_names
from au2.package.schemas import find_mistyped_keywords
from au2.package.tree.entries import PackagedFile, PackageFiles, count_files

_LARGEST_SHOWN: Final = 10
_LARGEST_ASKED: Final = 3
"""In the line above a question."""


def list_remarks(files: PackageFiles) -> list[str]:
    """Return warnings about files, a line each.

    Warned of are files left out because they may hold secrets, with the line to include them,
    names similar to a name with a meaning, and lists of dependencies that nothing installs.
    """
    near = find_near_names(entry.path for entry in files.entries)
    remarks = [
        f"Warning: {name} is an ordinary file without a special meaning; did you mean '{meant}'?"
        for name, meant in near.items()
    ]
    paths = [entry.path for entry in files.entries]
    if any(path.endswith(".py") for path in paths):
        remarks += list_files_without_effect(paths)
    remarks += [
        f"Left out: {left_out.shown} ({left_out.reason}). "
        f"To include it, add this line to {names.IGNORE}: {left_out.line}"
        for left_out in files.left_out
    ]
    if files.left_out:
        remarks.append(
            "Better than in a package: 'au2 secret create NAME', and '{secret: NAME}' in env.yml."
        )
    if files.left_out and all(entry.path != names.IGNORE for entry in files.entries):
        remarks.append(
            f"The package has no {names.IGNORE}, so the default rules hold (caches, virtual "
            "environments, version control). A file of your own replaces them: begin it with the "
            "lines that 'au2 process repo init' writes into a new package."
        )
    return remarks


def remark_on_files(console: Console, files: PackageFiles) -> None:
    """Print the warnings of :func:`list_remarks`."""
    for remark in list_remarks(files):
        console.remark(remark)


def remark_on_contents(console: Console, files: PackageFiles) -> None:
    """Print, above a question, the size of the package and its largest files."""
    shown = ", ".join(
        f"{file.path} ({format_bytes(file.size_bytes)})" for file in _largest(files, _LARGEST_ASKED)
    )
    console.remark(f"The package has {_measure(files)}; the largest: {shown}.")


def show_plan(console: Console, files: PackageFiles) -> None:
    """Print the size of an upload and the largest files."""
    if console.makes_document:
        largest = [
            {"path": file.path, "size_bytes": file.size_bytes}
            for file in _largest(files, _LARGEST_SHOWN)
        ]
        count = count_files(files.entries)
        console.show_document({"files": count, "size_bytes": files.total_bytes, "largest": largest})
        return
    console.line(f"Package: {_measure(files)}")
    console.line("The largest:")
    for file in _largest(files, _LARGEST_SHOWN):
        console.line(f"  {format_bytes(file.size_bytes):>10}  {file.path}")
    console.remark("Nothing was sent. Contents that the server has already are not sent again.")


def _measure(files: PackageFiles) -> str:
    number = count_files(files.entries)
    return f"{count_of(number, 'file')}, {format_bytes(files.total_bytes)}"


def _largest(files: PackageFiles, number: int) -> list[PackagedFile]:
    return nlargest(number, files.entries, key=lambda file: file.size_bytes)


def remark_on_schemas(console: Console, schemas: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Warn of keywords at the top of ``schemas`` (file → schema) with a likely misspelling."""
    for file, schema in schemas.items():
        for name, meant in find_mistyped_keywords(schema or {}).items():
            console.remark(
                f"Warning: {file}: '{name}' is not a keyword of JSON Schema and is ignored; "
                f"did you mean '{meant}'?"
            )
