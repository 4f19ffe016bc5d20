"""Built-in ignore rules for files with passwords and keys.

An image is immutable and every viewer of a version can download the package, so a secret in an
image can't be taken back. These rules are weaker than any line of an ``.auignore``.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

_LOOKED_AT_BYTES: Final = 1 << 20
"""How much of a file is looked at: a key may stand behind a chain of certificates."""

_FOLDERS: Final[Mapping[str, str]] = {
    ".aws": "it holds access keys of AWS",
    ".gnupg": "it holds private keys of GnuPG",
    ".ssh": "it holds private keys of SSH",
}
_FILES: Final[Mapping[str, str]] = {
    ".env": "it may hold passwords",
    ".envrc": "it may hold passwords",
    ".git-credentials": "it holds passwords of git",
    ".netrc": "it holds passwords",
    ".pgpass": "it holds passwords of PostgreSQL",
    ".pypirc": "it holds passwords of a package index",
    "_netrc": "it holds passwords",
    **dict.fromkeys(
        ("id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"),
        "it is a private key of SSH",
    ),
}
_ENVIRONMENT_PREFIX: Final = ".env."
_HARMLESS: Final = frozenset({".env.example"})

_PRIVATE_KEY: Final = re.compile(rb"-----BEGIN (?:[A-Z0-9 ]* )?PRIVATE KEY(?: BLOCK)?-----")
_NPM_SECRET: Final = re.compile(
    rb"""^[ \t]*(?:[^=#;\n]*:)?(?:_authToken|_auth|_password)[ \t]*=[ \t]*["']?(?!\$\{)[^\s"']""",
    re.MULTILINE,
)
"""A token in an ``.npmrc``; ``${NPM_TOKEN}`` is only the name of one."""


class WithheldFile(NamedTuple):
    """A file or folder left out by these rules."""

    path: str
    """Relative to the package; a folder's ends with ``/``."""
    reason: str
    """Half a sentence: why."""

    @property
    def line(self) -> str:
        """The line of ``.auignore`` to include the file."""
        escaped = re.sub(r"([\\*?\[])", r"\\\1", self.path)
        # A line can't hold a line end, and nobody types control characters or half a character.
        typeable = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "?", escaped)
        return "!" + re.sub(r" $", r"\\ ", typeable)

    @property
    def shown(self) -> str:
        """The path on one line, control characters escaped."""
        return "".join(
            character if character.isprintable() else ascii(character)[1:-1]
            for character in self.path
        )


def find_secret(name: str, *, is_folder: bool, read: Callable[[int], bytes]) -> str | None:
    """Return why an entry is left out, or None.

    Args:
        name: the last part of its path.
        is_folder: whether the entry is a folder, and no link to one.
        read: returns the first bytes of the file, empty if unreadable; called only where the name
            does not decide.
    """
    if is_folder:
        return _FOLDERS.get(name)
    reason = _FILES.get(name)
    if reason is None and name.startswith(_ENVIRONMENT_PREFIX) and name not in _HARMLESS:
        reason = "it may hold passwords"
    if reason is None and name.lower().endswith(".key"):
        reason = "it may be a private key"
    return reason or _find_secret_inside(name, read)


def _find_secret_inside(name: str, read: Callable[[int], bytes]) -> str | None:
    if name.lower().endswith(".pem") and _PRIVATE_KEY.search(read(_LOOKED_AT_BYTES)):
        return "it holds a private key"
    if name == ".npmrc" and _NPM_SECRET.search(read(_LOOKED_AT_BYTES)):
        return "it holds a token of npm"
    return None
