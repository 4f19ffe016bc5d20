"""The long list of files that begins an upload: parsed in bounded steps.

A parser in C holds up everything else while it runs, and makes of a hostile list ten times its
size. So what the list may hold is looked at before it is parsed, and its entries are checked one
by one.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from au2.domain.errors import TooLarge
from au2.domain.identity import Action
from au2.http.audit_log import sender_of
from au2.http.dependencies import CostlyOf, ServicesOf
from au2.http.json_body import marked_body, parse_json, refuse_violations
from au2.http.json_body import read_body as read_counted
from au2.http.permissions import may_make
from au2.wire.upload import FileEntry, UploadCreation
from au2.wire.violations import adapter_of

_SMALL_BYTES = 1 << 20
_VALUES_PER_FILE = 24
"""Commas and brackets: an entry has six fields, and its path may have some of them too."""
_OTHER_VALUES = 1000
_MOST_MISTAKES = 100


async def _read(
    request: Request,
    services: ServicesOf,
    costly: CostlyOf,
    _: Annotated[object, Depends(may_make(Action.UPLOAD_VERSION))],
) -> AsyncIterator[UploadCreation]:
    with ExitStack() as stack:
        # Counted until the answer has been made: what follows works on the whole list.
        body = await read_counted(request, stack, costly.file_lists, small_bytes=_SMALL_BYTES)
        parse = partial(parse_creation, body, most_files=services.upload_starter.limits.files)
        yield await costly.parsing.run(sender_of(request), parse)


UploadCreationBody = Annotated[UploadCreation, marked_body(UploadCreation, _read)]


def parse_creation(body: bytes, *, most_files: int) -> UploadCreation:
    """Return the request that a body is. Raises RequestValidationError, HTTPException, TooLarge."""
    values = sum(body.count(sign) for sign in (b",", b"[", b"{"))
    if values > most_files * _VALUES_PER_FILE + _OTHER_VALUES:
        raise _too_many(most_files)
    value = parse_json(body)
    files = value.get("files") if isinstance(value, dict) else None
    if isinstance(files, list):
        if len(files) > most_files:
            raise _too_many(most_files)
        entries, mistakes = _parse_entries(files)
        value = {**value, "files": entries}
    else:
        mistakes = []
    try:
        creation = adapter_of(UploadCreation).validate_python(value)
    except ValidationError as error:
        mistakes.extend(refuse_violations(error).errors())
    if mistakes:
        raise RequestValidationError(mistakes)
    return creation


def _parse_entries(files: list[Any]) -> tuple[list[FileEntry], list[Any]]:
    """Return the entries, and what is wrong with the first of those that are none."""
    entry_adapter = adapter_of(FileEntry)
    entries: list[FileEntry] = []
    mistakes: list[Any] = []
    for number, file in enumerate(files):
        try:
            entries.append(entry_adapter.validate_python(file))
        except ValidationError as error:
            mistakes.extend(refuse_violations(error, "files", number).errors())
            if len(mistakes) >= _MOST_MISTAKES:
                break
    return entries, mistakes


def _too_many(most_files: int) -> TooLarge:
    return TooLarge(
        f"The package has too many files; at most {most_files} are taken.",
        hint="Leave out what is not needed by naming it in .auignore.",
    )
