"""Documents → JSON and YAML text."""

import json
import re
from collections.abc import Iterator

_PLAIN = re.compile(r"[A-Za-z_]([\w ./@+-]*[\w/@+-])?", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What some readers of YAML (version 1.1) take for a truth value or nothing."""


def format_json(document: object) -> str:
    """Return indented JSON with a newline at its end."""
    return _visible(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def format_json_line(document: object) -> str:
    """Return JSON without a line end."""
    return _visible(json.dumps(document, ensure_ascii=False))


def _visible(written: str) -> str:
    """Escape characters on which terminals act and which JSON allows (U+007F to U+009F, U+202E)."""
    if written.replace("\n", "").isprintable():
        return written
    return "".join(
        character if character.isprintable() or character == "\n" else _escape(character)
        for character in written
    )


def _escape(character: str) -> str:
    # JSON itself asks for no escape of U+007F.
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


def format_yaml(document: object) -> str:
    """Return block-style YAML with one meaning in versions 1.1 and 1.2.

    Only JSON values occur, so a few lines replace a library with a long import.
    """
    return "".join(f"{line}\n" for line in _lines(document))


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _entry(f"{_scalar(str(key))}:", item, indent="" if _is_list(item) else "  ")
    elif _is_list(value):
        for item in value:  # type: ignore[attr-defined]
            first, *rest = _lines(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _entry(head: str, value: object, *, indent: str) -> Iterator[str]:
    if _is_list(value) or (isinstance(value, dict) and value):
        yield head
        yield from (f"{indent}{line}" for line in _lines(value))
    else:
        yield f"{head} {_scalar(value)}"


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        # Without a point, version 1.1 takes 1e+16 for a text.
        written = repr(value)
        return written.replace("e", ".0e") if "e" in written and "." not in written else written
    return json.dumps(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    if quoted.isprintable():
        return quoted
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)
