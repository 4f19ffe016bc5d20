"""What no message to a user holds: words of libraries, numbers of bytes without a unit."""

import re

_NOT_OURS = re.compile(
    r"pydantic|[Ii]nput should|String should|Field required|For further information|value_error"
    r"|type=\w+|input_value|Traceback|bug in au2|NoneType|sqlite3\.|sqlalchemy"
    r"|UnicodeEncodeError|codec can't|Errno|object at 0x|<class '"
)
_BARE_BYTES = re.compile(
    r"(?<![\w.-])(4096|65536|131072|262144|1048576|4194304|16777216|67108864)(?! (bytes|char))\b"
)


def find_foreign_words(message: str) -> str | None:
    """Return what of ``message`` is not in a user's words; None: nothing."""
    found = _NOT_OURS.search(message) or _BARE_BYTES.search(message)
    return None if found is None else found[0]
