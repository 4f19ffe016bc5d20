"""What `au2 process version upload` prints of its steps."""

from au2.console.console import Console


def tell_step(console: Console, text: str) -> None:
    """Print a line of data; a remark where one document is to be all the data."""
    if console.output_format == "table":
        console.line(text)
    else:
        console.remark(text)
