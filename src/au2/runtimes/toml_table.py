"""TOML table that is read key by key, so that unknown keys are found."""

from typing import Any

from au2.domain.errors import InvalidRequest


class TomlTable:
    """A table. Every method removes a key; :meth:`end` refuses the remaining ones."""

    def __init__(self, values: dict[str, Any], name: str = "") -> None:
        self._values = dict(values)
        self._name = name

    def has(self, key: str) -> bool:
        """Return whether the table has the key."""
        return key in self._values

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """Return a value of that kind. Raises InvalidRequest."""
        value = self._values.pop(key, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            self._refuse(key, "is missing" if value is None else "has the wrong type")
        return value

    def matching(self, key: str, test: Any, wanted: str = "valid") -> str:
        """Return a text that passes ``test``. Raises InvalidRequest."""
        text: str = self.take(key, str)
        if not test(text):
            self._refuse(key, f"is not {wanted}: '{text}'")
        return text

    def optional(self, key: str, test: Any, wanted: str = "valid") -> str | None:
        """Return a text that passes ``test``; None if the key is missing."""
        return self.matching(key, test, wanted) if key in self._values else None

    def natural(self, key: str) -> int:
        """Return a number from 1 on."""
        number: int = self.take(key, int)
        if number < 1:
            self._refuse(key, "must be at least 1")
        return number

    def texts(self, key: str, test: Any) -> tuple[str, ...]:
        """Return a list of texts; empty if the key is missing."""
        found = self.take(key, list, [])
        for item in found:
            if not isinstance(item, str) or not test(item):
                self._refuse(key, f"holds something that is not valid: {item!r}")
        return tuple(found)

    def mapping(self, key: str, test: Any) -> dict[str, str]:
        """Return texts by name; empty if the key is missing."""
        found: dict[str, str] = self.take(key, dict, {})
        for name, value in found.items():
            if not isinstance(value, str) or not test(name):
                self._refuse(key, f"holds something that is not valid: '{name}'")
        return found

    def table(self, key: str) -> "TomlTable | None":
        """Return a table below; None if the key is missing."""
        return TomlTable(self.take(key, dict), key) if key in self._values else None

    def end(self) -> None:
        """Refuse the remaining keys. Raises InvalidRequest."""
        for key in self._values:
            self._refuse(key, "is not known")

    def _refuse(self, key: str, message: str) -> None:
        name = f"{self._name}.{key}" if self._name else key
        raise InvalidRequest(f"'{name}' {message}")
