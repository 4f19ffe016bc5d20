"""The console command `au2`: what can be done about start-up time before anything is imported."""

import gc
from typing import NoReturn

_MANY_OBJECTS = 100_000
"""A command makes fewer than this, nearly all in imports, and none of them is garbage."""


def main() -> NoReturn:
    """Run the command line of this process.

    A short command is never interrupted to look for garbage, neither at work nor at its end, which
    would be a tenth of its time; one that follows a log for days still is.
    """
    gc.set_threshold(_MANY_OBJECTS)
    from au2.cli.main import main as run_command_line  # after the line above, or it would be late

    try:
        run_command_line()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
