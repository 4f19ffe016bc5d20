"""What `au2 process version upload` prints of its steps."""

from au2.cli.terminal import Terminal


def tell_step(terminal: Terminal, text: str) -> None:
    """Print a line of data; a remark where one document is to be all the data."""
    if terminal.output_format == "table":
        terminal.line(text)
    else:
        terminal.remark(text)
