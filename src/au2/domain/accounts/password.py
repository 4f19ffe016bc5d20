"""Rule for new passwords."""

from au2.domain.errors import InvalidRequest

PASSWORD_LEAST_CHARACTERS = 8
PASSWORD_MOST_CHARACTERS = 1024


def ensure_usable_password(password: str) -> None:
    """Refuse an unusable new password.

    Raises:
        InvalidRequest: the password is too short or too long.
    """
    if not PASSWORD_LEAST_CHARACTERS <= len(password) <= PASSWORD_MOST_CHARACTERS:
        raise InvalidRequest(
            f"A new password has {PASSWORD_LEAST_CHARACTERS} to {PASSWORD_MOST_CHARACTERS}"
            " characters."
        )
