"""The one owner of all output and of all questions.

Data goes to stdout; remarks, questions, progress and errors go to stderr. Without a terminal there
is no colour, no progress line and no question.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import get_terminal_size
from threading import Lock
from typing import BinaryIO, Final, TextIO

from au2.cli.cells import Columns, Document, visible
from au2.domain.errors import AnswerNeeded, Au2Error, Declined, InvalidRequest

FORMATS: Final = ("table", "json", "yaml")
_CLEAR: Final = "\r\x1b[K"


class PipeClosed(Exception):
    """Nobody reads our stdout any more."""


class Terminal:
    """Standard streams, and the format that ``--output`` chose."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self.output_format = "table"
        self._progress = ""
        """The line of progress that stands there, without an end."""
        self._drawing = Lock()
        """Progress is drawn, and outages are told, by several threads."""

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer."""
        return self._stdin.isatty() and self._stderr.isatty()

    @property
    def is_typed(self) -> bool:
        """Whether what comes on stdin is typed by somebody."""
        return self._stdin.isatty()

    @property
    def can_animate(self) -> bool:
        """Whether a line may be drawn over itself on stderr."""
        return self._stderr.isatty()

    @property
    def shows_data(self) -> bool:
        """Whether data on stdout is for somebody's eyes."""
        return self._stdout.isatty()

    # Data

    def line(self, text: str) -> None:
        """Print one line of data."""
        self.text(visible(text) + "\n")

    def text(self, text: str) -> None:
        """Print data that has its own line ends, as it is."""
        self._tell("")
        with _watching_the_reader():
            self._stdout.write(text)
            self._stdout.flush()

    def bytes_out(self, data: bytes) -> None:
        """Print bytes to stdout exactly."""
        with _watching_the_reader():
            self._stdout.buffer.write(data)

    def bytes_err(self, data: bytes) -> None:
        """Print bytes to stderr exactly."""
        self._tell("")
        self._stderr.buffer.write(data)

    def flush(self) -> None:
        """Let everything printed so far be seen."""
        with _watching_the_reader():
            self._stdout.flush()
        self._stderr.flush()

    def show_list(self, columns: Columns, documents: Iterable[Document]) -> None:
        """Show many documents: a table with a header, or all their fields as JSON or YAML."""
        if self.output_format != "table":
            self.show_document(list(documents))
            return
        from au2.cli.tables import choose_box, draw_list  # rich is slow to import

        box = choose_box(self._stdout.encoding)
        self.text(draw_list(columns, documents, width=self._width(), box=box))

    def show_record(self, columns: Columns, document: Document) -> None:
        """Show one document: a table of names and values, or all its fields as JSON or YAML."""
        if self.output_format != "table":
            self.show_document(document)
            return
        from au2.cli.tables import choose_box, draw_record  # rich is slow to import

        box = choose_box(self._stdout.encoding)
        self.text(draw_record(columns, document, width=self._width(), box=box))

    def show_document(self, document: object) -> None:
        """Show a value as JSON, or as YAML if that was asked for."""
        from au2.cli.documents import format_json, format_yaml

        is_yaml = self.output_format == "yaml"
        self.text(format_yaml(document) if is_yaml else format_json(document))

    # Remarks

    def remark(self, text: str) -> None:
        """Tell what happened."""
        self._tell(visible(text) + "\n")

    def redraw(self, text: str) -> None:
        """Draw the line of progress over the one before; empty to take it away."""
        with self._drawing:
            # A line that is folded could not be drawn over.
            self._progress = visible(text)[: self._progress_width()]
            self._stderr.write(f"{_CLEAR}{self._progress}")
            self._stderr.flush()

    def error(self, error: Au2Error) -> None:
        """Tell what went wrong: the sentence, each mistake, and what to do next."""
        lines = [f"error: {error.message}"]
        lines += [f"  {detail}" for detail in error.details]
        if error.hint:
            lines.append(f"hint: {error.hint}")
        self._tell("".join(visible(line) + "\n" for line in lines))

    # Questions

    def ask(self, question: str, *, flag: str, default: str | None = None) -> str:
        """Ask for a text. Raises AnswerNeeded, which names ``flag``, if nobody is there."""
        self._need_somebody(question, flag)
        shown = f"{question} [{default}]" if default else question
        while True:
            answer = self._read_answer(f"{shown}: ") or default
            if answer is not None:
                return answer

    def ask_secret(self, question: str, *, flag: str) -> str:
        """Ask for what is not shown while it is typed."""
        self._need_somebody(question, flag)
        from getpass import getpass  # loads termios; rarely needed

        return getpass(f"{question}: ", self._stderr)

    def choose(self, question: str, choices: Sequence[tuple[str, ...]], *, flag: str) -> int:
        """Ask for one of ``choices``, each the texts that name it; return its index.

        The answer may be a number, or a text that names one of them only.
        """
        self._need_somebody(question, flag)
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
        """Ask whether to go on. Raises Declined if not, AnswerNeeded if nobody is there."""
        self._need_somebody(question, flag)
        while True:
            answer = self._read_answer(f"{question} [y/N]: ").lower()
            if answer in {"y", "yes"}:
                return
            if answer in {"", "n", "no"}:
                raise Declined

    def read_input(self, limit_characters: int) -> str:
        """Return what stands on stdin. Raises InvalidRequest if it is longer than the limit."""
        text = self._stdin.read(limit_characters + 1)
        if len(text) > limit_characters:
            raise InvalidRequest("What came on stdin is too long.")
        return text

    def read_bytes(self, limit_bytes: int) -> bytes:
        """Return the bytes on stdin exactly. Raises InvalidRequest if they exceed the limit."""
        data = self._stdin.buffer.read(limit_bytes + 1)
        if len(data) > limit_bytes:
            raise InvalidRequest("What came on stdin is too long.")
        return data

    def input_stream(self) -> BinaryIO:
        """Return stdin for reading bytes, when there may be any number of them."""
        return self._stdin.buffer

    def _tell(self, text: str) -> None:
        """Write to stderr in the place of a line of progress, if there is one."""
        with self._drawing:
            cleared = _CLEAR if self._progress else ""
            self._progress = ""
            if cleared or text:
                self._stderr.write(cleared + text)
                self._stderr.flush()

    def _progress_width(self) -> int | None:
        try:
            columns = get_terminal_size(self._stderr.fileno()).columns
        except (OSError, ValueError):
            return None
        # Some terminals, as those of CI, do not say how wide they are: 0.
        return columns - 1 if columns > 1 else None

    def _read_answer(self, prompt: str) -> str:
        self._stderr.write(visible(prompt))
        self._stderr.flush()
        answer = self._stdin.readline()
        if not answer:
            self._stderr.write("\n")
            raise Declined
        return answer.strip()

    def _need_somebody(self, question: str, flag: str) -> None:
        if not self.can_ask:
            raise AnswerNeeded(
                f"There is no terminal to ask on: {question}", hint=f"Answer it with {flag}."
            )

    def _width(self) -> int | None:
        """Columns to fold tables at; None where stdout is no terminal."""
        if not self.shows_data:
            return None
        from shutil import get_terminal_size  # not needed without a terminal

        return get_terminal_size().columns


def standard_terminal() -> Terminal:
    """Return the terminal on the process's own streams."""
    return Terminal(sys.stdin, sys.stdout, sys.stderr)


@contextmanager
def _watching_the_reader() -> Iterator[None]:
    # Click would take a BrokenPipeError for itself and end with a code that means failure here.
    try:
        yield
    except BrokenPipeError:
        raise PipeClosed from None
