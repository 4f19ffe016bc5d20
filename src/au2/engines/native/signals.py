"""Names of signals, as images and people write them."""

import re
import signal

from au2.domain.errors import InvalidRequest

_REAL_TIME = re.compile(r"RT(MIN|MAX)(?:([+-])([0-9]{1,2}))?")


def parse_signal(text: str) -> int:
    """Return the number of ``SIGTERM``, ``TERM``, ``15`` or ``SIGRTMIN+3``.

    Raises:
        InvalidRequest: there is no such signal.
    """
    name = text.strip().upper().removeprefix("SIG")
    number = _find_number(name)
    if number is None or not 1 <= number <= signal.SIGRTMAX:
        raise InvalidRequest(f"{text[:40]!r} is not a signal")
    return number


def _find_number(name: str) -> int | None:
    if name.isascii() and name.isdigit():
        return int(name)
    real_time = _REAL_TIME.fullmatch(name)
    if real_time is not None:
        base = signal.SIGRTMIN if real_time[1] == "MIN" else signal.SIGRTMAX
        offset = int(real_time[3] or 0)
        return base - offset if real_time[2] == "-" else base + offset
    found = signal.Signals.__members__.get(f"SIG{name}")
    return None if found is None else int(found)
