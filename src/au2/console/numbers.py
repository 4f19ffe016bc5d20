"""Numbers as options and arguments, with bounds that are told in words."""

import math
from typing import Any, Final

import click

_MOST: Final = (1 << 63) - 1
"""The largest number that a database keeps; nothing here has a larger one."""


class WholeNumber(click.IntRange):
    """A whole number, from 1 on unless said otherwise."""

    def __init__(self, least: int = 1, most: int = _MOST) -> None:
        super().__init__(min=least, max=most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Raises BadParameter."""
        number: int = click.INT.convert(value, param, ctx)
        if self.min is not None and number < self.min:
            self.fail(f"{number} is less than {self.min}.", param, ctx)
        if self.max is not None and number > self.max:
            there = "there is no such number here" if self.max == _MOST else f"{self.max} at most"
            self.fail(f"{number} is too large: {there}.", param, ctx)
        return number


class PositiveNumber(click.FloatRange):
    """A finite number above zero."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number. Raises BadParameter."""
        number: float = click.FLOAT.convert(value, param, ctx)
        if not math.isfinite(number) or number <= 0:
            self.fail(f"'{value}' is not a number above 0.", param, ctx)
        return number
