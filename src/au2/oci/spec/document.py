"""Untrusted JSON documents: strict reading by type, and one canonical form of writing."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from au2.domain.errors import InvalidImage

MAX_DOCUMENT_BYTES = 4 << 20
"""Registries promise to take manifests of at least this size; nobody needs larger ones."""


def format_document(document: Mapping[str, Any]) -> bytes:
    """Return canonical JSON (sorted keys, no spaces, UTF-8): equal values have equal digests."""
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def parse_document(data: bytes, what: str) -> "Fields":
    """Return the JSON object in ``data``.

    Raises:
        InvalidImage: too large, not JSON, not an object, or with a repeated key (two readers could
            see two different images).
    """
    return Fields(_parse_json(data, what), what)


def parse_list(data: bytes, what: str) -> tuple["Fields", ...]:
    """Return the objects of the JSON list in ``data``; raises as :func:`parse_document` does."""
    value = _parse_json(data, what)
    if not isinstance(value, list):
        raise InvalidImage(f"the {what} is not a JSON list")
    return tuple(Fields(item, f"{what}'s entry") for item in value)


def _parse_json(data: bytes, what: str) -> object:
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InvalidImage(f"the {what} is larger than {MAX_DOCUMENT_BYTES} bytes")
    try:
        value: object = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_doubles,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise InvalidImage(f"the {what} is nested too deeply") from None
    except ValueError as error:
        raise InvalidImage(f"the {what} is not valid JSON: {error}") from None
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key is there twice")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


class Fields:
    """JSON object with values read by type; ``what`` names the object in errors.

    Docker and its kin are written in Go, whose ``encoding/json`` finds a key in any case and takes
    null for the empty value of every type. The same is accepted here, but no key written in two
    cases, since two readers could see two different images.
    """

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict):
            raise InvalidImage(f"the {what} is not a JSON object")
        self._values: dict[str, Any] = value
        self._what = what
        self._names: dict[str, str | None] = {}
        """Keys as they are written, by their lower case; None: it is there in two cases."""
        for name in self._values:
            folded = name.lower()
            self._names[folded] = None if folded in self._names else name

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self._find(key) is not None

    def take(self, key: str) -> object:
        """Return the raw value. Raises InvalidImage if absent."""
        value = self._find(key)
        if value is None:
            raise InvalidImage(f"the {self._what} has no {key}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        if default is not None and not self.has(key):
            return default
        return self._checked_text(self.take(key), key)

    def natural(self, key: str) -> int:
        """Return a whole number, not negative."""
        value = self.take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
            raise InvalidImage(f"{key} of the {self._what} is not a number of bytes or things")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; false if absent."""
        value = self._find(key)
        if value is not None and not isinstance(value, bool):
            raise InvalidImage(f"{key} of the {self._what} is neither true nor false")
        return bool(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty if absent."""
        return tuple(self._checked_text(item, key) for item in self._list(key))

    def words(self, key: str) -> tuple[str, ...]:
        """Return a command: a list of texts, or one text for a list of one.

        So Docker reads commands (moby, ``api/types/strslice``).
        """
        value = self._find(key)
        return (self._checked_text(value, key),) if isinstance(value, str) else self.texts(key)

    def members(self, key: str) -> tuple["Fields", ...]:
        """Return a list of objects; empty if absent."""
        return tuple(Fields(item, f"{self._what}'s {key}") for item in self._list(key))

    def member(self, key: str) -> "Fields":
        """Return an object; an empty one if absent."""
        value = self._find(key)
        return Fields({} if value is None else value, f"{self._what}'s {key}")

    def text_mapping(self, key: str) -> dict[str, str]:
        """Return an object whose values are texts; empty if absent."""
        pairs = self.member(key)._values
        return {
            self._checked_text(name, key): self._checked_text(value, key)
            for name, value in pairs.items()
        }

    def names(self, key: str) -> tuple[str, ...]:
        """Return the sorted keys of an object, which Go programs use for sets; empty if absent."""
        return tuple(sorted(self._checked_text(name, key) for name in self.member(key)._values))

    def _find(self, key: str) -> Any:
        """Return the value of a key in any case; None if absent or null."""
        folded = key.lower()
        if folded not in self._names:
            return None
        name = self._names[folded]
        if name is None:
            raise InvalidImage(f"the {self._what} has {key} twice, in upper and lower case")
        return self._values[name]

    def _list(self, key: str) -> list[Any]:
        value = self._find(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise InvalidImage(f"{key} of the {self._what} is not a list")
        return value

    def _checked_text(self, value: object, key: str) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InvalidImage(f"{key} of the {self._what} holds something that is not a text")
        # Lone surrogates can be written as JSON escapes but never as UTF-8; NUL ends C strings.
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InvalidImage(f"{key} of the {self._what} holds a character that no system takes")
        return value
