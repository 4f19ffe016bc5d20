"""Kinds of settings: their values, and their form in a file or a variable."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from au2.domain.errors import InvalidRequest
from au2.package.sizes import parse_duration, parse_size
from au2.server.settings.endpoint import parse_listen_address

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. ``parse`` takes a value of TOML or a variable and raises ValueError."""

    expected: str
    """Description of valid values, for messages after "expected"."""
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class SettingDefinition:
    """Kind, meaning and default of a setting, in its field's metadata under :data:`NOTE`."""

    kind: Kind
    meaning: str
    default_text: str
    """The default as people read it, also where it depends on the machine."""


NOTE = "au2"


def setting(default: Any, kind: Kind, meaning: str, *, default_text: str | None = None) -> Any:
    """Return a dataclass field of a setting. A callable ``default`` is called for its value."""
    text = default_text if default_text is not None else format_value(default)
    metadata = {NOTE: SettingDefinition(kind, meaning, text)}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def format_value(value: object) -> str:
    """Return a value as text for people."""
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def whole(minimum: int, maximum: int = 1 << 62) -> Kind:
    """Whole numbers of a range."""
    limit = f"from {minimum}" + ("" if maximum == 1 << 62 else f" to {maximum}")
    return Kind(f"a whole number {limit}", lambda value: _in_range(_whole(value), minimum, maximum))


def number(minimum: float, maximum: float) -> Kind:
    """Numbers of a range, with a fraction if need be."""
    return Kind(
        f"a number from {minimum:g} to {maximum:g}",
        lambda value: _in_range(float(_not_a_flag(value)), minimum, maximum),
    )


def size(minimum: int) -> Kind:
    """Bytes, as a whole number or with a unit."""

    def parse(value: Any) -> int:
        found = _quantity(parse_size, value) if isinstance(value, str) else _whole(value)
        return _in_range(found, minimum, 1 << 62)

    return Kind(f'a size like 1048576 or "512MiB", at least {minimum} bytes', parse)


def seconds(minimum: float, maximum: float) -> Kind:
    """Durations, as a number of seconds or with a unit."""

    def parse(value: Any) -> float:
        if isinstance(value, str):
            # parse_duration takes no zero, which is a fair grace time.
            value = 0.0 if value.strip() in {"0", "0s", "0.0"} else _quantity(parse_duration, value)
        return _in_range(float(_not_a_flag(value)), minimum, maximum)

    return Kind(f'a duration like 90 or "1h", {minimum:g} to {maximum:g} seconds', parse)


def choice(*names: str) -> Kind:
    """One word of several."""

    def parse(value: Any) -> str:
        if value not in names:
            raise ValueError(value)
        return str(value)

    return Kind("one of " + ", ".join(names), parse)


def _parse_flag(value: Any) -> bool:
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise ValueError(value)
    return found


def _parse_path(value: Any) -> Path:
    path = Path(_text(value))
    if not path.is_absolute() or "\0" in str(path):
        raise ValueError(value)
    return path


def _parse_url(value: Any) -> str:
    return _matching(r"https?://\S*", _text(value)).rstrip("/")


def _parse_location(text: str) -> str:
    return _matching(r"(https?://|file:///|/)\S*", text)


def _parse_subnet(value: Any) -> str:
    network = ipaddress.IPv4Network(_text(value))
    if not 8 <= network.prefixlen <= 28:
        raise ValueError(value)
    return str(network)


def _parse_dns_word(text: str) -> str:
    return _matching(r"[A-Za-z0-9_.:-]{1,253}", text)


def _parse_host(text: str) -> str:
    return _matching(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:]+\](:[0-9]{1,5})?", text)


def _matching(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError(text)
    return text


def _list_of(expected: str, parse_item: Callable[[str], object]) -> Kind:
    def parse(value: Any) -> tuple[str, ...]:
        return tuple(str(parse_item(item)) for item in _items(value))

    return Kind(f"a list of {expected} (in a variable: with commas between)", parse)


FLAG = Kind("true or false", _parse_flag)
PATH = Kind("an absolute path", _parse_path)
URL = Kind("a URL that begins with http:// or https://", _parse_url)
LISTEN = Kind(
    'an IP address and a port, like "127.0.0.1:8080"', lambda v: parse_listen_address(_text(v))
)
SUBNET = Kind('an IPv4 network like "10.88.0.0/16"', _parse_subnet)
LOCATIONS = _list_of("URLs or absolute paths", _parse_location)
ADDRESSES = _list_of('IPv4 addresses like ["9.9.9.9"]', ipaddress.IPv4Address)
NETWORKS = _list_of('IPv4 networks like ["10.1.0.0/16"]', ipaddress.IPv4Network)
HOSTS = _list_of('hosts like ["registry.example:5000"]', _parse_host)
DNS_WORDS = _list_of('words like ["example.org"]', _parse_dns_word)


def _not_a_flag(value: Any) -> Any:
    # For Python true is a number.
    if isinstance(value, bool):
        raise ValueError(value)
    return value


def _whole(value: Any) -> int:
    if isinstance(_not_a_flag(value), float):
        raise ValueError(value)
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(value)
    return value


def _items(value: Any) -> list[str]:
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",") if item.strip()]
    if not isinstance(value, list | tuple):
        raise ValueError(value)
    return [_text(item) for item in value]


def _quantity(parse: Callable[[str], _Number], text: str) -> _Number:
    try:
        return parse(text)
    except InvalidRequest as error:
        raise ValueError(error.message) from error


def _in_range(value: _Number, minimum: float, maximum: float) -> _Number:
    # Written so that "not a number" fails too.
    if not minimum <= value <= maximum:
        raise ValueError(value)
    return value
