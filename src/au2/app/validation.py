"""Validation of names, descriptions and tags."""

from collections.abc import Sequence

from au2.domain.errors import InvalidRequest

_MOST_TAGS = 50
_TAG_CHARACTERS = 100
_NAME_CHARACTERS = 200


def parse_name(text: str, what: str) -> str:
    """Return a name without the spaces around.

    Raises:
        InvalidRequest: the name is empty, too long, or not on one printable line.
    """
    name = text.strip()
    if not name or len(name) > _NAME_CHARACTERS or not name.isprintable():
        raise InvalidRequest(
            f"The name of {what} must be 1 to {_NAME_CHARACTERS} printable characters on one line."
        )
    return name


def parse_description(text: str) -> str:
    """Return a description. Raises InvalidRequest: a NUL inside."""
    if "\0" in text:
        raise InvalidRequest("A description can't hold a NUL.")
    return text


def parse_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the tags, each once, in the order given.

    Raises:
        InvalidRequest: there are too many, or one is no tag.
    """
    found = tuple(dict.fromkeys(tag.strip() for tag in tags))
    if len(found) > _MOST_TAGS:
        raise InvalidRequest(f"At most {_MOST_TAGS} tags.")
    for tag in found:
        if not tag or len(tag) > _TAG_CHARACTERS or not tag.isprintable():
            raise InvalidRequest(f"A tag must be 1 to {_TAG_CHARACTERS} printable characters.")
    return found
