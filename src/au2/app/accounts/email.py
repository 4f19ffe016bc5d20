"""Email addresses, by which users are known."""

from au2.domain.errors import InvalidRequest

MOST_EMAIL_CHARACTERS = 254


def parse_email(text: str) -> str:
    """Return an email address in lower case.

    Raises:
        InvalidRequest: ``text`` is no email address.
    """
    address = text.strip().lower()
    name, at, host = address.partition("@")
    usable = address.isprintable() and " " not in address and len(address) <= MOST_EMAIL_CHARACTERS
    if not (name and at and host and usable) or "@" in host:
        raise InvalidRequest(f"'{text}' is not an email address.")
    return address
