"""The console command `au2`: settings of the interpreter, before anything is imported."""

import gc
from typing import NoReturn

_MANY_OBJECTS = 100_000
"""More objects than a command makes; nearly all come from imports, and none is garbage."""


def main() -> NoReturn:
    """Run the command line of this process.

    Short commands run and end without garbage collection, which would take a tenth of their time;
    commands that follow a log for days still collect.
    """
    gc.set_threshold(_MANY_OBJECTS)
    from au2.cli.main import main as run_command_line  # after the line above, or it would be late

    try:
        run_command_line()
    finally:
        gc.freeze()
