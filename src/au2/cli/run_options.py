"""Options of a run: arguments, environment, secrets and resources, read from the command line."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import reduce, wraps
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click

from au2.cli.options import complete_arguments
from au2.console.console import Console
from au2.console.parameters import PathType, PositiveNumber
from au2.domain.errors import InvalidRequest
from au2.domain.json_value import find_json_error
from au2.files.input import read_text_file

_INPUT_LIMIT_BYTES = 4 << 20

FindSchema = Callable[[], Mapping[str, Any] | None]
"""Returns the schema of the arguments; None: any JSON object matches."""


class RunOptions(NamedTuple):
    """Options of a run as the user typed them; reading one raises UsageError or InvalidRequest."""

    pairs: tuple[str, ...]
    arguments: str | None
    args_file: str | None
    variables: tuple[str, ...]
    secrets: tuple[str, ...]
    cpu: float | None
    memory: str | None
    shm_size: str | None
    timeout: str | None
    network: Literal["internet", "none"] | None

    @property
    def environment(self) -> dict[str, str]:
        """Name → value of environment variables."""
        return parse_pairs(self.variables, flag="--env")

    @property
    def secret_names(self) -> dict[str, str]:
        """Name of an environment variable → name of a secret."""
        return parse_pairs(self.secrets, flag="--secret", form="K=NAME")

    @property
    def memory_bytes(self) -> int | None:
        """Memory limit."""
        return _parse_size(self.memory)

    @property
    def shared_memory_bytes(self) -> int | None:
        """Size of ``/dev/shm``."""
        return _parse_size(self.shm_size)

    @property
    def timeout_seconds(self) -> float | None:
        """Time limit."""
        if self.timeout is None:
            return None
        from au2.package.sizes import parse_duration

        return parse_duration(self.timeout)

    def read_arguments(
        self, console: Console, *, find_schema: FindSchema, hint: str
    ) -> dict[str, Any]:
        """Return the arguments from one of ``--arg``, ``--args`` and ``--args-file``.

        Args:
            console: source of ``--args-file -``.
            find_schema: called for ``--arg`` only, whose texts are read by the schema's types.
            hint: where the user finds the schema.

        Raises:
            InvalidRequest: the value of an ``--arg`` does not match the schema's type.
        """
        if sum((bool(self.pairs), self.arguments is not None, self.args_file is not None)) > 1:
            raise click.UsageError("Give one of --arg, --args and --args-file.")
        if self.args_file is not None:
            return _parse_object(_read(console, self.args_file), flag="--args-file")
        if self.arguments is not None:
            return _parse_object(self.arguments, flag="--args")
        if not self.pairs:
            return {}
        texts = parse_pairs(self.pairs, flag="--arg")
        from au2.jsonschema.arguments import read_arguments  # slow, and most runs have no --arg

        try:
            return read_arguments(find_schema(), texts)
        except InvalidRequest as error:
            error.hint = hint
            raise


def run_options(
    *, argument_help: str, variable_help: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of a run, which arrive as ``run``, a :class:`RunOptions`.

    Args:
        argument_help: help of ``--arg``.
        variable_help: help of ``--secret``.
    """
    options = (
        click.option(
            "--arg",
            "pairs",
            metavar="K=V",
            multiple=True,
            shell_complete=complete_arguments,
            help=argument_help,
        ),
        click.option(
            "--args", "arguments", metavar="JSON", help="All arguments, as a JSON object."
        ),
        click.option(
            "--args-file",
            type=PathType(),
            metavar="FILE",
            help="The same from a file; - is standard input.",
        ),
        click.option(
            "--env", "variables", metavar="K=V", multiple=True, help="A variable; may be repeated."
        ),
        click.option("--secret", "secrets", metavar="K=NAME", multiple=True, help=variable_help),
        click.option("--cpu", type=PositiveNumber(), metavar="N", help="Cores."),
        click.option("--memory", metavar="SIZE", help="Memory limit: 512MiB, 2GiB."),
        click.option(
            "--shm-size",
            metavar="SIZE",
            help="Size of /dev/shm, a part of the memory. Default: as large as the memory.",
        ),
        click.option("--timeout", metavar="T", help="Time limit: 90s, 5m, 1h."),
        click.option(
            "--network", type=click.Choice(("none", "internet")), help="Network access of the job."
        ),
    )

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def collect(*positional: Any, **values: Any) -> None:
            run = RunOptions(**{name: values.pop(name) for name in RunOptions._fields})
            command(*positional, run=run, **values)

        # The last decorator that is applied is the first in the help.
        return reduce(lambda made, add: add(made), reversed(options), collect)

    return decorate


def parse_pairs(pairs: Iterable[str], *, flag: str, form: str = "K=V") -> dict[str, str]:
    """Return name → text. The text may hold further ``=``. Raises UsageError."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{flag} wants {form}, not '{pair}'.")
        if name in found:
            raise click.UsageError(f"{flag} gives '{name}' twice.")
        found[name] = value
    return found


def _parse_size(text: str | None) -> int | None:
    if text is None:
        return None
    from au2.package.sizes import parse_size

    return parse_size(text)


def _parse_object(text: str, *, flag: str) -> dict[str, Any]:
    try:
        value = _loads(text)
    except ValueError as error:
        raise click.UsageError(f"{flag} wants a JSON object: {error}.") from error
    if not isinstance(value, dict):
        raise click.UsageError(f'{flag} wants a JSON object, like {{"days": 7}}.')
    if message := find_json_error(value):
        raise click.UsageError(f"{flag} can't be sent as JSON: {message}.")
    return value


def _loads(text: str) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not valid JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("the value is nested too deeply") from error


def _read(console: Console, file: str) -> str:
    if file == "-":
        return console.read_input(_INPUT_LIMIT_BYTES)
    try:
        return read_text_file(Path(file), _INPUT_LIMIT_BYTES)
    except OSError as error:
        raise click.UsageError(f"--args-file: {error.strerror}: '{file}'") from error
