"""Console of both programs: data on stdout; remarks, questions, progress and errors on stderr.

Without a terminal there are no colours, no line of progress and no questions.
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from os import fstat, get_terminal_size
from os.path import samestat
from threading import Lock
from typing import BinaryIO, Final, TextIO

from au2.console.cells import Columns, Document, columns, visible
from au2.console.failures import convert_stdout_errors, format_error
from au2.domain.errors import AnswerNeeded, Au2Error, Declined, InvalidRequest
from au2.domain.json_value import ensure_text
from au2.domain.wording import format_bytes
from au2.files.input import decode_text

FORMATS: Final = ("table", "json", "yaml")
_CLEAR: Final = "\r\x1b[K"
_MOST_MESSAGES: Final = 100


class Console:
    """Standard streams and the format chosen by ``--output``."""

    def __init__(self, stdin: TextIO | None, stdout: TextIO, stderr: TextIO) -> None:
        """Args: ``stdin`` is None where standard input is closed."""
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self.output_format = "table"
        self.is_format_known = False
        """Whether ``--output`` was read: an error in the words may come before."""
        self.wants_wide = False
        """Whether ``--wide`` was given."""
        self._messages: deque[str] = deque(maxlen=_MOST_MESSAGES)
        """Remarks and lines of a command that has shown no document yet."""
        self._has_printed = False
        self._repeated_options = ""
        """Options, each with a blank behind it, that commands in messages get."""
        self._progress = ""
        """The open line of progress on stderr."""
        self._drawing = Lock()
        """Several threads draw progress and print outages."""

    @property
    def can_ask(self) -> bool:
        """Whether questions can be asked: stdin and stderr are a terminal."""
        return self.is_typed and self._stderr.isatty()

    @property
    def is_typed(self) -> bool:
        """Whether stdin is a terminal."""
        return self._stdin is not None and self._stdin.isatty()

    @property
    def can_animate(self) -> bool:
        """Whether a line may be drawn over itself on stderr."""
        return self._stderr.isatty()

    @property
    def is_wide(self) -> bool:
        """Whether tables are as wide as their values: with ``--wide``, or outside a terminal."""
        return self.wants_wide or not self.shows_data

    @property
    def makes_document(self) -> bool:
        """Whether stdout is one JSON or YAML document, and so is an error on stderr."""
        return self.output_format != "table"

    @property
    def shows_data(self) -> bool:
        """Whether stdout is a terminal."""
        return self._stdout.isatty()

    @property
    def mixes_streams(self) -> bool:
        """Whether stdout and stderr are the same file, as after ``2>&1`` or on a terminal."""
        try:
            out, err = fstat(self._stdout.fileno()), fstat(self._stderr.fileno())
        except (OSError, ValueError):
            return False
        return samestat(out, err)

    def repeat_option(self, name: str, value: str) -> None:
        """Give an option to the commands of `au2` named in remarks and hints."""
        from shlex import quote  # rarely needed

        self._repeated_options += f"{name} {quote(value)} "

    def _repeat_options(self, text: str) -> str:
        """Return the text with the options behind each `au2` that begins a command."""
        options = self._repeated_options
        if not options or options.partition(" ")[0] in text:
            return text
        for before in (": ", "`"):
            text = text.replace(f"{before}au2 ", f"{before}au2 {options}")
        return text

    # Data

    def line(self, text: str) -> None:
        """Print one line of data; the error of an unwritable stdout quotes the line.

        In JSON and YAML, where a line can't stand alone, it becomes one of :meth:`finish`.
        """
        line = visible(text)
        if self.makes_document:
            self._messages.append(line)
            return
        with convert_stdout_errors(lost=line):
            self._print(f"{line}\n")

    def announce(self, text: str) -> None:
        """Print one line of data at once; an unwritable stdout is no reason to fail."""
        try:
            self._print(f"{text}\n")
        except OSError:
            self._stdout = StringIO()

    def text(self, text: str) -> None:
        """Print data with its own line ends unchanged."""
        with convert_stdout_errors():
            self._print(text)

    def bytes_out(self, data: bytes) -> None:
        """Print bytes to stdout exactly."""
        self._has_printed = True
        with convert_stdout_errors():
            self._stdout.buffer.write(data)

    def bytes_err(self, data: bytes) -> None:
        """Print bytes to stderr exactly."""
        self._tell("")
        with suppress(OSError):
            self._stderr.buffer.write(data)

    def report(self, text: str, document: Document) -> None:
        """Print what a command did: a remark, or in JSON and YAML ``document``."""
        if self.makes_document:
            self.show_document(document)
        self.remark(text)

    def finish(self) -> None:
        """End the output: in JSON and YAML, the messages of a command that showed no document."""
        if self.makes_document and self._messages and not self._has_printed:
            self.show_document({"messages": list(self._messages)})
        self.flush()

    def flush(self) -> None:
        """Flush both streams."""
        with convert_stdout_errors():
            self._stdout.flush()
        with suppress(OSError):
            self._stderr.flush()

    def show_list(self, columns: Columns, documents: Iterable[Document]) -> None:
        """Show many documents: a table with a header, or all their fields as JSON or YAML."""
        self._show(columns, list(documents))

    def show_record(self, columns: Columns, document: Document) -> None:
        """Show one document: a table of names and values, or all its fields as JSON or YAML."""
        self._show(columns, document)

    def show_fields(self, document: Document) -> None:
        """Show one document with all of its fields, as :meth:`show_record` does."""
        self.show_record(columns(*document), document)

    def show_document(self, document: object) -> None:
        """Show a value as JSON, or as YAML after ``--output yaml``."""
        self.text(self._format_document(document))

    def _format_document(self, document: object) -> str:
        from au2.console.documents import format_json, format_yaml

        is_yaml = self.output_format == "yaml"
        return format_yaml(document) if is_yaml else format_json(document)

    # Remarks

    def remark(self, text: str) -> None:
        """Print a remark to stderr; in JSON and YAML only on a terminal."""
        text = self._repeat_options(text)
        if self.makes_document:
            self._messages.append(visible(text.strip("\n")))
            if not self._stderr.isatty():
                return
        self._tell(_as_lines(text))

    def redraw(self, text: str) -> None:
        """Draw the line of progress over the one before; the empty text removes the line."""
        with self._drawing:
            # A line that is folded could not be drawn over.
            self._progress = visible(text).replace("\n", " ")[: self._progress_width()]
            self._write_remark(f"{_CLEAR}{self._progress}")

    def error(self, error: Au2Error, exit_code: int | None = None) -> None:
        """Print an error: sentence, details, hint; or a document.

        Args:
            error: of the command.
            exit_code: of the program, if it is not the error's.
        """
        if error.hint:
            error.hint = self._repeat_options(error.hint)
        if not self.makes_document:
            self._tell("".join(map(_as_lines, format_error(error))))
            return
        code = error.exit_code if exit_code is None else exit_code
        self._tell(self._format_document({"error": {**error.to_document(), "exit_code": code}}))

    # Questions

    def ask(self, question: str, *, flag: str, default: str | None = None) -> str:
        """Ask for a text. Raises AnswerNeeded, which names ``flag``, without a terminal."""
        self._ensure_terminal(question, flag)
        shown = f"{question} [{default}]" if default else question
        while True:
            answer = self._read_answer(f"{shown}: ") or default
            if answer is not None:
                return answer

    def ask_secret(self, question: str, *, flag: str) -> str:
        """Ask for a text without showing the answer."""
        self._ensure_terminal(question, flag)
        from getpass import getpass  # loads termios; rarely needed

        with _converting_input_errors():
            return ensure_text(getpass(f"{question}: ", self._stderr))

    def ask_new_secret(self, question: str, *, flag: str) -> str:
        """Ask twice for a text without showing the answers, until both are equal."""
        while True:
            answer = self.ask_secret(question, flag=flag)
            if answer == self.ask_secret(f"{question} again", flag=flag):
                return answer
            self.remark("The two answers differ.")

    def choose(self, question: str, choices: Sequence[tuple[str, ...]], *, flag: str) -> int:
        """Ask for one of ``choices``, each a tuple of its names; return the index.

        The answer is a number, or a name of one choice only.
        """
        self._ensure_terminal(question, flag)
        for number, names in enumerate(choices, start=1):
            self.remark(f"  {number}  {'  '.join(names)}")
        while True:
            answer = self._read_answer(f"{question} (1-{len(choices)}): ")
            named = [index for index, names in enumerate(choices) if answer in names]
            if len(named) == 1:
                return named[0]
            if answer.isascii() and answer.isdecimal() and 1 <= int(answer) <= len(choices):
                return int(answer) - 1
            self.remark(f"Type a number from 1 to {len(choices)}, or a name.")

    def confirm(self, question: str, *, flag: str = "--yes") -> None:
        """Ask whether to go on. Raises Declined if not, AnswerNeeded without a terminal."""
        self._ensure_terminal(question, flag)
        while True:
            answer = self._read_answer(f"{question} [y/N]: ").lower()
            if answer in {"y", "yes"}:
                return
            if answer in {"", "n", "no"}:
                raise Declined

    def read_input(self, limit_bytes: int) -> str:
        """Return the text on stdin, UTF-8 without a byte-order mark; raises like read_bytes.

        Raises:
            InvalidRequest: also for bytes outside UTF-8.
        """
        return decode_text(self.read_bytes(limit_bytes), "standard input")

    def read_bytes(self, limit_bytes: int) -> bytes:
        """Return the bytes on stdin exactly.

        Raises:
            InvalidRequest: they exceed the limit, or stdin is closed or can't be read.
        """
        try:
            data = self.input_stream().read(limit_bytes + 1)
        except OSError as error:
            why = error.strerror or str(error)
            raise InvalidRequest(f"Standard input can't be read: {why}.") from error
        if len(data) > limit_bytes:
            raise InvalidRequest(
                f"Standard input is too long: the limit is {format_bytes(limit_bytes)}."
            )
        return data

    def input_stream(self) -> BinaryIO:
        """Return stdin for reading any number of bytes.

        Raises:
            InvalidRequest: stdin is closed.
        """
        if self._stdin is None:
            raise InvalidRequest("Standard input is closed, so nothing can be read from it.")
        return self._stdin.buffer

    def _show(self, columns: Columns, value: Document | list[Document]) -> None:
        if self.makes_document:
            self.show_document(value)
            return
        from au2.console.tables import draw_table  # rich is slow to import

        encoding = self._stdout.encoding
        self.text(draw_table(columns, value, width=self._width(), encoding=encoding))

    def _print(self, text: str) -> None:
        self._has_printed = True
        self._tell("")
        self._stdout.write(text)
        self._stdout.flush()

    def _write_remark(self, text: str) -> None:
        """Write to stderr. An unwritable stderr is no reason to fail: the work is done."""
        with suppress(OSError):
            self._stderr.write(text)
            self._stderr.flush()

    def _tell(self, text: str) -> None:
        """Write to stderr in the place of a line of progress, if there is one."""
        with self._drawing:
            cleared = _CLEAR if self._progress else ""
            self._progress = ""
            if cleared or text:
                self._write_remark(cleared + text)

    def _progress_width(self) -> int | None:
        try:
            columns = get_terminal_size(self._stderr.fileno()).columns
        except (OSError, ValueError):
            return None
        # Some terminals, as those of CI, do not say how wide they are: 0.
        return columns - 1 if columns > 1 else None

    def _read_answer(self, prompt: str) -> str:
        self._write_remark(visible(prompt))
        assert self._stdin is not None  # noqa: S101 - a terminal
        with _converting_input_errors():
            # Past the text stream, which would read ahead of what is read as bytes later.
            answer = self._stdin.buffer.readline().decode(self._stdin.encoding)
        if not answer:
            self._write_remark("\n")
            raise Declined
        return answer.strip()

    def _ensure_terminal(self, question: str, flag: str) -> None:
        if not self.can_ask:
            raise AnswerNeeded(
                f"There is no terminal to ask on: {question}", hint=f"Answer with {flag}."
            )

    def _width(self) -> int | None:
        """Columns to fold tables at; None where they are as wide as their values."""
        if self.is_wide:
            return None
        from shutil import get_terminal_size  # not needed without a terminal

        return get_terminal_size().columns


def _as_lines(text: str) -> str:
    """Return a remark with a line end; further lines stand under the first, indented.

    Names in the text are chosen by users: none may look like another remark or hint.
    """
    told = text.lstrip("\n")
    blank = len(text) - len(told)
    return "\n" * blank + visible(told).replace("\n", "\n  ") + "\n"


def standard_console(*, has_input: bool) -> Console:
    """Return the terminal on the process's own streams. ``has_input``: stdin was open."""
    return Console(sys.stdin if has_input else None, sys.stdout, sys.stderr)


@contextmanager
def _converting_input_errors() -> Iterator[None]:
    try:
        yield
    except UnicodeError:
        # Without the cause, which would show a part of the text.
        raise InvalidRequest("The typed text is not valid UTF-8.") from None
