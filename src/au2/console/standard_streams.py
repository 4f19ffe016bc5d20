"""The standard streams of a program, also where it was started without them."""

import contextlib
import io
import os
import sys
from typing import Final

_MODES: Final = (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)


def open_standard_streams() -> bool:
    """Make all three streams usable; return whether standard input was open.

    A closed stream (``<&-``, ``>&-``) becomes the null device under the same number: otherwise the
    next opened file or connection would get the number, and output of this process or of its
    children would go there. To be called before anything else.
    """
    has_input = _is_open(0)
    for number, mode in enumerate(_MODES):
        if not _is_open(number):
            # The lowest number that is free is taken: this one, as those below it are in use.
            os.open(os.devnull, mode)
            os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = _as_text(0)
    if sys.stdout is None:
        sys.stdout = _as_text(1)
    if sys.stderr is None:
        sys.stderr = _as_text(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Never fail over a character that the terminal can't show.
            stream.reconfigure(errors="backslashreplace")
    return has_input


def close_standard_streams() -> None:
    """Discard unwritable output, which was reported already: Python would report it at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _as_text(number: int) -> io.TextIOWrapper:
    mode = "rb" if number == 0 else "wb"
    return io.TextIOWrapper(open(number, mode, closefd=False), encoding="utf-8")
