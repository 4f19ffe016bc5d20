"""``K=V`` on the command line: arguments and environment variables."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from au2.console.console import Console
from au2.domain.errors import InvalidRequest
from au2.domain.json_value import find_json_mistake
from au2.files.input import read_text_file

_INPUT_LIMIT_BYTES = 4 << 20


FindSchema = Callable[[], Mapping[str, Any] | None]
"""Gives the schema of the arguments; None: any object goes."""


def read_arguments(
    console: Console,
    pairs: tuple[str, ...],
    text: str | None,
    file: str | None,
    *,
    find_schema: FindSchema,
    hint: str,
) -> dict[str, Any]:
    """Return the arguments object from ``--arg``, ``--args`` or ``--args-file``, one of them.

    ``find_schema`` is asked for ``--arg`` only: it says how to read what was written.
    ``hint`` tells where somebody finds what the arguments must be.

    Raises:
        InvalidRequest: what was written for an ``--arg`` is not of the schema's type.
    """
    if sum((bool(pairs), text is not None, file is not None)) > 1:
        raise click.UsageError("Give one of --arg, --args and --args-file.")
    if file is not None:
        text = _read(console, file)
        return _parse_object(text, flag="--args-file")
    if text is not None:
        return _parse_object(text, flag="--args")
    if not pairs:
        return {}
    texts = parse_pairs(pairs, flag="--arg")
    from au2.jsonschema.arguments import read_arguments as read_texts  # most runs need it not

    try:
        return read_texts(find_schema(), texts)
    except InvalidRequest as error:
        error.hint = hint
        raise


def parse_pairs(pairs: Iterable[str], *, flag: str, form: str = "K=V") -> Mapping[str, str]:
    """Return name → text. The text may hold further ``=``."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{flag} wants {form}, not '{pair}'.")
        if name in found:
            raise click.UsageError(f"{flag} gives '{name}' twice.")
        found[name] = value
    return found


def _parse_object(text: str, *, flag: str) -> dict[str, Any]:
    try:
        value = _loads(text)
    except ValueError as error:
        raise click.UsageError(f"{flag} wants a JSON object: {error}.") from error
    if not isinstance(value, dict):
        raise click.UsageError(f'{flag} wants a JSON object, like {{"days": 7}}.')
    if message := find_json_mistake(value):
        raise click.UsageError(f"{flag} can't be sent as JSON: {message}.")
    return value


def _loads(text: str) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _read(console: Console, file: str) -> str:
    if file == "-":
        return console.read_input(_INPUT_LIMIT_BYTES)
    try:
        return read_text_file(Path(file), _INPUT_LIMIT_BYTES)
    except OSError as error:
        raise click.UsageError(f"--args-file: {error.strerror}: '{file}'") from error
