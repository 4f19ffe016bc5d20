"""`au2 process version diff`: differences between two versions, as rows of a table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from au2.cli.command import Session, define
from au2.cli.packages.package_context import VersionWords, find_process, version_words
from au2.console.cells import Document, columns
from au2.domain.errors import InvalidRequest
from au2.domain.wording import count_of, format_bytes
from au2.wire.documents import format_document

if TYPE_CHECKING:
    from au2.client.resources.processes import Versions

DIFFERENCES = columns("part", "item", "change", "old", "new")


@define(
    "diff",
    examples=(
        "au2 process version diff forecast 3 5",
        "au2 process version diff forecast",
        "au2 process version diff 3",
    ),
    reads=True,
)
@version_words("[A]", "[B]")
def command(session: Session, words: VersionWords) -> None:
    """Show the differences from version A to version B of a process.

    Without B, from A to the newest AVAILABLE version; without A, between the two newest of these.
    Without PROCESS, of the process of the aunsight.yml in the current folder.

    Compared are files or images, dependencies, Debian packages, runtime, schemas (with changes
    marked as breaking callers), default environment and resources.
    """
    from au2.client.resources.processes import Versions

    calls = Versions(session.transport)
    process_id = find_process(session, words.process)
    old, new = _choose_versions(calls, process_id, words.given)
    console = session.console
    if len(words.given) < 2:
        console.remark(f"From version {old} to version {new}.")
    found = calls.compare(process_id, old, new)
    document = format_document(found)
    if console.output_format != "table":
        console.show_document(document)
        return
    rows = list(_rows(document))
    if rows:
        console.show_list(DIFFERENCES, rows)
    if document["files"] is None:
        console.remark("The files of image versions are not compared.")
    digests = {old: found.old_image_digest, new: found.new_image_digest}
    without = [number for number, digest in digests.items() if digest is None]
    for number in without:
        console.remark(f"Version {number} has no image.")
    if not rows and not (without and found.files is None):
        alike = "are the same image" if found.same_image else "have no differences"
        console.remark(f"Versions {old} and {new} {alike}.")
    broken = sum(item.breaks for item in found.schemas)
    if broken:
        noun = "change breaks" if broken == 1 else "changes break"
        console.remark(f"{broken} schema {noun} callers.")


def _choose_versions(calls: "Versions", process_id: str, given: tuple[int, ...]) -> tuple[int, int]:
    """Return the numbers of the old and the new version."""
    if len(given) == 2:
        return given[0], given[1]
    found = calls.list_versions(process_id)
    available = sorted(one.version for one in found if one.image_status == "AVAILABLE")
    chosen = (*given, *available[len(given) - 2 :])
    if len(chosen) < 2:
        count = count_of(len(available), "version")
        raise InvalidRequest(
            f"The process has {count} with an image, so there is nothing to compare.",
            hint="See: au2 process version list",
        )
    if chosen[0] == chosen[1]:
        raise InvalidRequest(
            f"Version {chosen[0]} is the newest that is AVAILABLE.",
            hint="Name both versions, the older one first.",
        )
    return chosen[0], chosen[1]


def _rows(document: Document) -> Iterator[Document]:
    yield from format_runtime_rows(document)
    yield from _image_rows(document)
    for item in document["files"] or ():
        yield format_file_row(item)
    for item in document["dependencies"]:
        part = "Debian package" if item["kind"] == "debian" else "dependency"
        yield _make_row(part, item["name"], item["change"], item["old"], item["new"])
    yield from format_contract_rows(document)


def format_contract_rows(document: Document) -> Iterator[Document]:
    """Yield the rows of differences of schemas, default environment and default resources."""
    for item in document["schemas"]:
        change = "breaks callers" if item["breaks"] else "compatible"
        yield _make_row(item["schema_of"], item["pointer"], change, None, item["message"])
    for part in ("environment", "resources"):
        for item in document[part]:
            yield _make_row(part, item["name"], item["change"], item["old"], item["new"])


def format_file_row(item: Document) -> Document:
    """Return the row of a :class:`au2.wire.process.FileDifference`."""
    old, new = item["old_mode"], item["new_mode"]
    if item["mode_only"] and old is not None and new is not None:
        change = "run bit" if (int(old, 8) ^ int(new, 8)) & 0o111 else "mode"
        return _make_row("file", item["path"], change, old, new)
    sizes = (_size(item["old_size_bytes"]), _size(item["new_size_bytes"]))
    return _make_row("file", item["path"], item["change"], *sizes)


def _image_rows(document: Document) -> Iterator[Document]:
    old, new = document["old_image_digest"], document["new_image_digest"]
    # Packages are compared by their files.
    if document["files"] is None and old != new:
        change = "added" if old is None else "removed" if new is None else "changed"
        yield _make_row("image", None, change, old, new)


def format_runtime_rows(document: Document) -> Iterator[Document]:
    """Yield the row of a difference between ``old_runtime`` and ``new_runtime``."""
    old, new = document["old_runtime"], document["new_runtime"]
    if old == new:
        return
    change = "added" if old is None else "removed" if new is None else "changed"
    texts = [None if item is None else f"version {item['version']}" for item in (old, new)]
    ids = dict.fromkeys(item["id"] for item in (old, new) if item is not None)
    yield _make_row("runtime", " → ".join(ids), change, *texts)


def _make_row(*values: object) -> Document:
    """Return a row with the columns of :data:`DIFFERENCES`."""
    return dict(zip(DIFFERENCES, values, strict=True))


def _size(size_bytes: int | None) -> str | None:
    return None if size_bytes is None else format_bytes(size_bytes)
