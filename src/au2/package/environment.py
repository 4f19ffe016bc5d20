"""``env.yml``: default environment variables."""

import re
from collections.abc import Iterator

from au2.domain.accounts.secret_name import REFERENCE_KEY, find_secret_name_error
from au2.domain.errors import Detail, InvalidPackage
from au2.domain.json_value import is_encodable
from au2.package import names
from au2.package.text import refuse
from au2.package.yaml_nodes import Mapping, Node, Scalar, parse_nodes
from au2.package.yaml_values import is_null

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
PLATFORM_PREFIX = "AU_"
VARIABLE_BYTES = (128 << 10) - 1
"""Longest ``NAME=value`` in UTF-8 that Linux gives to a new program (``MAX_ARG_STRLEN`` with its
NUL, execve(2))."""


def find_name_error(name: str, *, any_name: bool = False) -> str | None:
    """Return the error in a variable's name, in ``env.yml`` or in a submission.

    Args:
        name: the variable's name.
        any_name: allow all names that Docker allows, for image versions. The shell of packaged
            versions would drop such names.
    """
    if any_name:
        if not name or "=" in name or "\0" in name or not is_encodable(name):
            return f"{name!r} is no name for a variable: write one without '=' and NUL"
    elif not _NAME.fullmatch(name):
        return f"'{name}' is no name for a variable: letters, digits and '_', not a digit first"
    if name.startswith(PLATFORM_PREFIX):
        return f"'{name}' can't be set: names that begin with AU_ are the platform's own"
    return None


def find_value_error(name: str, value: str) -> str | None:
    """Return the error in a variable's value, in ``env.yml`` or in a submission."""
    if "\0" in value:
        return f"the value of '{name}' holds a NUL"
    if not is_encodable(value):
        return f"the value of '{name}' holds half of a character"
    return find_length_error(name, len(value.encode()))


def find_length_error(name: str, value_bytes: int) -> str | None:
    """Return the error of a variable longer than Linux allows."""
    size_bytes = len(name.encode(errors="surrogatepass")) + 1 + value_bytes
    if size_bytes <= VARIABLE_BYTES:
        return None
    return (
        f"the value of '{name}' is too long: name, '=' and value take {size_bytes} bytes, and "
        f"Linux allows {VARIABLE_BYTES} bytes; put long values into a file or into the arguments"
    )


Environment = dict[str, str | dict[str, str]]
"""Name → text, or ``{"secret": NAME}``: the value of that secret."""


def parse_environment(
    text: str, file: str = names.ENVIRONMENT, *, any_name: bool = False
) -> Environment:
    """Return the variables, scalars exactly as written (``1.10``, ``NO``).

    Args:
        text: content of ``file``.
        file: name in messages.
        any_name: see :func:`find_name_error`.

    Raises:
        InvalidPackage: with all errors, each with its file and line.
    """
    root = parse_nodes(text, file)
    if root is None or is_null(root):
        return {}
    if not isinstance(root, Mapping):
        refuse("write 'NAME: value' lines", file, root.start.line + 1)
    errors: list[Detail] = []
    found: Environment = {}
    for key, value in root.items:
        message = find_name_error(key.text, any_name=any_name) or _find_node_error(key.text, value)
        if message is not None:
            errors.append(Detail(message, file=file, line=key.start.line + 1))
        elif isinstance(value, Scalar):
            found[key.text] = value.text
        elif isinstance(value, Mapping):
            found[key.text] = {key.text: node.text for key, node in _texts(value)}
    if errors:
        raise InvalidPackage(details=errors)
    return found


def _find_node_error(name: str, value: Node) -> str | None:
    if isinstance(value, Scalar):
        return find_value_error(name, value.text)
    if not isinstance(value, Mapping) or not value.find(REFERENCE_KEY):
        return f"the value of '{name}' must be a text, or {{secret: NAME}}"
    if len(value.items) > 1:
        return f"'{name}' asks for a secret: nothing but {{secret: NAME}} goes there"
    secret = value.items[0][1]
    if not isinstance(secret, Scalar):
        return f"'{name}' asks for a secret, whose name must be a text"
    return find_secret_name_error(secret.text)


def _texts(mapping: Mapping) -> Iterator[tuple[Scalar, Scalar]]:
    return ((key, value) for key, value in mapping.items if isinstance(value, Scalar))


def plain_texts(environment: Environment) -> dict[str, str]:
    """Return the variables without a secret, the only ones in an image."""
    return {name: value for name, value in environment.items() if isinstance(value, str)}
