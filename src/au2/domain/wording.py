"""Small parts of sentences that people read."""


def count_of(number: int, noun: str, nouns: str | None = None) -> str:
    """Return "1 item", "2 items"; what hangs on the noun may stand in it."""
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"


def as_sentence(text: str) -> str:
    """Return the text with a capital at its beginning and one full stop at its end."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
