"""Values of Python and of data libraries as values of JSON.

Loaded only by outputs that ``json`` can't encode by itself. No data library is imported: one whose
value is here was imported by the code that made the value.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence, Set, ValuesView

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Tuple

    Path = Tuple[str, ...]

_DEEPEST = 100
"""Levels of objects and arrays that the platform takes."""
_LONGEST_INTEGER_BITS = 14_000
"""Python reads integers of up to 4,300 digits."""
_LONGEST_POINTER = 200


def make_plain(value: Any, path: Path = ()) -> Any:
    """Return a value made of what JSON has: dictionaries, lists, text, finite numbers, bool, None.

    Args:
        value: of the output.
        path: keys and positions that lead to it.

    Raises:
        TypeError: a value has no form in JSON. The message has its place as a JSON Pointer.
        ValueError: a number is not finite, a text is no Unicode, or the nesting is too deep.
    """
    if value is None or value is True or value is False:
        return value
    if len(path) > _DEEPEST:
        raise _wrong(path, f"is nested deeper than {_DEEPEST} levels: does it contain itself?")
    if isinstance(value, enum.Enum):
        return make_plain(value.value, path)
    for kind, convert in _SCALARS:
        if isinstance(value, kind):
            return convert(value, path)
    for module, name, convert in _LIBRARIES:
        found = getattr(sys.modules.get(module), name, None)
        if isinstance(found, type) and isinstance(value, found):
            return convert(value, path)
    return _container(value, path)


def _container(value: Any, path: Path) -> Any:
    if isinstance(value, type):
        raise _unknown(value, path)
    if callable(getattr(value, "model_dump", None)):
        return _model(value, path)
    if dataclasses.is_dataclass(value):
        return _object({f.name: getattr(value, f.name) for f in dataclasses.fields(value)}, path)
    if isinstance(value, Mapping):
        return _object(value, path)
    if isinstance(value, Set):
        return _array(_in_order(value), path)
    if isinstance(value, (Sequence, ValuesView)):
        return _array(value, path)
    if callable(getattr(value, "tolist", None)):  # Tensors, and arrays of further libraries.
        return make_plain(value.tolist(), path)
    raise _unknown(value, path)


def _object(value: Mapping[Any, Any], path: Path) -> dict[str, Any]:
    return _from_pairs(value.items(), path)


def _from_pairs(pairs: Iterable[tuple[Any, Any]], path: Path) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, item in pairs:
        name = _key(key, path)
        if name in made:
            raise _wrong((*path, name), "is there twice: two keys or labels have the same text")
        made[name] = make_plain(item, (*path, name))
    return made


def _key(key: Any, path: Path) -> str:
    if type(key) is not str:
        plain = make_plain(key, (*path, str(key)))
        if isinstance(plain, (dict, list)):
            raise _refused(path, f"has {_name(key)} as a key: {key!r}; make it text")
        key = plain if isinstance(plain, str) else json.dumps(plain)
    text: str = _text(key, (*path, key))
    return text


def _array(values: Iterable[Any], path: Path) -> list[Any]:
    return [make_plain(item, (*path, str(index))) for index, item in enumerate(values)]


def _in_order(values: Iterable[Any]) -> list[Any]:
    """Return the members of a set in an order that is the same in each run."""
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=lambda value: (type(value).__name__, repr(value)))


# --- values of the standard library


def _text(value: str, path: Path) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise _wrong(
            path,
            "has a lone surrogate, as text has that was read from a name or file that is no "
            "UTF-8; value.encode('utf-8', 'replace').decode() replaces it",
        ) from None
    return str(value)


def _integer(value: int, path: Path) -> int:
    if value.bit_length() > _LONGEST_INTEGER_BITS:
        raise _wrong(path, "is an integer of more than 4,000 digits")
    return int(value)


def _number(value: Any, path: Path) -> float:
    number = float(value)
    if not math.isfinite(number):
        name = "NaN" if math.isnan(number) else "infinite"
        raise _wrong(path, f"is {name}, which no number of JSON is; None stands for 'no value'")
    return number


def _decimal(value: decimal.Decimal, path: Path) -> int | float:
    if value.is_snan():
        return _number("nan", path)
    number = _number(value, path)
    is_integer = value == value.to_integral_value()
    return _integer(int(value), path) if is_integer and abs(value) < 1 << 64 else number


def _bytes(value: Any, path: Path) -> Any:
    raise _refused(
        path,
        f"is {_name(value)}, and JSON has no bytes; base64.b64encode(value).decode() makes text "
        "of them, value.decode() if they are UTF-8",
    )


def _complex(value: Any, path: Path) -> Any:
    raise _refused(path, "is a complex number; write [value.real, value.imag]")


def _iso(value: Any, path: Path) -> Any:
    # "Not a time" of pandas is a datetime too.
    return value.isoformat() if value == value else None  # noqa: PLR0124


def _seconds(value: Any, path: Path) -> Any:
    return value.total_seconds() if value == value else None  # noqa: PLR0124


_SCALARS: list[tuple[Any, Callable[[Any, Path], Any]]] = [
    (str, _text),
    (int, _integer),
    (float, _number),
    (decimal.Decimal, _decimal),
    ((bytes, bytearray, memoryview), _bytes),
    (complex, _complex),
    (os.PathLike, lambda value, path: make_plain(os.fspath(value), path)),
    ((datetime.date, datetime.time), _iso),
    (datetime.timedelta, _seconds),
]


# --- values of libraries that are there


def _shown(value: Any, path: Path) -> str:
    return str(value)


def _nothing(value: Any, path: Path) -> None:
    return None


def _numpy_scalar(value: Any, path: Path) -> Any:
    kind = value.dtype.kind
    if kind in "mM":
        return make_plain(_to_times(value).item(), path)
    if kind == "f":
        return _number(value, path)  # item() returns a long double as it is.
    if kind == "c":
        return _complex(value, path)
    if value.dtype.names:
        return _from_pairs(zip(value.dtype.names, value.item()), path)
    return make_plain(value.item(), path)


def _numpy_array(value: Any, path: Path) -> Any:
    if value.dtype.kind in "mM":
        value = _to_times(value)
    if value.dtype.names:
        if value.ndim == 0:
            return _numpy_scalar(value[()], path)
        return _array(list(value), path)
    return make_plain(value.tolist(), path)


def _to_times(value: Any) -> Any:
    """Return times in a unit that ``datetime`` has; years beyond 9999 stay numbers."""
    unit = value.dtype.str.partition("[")[2].rstrip("]").lstrip("0123456789")
    kind = value.dtype.kind
    return value.astype(f"{kind}8[us]") if unit in {"ns", "ps", "fs", "as"} else value


def _series(value: Any, path: Path) -> Any:
    values = _column(value)
    if _is_labelled(value.index):
        return _from_pairs(zip(value.index.tolist(), values), path)
    return _array(values, path)


def _frame(value: Any, path: Path) -> Any:
    columns = [(name, _column(value.iloc[:, at])) for at, name in enumerate(value.columns)]
    if _is_labelled(value.index):
        columns = [*_label_columns(value.index), *columns]
    names = [name for name, _ in columns]
    return [
        _from_pairs(((name, values[row]) for name, values in columns), (*path, str(row)))
        for row in range(len(value) if names else 0)
    ]


def _pandas_array(value: Any, path: Path) -> Any:
    return _array(_column(value), path)


def _column(values: Any) -> list[Any]:
    """Return values with None where pandas has a missing value, which NaN is there."""
    return [
        None if isinstance(item, float) and math.isnan(item) else item for item in values.tolist()
    ]


def _is_labelled(index: Any) -> bool:
    """Whether an index has labels. Integers without a name are positions."""
    return index.nlevels > 1 or index.name is not None or index.dtype.kind not in "iu"


def _label_columns(index: Any) -> list[tuple[Any, list[Any]]]:
    if index.nlevels == 1:
        return [("index" if index.name is None else index.name, _column(index))]
    return [
        (f"level_{at}" if name is None else name, _column(index.get_level_values(at)))
        for at, name in enumerate(index.names)
    ]


def _model(value: Any, path: Path) -> Any:
    """Return a model of pydantic by the model's own rules; ours are for what pydantic has none."""
    try:
        # An array, for example, has no form of pydantic's own.
        dumped = value.model_dump(mode="json", fallback=lambda item: make_plain(item, path))
    except (TypeError, ValueError):
        # This way every value comes with its place. Before 2.10 there is no fallback.
        dumped = value.model_dump()
    return make_plain(dumped, path)


_LIBRARIES: list[tuple[str, str, Callable[[Any, Path], Any]]] = [
    ("pandas._libs.missing", "NAType", _nothing),  # The only name that all versions have.
    ("uuid", "UUID", _shown),
    ("ipaddress", "IPv4Address", _shown),
    ("ipaddress", "IPv6Address", _shown),
    ("numpy", "generic", _numpy_scalar),
    ("numpy.ma", "MaskedArray", lambda value, path: make_plain(value.tolist(), path)),
    ("numpy", "ndarray", _numpy_array),
    ("pandas", "Series", _series),
    ("pandas", "DataFrame", _frame),
    ("pandas", "Index", _pandas_array),
    ("pandas.api.extensions", "ExtensionArray", _pandas_array),
    ("pandas", "Period", _shown),
    ("pandas", "Interval", _shown),
]


# --- messages


def _unknown(value: Any, path: Path) -> TypeError:
    wanted = "text, a number, a list or a dictionary" if path else "a dictionary"
    return _refused(path, f"is {_name(value)}; make it {wanted}")


def _refused(path: Path, what: str) -> TypeError:
    return TypeError(_message(path, what))


def _wrong(path: Path, what: str) -> ValueError:
    return ValueError(_message(path, what))


def _message(path: Path, what: str) -> str:
    pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)
    if len(pointer) > _LONGEST_POINTER:
        pointer = pointer[:_LONGEST_POINTER] + "…"
    where = ascii(pointer) if not pointer.isprintable() else f"'{pointer}'"
    return f"the output can't be encoded as JSON: {where if path else 'it'} {what}"


def _name(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    return f"the class {name}" if isinstance(value, type) else f"of type {name}"
