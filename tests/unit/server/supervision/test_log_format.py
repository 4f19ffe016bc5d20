"""The server's log: one entry, one line, whatever is in it."""

import logging
import re

from au2.server.supervision.log_format import LineFormatter, is_relevant


def format_entry(message: str, *, error: BaseException | None = None) -> str:
    info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("au2.http", logging.WARNING, "x.py", 1, "%s", (message,), info)
    return LineFormatter("api").format(record)


def test_an_entry() -> None:
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING api\[\d+\] au2\.http: hello ü",
        format_entry("hello ü"),
    )


def test_nothing_from_outside_forges_a_line() -> None:
    entry = format_entry("a\nb\r\x1b[31m\u2028c")
    assert entry.endswith(r"a\nb\r\x1b[31m\u2028c")
    assert len(entry.splitlines()) == 1


def test_a_traceback_is_indented() -> None:
    lines = format_entry("bad", error=ValueError("x\n2026 ERROR forged")).split("\n")
    assert len(lines) > 1
    assert all(line.startswith("    ") for line in lines[1:])


def test_a_try_of_tls_is_no_news() -> None:
    def entry(message: str) -> logging.LogRecord:
        return logging.LogRecord("uvicorn.error", logging.WARNING, "x.py", 1, message, (), None)

    assert not is_relevant(entry("Invalid HTTP request received."))
    assert not is_relevant(entry("ASGI callable returned without completing response."))
    assert is_relevant(entry("Invalid HTTP request"))
