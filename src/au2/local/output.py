"""Covering secrets in what a local run prints, as the platform does in a job's log."""

from typing import Protocol

from au2.execution.hooks import Show
from au2.secrets.masking import LineMasker, Masker


class Shown(Protocol):
    """Where output passes on its way to the terminal."""

    def show(self, stream: str, data: bytes) -> None:
        """Pass on what was printed."""
        ...

    def end(self) -> None:
        """Pass on what was kept back."""
        ...


def mask_show(show: Show, masker: Masker) -> Shown:
    """Return what covers secrets in all that is shown by ``show``."""
    return _Masked(show, masker) if masker else _Open(show)


class _Open:
    """No secrets."""

    def __init__(self, show: Show) -> None:
        self.show = show

    def end(self) -> None:
        """Nothing is kept back."""


class _Masked:
    """Masks each stream's lines by themselves."""

    def __init__(self, show: Show, masker: Masker) -> None:
        self._show = show
        self._masker = masker
        self._lines: dict[str, LineMasker] = {}

    def show(self, stream: str, data: bytes) -> None:
        line = self._lines.setdefault(stream, LineMasker(self._masker))
        *whole, rest = data.split(b"\n")
        shown = [line.feed(piece, is_end=True) + b"\n" for piece in whole]
        if rest:
            shown.append(line.feed(rest, is_end=False))
        self._pass_on(stream, b"".join(shown))

    def end(self) -> None:
        for stream, line in self._lines.items():
            self._pass_on(stream, line.feed(b"", is_end=True))

    def _pass_on(self, stream: str, data: bytes) -> None:
        if data:
            self._show(stream, data)
